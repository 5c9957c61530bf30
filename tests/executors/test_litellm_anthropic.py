"""The `litellm` backend with a provider that has an interface of its own: Anthropic's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import pytest
from aiohttp import web

from graphdsl.errors import AccessDenied, ContextOverflow, Overloaded
from graphdsl.executors.abc import ChatRequest, Completion
from graphdsl.executors.litellm import LitellmBackend
from graphdsl.ir.entities import EnvVar
from graphdsl.plan import ModelSpec
from graphdsl.values import Finish, Message, Messages, Usage

pytestmark = [
    pytest.mark.skipif(find_spec("litellm") is None, reason="litellm is not installed"),
    pytest.mark.slow,  # importing litellm takes seconds
]

CLAUDE = "anthropic/claude-sonnet-4-5"
CANARY = "sk-ant-canary-0123456789"
ASKED = ChatRequest(Messages.user("What is 2 + 3?"), max_tokens=9, seed=1)


@dataclass
class Anthropic:
    """A server with the Messages API; `status` and `reply` are what it answers."""

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    reply: dict[str, Any] = field(default_factory=dict[str, Any])
    asked: list[tuple[str, str | None, dict[str, Any]]] = field(default_factory=list[Any])

    def says(self, text: str, reason: str = "end_turn", **usage: int) -> None:
        """Answer with this text."""
        self.status = 200
        self.reply = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5",
            "content": [{"type": "text", "text": text}],
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": {"input_tokens": 12, "output_tokens": 5} | usage,
        }

    def refuses(self, status: int, kind: str, message: str, **headers: str) -> None:
        """Answer with this error."""
        self.status, self.headers = status, headers
        self.reply = {"type": "error", "error": {"type": kind, "message": message}}

    async def answer(self, request: web.Request) -> web.Response:
        """The handler of every address."""
        self.asked.append((request.path, request.headers.get("x-api-key"), await request.json()))
        return web.json_response(self.reply, status=self.status, headers=self.headers)


@pytest.fixture
async def anthropic() -> AsyncIterator[Anthropic]:
    server = Anthropic()
    app = web.Application()
    app.router.add_post("/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


async def chat(server: Anthropic, request: ChatRequest, path: str = "/v1") -> Completion:
    """One call of a backend that is opened for it."""
    base = f"http://127.0.0.1:{server.port}{path}"
    options = {"base_url": base, "api_key": EnvVar("CANARY_KEY")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY_KEY", CANARY)
        backend = await LitellmBackend.open(ModelSpec("m", "litellm", CLAUDE, options))
    try:
        return await backend.chat(request)
    finally:
        await backend.aclose()


@pytest.mark.parametrize("path", ["", "/v1"])
async def test_a_request_has_the_form_of_the_provider(anthropic: Anthropic, path: str) -> None:
    anthropic.says("5")
    turns = (Message("system", "be brief"), *ASKED.messages.turns)
    await chat(anthropic, ChatRequest(Messages(turns), max_tokens=9, seed=1, stop=("x",)), path)
    ((where, key, body),) = anthropic.asked
    assert where == "/v1/messages"
    assert key == CANARY
    assert body["system"][0]["text"] == "be brief"
    assert body["stop_sequences"] == ["x"]
    assert body["max_tokens"] == 9
    assert "seed" not in body  # it has none


async def test_a_prefix_is_continued_and_not_repeated(anthropic: Anthropic) -> None:
    anthropic.says(" five", "stop_sequence", cache_read_input_tokens=30)
    turns = (*ASKED.messages.turns, Message("assistant", "It is"))
    reply = await chat(anthropic, ChatRequest(Messages(turns), max_tokens=9))
    assert anthropic.asked[0][2]["messages"][-1]["content"][0]["text"] == "It is"
    assert reply.text == " five"
    assert reply.finish.complete
    assert reply.usage == Usage(1, 42, 30, 5, cost=None)


async def test_a_limit_that_is_reached_is_a_length(anthropic: Anthropic) -> None:
    anthropic.says("2 + 3 is", "max_tokens")
    assert (await chat(anthropic, ASKED)).finish is Finish.LENGTH


async def test_a_schema_is_sent_in_the_provider_s_way(anthropic: Anthropic) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    anthropic.says('{"a": 1}')
    reply = await chat(anthropic, ChatRequest(ASKED.messages, schema=schema))
    assert anthropic.asked[0][2]["output_format"]["type"] == "json_schema"
    assert reply.text == '{"a": 1}'


async def test_a_server_without_room_says_for_how_long(anthropic: Anthropic) -> None:
    anthropic.refuses(529, "overloaded_error", "Overloaded", **{"Retry-After": "3"})
    with pytest.raises(Overloaded, match="has no room for the call now") as caught:
        await chat(anthropic, ASKED)
    assert caught.value.retry_after == 3.0
    assert len(anthropic.asked) == 1


async def test_a_refused_key_is_not_shown(anthropic: Anthropic) -> None:
    anthropic.refuses(401, "authentication_error", f"invalid x-api-key {CANARY}")
    with pytest.raises(AccessDenied, match="put a valid one into `CANARY_KEY`") as caught:
        await chat(anthropic, ASKED)
    assert CANARY not in str(caught.value) + repr(vars(caught.value))


async def test_an_overflow_has_its_numbers(anthropic: Anthropic) -> None:
    words = "prompt is too long: 210000 tokens > 200000 maximum"
    anthropic.refuses(400, "invalid_request_error", words)
    with pytest.raises(ContextOverflow) as caught:
        await chat(anthropic, ASKED)
    assert (caught.value.prompt_tokens, caught.value.limit) == (210_000, 200_000)
