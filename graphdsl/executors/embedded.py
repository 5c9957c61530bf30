"""A GGUF model inside this process, on the CPU: llama.cpp through `xllamacpp`.

Batching is continuous over `slots`; calls beyond them wait here, not in the native queue, so that
a cancelled call costs nothing. Every call streams inside, which makes it stoppable at each token
(and every 256 tokens while a prompt is read). The chat template is the model's own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from graphdsl.errors import BackendError, Unsupported
from graphdsl.executors.abc import (
    Backend,
    Capabilities,
    ChatRequest,
    Completion,
    Embeddings,
    EmbedRequest,
    ScoreRequest,
    Scores,
    TextRequest,
)
from graphdsl.executors.cpus import default_threads
from graphdsl.executors.download import Progress
from graphdsl.executors.gguf import read_header
from graphdsl.executors.llama_embeddings import Embedder
from graphdsl.executors.llama_generation import Generation
from graphdsl.executors.llama_request import (
    Control,
    chat_body,
    control_pattern,
    data,
    text_body,
)
from graphdsl.executors.llama_scores import score
from graphdsl.executors.llama_server import LlamaServer, Settings, load
from graphdsl.executors.model_file import find_file
from graphdsl.plan import ModelSpec

SLOTS: Final = 8
"""Generations at the same time, unless the model block says otherwise."""

CONTEXT: Final = 2048
"""Tokens of context for one generation, unless the model block says otherwise."""

_T = TypeVar("_T")
_Work = Callable[[LlamaServer, threading.Event], _T]
"""Runs on a worker thread until it is done, or the event is set."""


class EmbeddedBackend(Backend):
    """A loaded model; make one with `open`.

    The same seed and prompt give the same text whatever else runs beside it. A trailing assistant
    message is continued and the returned text *excludes* it. The tokenizer's control strings in
    the text of a turn are broken by a space: they are data. Log-probabilities cover the tokens
    that the server reports: those inside a multi-byte character, and those of a stop string or of
    the end of the turn, are not among them. `top_k` 40 and `min_p` 0.05 apply, as everywhere in
    llama.cpp.

    A text or label is scored along its own tokens, so labels may begin alike; the prompt counts
    once for each of them, mostly as cached. Vectors are means over the tokens of a text, from a
    second copy of the model that is loaded at the first `embed`.
    """

    def __init__(self, name: str, settings: Settings, pool: ThreadPoolExecutor) -> None:
        """For `open`; the model is loaded by `_load`, in the pool."""
        self._name = name
        self._settings = settings
        self._pool = pool
        self._slots = asyncio.Semaphore(settings.slots)
        self._active: set[threading.Event] = set()
        self._server: LlamaServer | None = None
        self._embedder = Embedder(settings, name)
        self._control: Control = None
        self._capabilities = Capabilities()
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, spec: ModelSpec, *, progress: Progress | None = None) -> EmbeddedBackend:
        """Load `spec.model`: a catalogue name, or the path of a .gguf file.

        A catalogue model that is not in the cache is fetched first if `progress` is given, which
        is the consent to a download; otherwise it is a `ModelNotFound`. Raises `BackendMissing`,
        `ModelCorrupt` and `BackendError` too.
        """
        loop = asyncio.get_running_loop()
        slots = spec.options.get("slots", SLOTS)
        pool = ThreadPoolExecutor(slots, thread_name_prefix=f"graphdsl-{spec.name}")
        try:
            path = await find_file(spec.model, pool, progress, spec.folder)
            settings = Settings(
                path,
                slots,
                spec.options.get("context", CONTEXT),
                spec.options.get("threads") or await loop.run_in_executor(pool, default_threads),
            )
            backend = cls(spec.name, settings, pool)
            await backend._load()
        except BaseException:
            pool.shutdown(wait=False)
            raise
        return backend

    @property
    def capabilities(self) -> Capabilities:
        """What this model can do; `context_tokens` is what a slot really got."""
        return self._capabilities

    async def chat(self, request: ChatRequest) -> Completion:
        """Generate one completion; cancelling the task stops it and frees its slot.

        Raises `ContextOverflow` for a long prompt, and `BackendError`.
        """
        return await self._write(request)

    async def complete(self, request: TextRequest) -> Completion:
        """Continue a raw text, whose control strings are meant. Otherwise like `chat`."""
        return await self._write(request)

    async def score(self, request: ScoreRequest) -> Scores:
        """Score labels and texts; see `llama_scores`. Raises like `chat`, and `Unsupported`."""
        if request.kind == "relevance":
            raise Unsupported("relevance_scores", model=self._name)
        return await self._in_slot(
            lambda server, stop: score(server, self._name, request, self._control, stop)
        )

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """Turn texts into vectors of length 1. Raises like `chat`; an empty text is refused."""
        return await self._in_slot(
            lambda _, stop: self._embedder.embed(
                [data(text, self._control) for text in request.texts], stop
            )
        )

    async def aclose(self) -> None:
        """Stop what runs, free the model and its threads; calls that wait raise `BackendError`."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def _load(self) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.run_in_executor(self._pool, load, self._settings, self._name)
        self._server = server
        self._control = await loop.run_in_executor(self._pool, _control, self._settings)
        self._capabilities = Capabilities(
            max_in_flight=self._settings.slots,
            seeds=True,
            logprobs=True,
            stop_strings=True,
            cancellation=True,
            metered=True,
            prefix_continuation=True,
            completions=True,
            structured=True,
            label_scores=True,
            text_scores=True,
            embeddings=True,
            context_tokens=await loop.run_in_executor(self._pool, server.slot_context),
        )

    async def _close(self) -> None:
        server, self._server = self._server, None
        for stop in self._active:
            stop.set()
        for _ in range(self._settings.slots):
            await self._slots.acquire()  # all of them: nothing runs any more
        for _ in range(self._settings.slots):
            self._slots.release()  # those who still wait learn that it is closed
        if server is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._pool, server.close)
            await loop.run_in_executor(self._pool, self._embedder.close)
        self._pool.shutdown(wait=True)

    async def _write(self, request: ChatRequest | TextRequest) -> Completion:
        listener = request.listener
        if listener is not None:  # it is called here, where its owner lives
            listener = partial(asyncio.get_running_loop().call_soon_threadsafe, listener)
        return await self._in_slot(partial(_generate, self._name, request, self._control, listener))

    async def _in_slot(self, work: _Work[_T]) -> _T:
        """Work on a thread of the pool, in a slot that is free again once the work has ended."""
        await self._slots.acquire()
        stop = threading.Event()
        try:
            run = asyncio.get_running_loop().run_in_executor
            future = run(self._pool, work, self._open_server(), stop)
        except BaseException:
            self._slots.release()
            raise
        self._active.add(stop)
        future.add_done_callback(partial(self._finished, stop))
        try:
            return await asyncio.shield(future)
        finally:
            stop.set()

    def _finished(self, stop: threading.Event, future: asyncio.Future[Any]) -> None:
        self._active.discard(stop)
        self._slots.release()
        if not future.cancelled():
            future.exception()  # seen: a cancelled caller does not come back for it

    def _open_server(self) -> LlamaServer:
        if self._server is None:
            raise BackendError(f"`{self._name}` is closed", model=self._name)
        return self._server


def _control(settings: Settings) -> Control:
    """Reads the file's header: some 0.1 s for 50 000 tokens."""
    return control_pattern(read_header(settings.path).control_tokens)


def _generate(
    model: str,
    request: ChatRequest | TextRequest,
    control: Control,
    listener: Callable[[str], object] | None,
    server: LlamaServer,
    stop: threading.Event,
) -> Completion:
    """Runs on a worker thread until the text is complete or `stop` is set."""
    generation = Generation(model, stop, request.meter, listener)
    if isinstance(request, ChatRequest):
        call, body = server.chat, chat_body(request, control)
    else:
        call, body = server.complete, text_body(request)
    return generation.run(call, body, logprobs=request.logprobs)
