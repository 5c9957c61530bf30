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

_PROMPT_BATCH: Final = 256
"""Prompt tokens between two looks at cancellation; also bounds how long decoding slots wait."""

_PATIENCE: Final = 30.0
"""Seconds that the loopback listener has for an answer; it answers between two batches."""

OnChunk = Callable[[dict[str, Any]], bool]
"""Takes a chunk of a stream; True stops it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server is started with. `context` is in tokens for each of the `slots`.

    With `embedding` it turns texts into vectors, the mean over their tokens, and writes nothing.
    `states` is a folder for what slots know, in files.
    """

    path: Path
    slots: int
    context: int
    threads: int
    embedding: bool = False
    states: Path | None = None


class LlamaServer:
    """A loaded model. Every method blocks, and may be called from many threads at once.

    What it asks the loopback listener raises `BackendError` where that does not answer in time.
    """

    def __init__(self, server: Any, key: str, model: str) -> None:
        self._server: Any = server
        self._key = key
        self._model = model

    def chat(self, body: dict[str, Any], on_chunk: OnChunk) -> None:
        """Run one streaming chat completion; `on_chunk` returns True to stop it.

        An exception in `on_chunk` would be swallowed by the native code: it must not raise.
        """
        self._server.handle_chat_completions(body, on_chunk)

    def complete(self, body: dict[str, Any], on_chunk: OnChunk) -> None:
        """Run one streaming completion of a raw text, as `chat` does."""
        self._server.handle_completions(body, on_chunk)

    def embed(self, text: str) -> dict[str, Any]:
        """The vector of one text, or an `error`; only where it was loaded for `embedding`."""
        reply: dict[str, Any] = self._server.handle_embeddings({"input": [text]})
        return reply

    def tokenize(self, text: str) -> list[tuple[int, bool]]:
        """The tokens of a text, in which control strings are no control tokens.

        Each comes with whether it is whole characters; one may also be a part of one.
        """
        body = {"content": text, "parse_special": False, "with_pieces": True}
        tokens: list[dict[str, Any]] = self._ask("POST", "/tokenize", body)["tokens"]
        return [(token["id"], isinstance(token["piece"], str)) for token in tokens]

    def render(self, turns: list[dict[str, str]]) -> str:
        """A chat as the text that the model reads, by its own template."""
        rendered: str = self._ask("POST", "/apply-template", {"messages": turns})["prompt"]
        return rendered

    def save(self, slot: int, name: str) -> int:
        """Write what an idle slot knows to a file in the folder `states`; its bytes, else 0."""
        reply = self._try(f"/slots/{slot}?action=save", {"filename": name})
        return int(reply.get("n_written", 0))

    def load(self, slot: int, name: str) -> bool:
        """Make an idle slot know what such a file holds; False where that fails."""
        reply = self._try(f"/slots/{slot}?action=restore", {"filename": name})
        return bool(reply.get("n_restored", 0))

    def slot_context(self) -> int:
        """Tokens of context that one slot really has, after padding and the model's own limit."""
        return int(self._ask("GET", "/props")["default_generation_settings"]["n_ctx"])

    def close(self) -> None:
        """Free the model: the last reference to the native server ends its threads."""
        self._server = None

    def _try(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """As `_ask`, for what can be done without: nothing where there is no answer."""
        try:
            return self._ask("POST", path, body)
        except BackendError:
            return {}

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the loopback listener answers; it knows things that no native call tells."""
        listening: str = self._server.listening_address
        address = urlsplit(listening)
        connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=_PATIENCE
        )
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            said = str(error) or type(error).__name__
            raise BackendError(
                f"the server of `{self._model}` in this process does not answer: {said}; it is "
                "busy with long prompts if it is not broken",
                model=self._model,
                retryable=True,
            ) from error
        finally:
            connection.close()


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
    params.cache_ram_mib = 0  # it is not asked where calls name their slot
    if settings.states is not None:
        params.slot_save_path = f"{settings.states}/"
    # All that the model wrote, thinking included. `force_pure_content_parser` would do the same
    # but drops a trailing assistant message from the prompt.
    params.reasoning_format = native.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    if settings.embedding:
        params.embedding = True
        params.pooling_type = native.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        params.n_batch = params.n_ubatch = settings.context  # a text is read in one piece
    return params


def load(settings: Settings, model: str) -> LlamaServer:
    """Load and warm up. Raises `BackendMissing`, `ModelCorrupt` and `BackendError`."""
    key = secrets.token_urlsafe(32)
    params = parameters(settings, key)
    try:
        return LlamaServer(_native(model).Server(params), key, model)
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
