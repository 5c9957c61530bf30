"""Requests in the words of litellm: what a model does not take is left out, or done here.

Nothing is dropped behind anybody's back. Besides what the capabilities exclude, a temperature is
left out where the provider takes none at all; stop strings that it does not take are looked for in
the reply. Any other parameter is sent, and litellm refuses it where it must.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from graphdsl.executors.litellm_model import LitellmModel
from graphdsl.executors.openai_wire import encoded

_CONTINUES: Final = ("continue_final_message", "add_generation_prompt")


class _NoRetries(int):
    """A zero that `or` does not take for a missing value, as litellm does for embeddings."""

    def __bool__(self) -> bool:
        return True


NO_RETRIES: Final = {"num_retries": 0, "max_retries": _NoRetries(0)}
"""litellm's own retries, and those of the SDKs below it."""


def arguments(body: Mapping[str, Any], model: LitellmModel) -> dict[str, Any]:
    """The keyword arguments for a body that would go to a server with the OpenAI interface."""
    taken: dict[str, Any] = json.loads(encoded(body))  # a copy without lone surrogates
    taken["model"] = model.sent
    if not model.temperature:
        taken.pop("temperature", None)
    if not taken.get("stop"):
        taken.pop("stop", None)
    if unlisted := [name for name in model.unlisted if name in taken]:
        taken["allowed_openai_params"] = unlisted
    _continuation(taken, model)
    return taken


def _continuation(taken: dict[str, Any], model: LitellmModel) -> None:
    """How a trailing assistant message is to be continued: by flags, by a mark, or as it is."""
    flags = {name: taken.pop(name) for name in _CONTINUES if name in taken}
    if flags and model.manners.openai_like:
        taken["extra_body"] = flags
    elif flags and model.manners.marks_prefix:
        taken["messages"][-1]["prefix"] = True
