"""A GGUF model inside this process, on the CPU: llama.cpp through `xllamacpp`.

Batching is continuous over `slots`; calls beyond them wait here, not in the native queue, so that
a cancelled call costs nothing. Every call streams inside, which makes it stoppable at each token
(and every 256 tokens while a prompt is read). The chat template is the model's own.
"""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from graphdsl.errors import BackendError
from graphdsl.executors.abc import Capabilities, ChatRequest, Completion
from graphdsl.executors.cpus import default_threads
from graphdsl.executors.download import Progress
from graphdsl.executors.gguf import read_header
from graphdsl.executors.llama_chat import Generation, control_pattern, request_body
from graphdsl.executors.llama_server import LlamaServer, Settings, load
from graphdsl.executors.model_file import find_file
from graphdsl.plan import ModelSpec

SLOTS: Final = 8
"""Generations at the same time, unless the model block says otherwise."""

CONTEXT: Final = 2048
"""Tokens of context for one generation, unless the model block says otherwise."""


class EmbeddedBackend:
    """A loaded model; make one with `open`.

    The same seed and prompt give the same text whatever else runs beside it. A trailing assistant
    message is continued and the returned text *excludes* it. The tokenizer's control strings in
    the text of a turn are broken by a space: they are data. Log-probabilities cover the tokens
    that the server reports: those inside a multi-byte character, and those of a stop string or of
    the end of the turn, are not among them. `top_k` 40 and `min_p` 0.05 apply, as everywhere in
    llama.cpp.
    """

    def __init__(self, name: str, settings: Settings, pool: ThreadPoolExecutor) -> None:
        """For `open`; the model is loaded by `_load`, in the pool."""
        self._name = name
        self._settings = settings
        self._pool = pool
        self._slots = asyncio.Semaphore(settings.slots)
        self._active: set[Generation] = set()
        self._server: LlamaServer | None = None
        self._control: re.Pattern[str] | None = None
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
        await self._slots.acquire()
        generation = Generation(self._name, request.meter)
        try:
            work = partial(_generate, self._open_server(), request, self._control, generation)
            future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        except BaseException:
            self._slots.release()
            raise
        self._active.add(generation)
        future.add_done_callback(partial(self._finished, generation))
        try:
            return await asyncio.shield(future)
        finally:
            generation.stop.set()

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
            prefix_continuation=True,
            context_tokens=await loop.run_in_executor(self._pool, server.slot_context),
        )

    async def _close(self) -> None:
        server, self._server = self._server, None
        for generation in self._active:
            generation.stop.set()
        for _ in range(self._settings.slots):
            await self._slots.acquire()  # all of them: nothing runs any more
        for _ in range(self._settings.slots):
            self._slots.release()  # those who still wait learn that it is closed
        if server is not None:
            await asyncio.get_running_loop().run_in_executor(self._pool, server.close)
        self._pool.shutdown(wait=True)

    def _finished(self, generation: Generation, future: asyncio.Future[Completion]) -> None:
        self._active.discard(generation)
        self._slots.release()
        if not future.cancelled():
            future.exception()  # seen: a cancelled caller does not come back for it

    def _open_server(self) -> LlamaServer:
        if self._server is None:
            raise BackendError(f"`{self._name}` is closed", model=self._name)
        return self._server


def _control(settings: Settings) -> re.Pattern[str] | None:
    """Reads the file's header: some 0.1 s for 50 000 tokens."""
    return control_pattern(read_header(settings.path).control_tokens)


def _generate(
    server: LlamaServer,
    request: ChatRequest,
    control: re.Pattern[str] | None,
    generation: Generation,
) -> Completion:
    """Runs on a worker thread until the text is complete or `generation.stop` is set."""
    if not generation.stop.is_set():
        try:
            server.stream(request_body(request, control), generation.on_chunk)
        except (RuntimeError, ValueError) as error:  # how the native code reports a bad body
            raise generation.refused(str(error)) from error
    return generation.completion(logprobs=request.logprobs)
