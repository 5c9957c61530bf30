"""The package litellm: imported once, late, off the event loop, and kept quiet and at home.

It takes seconds to import, so that happens on a thread. It is told not to fetch anything on its
own (its price table, lists of headers), and not to read a `.env` file into our environment. What
an environment says already stays as it is.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import threading
import warnings
from contextvars import ContextVar
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from graphdsl.errors import BackendError, BackendMissing

PACKAGES: Final = ("litellm", "litellm-core")
"""Distributions that bring the module `litellm`; the second is a part of the first."""

_STOLEN: Final = ("1.82.7", "1.82.8")
_STOLEN_SERIES: Final = "1.107."

_SETTINGS: Final = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_OFFLINE_MODE": "true",
    "LITELLM_MODE": "PRODUCTION",
}
"""Read by litellm, partly while it is imported; the last one keeps it from `.env` files."""

_WARNINGS: Final = (
    r".*conflict with protected namespace.*",
    r".*Accessing the.*attribute on the instance is deprecated.*",
    r".*`ReadOnly` qualifier.*",
)
"""What pydantic says about litellm's own classes. litellm ignores these when it is imported; it
imports parts of itself later, and a program may have set its filters anew meanwhile."""

_LOCK: Final = threading.Lock()


class Abandonable:
    """Who a call belongs to, and whether somebody still waits for it."""

    __slots__ = ("abandoned", "owner")

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.abandoned = False


CALL: Final[ContextVar[Abandonable | None]] = ContextVar("graphdsl_litellm_call", default=None)
"""The call that the current context works for. litellm copies the context to its threads."""


async def load(model: str) -> Any:
    """The module `litellm`, ready for use, for the declared model of that name.

    Raises `BackendMissing`, and `BackendError` for a release that nobody should run: that is
    seen before anything of it is imported.
    """
    return await asyncio.to_thread(_load, model)


def _load(model: str) -> Any:
    refuse_stolen(installed(model), model)
    with _LOCK:
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            litellm: Any = import_module("litellm")
        except ImportError as error:
            raise BackendError(
                f"`litellm` is installed but cannot be imported ({error}); "
                "pip install --force-reinstall 'graphdsl-tts[litellm]'",
                model=model,
            ) from error
        _hush(litellm)
        _separate_clients(litellm.in_memory_llm_clients_cache)
        return litellm


def installed(model: str) -> str:
    """The version of litellm, without importing it. Raises `BackendMissing`."""
    for package in PACKAGES:
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    raise BackendMissing("litellm", extra="litellm", model=model)


def refuse_stolen(found: str, model: str) -> None:
    """Raise `BackendError` for a release that thieves of the project's keys have published."""
    if found in _STOLEN or found.startswith(_STOLEN_SERIES):
        raise BackendError(
            f"litellm {found} is installed, one of the releases (1.82.7, 1.82.8, 1.107.*) that "
            "were published with stolen keys to steal more of them; it will not be imported: pip "
            "install --upgrade 'graphdsl-tts[litellm]', and change every key that this machine "
            "holds",
            model=model,
        )


async def close_clients(litellm: Any, owner: str) -> None:
    """Close the connections that litellm has made for the calls of this owner, and forget them."""
    cache = litellm.in_memory_llm_clients_cache
    for key in [key for key in cache.cache_dict if key.endswith(owner)]:
        client = cache.cache_dict[key]
        cache.delete_cache(key)
        closing = client.close()
        if inspect.isawaitable(closing):
            await closing


def _hush(litellm: Any) -> None:
    """No banners, no warnings about itself, no log lines unless the environment asks for them."""
    litellm.suppress_debug_info = True
    for message in _WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    if "LITELLM_LOG" not in os.environ:
        logging.getLogger("LiteLLM").setLevel(logging.CRITICAL + 1)


def _separate_clients(cache: Any) -> None:
    """Give every owner connections of its own.

    litellm shares them in the whole process and never closes them; so the key of each in its
    cache gets the owner's name as well. A call that nobody waits for ends there, before it sends.
    """
    shared = cache.update_cache_key_with_event_loop
    if getattr(shared, "separates_owners", False):
        return

    def separate(key: str) -> str:
        call = CALL.get()
        if call is None:
            return shared(key)
        if call.abandoned:
            raise asyncio.CancelledError
        return shared(key) + call.owner

    separate.separates_owners = True  # pyright: ignore[reportFunctionMemberAccess]
    cache.update_cache_key_with_event_loop = separate
