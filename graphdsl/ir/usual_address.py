"""Where calls for OpenAI go when a model block does not say: opening and pricing agree on it."""

from __future__ import annotations

from typing import Final

from graphdsl.ir.entities import EnvVar, ModelSpec

OPENAI: Final = "https://api.openai.com/v1"

ELSEWHERE: Final = {
    "openai": (EnvVar("OPENAI_BASE_URL"),),
    "litellm": (EnvVar("OPENAI_BASE_URL"), EnvVar("OPENAI_API_BASE")),
}
"""Variables that send such calls to another address, by backend; the first that is set counts."""


def usual_address(spec: ModelSpec) -> str | None:
    """Where a model without a `base_url` is called, as the environment is now.

    None for one that never goes to OpenAI unasked: through litellm, only `openai/…` does.
    """
    elsewhere = ELSEWHERE.get(spec.backend)
    if elsewhere is None or (spec.backend == "litellm" and not spec.model.startswith("openai/")):
        return None
    found = (variable.read() for variable in elsewhere)
    return next((address for address in found if address is not None), OPENAI)
