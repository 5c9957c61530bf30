"""The scripted server itself: what it remembers, and in which order it fails."""

from __future__ import annotations

import asyncio
import json

import aiohttp

from graphdsl.executors.simulated import SimulatedBackend
from graphdsl.plan import ModelSpec
from graphdsl.testing import FaultyServer
from graphdsl.testing.faults import Body, Hang, Refusal
from graphdsl.testing.faulty_server import MODEL

BODY = {"model": MODEL, "messages": [{"role": "user", "content": "What is 2 + 3?"}], "seed": 1}


async def post(server: FaultyServer, body: object = BODY, path: str = "chat/completions") -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/{path}", data=json.dumps(body)) as response,
    ):
        await response.read()
        return response.status


async def test_a_script_is_followed_in_order_and_then_all_is_well() -> None:
    async with FaultyServer() as server:
        server.script(Refusal(429), None, Body("", "text/plain"), Refusal(500))
        assert [await post(server) for _ in range(6)] == [429, 200, 200, 500, 200, 200]


async def test_what_is_always_done_yields_to_the_script() -> None:
    async with FaultyServer() as server:
        server.always = Refusal(503)
        server.script(None)
        assert [await post(server) for _ in range(3)] == [200, 503, 503]


async def test_a_request_that_no_server_takes_is_refused() -> None:
    async with FaultyServer(context=64) as server:
        assert await post(server, BODY | {"model": "other"}) == 404
        assert await post(server, BODY | {"messages": []}) == 400
        assert await post(server, BODY | {"messages": [{"role": "user", "content": 1}]}) == 400
        assert await post(server, BODY | {"stop": list("abcde")}) == 400
        assert await post(server, BODY | {"seed": 2**63}) == 400
        assert await post(server, BODY | {"stream_options": {"include_usage": True}}) == 400
        assert await post(server, BODY | {"continue_final_message": True}) == 400
        long = [{"role": "user", "content": "word " * 100}]
        assert await post(server, BODY | {"messages": long}) == 400
        assert await post(server, BODY, "elsewhere") == 405
        assert [asked.path for asked in server.asked] == ["/v1/chat/completions"] * 8


async def test_it_answers_like_the_model_that_it_is_given() -> None:
    model = SimulatedBackend(ModelSpec("m", "simulated", "", {"replies": ("it is 5",)}))
    async with (
        FaultyServer(model) as server,
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/chat/completions", json=BODY) as response,
    ):
        assert (await response.json())["choices"][0]["message"]["content"] == "it is 5"


async def test_it_tells_which_requests_were_left() -> None:
    async with FaultyServer() as server:
        server.script(Hang())
        call = asyncio.ensure_future(post(server))
        await server.until(lambda: len(server.asked) == 1)
        assert server.cut == 0
        call.cancel()
        await server.until(lambda: server.cut == 1)
        assert await post(server) == 200
        assert [asked.cut for asked in server.asked] == [True, False]


async def test_stopping_it_is_not_the_client_s_doing() -> None:
    async with FaultyServer() as server:
        server.script(Hang())
        call = asyncio.ensure_future(post(server))
        await server.until(lambda: len(server.asked) == 1)
        port = server.port
        await server.stop()
        await asyncio.gather(call, return_exceptions=True)
        assert server.cut == 0
        async with server:
            assert server.port == port
            assert await post(server) == 200
