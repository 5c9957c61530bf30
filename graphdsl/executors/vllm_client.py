"""A vLLM server that runs, through our client for servers with the OpenAI interface.

What vLLM adds to that interface is used where the server has it, as it says itself: scores by
token ids, the length of the context, the counts of its prefix cache. Samples of one prompt are
separate requests: vLLM computes their common beginning once, and each can be cancelled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from graphdsl.errors import BackendError, ModelNotFound
from graphdsl.executors.abc import (
    Capabilities,
    ChatRequest,
    Completion,
    Sampling,
    ScoreRequest,
    Scores,
    TextRequest,
)
from graphdsl.executors.http_errors import RouteMissing, Site
from graphdsl.executors.identity import endpoint_identity
from graphdsl.executors.json_shape import list_of, object_of
from graphdsl.executors.llama_request import Control
from graphdsl.executors.llama_scores import shares
from graphdsl.executors.openai import TEXT, OpenAIBackend
from graphdsl.executors.openai_dialect import Dialect
from graphdsl.executors.openai_options import api_key, base_urls, capabilities
from graphdsl.executors.openai_reply import count, unreadable, usage_of
from graphdsl.executors.replicas import prefix_of
from graphdsl.executors.secret import Secret
from graphdsl.executors.tally import Tally
from graphdsl.executors.vllm_metrics import EngineMetrics, read_metrics
from graphdsl.executors.vllm_request import accepted, as_data, conversation, joined, no_text
from graphdsl.executors.vllm_scores import (
    first_tokens,
    label_logprobs,
    label_request,
    reward_request,
    reward_value,
    text_request,
    text_stats,
)
from graphdsl.plan import ModelSpec
from graphdsl.values import LogprobStats, Messages

_TOKENIZE: Final = "/tokenize"
_POOLING: Final = "/pooling"

_GENERATION: Final = frozenset(
    {"seeds", "logprobs", "stop_strings", "prefix_continuation", "structured"}
)
_ROUTES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(_GENERATION, ("/v1/chat/completions",)),
    "completions": ("/v1/completions",),
    "label_scores": ("/v1/chat/completions",),
    "text_scores": ("/v1/chat/completions",),
    "relevance_scores": ("/score", "/rerank", _POOLING),
    "embeddings": ("/v1/embeddings",),
}
"""The routes of which a server needs one to have a capability."""

_TASKS: Final = {
    "generate": frozenset(_ROUTES) - {"relevance_scores", "embeddings"},
    "embed": frozenset({"embeddings"}),
    "score": frozenset({"relevance_scores"}),
    "reward": frozenset({"relevance_scores"}),
}
"""What a server can do that does not list its routes, by what the block says it is for."""


class VllmClient(OpenAIBackend):
    """One model on a vLLM server, or on several that are replicas of each other."""

    def __init__(
        self,
        spec: ModelSpec,
        urls: Sequence[str],
        able: Capabilities,
        *,
        key: Secret | None = None,
        key_name: str | None = None,
        control: Control = None,
        priorities: bool = False,
    ) -> None:
        """`able` is what the model can do at best; `control` matches its tokenizer's control
        strings, where they are known. `priorities`: the server orders calls by priority.
        """
        dialect = Dialect(
            stops=None, continuous_usage=True, extra=_priority if priorities else None
        )
        super().__init__(
            spec.name, spec.model, urls, able, key=key, key_name=key_name, dialect=dialect
        )
        self._control = control
        self._task = str(spec.options.get("task", "generate"))
        self._tokenizes = False

    @classmethod
    async def attach(cls, spec: ModelSpec) -> VllmClient:
        """The backend for the server at `base_url`, which is asked what it serves.

        Raises `Unreachable`, `ModelNotFound`, `AccessDenied` and `BackendError`, which name the
        host.
        """
        key, key_name = api_key(spec)
        backend = cls(spec, base_urls(spec), capabilities(spec), key=key, key_name=key_name)
        try:
            await backend.learn(spec)
        except BaseException:
            await backend.aclose()
            raise
        return backend

    async def learn(self, spec: ModelSpec) -> None:
        """Ask the server what it serves, and take that for the capabilities."""
        entry = _served(await self._listed(), spec, self._replicas.endpoints[0].site)
        routes = await self._routes()
        self._tokenizes = routes is not None and _TOKENIZE in routes
        lacking = _lacking(routes, self._task) - set(spec.options.get("has") or ())
        generates = "seeds" not in lacking
        able = replace(
            self._capabilities,
            **dict.fromkeys(lacking, False),
            context_tokens=spec.options.get("context") or count(entry.get("max_model_len")),
            metered=generates,
            priorities=self._dialect.extra is not None and generates,
        )
        name = await self._identity(spec, able, str(entry.get("root")))
        self._capabilities = replace(able, identity=name)

    async def chat(self, request: ChatRequest) -> Completion:
        """Generate one completion; cancelling the task aborts it in the engine.

        Control strings in the text of a turn are broken by a space: they are data. Raises as
        `OpenAIBackend.chat`.
        """
        if not self._capabilities.metered:
            raise no_text(self._name)
        request = accepted(request, self._capabilities.context_tokens)
        data = as_data(request.messages, self._control)
        return await super().chat(
            request if data is request.messages else replace(request, messages=data)
        )

    async def complete(self, request: TextRequest) -> Completion:
        """Continue a text. Raises as `OpenAIBackend.complete`."""
        return await super().complete(accepted(request, self._capabilities.context_tokens))

    async def score(self, request: ScoreRequest) -> Scores:
        """Labels and texts by their tokens; texts by a reward model or reranker.

        A label of several tokens counts with all of them. Raises as `OpenAIBackend.score`.
        """
        self._need(f"{request.kind}_scores")
        if request.kind == "relevance":
            return await (self._rewards(request) if self._by_pooling else super().score(request))
        if not request.texts or not self._tokenizes:
            return await super().score(request)
        return await self._by_tokens(request)

    async def metrics(self) -> EngineMetrics:
        """The counts of the engine, summed over the replicas. Raises `BackendError`."""
        return read_metrics(await self.get_text("/metrics"))

    async def _identity(self, spec: ModelSpec, able: Capabilities, root: str) -> str | None:
        """The name for the cache; `root` is where the server says that its weights are from."""
        return endpoint_identity(spec, base_urls(spec), able, self._dialect, root=root)

    @property
    def _by_pooling(self) -> bool:
        return self._task == "reward"

    async def _listed(self) -> tuple[dict[str, Any], ...]:
        try:
            return await self.models()
        except RouteMissing:  # a gateway before the server
            return ()

    async def _routes(self) -> frozenset[str] | None:
        """The routes of the server; None where it does not tell."""
        try:
            (page, *_) = await self.get_text("/openapi.json")
            paths = object_of((object_of(json.loads(page)) or {}).get("paths"))
        except (BackendError, ValueError, RecursionError):
            return None
        return None if paths is None else frozenset(paths)

    async def _by_tokens(self, request: ScoreRequest) -> Scores:
        prompt = await self._tokens(conversation(as_data(request.messages, self._control)))
        texts = [
            await self._tokens({"prompt": text, "add_special_tokens": False})
            for text in (as_data(Messages.user(t), self._control).text for t in request.texts)
        ]
        if not all(texts):
            raise BackendError(
                f"an empty text has no probability for `{self._name}`", model=self._name
            )
        prefix = prefix_of(request.messages)
        if request.kind == "label" and (ids := first_tokens(texts)):
            body = label_request(self._model, prompt, ids)
            reply, site = await self._answer(TEXT, body, key=request.key, prefix=prefix)
            values = shares(label_logprobs(reply, ids, site))
            return Scores(values, usage_of(reply.get("usage"), "", ""))
        found: list[LogprobStats] = []
        spent = Tally()
        for text in texts:
            body = text_request(self._model, prompt, text)
            reply, site = await self._answer(TEXT, body, key=request.key, prefix=prefix)
            found.append(text_stats(reply, text, site))
            spent.add(usage_of(reply.get("usage"), "", ""))
        return _scores(request, found, spent)

    async def _tokens(self, asked: Mapping[str, Any]) -> list[int]:
        reply, site = await self._answer(_TOKENIZE, {"model": self._model, **asked})
        tokens = list_of(reply.get("tokens"))
        if not all(isinstance(token, int) for token in tokens):
            raise unreadable(site, "has tokens that are none")
        return tokens

    async def _rewards(self, request: ScoreRequest) -> Scores:
        turns = conversation(as_data(request.messages, self._control))["messages"]
        values: list[float] = []
        spent = Tally()
        for text in request.texts:
            body = reward_request(self._model, turns, text)
            reply, site = await self._answer(_POOLING, body, key=request.key)
            values.append(reward_value(reply, site))
            spent.add(usage_of(reply.get("usage"), joined(turns) + text, ""))
        return Scores(tuple(values), spent.usage)


def _scores(request: ScoreRequest, found: list[LogprobStats], spent: Tally) -> Scores:
    totals = [one.total for one in found]
    if request.kind == "label":
        return Scores(shares(totals), spent.usage)
    return Scores(tuple(totals), spent.usage, tuple(found))


def _priority(request: Sampling) -> Mapping[str, Any]:
    return {"priority": request.priority} if request.priority else {}


def _served(entries: Sequence[Mapping[str, Any]], spec: ModelSpec, site: Site) -> Mapping[str, Any]:
    """What the server says about the model; nothing where it lists no models.

    Raises `ModelNotFound` with what there is.
    """
    if not entries:
        return {}
    for entry in entries:
        if entry.get("id") == spec.model:
            return entry
    there = ", ".join(f"`{site.clean(str(entry.get('id')))}`" for entry in entries)
    raise ModelNotFound(
        f"{site.who} does not serve `{spec.model}` but {there}; write that as its `name`",
        model=spec.name,
    )


def _lacking(routes: frozenset[str] | None, task: str) -> set[str]:
    """The capabilities for which the server has no route."""
    if routes is None:
        return set(_ROUTES) - _TASKS[task]
    return {name for name, needed in _ROUTES.items() if not routes.intersection(needed)}
