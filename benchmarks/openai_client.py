"""What the `openai` backend costs beside a bare aiohttp loop and litellm: calls per second.

    python benchmarks/openai_client.py [--rounds 7] [--seconds 1.0] [--growth 100000]

A stub in another process answers at once. Every client calls it from 1, 32 and 256 tasks, in
turns, so that load from elsewhere hits all; the figures are medians over the rounds. The bars: at
least 0.6 of the bare loop and at least 5 times litellm (left out where it is not installed) at
each width, and a resident memory that does not grow over 1e5 calls. Ends with status 1 below one.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import importlib.util
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, Final

import aiohttp

from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.openai import OpenAIBackend
from graphdsl.plan import ModelSpec
from graphdsl.values import Messages

OF_BARE: Final = 0.6
OF_LITELLM: Final = 5.0
GROWTH: Final = 8.0
"""The bars: shares of the other clients' rates, and MiB over the counted calls."""

WIDTHS: Final = (1, 32, 256)
PROMPT: Final = "What is 2 + 2? Answer with the number only."

Call = Callable[[], Awaitable[object]]


def stub(pipe: Connection) -> None:
    """Serve one fixed reply until the parent goes away; tells its port through the pipe."""
    text = {"role": "assistant", "content": "The answer is 4."}
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "stub",
        "choices": [{"index": 0, "message": text, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 18, "completion_tokens": 6, "total_tokens": 24},
    }
    body = json.dumps(reply).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    asyncio.run(_serve(head.encode() + b"\r\n\r\n" + body, pipe))


class StubProtocol(asyncio.Protocol):
    """Answers every request on a connection with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._buffer += data
        assert self._transport is not None
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            _, _, rest = head.partition(b"content-length:")
            total = end + 4 + int(rest.split(b"\r\n", 1)[0] or 0)
            if len(self._buffer) < total:
                return
            self._buffer = self._buffer[total:]
            self._transport.write(self._answer)


async def _serve(answer: bytes, pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: StubProtocol(answer), "127.0.0.1", 0, backlog=1024)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


@dataclass(frozen=True, slots=True)
class Client:
    """One way of calling: `call` gets one reply and reads its text."""

    name: str
    call: Call


async def rate(call: Call, width: int, seconds: float) -> float:
    """Calls per second from `width` tasks that call one after the other."""
    count = 0
    end = time.perf_counter() + seconds

    async def work() -> None:
        nonlocal count
        while time.perf_counter() < end:
            await call()
            count += 1

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(width)))
    return count / (time.perf_counter() - start)


def bare(session: aiohttp.ClientSession, url: str) -> Client:
    """What anyone would write with aiohttp alone."""
    body = {
        "model": "stub",
        "messages": [{"role": "user", "content": PROMPT}],
        "temperature": 0.7,
        "max_tokens": 16,
        "seed": 1,
    }

    async def call() -> str:
        async with session.post(f"{url}/chat/completions", json=body) as response:
            reply = await response.json()
        return str(reply["choices"][0]["message"]["content"])

    return Client("bare aiohttp", call)


def ours(backend: OpenAIBackend) -> Client:
    """The same through the backend, a new request each time."""
    messages = Messages.user(PROMPT)

    async def call() -> str:
        return (await backend.chat(ChatRequest(messages, max_tokens=16, seed=1))).text

    return Client("graphdsl", call)


def litellm(url: str) -> Client | None:
    """The same through litellm with its retries off; None where it is not installed."""
    if importlib.util.find_spec("litellm") is None:
        return None
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    module: Any = importlib.import_module("litellm")
    module.suppress_debug_info = True

    async def call() -> str:
        reply = await module.acompletion(
            model="openai/stub",
            messages=[{"role": "user", "content": PROMPT}],
            api_base=url,
            api_key="none",
            temperature=0.7,
            max_tokens=16,
            seed=1,
            num_retries=0,
            max_retries=0,
        )
        return str(reply.choices[0].message.content)

    return Client("litellm", call)


Rates = dict[tuple[str, int], list[float]]


async def compare(clients: list[Client], rounds: int, seconds: float) -> Rates:
    """The rates of each client at each width, one per round; a warm-up round is dropped."""
    rates: Rates = {(client.name, width): [] for client in clients for width in WIDTHS}
    for round_ in range(rounds + 1):
        for width in WIDTHS:
            for client in clients:
                gc.collect()
                found = await rate(client.call, width, seconds if round_ else seconds / 4)
                if round_:
                    rates[client.name, width].append(found)
    return rates


async def growth(client: Client, calls: int) -> float:
    """MiB by which the process grows over so many calls, after a tenth of them."""

    async def many(count: int) -> None:
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                await client.call()

        await asyncio.gather(*(work() for _ in range(64)))

    await many(calls // 10)
    before = resident()
    await many(calls)
    return resident() - before


def resident() -> float:
    """MiB that this process has in memory now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def report(rates: Rates, clients: list[Client]) -> bool:
    """Print the table; False below a bar."""
    good = True
    bars = {"bare aiohttp": OF_BARE, "litellm": OF_LITELLM}
    for width in WIDTHS:
        mine = rates["graphdsl", width]
        line = f"{width:>4} concurrent: graphdsl {median(mine):>7.0f}/s"
        for client in clients:
            if client.name in bars:
                other = rates[client.name, width]
                ratio = median(one / two for one, two in zip(mine, other, strict=True))
                good = good and ratio >= bars[client.name]
                line += f" | {client.name} {median(other):>7.0f}/s, ratio {ratio:.2f}"
        print(line)
    return good


async def measure(options: argparse.Namespace, port: int) -> int:
    """Compare, print, and judge."""
    url = f"http://127.0.0.1:{port}/v1"
    backend = await OpenAIBackend.open(ModelSpec("bench", "openai", "stub", {"base_url": url}))
    mine = ours(backend)
    grown = await growth(mine, options.growth)  # first: later there is freed memory to hide in
    other = litellm(url)
    if other is None:
        print("litellm is not installed: left out")
    unlimited = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=unlimited) as session:
        clients = [bare(session, url), mine, *([other] if other else [])]
        good = report(await compare(clients, options.rounds, options.seconds), clients)
    await backend.aclose()
    print(f"resident growth over {options.growth} calls: {grown:.1f} MiB (bar {GROWTH})")
    good = good and grown <= GROWTH
    verdict = "ok" if good else "BELOW A BAR"
    print(f"bars: {OF_BARE} of bare aiohttp, {OF_LITELLM:g} times litellm: {verdict}")
    return 0 if good else 1


def main() -> int:
    """Start the stub and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--growth", type=int, default=100_000)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=stub, args=(there,), daemon=True)
    server.start()
    try:
        return asyncio.run(measure(options, here.recv()))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    sys.exit(main())
