"""Any provider that litellm knows, through litellm: for those without the OpenAI interface.

Slow to start and some milliseconds per call: where a server has the OpenAI interface, the backend
`openai` is the better way. litellm's retries, cache and log lines are off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import count
from typing import Any, Final

from graphdsl.errors import BackendError, Unsupported
from graphdsl.executors.abc import (
    Backend,
    Capabilities,
    ChatRequest,
    Completion,
    Embeddings,
    EmbedRequest,
    Meter,
    Sampling,
    ScoreRequest,
    Scores,
    TextRequest,
)
from graphdsl.executors.identity import endpoint_identity, surroundings
from graphdsl.executors.litellm_access import Access, access_of
from graphdsl.executors.litellm_call import Calls
from graphdsl.executors.litellm_errors import translated, unsent
from graphdsl.executors.litellm_library import close_clients, load
from graphdsl.executors.litellm_model import LitellmModel, known_model
from graphdsl.executors.litellm_reply import Reply, reply_of
from graphdsl.executors.litellm_request import arguments
from graphdsl.executors.openai_reply import first_choice
from graphdsl.executors.openai_scores import embedding_vectors, label_values
from graphdsl.executors.openai_whole import completion_of
from graphdsl.executors.openai_wire import chat_body, continued, label_body, own_stops, text_body
from graphdsl.executors.running_calls import RunningCalls
from graphdsl.plan import ModelSpec
from graphdsl.values import Usage

_EMBED_BATCH: Final = 512
"""Texts in one request for vectors."""

_OWNERS: Final = count()


class LitellmBackend(Backend):
    """One model through litellm; make one with `open`.

    Cancelling a call closes its connection, where litellm serves the provider without a thread:
    so it does for all that speak HTTP. Replies are not streamed. What a provider told about the
    price stands in `Usage.cost`, unless the block gives an address of its own. Belongs to the
    event loop in which it was opened.
    """

    def __init__(self, litellm: Any, model: LitellmModel, access: Access) -> None:
        """For `open`."""
        self._litellm = litellm
        self._model = model
        self._access = access
        self._site = access.site(model)
        self._common = access.arguments(model)
        self._running = RunningCalls(model.name)
        self._calls = Calls(f"-graphdsl-{next(_OWNERS)}")
        self._text_client: Any = None

    @classmethod
    async def open(cls, spec: ModelSpec) -> LitellmBackend:
        """The backend of a model block of the kind `litellm`. Sends nothing.

        Raises `BackendMissing`, `ModelNotFound` for a name without a provider, `AccessDenied` for
        a key that is not set, and `BackendError`.
        """
        access = access_of(spec)
        litellm = await load(spec.name)
        model = await asyncio.to_thread(known_model, litellm, spec, access.address)
        return cls(litellm, _identified(model, spec, access), access)

    @property
    def capabilities(self) -> Capabilities:
        """What litellm knows that this model can do, and what the block says about it."""
        return self._model.capabilities

    async def chat(self, request: ChatRequest) -> Completion:
        """Generate one completion; cancelling the task closes the connection.

        Raises `BackendError` and its kinds, each with the model, where it is and what to do.
        """
        self._need_for(request)
        model = self._model
        body = chat_body(request, model.sent, model.dialect, model.capabilities)
        given = arguments(body, model)
        reply = await self._call(self._litellm.acompletion, given, request.meter)
        prefix = continued(request.messages) if model.capabilities.prefix_continuation else ""
        if model.manners.repeats_prefix:
            reply, prefix = reply.without(prefix), ""
        return self._completion(reply, request, request.messages.text, prefix)

    async def complete(self, request: TextRequest) -> Completion:
        """Continue a text without a chat. Raises as `chat` does, and `Unsupported`."""
        self._need("completions")
        self._need_for(request)
        model = self._model
        body = text_body(request, model.sent, model.dialect, model.capabilities)
        reply = await self._call(self._continue, arguments(body, model), request.meter)
        return self._completion(reply, request, request.text, "")

    async def score(self, request: ScoreRequest) -> Scores:
        """`label` by one token's log-probabilities. Raises as `chat` does, and `Unsupported`."""
        self._need(f"{request.kind}_scores")
        if not request.texts:
            return Scores((), Usage())
        model = self._model
        body = label_body(request.messages, model.sent, model.dialect, model.capabilities)
        reply = await self._call(self._litellm.acompletion, arguments(body, model))
        values = label_values(first_choice(reply.fields, self._site), request.texts, self._site)
        return Scores(values, reply.usage(request.messages.text, "x"))

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """Vectors for the texts. Raises as `chat` does, and `Unsupported`."""
        self._need("embeddings")
        vectors: list[tuple[float, ...]] = []
        usage = Usage()
        for start in range(0, len(request.texts), _EMBED_BATCH):
            batch = request.texts[start : start + _EMBED_BATCH]
            given = arguments({"input": batch}, self._model)
            reply = await self._call(self._litellm.aembedding, given)
            vectors += embedding_vectors(reply.fields, len(batch), self._site)
            usage += reply.usage("".join(batch), "")
        return Embeddings(tuple(vectors), usage)

    async def aclose(self) -> None:
        """End the running calls with `BackendError` and close the connections."""
        await self._running.aclose()
        await self._calls.join()
        await close_clients(self._litellm, self._calls.owner)
        client, self._text_client = self._text_client, None
        if client is not None:
            await client.close()

    def _need(self, capability: str) -> None:
        if not getattr(self.capabilities, capability):
            raise Unsupported(capability, model=self._model.name)

    def _need_for(self, request: Sampling) -> None:
        """Refuse what cannot be left out without anybody noticing."""
        if request.logprobs:
            self._need("logprobs")
        if request.schema is not None:
            self._need("structured")

    async def _call(
        self,
        function: Callable[..., Coroutine[Any, Any, Any]],
        given: dict[str, Any],
        meter: Meter | None = None,
    ) -> Reply:
        """One call; what goes wrong is one of our errors, without a trace of litellm's.

        The meter counts nothing where litellm has not sent it.
        """
        try:
            with self._running.call():
                response = await self._calls.run(lambda: function(**given, **self._common))
        except BackendError:
            raise
        except Exception as error:  # whatever litellm, or a package below it, raises
            failure = translated(error, self._site)
            if meter is not None and unsent(error):
                meter.reset()
        else:
            return reply_of(response, elsewhere=self._model.elsewhere)
        raise failure

    async def _continue(self, **given: Any) -> Any:
        if self._text_client is None:
            self._text_client = self._access.text_client(self._model)
        if self._text_client is not None:
            given["client"] = self._text_client
        return await self._litellm.atext_completion(**given)

    def _completion(self, reply: Reply, request: Sampling, prompt: str, prefix: str) -> Completion:
        stops = own_stops(request, self._model.dialect, self.capabilities)
        found = completion_of(reply.fields, request, self._site, prompt, stops, prefix)
        return replace(found, usage=replace(found.usage, cost=reply.cost))


def _identified(model: LitellmModel, spec: ModelSpec, access: Access) -> LitellmModel:
    """The model with its name for the cache. Without an address of its own, the variables that
    litellm looks at are part of where it is."""
    urls = () if access.base is None else (access.base,)
    name = endpoint_identity(
        spec, urls, model.capabilities, model.dialect, surroundings="" if urls else surroundings()
    )
    return replace(model, capabilities=replace(model.capabilities, identity=name))
