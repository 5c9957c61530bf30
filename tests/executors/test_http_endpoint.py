"""One pooled server: what it sends, what it refuses to read, and what it leaves behind."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import pytest

from graphdsl.errors import BackendError, ModelNotFound
from graphdsl.executors.http_address import parse_address
from graphdsl.executors.http_endpoint import HttpEndpoint
from graphdsl.executors.http_errors import Site
from graphdsl.executors.openai_wire import encoded
from graphdsl.executors.secret import Secret
from graphdsl.testing import FaultyServer
from graphdsl.testing.faults import Body, with_content
from graphdsl.testing.faulty_server import MODEL

CHAT = "chat/completions"


def body(text: str = "2 + 2", *, stream: bool = False) -> bytes:
    turns = [{"role": "user", "content": text}]
    return encoded({"model": MODEL, "messages": turns, "max_tokens": 8, "stream": stream})


@asynccontextmanager
async def endpoint(
    url: str, *, limit: int = 2**20, key: Secret | None = None
) -> AsyncGenerator[HttpEndpoint]:
    address = parse_address(url, "m")
    site = Site("m", MODEL, address.host)
    found = HttpEndpoint(address, site, ceiling=4, key=key, reply_limit=limit)
    try:
        yield found
    finally:
        await found.aclose()


async def test_a_key_goes_into_one_header() -> None:
    async with FaultyServer() as server, endpoint(server.url, key=Secret("sk-1")) as found:
        await found.post(CHAT, body())
        headers = server.asked[0].headers
        assert headers["Authorization"] == "Bearer sk-1"
        assert headers["Content-Type"] == "application/json"
        assert not any("sk-1" in headers[name] for name in headers if name != "Authorization")


async def test_credentials_of_an_address_are_sent_as_such() -> None:
    async with FaultyServer() as server:
        url = server.url.replace("//", "//me:pass@")
        async with endpoint(url) as found:
            await found.post(CHAT, body())
        async with endpoint(url, key=Secret("sk-1")) as found:
            await found.post(CHAT, body())
        sent = [asked.headers["Authorization"] for asked in server.asked]
        assert sent == ["Basic bWU6cGFzcw==", "Bearer sk-1"]


async def test_one_connection_serves_calls_that_follow_each_other() -> None:
    async with FaultyServer() as server, endpoint(server.url) as found:
        for _ in range(3):
            await found.post(CHAT, body())
            async with aclosing(found.stream(CHAT, body(stream=True))) as events:
                assert len([event async for event in events]) == 8
        assert server.connections == 1


async def test_a_large_body_arrives_whole() -> None:
    async with FaultyServer(context=2**22) as server, endpoint(server.url) as found:
        await found.post(CHAT, body("word " * 2**19))
        assert len(server.asked[0].body["messages"][0]["content"]) == 5 * 2**19


async def test_a_reply_without_end_is_refused() -> None:
    async with FaultyServer() as server, endpoint(server.url, limit=2**19) as found:
        server.script(with_content("x" * 2**20))
        with pytest.raises(BackendError, match=r"more than 0\.5 MiB") as caught:
            await found.post(CHAT, body())
        assert caught.value.uncertain
        assert not caught.value.retryable
        assert (await found.post(CHAT, body()))["choices"]


async def test_a_stream_without_end_is_refused() -> None:
    async with FaultyServer() as server, endpoint(server.url, limit=2**19) as found:
        server.script(Body("data: {}\n\n" * 2**17, "text/event-stream"))
        with pytest.raises(BackendError, match=r"more than 0\.5 MiB"):
            async with aclosing(found.stream(CHAT, body(stream=True))) as events:
                _ = [event async for event in events]


async def test_nothing_counts_after_the_end_of_a_stream() -> None:
    async with FaultyServer() as server, endpoint(server.url) as found:
        server.script(Body("data: 1\n\ndata: [DONE]\n\ndata: 2\n\n", "text/event-stream"))
        async with aclosing(found.stream(CHAT, body(stream=True))) as events:
            assert [event async for event in events] == [b"1"]


async def test_a_stream_that_is_left_closes_its_connection() -> None:
    async with FaultyServer(pace=0.005) as server, endpoint(server.url) as found:
        async with aclosing(found.stream(CHAT, body(stream=True))) as events:
            async for _ in events:
                break
        await server.until(lambda: server.cut == 1)


async def test_pages_are_read_as_they_are() -> None:
    async with FaultyServer() as server, endpoint(server.url) as found:
        server.pages["/metrics"] = "a 1"
        assert await found.get("/metrics") == b"a 1"
        with pytest.raises(ModelNotFound):
            await found.get("/other")


async def test_a_proxy_of_the_environment_is_used_but_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FaultyServer() as server:
        monkeypatch.setenv("http_proxy", f"http://me:hidden@{server.host}")
        monkeypatch.delenv("no_proxy", raising=False)
        async with endpoint(server.url) as found:
            await found.post(CHAT, body())
        assert server.asked[0].headers["Host"] == server.host
        async with endpoint("http://models.invalid/v1") as found:
            assert (await found.post(CHAT, body()))["choices"]
        assert server.asked[1].headers["Host"] == "models.invalid"
