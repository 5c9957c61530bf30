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
from pathlib import Path
from typing import Final

from graphdsl.errors import Unsupported
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
from graphdsl.executors.identity import identity, package_version
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
from graphdsl.executors.llama_slots import LlamaSlots, Prompt
from graphdsl.executors.llama_states import States, bytes_per_token
from graphdsl.executors.model_file import find_file
from graphdsl.executors.weights_digest import file_identity
from graphdsl.plan import ModelSpec

SLOTS: Final = 8
"""Generations at the same time, unless the model block says otherwise."""

CONTEXT: Final = 2048
"""Tokens of context for one generation, unless the model block says otherwise."""


class EmbeddedBackend(Backend):
    """A loaded model; make one with `open`.

    The same seed and prompt give the same text while the engine rounds alike: prompts that are read
    in one batch with others, or stand in a cache, may differ in the last bits, and then a sample at
    a high temperature may go another way after some tokens. A trailing assistant message is
    continued and the returned text *excludes* it. The tokenizer's control strings in
    the text of a turn are broken by a space: they are data. Log-probabilities cover the tokens
    that the server reports: those inside a multi-byte character, and those of a stop string or of
    the end of the turn, are not among them. `top_k` 40 and `min_p` 0.05 apply, as everywhere in
    llama.cpp.

    A text or label is scored along its own tokens, so labels may begin alike; the prompt counts
    once for each of them, mostly as cached. Vectors are means over the tokens of a text, from a
    second copy of the model that is loaded at the first `embed`.
    """

    def __init__(
        self, name: str, settings: Settings, pool: ThreadPoolExecutor, states: States
    ) -> None:
        """For `open`; the model is loaded by `_load`, in the pool."""
        self._name = name
        self._settings = settings
        self._pool = pool
        self._states = states
        self._slots = LlamaSlots(name, settings.slots, pool, states)
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
        states = States()
        try:
            path = await find_file(spec.model, pool, progress, spec.folder)
            settings = Settings(
                path,
                slots,
                spec.options.get("context", CONTEXT),
                spec.options.get("threads") or await loop.run_in_executor(pool, default_threads),
                states=states.path,
            )
            backend = cls(spec.name, settings, pool, states)
            await backend._load()
        except BaseException:
            pool.shutdown(wait=False)
            states.close()
            raise
        return backend

    @property
    def capabilities(self) -> Capabilities:
        """What this model can do; `context_tokens` is what a slot really got."""
        return self._capabilities

    @property
    def keeps_states(self) -> bool:
        """Whether what a slot knew is kept in memory when another prompt takes its place."""
        return self._states.fast

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
        return await self._slots.run(
            lambda server, slot, stop: score(
                server, self._name, request, self._control, slot, stop
            ),
            Prompt.of_chat(request.messages, self._control),
        )

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """Turn texts into vectors of length 1. Raises like `chat`; an empty text is refused."""
        return await self._slots.run(
            lambda _server, _slot, stop: self._embedder.embed(
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
        context = await loop.run_in_executor(self._pool, server.slot_context)
        self._slots.server = server
        header = await loop.run_in_executor(self._pool, read_header, self._settings.path)
        self._control = control_pattern(header.control_tokens)
        self._slots.expect(bytes_per_token(header.metadata))
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
            context_tokens=context,
            identity=await loop.run_in_executor(
                self._pool, _identity, self._settings.path, context
            ),
        )

    async def _close(self) -> None:
        server = await self._slots.close()
        if server is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._pool, server.close)
            await loop.run_in_executor(self._pool, self._embedder.close)
        self._pool.shutdown(wait=True)
        self._states.close()

    async def _write(self, request: ChatRequest | TextRequest) -> Completion:
        listener = request.listener
        if listener is not None:  # it is called here, where its owner lives
            listener = partial(asyncio.get_running_loop().call_soon_threadsafe, listener)
        work = partial(_generate, self._name, request, self._control, listener)
        if isinstance(request, ChatRequest):
            prompt = Prompt.of_chat(request.messages, self._control)
        else:
            prompt = Prompt.of_text(request.text)
        return await self._slots.run(work, prompt, request.meter)


def _identity(path: Path, context: int) -> str | None:
    """Reads the whole file when it is new; some seconds for a large one."""
    try:
        weights = file_identity(path)
    except OSError:
        return None  # it is gone already
    build = package_version("xllamacpp")
    return identity("embedded", weights=weights, context=context, build=build)


def _generate(
    model: str,
    request: ChatRequest | TextRequest,
    control: Control,
    listener: Callable[[str], object] | None,
    server: LlamaServer,
    slot: int,
    stop: threading.Event,
) -> Completion:
    """Runs on a worker thread until the text is complete or `stop` is set."""
    generation = Generation(model, stop, request.meter, listener)
    if isinstance(request, ChatRequest):
        call, body = server.chat, chat_body(request, control)
    else:
        call, body = server.complete, text_body(request)
    return generation.run(call, body | {"id_slot": slot}, logprobs=request.logprobs)
