"""What a model block says about an endpoint: addresses, key, capabilities, dialect."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from graphdsl.errors import AccessDenied, ModelNotFound
from graphdsl.executors.abc import Capabilities
from graphdsl.executors.http_address import parse_address
from graphdsl.executors.openai_dialect import Dialect
from graphdsl.executors.secret import Secret
from graphdsl.ir.backends import declared_capabilities
from graphdsl.ir.entities import EnvVar, ModelSpec
from graphdsl.ir.usual_address import ELSEWHERE, usual_address

API_KEY: Final = EnvVar("OPENAI_API_KEY")
"""Where a model block has no `base_url`, and no `api_key` either."""

CEILING: Final = 1024
"""Calls at the same time, where the model block does not say how many."""


def base_urls(spec: ModelSpec) -> tuple[str, ...]:
    """The addresses of the endpoint: those of the block, else the usual one of its backend.

    Raises `ModelNotFound` where a variable is not set, or holds what is no address, and where
    there is no address at all.
    """
    if spec.addresses:
        return tuple(_place(place, spec) for place in spec.addresses)
    found = usual_url(spec)
    if found is None:
        raise ModelNotFound(f"model `{spec.name}` needs a `base_url`", model=spec.name)
    return (found,)


def usual_url(spec: ModelSpec) -> str | None:
    """The address of a model without a `base_url`; None where it has no usual one.

    Raises `ModelNotFound` where the environment names one that is none.
    """
    found = usual_address(spec)
    if found is not None:
        usual = (variable for variable in ELSEWHERE[spec.backend] if variable.read())
        if (variable := next(usual, None)) is not None:
            parse_address(found, spec.name, variable.name)
    return found


def api_key(spec: ModelSpec) -> tuple[Secret | None, str | None]:
    """The key, and the name of the variable that holds it; (None, None) where none is declared.

    `OPENAI_API_KEY` counts where the block has neither `base_url` nor `api_key`. Raises
    `AccessDenied` for a declared variable that is not set, or holds what cannot be a key.
    """
    declared = spec.options.get("api_key")
    variable: EnvVar = declared or API_KEY
    if declared is None and "base_url" in spec.options:
        return None, None
    value = variable.read()
    if value is None:
        if declared is None:
            return None, variable.name
        raise AccessDenied(
            f"model `{spec.name}` takes its key from `{variable.name}`, which is not set; set "
            "that environment variable",
            model=spec.name,
        )
    if not (value.isascii() and value.isprintable()):
        raise AccessDenied(
            f"`{variable.name}`, the key of model `{spec.name}`, holds characters that no key has",
            model=spec.name,
        )
    return Secret(value), variable.name


def capabilities(spec: ModelSpec) -> Capabilities:
    """What the block declares; without `max_in_flight` the engine finds the bound by trying."""
    able = declared_capabilities(spec.backend, spec.options)
    in_flight = spec.options.get("max_in_flight")
    return Capabilities(
        max_in_flight=in_flight or CEILING,
        adaptive=in_flight is None,
        context_tokens=spec.options.get("context"),
        **dict.fromkeys(able, True),  # pyright: ignore[reportArgumentType] (names of flags)
    )


def dialect(spec: ModelSpec, urls: tuple[str, ...]) -> Dialect:
    """How the block says, or the host lets guess, that this server wants to be spoken to."""
    own = any(urlsplit(url).hostname == "api.openai.com" for url in urls)
    usual = "max_completion_tokens" if own else "max_tokens"
    return Dialect(
        limit_name=spec.options.get("limit_name", usual),
        stream=bool(spec.options.get("stream", False)),
        repeats_prefix=True,
        reasoning_effort=spec.options.get("reasoning_effort"),
    )


def _place(place: str | EnvVar, spec: ModelSpec) -> str:
    if isinstance(place, str):
        return place
    found = place.read()
    if found is None:
        raise ModelNotFound(
            f"model `{spec.name}` takes its `base_url` from `{place.name}`, which is not set; set "
            "that environment variable",
            model=spec.name,
        )
    parse_address(found, spec.name, place.name)
    return found
