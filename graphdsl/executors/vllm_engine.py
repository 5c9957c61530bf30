"""vLLM's engine owned by this process, without a server: `run = in_process`.

The engine computes in a child process of its own (vLLM spawns it, so a script of yours needs its
`if __name__ == "__main__":`). Samples of one prompt are separate requests: their common beginning
is computed once, and each is aborted by cancelling its task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from graphdsl.errors import BackendError, Unsupported
from graphdsl.executors.abc import (
    Backend,
    Capabilities,
    ChatRequest,
    Completion,
    Embeddings,
    EmbedRequest,
    Sampling,
    ScoreRequest,
    Scores,
    TextRequest,
)
from graphdsl.executors.llama_scores import shares
from graphdsl.executors.openai_reply import stats
from graphdsl.executors.running_calls import RunningCalls
from graphdsl.executors.tally import Tally
from graphdsl.executors.vllm_arguments import in_flight, weights
from graphdsl.executors.vllm_generation import EngineReply, floor, sampling_params
from graphdsl.executors.vllm_host import EngineHost
from graphdsl.executors.vllm_identity import engine_identity
from graphdsl.executors.vllm_metrics import EngineMetrics
from graphdsl.executors.vllm_request import accepted, control_of, no_text
from graphdsl.executors.vllm_scores import first_tokens
from graphdsl.executors.vllm_tokens import Tokens
from graphdsl.ir.backends import declared_capabilities
from graphdsl.plan import ModelSpec
from graphdsl.values import LogprobStats, Message, Messages, Usage

_GENERATION: Final = frozenset(
    {"seeds", "logprobs", "stop_strings", "cancellation", "prefix_continuation", "completions"}
    | {"structured", "label_scores", "text_scores"}
)
_ABLE: Final = {
    "generate": _GENERATION,
    "embed": frozenset({"embeddings", "cancellation"}),
    "reward": frozenset({"relevance_scores", "cancellation"}),
}


class VllmEngine(Backend):
    """A model on the engine of this process; make one with `open`. Belongs to one event loop."""

    def __init__(self, spec: ModelSpec, host: EngineHost, folder: str) -> None:
        """For `open`; `host` has started."""
        self._name = spec.name
        self._task = str(spec.options.get("task", "generate"))
        self._host = host
        self._running = RunningCalls(spec.name)
        self._closing: asyncio.Task[None] | None = None
        self._tokens = Tokens(host.tokenizer, spec.name, control_of(Path(folder)))
        self._defaults = host.defaults
        generates = self._task == "generate"
        able = _ABLE[self._task] & declared_capabilities("vllm", spec.options)
        self._capabilities = Capabilities(
            max_in_flight=in_flight(spec),
            metered=generates,
            priorities=generates and host.has_priorities,
            context_tokens=host.context,
            **dict.fromkeys(able, True),  # pyright: ignore[reportArgumentType] (names of flags)
        )

    @classmethod
    async def open(cls, spec: ModelSpec) -> VllmEngine:
        """Load the model: half a minute and more.

        Raises `BackendMissing` without vLLM, `ModelNotFound` without weights, and `BackendError`.
        """
        if spec.options.get("task") == "score":
            raise BackendError(
                f"model `{spec.name}` reranks, which `run = in_process` cannot do; use "
                "`run = server`",
                model=spec.name,
            )
        folder = await asyncio.to_thread(weights, spec)
        host = EngineHost(spec, folder)
        await host.start()
        engine = cls(spec, host, folder)
        able = engine._capabilities
        name = await asyncio.to_thread(engine_identity, spec, able)
        engine._capabilities = replace(able, identity=name)
        return engine

    @property
    def capabilities(self) -> Capabilities:
        """What this model can do; `context_tokens` is what the engine gives one request."""
        return self._capabilities

    @property
    def engine(self) -> Any:
        """vLLM's own `AsyncLLM`, for what graphdsl does not do."""
        return self._host.engine

    async def chat(self, request: ChatRequest) -> Completion:
        """Generate one completion; cancelling the task aborts it in the engine.

        Control strings in the text of a turn are broken by a space: they are data. Raises
        `ContextOverflow`, `Overloaded` and `BackendError`.
        """
        with self._running.call():
            if not self._capabilities.metered:
                raise no_text(self._name)
            prompt = await self._tokens.conversation(request.messages)
            return await self._generate(prompt, request)

    async def complete(self, request: TextRequest) -> Completion:
        """Continue a text. Raises as `chat` does, and `Unsupported`."""
        with self._running.call():
            self._need("completions")
            prompt = await self._tokens.text(request.text)
            return await self._generate(prompt, request)

    async def score(self, request: ScoreRequest) -> Scores:
        """Labels and texts by their tokens, rewards by the pooling of a reward model.

        A label of several tokens counts with all of them. Raises as `chat` does, and `Unsupported`.
        """
        with self._running.call():
            self._need(f"{request.kind}_scores")
            if not request.texts:
                return Scores((), Usage())
            if request.kind == "relevance":
                return await self._rewards(request)
            return await self._by_tokens(request)

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """One vector per text. Raises as `chat` does, and `Unsupported`."""
        with self._running.call():
            self._need("embeddings")
            prompts = [await self._tokens.text(text) for text in request.texts]
            found = await self._pooled(prompts, "embed")
        usage = Usage(1, sum(map(len, prompts)), 0, 0)
        return Embeddings(tuple(tuple(map(float, one.tolist())) for one in found), usage)

    async def metrics(self) -> EngineMetrics:
        """The counts of the engine since it began."""
        return self._host.metrics()

    async def aclose(self) -> None:
        """Abort what runs and end the engine; further calls raise `BackendError`."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await self._running.aclose()
        self._tokens.close()
        await self._host.close()

    async def _generate(self, prompt: Sequence[int], request: Sampling) -> Completion:
        request = accepted(request, self._host.context)
        reply = EngineReply(request, self._name)
        params = self._params(request)
        outputs = self._host.generate(prompt, params, request.priority)
        async with aclosing(outputs):
            async for output in outputs:
                reply.take(output)
        return reply.completion()

    def _params(self, request: Sampling, **further: Any) -> Any:
        """Raises `BackendError` for a value that vLLM does not take."""
        vllm = self._host.vllm
        try:
            return sampling_params(vllm, request, self._defaults | further)
        except vllm.ClientError as error:
            raise BackendError(
                f"`{self._name}` refused the request: {error}", model=self._name
            ) from error

    async def _by_tokens(self, request: ScoreRequest) -> Scores:
        prompt = await self._tokens.conversation(request.messages)
        texts = [await self._tokens.reply(text) for text in request.texts]
        if request.kind == "label" and (ids := first_tokens(texts)):
            return await self._labels(prompt, ids)
        found: list[LogprobStats] = []
        spent = Tally()
        for text in texts:
            output = await self._scored((*prompt, *text), prompt_logprobs=0)
            places = output.prompt_logprobs[-len(text) :]
            values = [
                floor(place[token].logprob) for place, token in zip(places, text, strict=True)
            ]
            found.append(stats(values))
            spent.add(_usage(output))
        totals = [one.total for one in found]
        if request.kind == "label":
            return Scores(shares(totals), spent.usage)
        return Scores(tuple(totals), spent.usage, tuple(found))

    async def _labels(self, prompt: Sequence[int], ids: list[int]) -> Scores:
        """The likelihood of each token as the first of the reply, from one forward pass."""
        output = await self._scored(prompt, logprob_token_ids=ids)
        place = output.outputs[0].logprobs[0]
        return Scores(shares([floor(place[token].logprob) for token in ids]), _usage(output))

    async def _scored(self, prompt: Sequence[int], **further: Any) -> Any:
        """The output of a request that writes one token, which nobody wants."""
        params = self._host.vllm.SamplingParams(
            temperature=0.0,
            max_tokens=1,
            detokenize=False,
            output_kind=self._host.vllm.OutputKind.FINAL_ONLY,
            **further,
        )
        async with aclosing(self._host.generate(prompt, params)) as outputs:
            async for output in outputs:
                return output
        raise BackendError(f"the engine of `{self._name}` gave nothing", model=self._name)

    async def _rewards(self, request: ScoreRequest) -> Scores:
        turns = request.messages.turns
        prompts = [
            await self._tokens.whole(Messages((*turns, Message("assistant", text))))
            for text in request.texts
        ]
        values = [float(one.flatten()[-1]) for one in await self._pooled(prompts, "classify")]
        return Scores(tuple(values), Usage(1, sum(map(len, prompts)), 0, 0))

    async def _pooled(self, prompts: Sequence[Sequence[int]], task: str) -> list[Any]:
        """All at once, so that the engine can batch them; one failure ends the others."""
        tasks = [asyncio.ensure_future(self._host.pooled(one, task)) for one in prompts]
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    def _need(self, capability: str) -> None:
        if not getattr(self._capabilities, capability):
            raise Unsupported(capability, model=self._name)


def _usage(output: Any) -> Usage:
    """What a request for scores took; the token that it wrote is counted as well."""
    read = len(output.prompt_token_ids)
    written = len(output.outputs[0].token_ids)
    return Usage(1, read, min(output.num_cached_tokens or 0, read), written)
