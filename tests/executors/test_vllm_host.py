"""The engine in this process, played by another: what happens when it dies."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from graphdsl.errors import BackendError, ContextOverflow, Overloaded
from graphdsl.executors.vllm_children import Children
from graphdsl.executors.vllm_host import EngineHost
from graphdsl.executors.vllm_library import Vllm
from graphdsl.plan import ModelSpec


class Dead(Exception): ...


class Client(Exception): ...


class Http(Exception): ...


class Server(Exception): ...


class Engine:
    """Gives one output, or fails as it is told to."""

    def __init__(self) -> None:
        self.model_config = SimpleNamespace(max_model_len=8)
        self.output_handler = None
        self.errored = False
        self.ended = False
        self.fails: Exception | None = None

    async def generate(self, *_: Any, **__: Any) -> AsyncGenerator[str]:
        if isinstance(self.fails, Dead):
            self.errored = True
        if self.fails is not None:
            raise self.fails
        yield "output"

    def shutdown(self) -> None:
        self.ended = True


class Library:
    """Starts engines, and says how they fail; takes the place of `Vllm`."""

    EngineDead, ClientError, HttpError, ServerError = Dead, Client, Http, Server

    def __init__(self) -> None:
        self.engines: list[Engine] = []
        self.broken = False
        self.hurry = threading.Event()
        self.hurry.set()

    def start(self, _name: str, _arguments: Sequence[str], children: Children) -> Engine:
        self.hurry.wait()
        if self.broken:
            children.close()
            raise BackendError("no memory")
        self.engines.append(Engine())
        return self.engines[-1]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library()

    def load(_name: str) -> Library:
        return made

    monkeypatch.setattr(Vllm, "load", load)
    return made


async def started(**options: Any) -> EngineHost:
    host = EngineHost(ModelSpec("m", "vllm", "org/model", options), "org/model")
    await host.start()
    return host


async def ask(host: EngineHost) -> list[str]:
    return [output async for output in host.generate([1, 2], None)]


async def test_a_dead_engine_is_started_again_once(library: Library) -> None:
    host = await started()
    assert await ask(host) == ["output"]
    library.engines[0].fails = Dead()
    with pytest.raises(BackendError, match=r"has died$") as caught:
        await ask(host)
    assert (caught.value.retryable, caught.value.uncertain) == (True, True)
    assert await asyncio.gather(ask(host), ask(host)) == [["output"], ["output"]]
    assert [engine.ended for engine in library.engines] == [True, False]
    library.engines[1].fails = Dead()
    with pytest.raises(BackendError, match=r"has died$"):
        await ask(host)
    with pytest.raises(BackendError, match="has died twice") as refused:
        await ask(host)
    assert not refused.value.retryable
    await host.close()


async def test_giving_up_on_a_restart_does_not_end_it(library: Library) -> None:
    host = await started()
    library.engines[0].fails = Dead()
    with pytest.raises(BackendError):
        await ask(host)
    impatient = asyncio.ensure_future(ask(host))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    assert await ask(host) == ["output"]
    await host.close()
    assert all(engine.ended for engine in library.engines)


async def test_a_restart_that_fails_says_why_each_time(library: Library) -> None:
    host = await started()
    library.engines[0].fails = Dead()
    with pytest.raises(BackendError):
        await ask(host)
    library.broken = True
    for _ in range(2):
        with pytest.raises(BackendError, match="no memory"):
            await ask(host)
    await host.close()
    with pytest.raises(BackendError, match="is closed"):
        await ask(host)


async def test_a_start_that_takes_too_long_is_given_up(library: Library) -> None:
    library.hurry.clear()
    with pytest.raises(BackendError, match=r"not ready within 0\.05 s \(`startup_timeout`\)"):
        await started(startup_timeout=0.05)
    library.hurry.set()
    while not (library.engines and library.engines[0].ended):
        await asyncio.sleep(0.01)  # it has come up, and nobody wants it


@pytest.mark.parametrize(
    ("fails", "kind", "retryable"),
    [
        (Client("bad"), BackendError, False),
        (Http("full"), Overloaded, True),
        (Server("broken"), BackendError, True),
    ],
)
async def test_failures_of_one_request_become_our_errors(
    library: Library, fails: Exception, kind: type[BackendError], retryable: bool
) -> None:
    host = await started()
    library.engines[0].fails = fails
    with pytest.raises(kind, match=rf"`m`.*{fails}") as caught:
        await ask(host)
    assert caught.value.retryable is retryable
    await host.close()


async def test_a_prompt_that_leaves_no_room_is_not_sent(library: Library) -> None:
    host = await started()
    with pytest.raises(ContextOverflow) as caught:
        [output async for output in host.generate([1] * 8, None)]
    assert (caught.value.prompt_tokens, caught.value.limit) == (8, 7)
    assert library.engines
    await host.close()
