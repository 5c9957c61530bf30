"""The llama.cpp server inside this process: how it is configured, loaded, and why it may fail.

`xllamacpp` has no types; `LlamaServer` is the one place where that is so.
"""

from __future__ import annotations

import http.client
import importlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from graphdsl.errors import BackendError, BackendMissing, ModelCorrupt
from graphdsl.executors.catalogue import damage
from graphdsl.executors.gguf import check_complete

_PROMPT_CACHE_MIB: Final = 256
_PROMPT_BATCH: Final = 256
"""Prompt tokens between two looks at cancellation; also bounds how long decoding slots wait."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server is started with. `context` is in tokens for each of the `slots`."""

    path: Path
    slots: int
    context: int
    threads: int


class LlamaServer:
    """A loaded model. Every method blocks; `stream` may be called from many threads at once."""

    def __init__(self, server: Any, key: str) -> None:
        self._server: Any = server
        self._key = key

    def stream(self, body: dict[str, Any], on_chunk: Callable[[dict[str, Any]], bool]) -> None:
        """Run one chat completion; `on_chunk` returns True to stop it.

        An exception in `on_chunk` would be swallowed by the native code: it must not raise.
        """
        self._server.handle_chat_completions(body, on_chunk)

    def slot_context(self) -> int:
        """Tokens of context that one slot really has, after padding and the model's own limit."""
        listening: str = self._server.listening_address
        address = urlsplit(listening)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            connection.request("GET", "/props", headers={"Authorization": f"Bearer {self._key}"})
            props = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return int(props["default_generation_settings"]["n_ctx"])

    def close(self) -> None:
        """Free the model: the last reference to the native server ends its threads."""
        self._server = None


def parameters(settings: Settings, key: str) -> Any:
    """The native parameters. Raises `BackendMissing` without xllamacpp."""
    native = _native(settings.path.name)
    params: Any = native.CommonParams()
    params.model.path = str(settings.path)
    params.n_parallel = settings.slots
    params.n_ctx = settings.slots * settings.context
    params.n_batch = _PROMPT_BATCH
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = settings.threads
    params.cpuparams_batch.n_threads = settings.threads
    params.n_threads_http = 1  # nobody but us talks to the listener
    params.api_keys = [key]  # the loopback listener is open to every local user without a key
    params.ui = False
    params.offline = True
    params.verbosity = 0
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    # All that the model wrote, thinking included. `force_pure_content_parser` would do the same
    # but drops a trailing assistant message from the prompt.
    params.reasoning_format = native.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    return params


def load(settings: Settings, model: str) -> LlamaServer:
    """Load and warm up. Raises `BackendMissing`, `ModelCorrupt` and `BackendError`."""
    key = secrets.token_urlsafe(32)
    params = parameters(settings, key)
    try:
        return LlamaServer(_native(model).Server(params), key)
    except RuntimeError as error:
        raise _diagnose(settings, model) from error


def _native(model: str) -> Any:
    try:
        return importlib.import_module("xllamacpp")
    except ModuleNotFoundError as error:
        raise BackendMissing("xllamacpp", extra="embedded", model=model) from error


def _diagnose(settings: Settings, model: str) -> BackendError:
    """llama.cpp only says that it failed: look at the file to find out why."""
    try:
        check_complete(settings.path)
    except ValueError as error:
        return ModelCorrupt(
            f"{settings.path} is not a usable model: {error}; delete it and fetch it again "
            "(a catalogue model with: graphdsl models pull NAME)",
            model=model,
        )
    if damaged := damage(settings.path):
        return ModelCorrupt(damaged, model=model)
    return BackendError(
        f"llama.cpp cannot load {settings.path} with {settings.slots} slots of {settings.context} "
        "tokens: its architecture is not supported, its data is damaged, or memory is short; "
        "try fewer `slots`, a smaller `context`, or fetch the file again",
        model=model,
    )
