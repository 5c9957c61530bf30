"""What a model block says about an endpoint: addresses, key, capabilities, dialect."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from graphdsl.errors import AccessDenied, BackendError
from graphdsl.executors.abc import Capabilities
from graphdsl.executors.openai_dialect import Dialect
from graphdsl.executors.secret import Secret
from graphdsl.ir.backends import declared_capabilities
from graphdsl.ir.entities import EnvVar, ModelSpec

OPENAI: Final = "https://api.openai.com/v1"
BASE_URL: Final = EnvVar("OPENAI_BASE_URL")
API_KEY: Final = EnvVar("OPENAI_API_KEY")
"""Where a model block has no `base_url`, and no `api_key` either."""

CEILING: Final = 1024
"""Calls at the same time, where the model block does not say how many."""


def base_urls(spec: ModelSpec, default: str | None = OPENAI) -> tuple[str, ...]:
    """The addresses of the endpoint: those of the block, else `OPENAI_BASE_URL`, else `default`.

    Raises `BackendError` where a variable is not set, and where there is no address at all.
    """
    given = spec.options.get("base_url")
    if given is None:
        found = (BASE_URL.read() or default) if default else None
        if found is None:
            raise BackendError(f"model `{spec.name}` needs a `base_url`", model=spec.name)
        return (found,)
    return tuple(_place(place, spec) for place in _each(given))


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


def _each(given: Any) -> tuple[str | EnvVar, ...]:
    return (given,) if isinstance(given, str | EnvVar) else tuple(given)


def _place(place: str | EnvVar, spec: ModelSpec) -> str:
    if isinstance(place, str):
        return place
    found = place.read()
    if found is None:
        raise BackendError(
            f"model `{spec.name}` takes its `base_url` from `{place.name}`, which is not set; set "
            "that environment variable",
            model=spec.name,
        )
    return found
