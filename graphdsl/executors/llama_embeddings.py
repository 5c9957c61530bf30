"""Vectors from llama.cpp: a second server of the same file, since one cannot do both."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from graphdsl.errors import BackendError
from graphdsl.executors.abc import Embeddings
from graphdsl.executors.llama_generation import failure, overflow, stopped
from graphdsl.executors.llama_server import LlamaServer, Settings, load
from graphdsl.values import Usage

_ENDS = 2
"""Tokens that a tokenizer may put around a text."""


class Embedder:
    """Opens its server at first use. Every method blocks, on any thread."""

    def __init__(self, settings: Settings, model: str) -> None:
        self._settings = replace(settings, slots=1, embedding=True)
        self._model = model
        self._lock = threading.Lock()
        self._server: LlamaServer | None = None

    def embed(self, texts: Sequence[str], stop: threading.Event) -> Embeddings:
        """One vector of length 1 per text; `stop` ends it between two texts.

        Raises `ContextOverflow` for a long text, and `BackendError`.
        """
        server = self._opened()
        vectors: list[tuple[float, ...]] = []
        tokens = 0
        for text in texts:
            if stop.is_set():
                raise stopped(self._model)
            reply = server.embed(text)
            if "error" in reply:
                raise self._failure(server, text, reply["error"])
            vectors.append(tuple(reply["data"][0]["embedding"]))
            tokens += reply["usage"]["prompt_tokens"]
        return Embeddings(tuple(vectors), Usage(calls=1, prompt_tokens=tokens))

    def close(self) -> None:
        """Free the server, if it was opened."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _opened(self) -> LlamaServer:
        with self._lock:
            if self._server is None:
                self._server = load(self._settings, self._model)
            return self._server

    def _failure(self, server: LlamaServer, text: str, error: dict[str, object]) -> BackendError:
        """A long text is refused as a fault of the server's batch: it is the context that ends."""
        tokens = len(server.tokenize(text))
        if tokens + _ENDS > self._settings.context:
            return overflow(self._model, tokens, self._settings.context)
        return failure(self._model, error)
