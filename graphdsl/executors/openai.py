"""Any server with the OpenAI interface, over our own pooled HTTP client.

One pool of connections per server, no retries, no timeout of its own: these belong to the engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from graphdsl.executors.http_address import parse_address
from graphdsl.executors.http_endpoint import HttpEndpoint
from graphdsl.executors.http_errors import RouteMissing, Site
from graphdsl.executors.identity import endpoint_identity
from graphdsl.executors.json_shape import list_of, object_of
from graphdsl.executors.openai_call import TextCall
from graphdsl.executors.openai_dialect import Dialect
from graphdsl.executors.openai_options import api_key, base_urls, capabilities, dialect
from graphdsl.executors.openai_reply import Fields, first_choice, parsed, usage_of
from graphdsl.executors.openai_scores import (
    ROUTES,
    PromptTokens,
    embedding_vectors,
    label_values,
    prompt_tokens,
    relevance_body,
    relevance_values,
    text_stats,
)
from graphdsl.executors.openai_wire import (
    chat_body,
    continued,
    encoded,
    label_body,
    own_stops,
    prompt_body,
    streamed,
    text_body,
)
from graphdsl.executors.replicas import PREFIX, Replicas, prefix_of
from graphdsl.executors.running_calls import RunningCalls
from graphdsl.executors.secret import Secret
from graphdsl.plan import ModelSpec
from graphdsl.values import LogprobStats, Message, Messages, Usage

CHAT: Final = "chat/completions"
TEXT: Final = "completions"

_REPLY: Final = 256
"""Tokens that a reply of unknown length counts for, where calls are shared out."""

_EMBED_BATCH: Final = 512
"""Texts in one request for vectors."""


class OpenAIBackend(Backend):
    """One model on one server, or on several that are replicas of each other.

    Cancelling a call closes its connection, which is how such servers learn that nobody waits.
    Belongs to the event loop in which it was made.
    """

    def __init__(
        self,
        name: str,
        model: str,
        urls: Sequence[str],
        capabilities: Capabilities,
        *,
        key: Secret | None = None,
        key_name: str | None = None,
        dialect: Dialect = Dialect(),  # noqa: B008 (frozen)
    ) -> None:
        """`name` is for messages, `model` is sent; `urls` end with `/v1` (added where a URL has no
        path). `key_name` is the environment variable that `key` came from. Call it where a loop
        runs. Raises `BackendError` for a URL that is none, and where there is no URL.
        """
        if not urls:
            raise BackendError(f"model `{name}` needs a `base_url`", model=name)
        self._name = name
        self._model = model
        self._capabilities = capabilities
        self._dialect = dialect
        self._streams = dialect.stream or dialect.continuous_usage
        self._running = RunningCalls(name)
        self._route: str | None = None
        endpoints: list[HttpEndpoint] = []
        for address in [parse_address(url, name) for url in urls]:
            secrets = (*address.secrets, *((key,) if key else ()))
            site = Site(name, model, address.host, key_name, secrets)
            endpoints.append(
                HttpEndpoint(address, site, ceiling=capabilities.max_in_flight, key=key)
            )
        self._replicas = Replicas(endpoints)

    @classmethod
    async def open(cls, spec: ModelSpec) -> OpenAIBackend:
        """The backend of a model block of the kind `openai`. Sends nothing.

        Raises `AccessDenied` for a key that is not set and `BackendError` for a bad address.
        """
        urls = base_urls(spec)
        key, key_name = api_key(spec)
        able, manner = capabilities(spec), dialect(spec, urls)
        return cls(
            spec.name,
            spec.model,
            urls,
            replace(able, identity=endpoint_identity(spec, urls, able, manner)),
            key=key,
            key_name=key_name,
            dialect=manner,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What was declared for this endpoint."""
        return self._capabilities

    async def chat(self, request: ChatRequest) -> Completion:
        """Generate one completion; cancelling the task closes the connection.

        Raises `BackendError` and its kinds, each with the model, the host and what to do.
        """
        body = chat_body(request, self._model, self._dialect, self._capabilities)
        repeated = continued(request.messages) if self._dialect.repeats_prefix else ""
        prefix = prefix_of(request.messages) if self._several else ""
        prompt = request.messages.text
        return await self._generate(CHAT, body, request, prompt, prefix, repeated)

    async def complete(self, request: TextRequest) -> Completion:
        """Continue a text through `/v1/completions`. Raises as `chat` does, and `Unsupported`."""
        self._need("completions")
        body = text_body(request, self._model, self._dialect, self._capabilities)
        return await self._generate(TEXT, body, request, request.text, request.text[:PREFIX])

    async def score(self, request: ScoreRequest) -> Scores:
        """`label` by one token's log-probabilities, `text` by those of the prompt (as vLLM offers
        them), `relevance` by `/score` or `/rerank`; each where the capabilities have it.

        Raises as `chat` does, and `Unsupported`.
        """
        self._need(f"{request.kind}_scores")
        if not request.texts:
            return Scores((), Usage())
        if request.kind == "label":
            return await self._labels(request)
        if request.kind == "text":
            return await self._texts(request)
        return await self._relevance(request)

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """Vectors from `/v1/embeddings`. Raises as `chat` does, and `Unsupported`."""
        self._need("embeddings")
        vectors: list[tuple[float, ...]] = []
        usage = Usage()
        for start in range(0, len(request.texts), _EMBED_BATCH):
            batch = request.texts[start : start + _EMBED_BATCH]
            body = {"model": self._model, "input": batch, "encoding_format": "float"}
            key = _part(request.key, start)
            reply, site = await self._answer("embeddings", body, key=key)
            vectors += embedding_vectors(reply, len(batch), site)
            usage += usage_of(reply.get("usage"), "".join(batch), "")
        return Embeddings(tuple(vectors), usage)

    async def post(
        self, path: str, body: Mapping[str, Any], *, key: str = "", prefix: str = "", work: int = 0
    ) -> dict[str, Any]:
        """One JSON request to the replica that suits it; the JSON object that came back.

        `path` is relative to `/v1` (`completions`), or to the server's root where it begins with
        a slash (`/score`). Calls of one `prefix` go to one replica; `work` is what the call may
        take, in tokens. Raises `BackendError` as `chat` does.
        """
        reply, _ = await self._answer(path, body, key=key, prefix=prefix, work=work)
        return reply

    async def get_text(self, path: str) -> tuple[str, ...]:
        """What each replica answers to a GET (`/health`, `/metrics`); raises `BackendError`."""
        with self._running.call():
            found = [await endpoint.get(path) for endpoint in self._replicas.endpoints]
        return tuple(one.decode("utf-8", "replace") for one in found)

    async def models(self) -> tuple[dict[str, Any], ...]:
        """The entries of `/v1/models` of the first replica that can be reached."""
        with self._running.call():
            fields = await self._replicas.call("", 0, _listed)
        entries = [object_of(entry) for entry in list_of(fields.get("data"))]
        return tuple(entry for entry in entries if entry is not None)

    async def aclose(self) -> None:
        """End the running calls with `BackendError` and close the connections."""
        await self._running.aclose()
        for endpoint in self._replicas.endpoints:
            await endpoint.aclose()

    @property
    def _several(self) -> bool:
        return len(self._replicas.endpoints) > 1

    def _need(self, capability: str) -> None:
        if not getattr(self._capabilities, capability):
            raise Unsupported(capability, model=self._name)

    async def _generate(
        self,
        path: str,
        body: dict[str, Any],
        request: Sampling,
        prompt: str,
        prefix: str,
        repeated: str = "",
    ) -> Completion:
        """One text; whole, or in pieces where somebody listens or counts."""
        streams = self._streams or request.listener is not None
        data = encoded(streamed(body, self._dialect) if streams else body)
        stops = own_stops(request, self._dialect, self._capabilities)
        call = TextCall(path, data, request, prompt, stops, repeated)
        work = (len(data) >> 2) + (request.max_tokens or _REPLY)
        with self._running.call():
            return await self._replicas.call(prefix, work, call.streamed if streams else call.whole)

    async def _answer(
        self, path: str, body: Mapping[str, Any], *, key: str = "", prefix: str = "", work: int = 0
    ) -> tuple[dict[str, Any], Site]:
        data = encoded(body)

        async def send(endpoint: HttpEndpoint) -> tuple[dict[str, Any], Site]:
            return await endpoint.post(path, data, key), endpoint.site

        with self._running.call():
            return await self._replicas.call(prefix, work or len(data) >> 2, send)

    async def _labels(self, request: ScoreRequest) -> Scores:
        body = label_body(request.messages, self._model, self._dialect, self._capabilities)
        prefix = prefix_of(request.messages)
        reply, site = await self._answer(CHAT, body, key=request.key, prefix=prefix)
        values = label_values(first_choice(reply, site), request.texts, site)
        return Scores(values, usage_of(reply.get("usage"), request.messages.text, "x"))

    async def _texts(self, request: ScoreRequest) -> Scores:
        """What the prompt with each text has beyond the prompt without one."""
        before, usage = await self._prompt(request.messages, request, 0)
        found: list[LogprobStats] = []
        for number, text in enumerate(request.texts, 1):
            turns = (*request.messages.turns, Message("assistant", text))
            after, more = await self._prompt(Messages(turns), request, number)
            usage += more
            found.append(text_stats(before, after))
        return Scores(tuple(one.total for one in found), usage, tuple(found))

    async def _prompt(
        self, messages: Messages, request: ScoreRequest, number: int
    ) -> tuple[PromptTokens, Usage]:
        """The log-probabilities of a prompt, as vLLM gives them beside a reply of one token."""
        body = prompt_body(messages, self._model, self._dialect, self._capabilities)
        key, prefix = _part(request.key, number), prefix_of(request.messages)
        reply, site = await self._answer(CHAT, body, key=key, prefix=prefix)
        return prompt_tokens(reply, site), usage_of(reply.get("usage"), messages.text, "x")

    async def _relevance(self, request: ScoreRequest) -> Scores:
        """By the first route that the server has; it is remembered."""
        query = request.messages.text
        missing: BackendError | None = None
        for route in ROUTES if self._route is None else (self._route,):
            body = relevance_body(route, self._model, query, request.texts)
            try:
                reply, site = await self._answer(route, body, key=request.key)
            except RouteMissing as error:
                missing = missing or error
                continue
            self._route = route
            values = relevance_values(reply, len(request.texts), site)
            prompt = query * len(request.texts) + "".join(request.texts)
            return Scores(values, usage_of(reply.get("usage"), prompt, ""))
        raise missing or Unsupported("relevance_scores", model=self._name)


def _part(key: str, number: int) -> str:
    """The name of one of several requests that make one call."""
    return f"{key}+{number}" if key and number else key


async def _listed(endpoint: HttpEndpoint) -> Fields:
    return parsed(await endpoint.get("models"), endpoint.site)
