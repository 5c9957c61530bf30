"""The `openai` backend against a scripted server: its promises, whole and streamed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from graphdsl.errors import BackendError, ModelNotFound
from graphdsl.executors.abc import (
    Backend,
    Capabilities,
    ChatRequest,
    Completion,
    EmbedRequest,
    Meter,
    ScoreRequest,
    TextRequest,
)
from graphdsl.executors.openai import OpenAIBackend
from graphdsl.executors.openai_dialect import Dialect
from graphdsl.testing import BackendSuite, FaultyServer
from graphdsl.testing.faults import Body, with_content
from graphdsl.testing.faulty_server import MODEL
from graphdsl.values import Finish, Message, Messages

EVERYTHING = ("prefix_continuation", "completions", "text_scores", "relevance_scores")
SSE = "text/event-stream"
PACE = 0.0002
"""Seconds per token: long replies last some 60 ms."""


class TestWhole(BackendSuite):
    @pytest.fixture
    async def backend(self) -> AsyncIterator[Backend]:  # pyright: ignore[reportIncompatibleVariableOverride]
        async with FaultyServer(pace=PACE, context=1024) as server:
            spec = server.spec(context=1024, max_in_flight=8, has=EVERYTHING, **self.options())
            backend = await OpenAIBackend.open(spec)
            yield backend
            await backend.aclose()

    def options(self) -> dict[str, Any]:
        return {}


class TestStreamed(TestWhole):
    def options(self) -> dict[str, Any]:
        return {"stream": True}


class TestPlain(TestWhole):
    """An endpoint that can only chat."""

    def options(self) -> dict[str, Any]:
        lacks = ("seeds", "logprobs", "stop_strings", "structured", "label_scores", "embeddings")
        return {"lacks": (*lacks, *EVERYTHING)}


class TestMetered(BackendSuite):
    """A server that counts in every piece, as vLLM does; two of them."""

    @pytest.fixture
    async def backend(self) -> AsyncIterator[Backend]:  # pyright: ignore[reportIncompatibleVariableOverride]
        able = Capabilities(
            max_in_flight=8, seeds=True, stop_strings=True, cancellation=True, metered=True
        )
        dialect = Dialect(continuous_usage=True)
        async with FaultyServer(pace=PACE) as one, FaultyServer(pace=PACE) as other:
            backend = OpenAIBackend("m", MODEL, (one.url, other.url), able, dialect=dialect)
            yield backend
            await backend.aclose()


@pytest.fixture
async def server() -> AsyncIterator[FaultyServer]:
    async with FaultyServer() as server:
        yield server


async def chat(
    server: FaultyServer, request: ChatRequest, *, has: tuple[str, ...] = (), **options: Any
) -> Completion:
    """One call of a backend that is opened for it."""
    backend = await OpenAIBackend.open(server.spec(has=has, **options))
    try:
        return await backend.chat(request)
    finally:
        await backend.aclose()


ASKED = ChatRequest(Messages.user("What is 2 + 3?"), max_tokens=8, seed=3)


async def test_a_request_says_what_was_asked_for_and_nothing_else(server: FaultyServer) -> None:
    await chat(server, ASKED)
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.body == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "What is 2 + 3?"}],
        "temperature": 0.7,
        "max_tokens": 8,
        "seed": 3,
    }


async def test_every_setting_of_a_request_is_sent(server: FaultyServer) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    request = replace(ASKED, top_p=0.5, stop=("", "\n\n"), logprobs=True, schema=schema)
    await chat(server, request, reasoning_effort="low", limit_name="max_completion_tokens")
    body = server.asked[0].body
    assert body["top_p"] == 0.5
    assert body["stop"] == ["\n\n"]
    assert body["logprobs"] is True
    assert body["reasoning_effort"] == "low"
    assert body["max_completion_tokens"] == 8
    assert "max_tokens" not in body
    assert body["response_format"]["json_schema"]["schema"] == schema


async def test_what_an_endpoint_lacks_is_not_asked_of_it(server: FaultyServer) -> None:
    free = (await chat(server, ASKED)).text
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    request = replace(ASKED, stop=(free[9:12],), logprobs=True, schema=schema)
    lacks = ("seeds", "stop_strings", "logprobs", "structured")
    server.script(with_content(free))
    reply = await chat(server, request, lacks=lacks)
    body = server.asked[-1].body
    assert body.keys() == {"model", "messages", "temperature", "max_tokens"}
    assert reply.text == free[: free.index(free[9:12])]
    assert reply.finish is Finish.STOP_SEQ
    assert reply.logprobs is None


async def test_a_seed_has_31_bits(server: FaultyServer) -> None:
    await chat(server, replace(ASKED, seed=2**40 + 7))
    assert server.asked[0].body["seed"] == 7


async def test_the_name_of_a_call_goes_along_in_headers(server: FaultyServer) -> None:
    await chat(server, replace(ASKED, key="run/node#0"))
    await chat(server, replace(ASKED, key="läuft\nja"))
    names = [asked.headers["Idempotency-Key"] for asked in server.asked]
    assert names == ["run/node#0", "l%C3%A4uft%0Aja"]
    assert server.asked[0].headers["X-Request-Id"] == "run/node#0"


async def test_a_call_without_a_name_has_no_such_header(server: FaultyServer) -> None:
    await chat(server, ASKED)
    assert "Idempotency-Key" not in server.asked[0].headers


PREFIX = Messages((*ASKED.messages.turns, Message("assistant", "The answer is")))


async def test_a_prefix_is_continued_only_where_the_endpoint_can(server: FaultyServer) -> None:
    await chat(server, replace(ASKED, messages=PREFIX))
    await chat(server, replace(ASKED, messages=PREFIX), has=("prefix_continuation",))
    without, with_ = (asked.body for asked in server.asked)
    assert "continue_final_message" not in without
    assert with_["continue_final_message"] is True
    assert with_["add_generation_prompt"] is False


async def test_an_empty_prefix_is_no_turn(server: FaultyServer) -> None:
    messages = Messages((*ASKED.messages.turns, Message("assistant", "")))
    await chat(server, replace(ASKED, messages=messages), has=("prefix_continuation",))
    assert [turn["role"] for turn in server.asked[0].body["messages"]] == ["user"]
    assert "continue_final_message" not in server.asked[0].body


@pytest.mark.parametrize("stream", [False, True])
async def test_a_repeated_prefix_is_taken_off(server: FaultyServer, stream: bool) -> None:
    server.script(with_content("The answer is 5.") if not stream else Body(_repeating(), SSE))
    request = replace(ASKED, messages=PREFIX)
    reply = await chat(server, request, has=("prefix_continuation",), stream=stream)
    assert reply.text == " 5."


def _repeating() -> str:
    """A stream that begins with what it was to continue, in pieces that do not fit its words."""
    pieces = ("The an", "swer is 5", ".")
    chunks: list[dict[str, Any]] = [
        {"choices": [{"delta": {"content": piece}, "finish_reason": None}]} for piece in pieces
    ]
    chunks.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True])
async def test_more_stop_strings_than_a_server_takes_all_count(
    server: FaultyServer, stream: bool
) -> None:
    free = (await chat(server, replace(ASKED, max_tokens=30))).text
    stops = ("\x01", "\x02", "\x03", "\x04", free[20:24])
    heard: list[str] = []
    request = replace(ASKED, max_tokens=30, stop=stops, listener=heard.append)
    reply = await chat(server, request, stream=stream)
    assert server.asked[-1].body["stop"] == list(stops[:4])
    assert reply.text == free[: free.index(free[20:24])] == "".join(heard)
    assert reply.finish is Finish.STOP_SEQ


async def test_a_stop_string_found_here_ends_the_stream() -> None:
    async with FaultyServer(pace=0.001) as server:
        free = (await chat(server, replace(ASKED, max_tokens=200))).text
        stops = ("\x01", "\x02", "\x03", "\x04", free[20:24])
        await chat(server, replace(ASKED, max_tokens=200, stop=stops), stream=True)
        await server.until(lambda: server.cut == 1)
        assert server.asked[-1].pieces < 50


async def test_a_listener_gets_the_pieces_in_order(server: FaultyServer) -> None:
    heard: list[str] = []
    reply = await chat(server, replace(ASKED, max_tokens=12, listener=heard.append))
    assert len(heard) == 12
    assert "".join(heard) == reply.text
    assert reply.usage == (await chat(server, replace(ASKED, max_tokens=12))).usage


@pytest.mark.parametrize("stream", [False, True])
async def test_cancelling_a_call_closes_its_connection(stream: bool) -> None:
    async with FaultyServer(pace=0.01) as server:
        backend = await OpenAIBackend.open(server.spec(stream=stream))
        call = asyncio.ensure_future(backend.chat(replace(ASKED, max_tokens=400)))
        await server.until(lambda: len(server.asked) == 1)
        call.cancel()
        await server.until(lambda: server.cut == 1)
        with pytest.raises(asyncio.CancelledError):
            await call
        await backend.aclose()


async def test_closing_closes_the_connections_too() -> None:
    async with FaultyServer(pace=0.01) as server:
        backend = await OpenAIBackend.open(server.spec())
        calls = [asyncio.ensure_future(backend.chat(ASKED)) for _ in range(3)]
        await server.until(lambda: len(server.asked) == 3)
        await backend.aclose()
        await server.until(lambda: server.cut == 3)
        for call in calls:
            with pytest.raises(BackendError, match="`m` is closed"):
                await call


async def test_a_caller_who_is_cancelled_while_it_closes_stays_cancelled() -> None:
    async with FaultyServer(pace=0.01) as server:
        backend = await OpenAIBackend.open(server.spec())
        call = asyncio.ensure_future(backend.chat(ASKED))
        await server.until(lambda: len(server.asked) == 1)
        call.cancel()
        await backend.aclose()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_a_cut_off_call_of_a_counting_server_is_metered_exactly() -> None:
    async with FaultyServer(pace=0.002) as server:
        able = Capabilities(max_in_flight=4, cancellation=True, metered=True)
        dialect = Dialect(continuous_usage=True)
        backend = OpenAIBackend("m", MODEL, (server.url,), able, dialect=dialect)
        whole = (await backend.chat(replace(ASKED, max_tokens=50))).usage
        meter, heard = Meter(), list[str]()
        request = replace(ASKED, max_tokens=50, meter=meter, listener=heard.append)
        call = asyncio.ensure_future(backend.chat(request))
        while len(heard) < 5:
            await asyncio.sleep(0.001)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert meter.prompt_tokens == whole.prompt_tokens
        assert meter.completion_tokens == len(heard) < 50
        await backend.aclose()


async def test_further_fields_of_a_dialect_win(server: FaultyServer) -> None:
    dialect = Dialect(extra=lambda request: {"priority": request.priority, "seed": 1})
    able = Capabilities(seeds=True)
    backend = OpenAIBackend("m", MODEL, (server.url,), able, dialect=dialect)
    await backend.chat(replace(ASKED, priority=4))
    assert server.asked[0].body["priority"] == 4
    assert server.asked[0].body["seed"] == 1
    await backend.aclose()


async def test_what_else_a_server_has_can_be_asked(server: FaultyServer) -> None:
    server.pages["/metrics"] = "vllm:num_requests_running 0.0"
    backend = await OpenAIBackend.open(server.spec())
    assert await backend.get_text("/health") == ("",)
    assert await backend.get_text("/metrics") == ("vllm:num_requests_running 0.0",)
    assert [entry["id"] for entry in await backend.models()] == [MODEL]
    body = {"model": MODEL, "messages": [{"role": "user", "content": "2 + 2"}], "max_tokens": 2}
    assert (await backend.post("chat/completions", body))["usage"]["completion_tokens"] == 2
    with pytest.raises(ModelNotFound):
        await backend.get_text("/nowhere")
    await backend.aclose()


async def test_opening_sends_nothing(server: FaultyServer) -> None:
    backend = await OpenAIBackend.open(server.spec())
    await backend.aclose()
    assert not server.asked


async def test_relevance_is_asked_where_the_server_has_it() -> None:
    async with FaultyServer(missing=("/score", "/rerank")) as server:
        backend = await OpenAIBackend.open(server.spec(has=("relevance_scores",)))
        asked = ScoreRequest(Messages.user("2 + 3"), ("5", "7", "9"), "relevance")
        first = await backend.score(asked)
        assert (await backend.score(asked)).values == first.values
        assert [one.path for one in server.asked] == ["/v1/rerank", "/v1/rerank"]
        await backend.aclose()


async def test_relevance_that_no_route_gives_is_not_found() -> None:
    async with FaultyServer(missing=("/score", "/rerank", "/v1/rerank")) as server:
        backend = await OpenAIBackend.open(server.spec(has=("relevance_scores",)))
        with pytest.raises(ModelNotFound, match="does not know this address"):
            await backend.score(ScoreRequest(Messages.user("2 + 3"), ("5",), "relevance"))
        await backend.aclose()


async def test_many_texts_are_embedded_in_several_requests(server: FaultyServer) -> None:
    backend = await OpenAIBackend.open(server.spec())
    texts = tuple(f"text {number}" for number in range(513))
    found = await backend.embed(EmbedRequest(texts, key="run/e"))
    (last,) = (await backend.embed(EmbedRequest(texts[-1:]))).vectors
    assert len(found.vectors) == 513
    assert found.vectors[-1] == last
    assert found.usage.calls == 2
    keys = [asked.headers.get("Idempotency-Key") for asked in server.asked]
    assert keys == ["run/e", "run/e+512", None]
    await backend.aclose()


async def test_text_without_a_limit_may_fill_the_declared_context(server: FaultyServer) -> None:
    backend = await OpenAIBackend.open(server.spec(has=("completions",), context=100))
    await backend.complete(TextRequest("ten bytes."))
    assert server.asked[0].body["max_tokens"] == 90
    await backend.aclose()
