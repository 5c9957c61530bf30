"""A server with the OpenAI interface that fails on purpose, on 127.0.0.1 and in this loop.

::

    async with FaultyServer() as server:
        backend = await OpenAIBackend.open(server.spec())
        server.script(Refusal(429, headers={"Retry-After": "1"}))

It answers like a model (a simulated one, so that it can add) until the script says otherwise. It
has `/v1/chat/completions`, `/v1/completions`, `/v1/embeddings`, `/v1/models`, `/score`, `/rerank`
and `/health`, with log-probabilities, seeds, stop strings and streams.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Final
from weakref import WeakSet

from aiohttp import web

from graphdsl.errors import BackendError, ContextOverflow
from graphdsl.executors.abc import Backend, EmbedRequest, ScoreRequest
from graphdsl.executors.simulated import SimulatedBackend
from graphdsl.plan import ModelSpec
from graphdsl.testing.exchange import Asked, Exchange
from graphdsl.testing.faults import OPENAI_OVERFLOW, Fault, Overflow, Refusal
from graphdsl.testing.openai_replies import (
    VOCABULARY,
    Json,
    Rendering,
    chat_request,
    first_tokens,
    prompt_tokens,
    text_request,
    usage_json,
)
from graphdsl.values import Messages

MODEL: Final = "faulty-1"
"""What the server calls its model."""

_LARGEST: Final = 64 * 2**20

Answer = Callable[[Json], Awaitable["Rendering | Json"]]


class FaultyServer:
    """An async context manager; `asked` is what came in, in order, over `connections`.

    `backend` answers, unless it is left out. `key` is the only one that is taken, where there is
    one. `pace` is seconds per token. `overflow` is how a prompt is said to be too long. `missing`
    are paths that it does not have. `pages` are what it answers to GET requests beside
    `/v1/models`; `always` is done with every request that the script says nothing about.
    """

    def __init__(
        self,
        backend: Backend | None = None,
        *,
        key: str | None = None,
        pace: float = 0.0,
        context: int = 4096,
        overflow: str = OPENAI_OVERFLOW,
        missing: tuple[str, ...] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        self.pages: dict[str, str] = {"/health": ""}
        self.always: Fault | None = None
        self.connections = 0
        self._context = context
        self._backend = backend or SimulatedBackend(
            ModelSpec(MODEL, "simulated", "", {"tokens": 400, "context": context})
        )
        self._key = key
        self._pace = pace
        self._overflow = overflow
        self._missing = missing
        self._tls = tls
        self._script: deque[Fault | None] = deque()
        self._changed = asyncio.Condition()
        self._seen: WeakSet[asyncio.Transport] = WeakSet()
        self._runner: web.AppRunner | None = None
        self._closing = False
        self.port = 0

    @property
    def url(self) -> str:
        """The address up to `/v1`."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}/v1"

    @property
    def host(self) -> str:
        """What messages call it."""
        return f"127.0.0.1:{self.port}"

    @property
    def cut(self) -> int:
        """How many requests were left by the client before they had their answer."""
        return sum(asked.cut for asked in self.asked)

    def spec(self, name: str = "m", backend: str = "openai", **options: Any) -> ModelSpec:
        """A model block for this server."""
        return ModelSpec(name, backend, MODEL, {"base_url": self.url} | options)

    def script(self, *faults: Fault | None) -> None:
        """What to do with the next requests that post something, in order; None is right."""
        self._script.extend(faults)

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until what this server has seen makes `ready` true."""
        async with self._changed:
            await self._changed.wait_for(ready)

    async def __aenter__(self) -> FaultyServer:
        app = web.Application(client_max_size=_LARGEST)
        for path, answer in self._answers().items():
            if path not in self._missing:
                app.router.add_post(path, self._handler(answer))
        app.router.add_get("/{path:.*}", self._page)
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.01
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close the port and every connection; enter it again to open the same port."""
        self._closing = True
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner, self._closing = None, False

    def _answers(self) -> Mapping[str, Answer]:
        return {
            "/v1/chat/completions": self._chat,
            "/v1/completions": self._complete,
            "/v1/embeddings": self._embed,
            "/score": self._score,
            "/rerank": self._rerank,
            "/v1/rerank": self._rerank,
        }

    def _handler(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            asked = Asked(request.path, request.headers)
            exchange: Exchange | None = None
            try:
                asked.body = json.loads(await request.read())
                self.asked.append(asked)
                self._count(request)
                await self._note()
                fault = self._script.popleft() if self._script else self.always
                right = await self._right(answer, asked)
                exchange = Exchange(request, asked, right, self._pace)
                return await (fault.answer(exchange) if fault else exchange.answer())
            except _Refused as refused:
                return await refused.refusal.answer(Exchange(request, asked, {}, 0.0))
            except (asyncio.CancelledError, ConnectionError):
                own = self._closing or (exchange is not None and exchange.hung_up)
                asked.cut = not own
                await self._note()
                raise

        return handle

    def _count(self, request: web.Request) -> None:
        """Count a connection when its first request comes."""
        transport = request.transport
        if transport is not None and transport not in self._seen:
            self._seen.add(transport)
            self.connections += 1

    async def _right(self, answer: Answer, asked: Asked) -> Rendering | Json:
        """What a server without faults would answer. Raises `_Refused`."""
        self._check(asked)
        try:
            return await answer(asked.body)
        except ContextOverflow as error:
            overflow = Overflow(self._overflow, error.prompt_tokens, error.limit)
            raise _Refused(overflow) from None
        except (BackendError, ValueError, TypeError) as error:
            raise _Refused(Refusal(400, str(error), "invalid_request_error")) from None

    def _check(self, asked: Asked) -> None:
        if self._key is not None and asked.headers.get("Authorization") != f"Bearer {self._key}":
            said = "Incorrect API key provided"
            raise _Refused(Refusal(401, said, "invalid_request_error", "invalid_api_key"))
        if asked.body.get("model") != MODEL:
            said = f"The model `{asked.body.get('model')}` does not exist."
            raise _Refused(Refusal(404, said, "invalid_request_error", "model_not_found"))

    async def _note(self) -> None:
        """Let those who wait look again."""
        async with self._changed:
            self._changed.notify_all()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/v1/models":
            entry = {"id": MODEL, "object": "model", "max_model_len": self._context}
            return web.json_response({"object": "list", "data": [entry]})
        if request.path in self.pages:
            return web.Response(text=self.pages[request.path])
        return web.json_response({"detail": "Not Found"}, status=404)

    async def _chat(self, body: Json) -> Rendering | Json:
        request = chat_request(body)
        turns = request.messages.turns
        continued = turns[-1].content if turns[-1].role == "assistant" else ""
        rendering = Rendering(MODEL, request, await self._backend.chat(request))
        if body.get("top_logprobs") and request.max_tokens == 1:
            return await self._first_token(rendering, request.messages, body["top_logprobs"])
        if body.get("prompt_logprobs") is not None:
            return await self._prompt(rendering, request.messages, continued)
        return rendering

    async def _first_token(self, rendering: Rendering, messages: Messages, count: int) -> Json:
        """A reply with the likeliest first tokens, as the model rates them."""
        scores = await self._backend.score(ScoreRequest(messages, VOCABULARY))
        top = first_tokens(scores.values, count)
        reply = rendering.whole()
        reply["choices"][0]["logprobs"] = {"content": [top[0] | {"top_logprobs": top}]}
        return reply

    async def _prompt(self, rendering: Rendering, messages: Messages, continued: str) -> Json:
        """A reply with the log-probabilities of the prompt and of what it begins."""
        before = Messages(messages.turns[:-1]) if continued else messages
        scores = await self._backend.score(ScoreRequest(before, (continued,), "text"))
        found = prompt_tokens(before, continued, scores.logprobs[0])
        return rendering.whole() | {"prompt_logprobs": found}

    async def _complete(self, body: Json) -> Rendering | Json:
        request = text_request(body)
        return Rendering(MODEL, request, await self._backend.complete(request))

    async def _embed(self, body: Json) -> Rendering | Json:
        found = await self._backend.embed(EmbedRequest(tuple(body["input"])))
        data = [{"index": at, "embedding": list(one)} for at, one in enumerate(found.vectors)]
        return {"object": "list", "data": data, "usage": usage_json(found.usage)}

    async def _score(self, body: Json) -> Rendering | Json:
        values, usage = await self._relevance(body["text_1"], body["text_2"])
        data = [{"index": at, "score": value} for at, value in enumerate(values)]
        return {"object": "list", "data": data, "usage": usage}

    async def _rerank(self, body: Json) -> Rendering | Json:
        values, usage = await self._relevance(body["query"], body["documents"])
        best = sorted(enumerate(values), key=lambda pair: -pair[1])
        results = [{"index": at, "relevance_score": value} for at, value in best]
        return {"results": results, "usage": usage}

    async def _relevance(self, query: str, texts: list[str]) -> tuple[tuple[float, ...], Json]:
        asked = ScoreRequest(Messages.user(query), tuple(texts), "relevance")
        found = await self._backend.score(asked)
        return found.values, usage_json(found.usage)


class _Refused(Exception):
    """A request that a server without faults refuses as well."""

    def __init__(self, refusal: Fault) -> None:
        self.refusal = refusal
        super().__init__()
