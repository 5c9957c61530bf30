"""Slots whose calls are cancelled: what they leave behind, and what is believed of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from graphdsl.executors import llama_states
from graphdsl.executors.abc import Meter
from graphdsl.executors.llama_server import LlamaServer, OnChunk
from graphdsl.executors.llama_slots import LlamaSlots, Prompt
from graphdsl.executors.llama_states import States

LONG = "word " * 200


class Server:
    """A server in which saving and working take as long as the test wants."""

    def __init__(self, states: States) -> None:
        self.states = states
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.size = 100

    def save(self, _slot: int, name: str) -> int:
        self.entered.set()
        self.go_on.wait(5)
        (self.states.path / name).write_bytes(b"x" * 100)
        return self.size

    def load(self, _slot: int, name: str) -> bool:
        return (self.states.path / name).exists()

    def complete(self, _body: dict[str, Any], on_chunk: OnChunk) -> None:
        usage = {"prompt_tokens": 9, "completion_tokens": 1}
        on_chunk({"choices": [], "usage": usage, "timings": {"predicted_n": 1}})

    def work(self, _server: LlamaServer, _slot: int, stop: threading.Event) -> str:
        """The work of a call that ends when it is stopped."""
        self.entered.set()
        stop.wait(5)
        return "done"


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(llama_states, "_MEMORY", tmp_path)
    monkeypatch.setattr(llama_states, "ROOM", 0)
    states = States()
    yield Server(states)
    states.close()


def slots_of(server: Server, count: int = 1) -> LlamaSlots:
    slots = LlamaSlots("tiny", count, ThreadPoolExecutor(count), server.states)
    slots.server = cast(LlamaServer, server)
    return slots


async def entered(server: Server) -> None:
    """Wait until a thread is inside."""
    await asyncio.to_thread(server.entered.wait, 5)
    server.entered.clear()


def files(server: Server) -> set[str]:
    return {path.name for path in server.states.path.iterdir()} - {"lock"}


def quick(_server: LlamaServer, _slot: int, _stop: threading.Event) -> str:
    return "done"


async def test_a_save_that_is_cancelled_leaves_no_file(server: Server) -> None:
    slots = slots_of(server)
    await slots.run(quick, Prompt.of_text(LONG))
    task = asyncio.create_task(slots.run(quick, Prompt.of_text("other " * 200)))
    await entered(server)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    server.go_on.set()
    await slots.close()
    await asyncio.sleep(0)
    assert files(server) == set()


async def test_a_save_that_failed_leaves_no_file(server: Server) -> None:
    server.size = 0
    server.go_on.set()
    slots = slots_of(server)
    await slots.run(quick, Prompt.of_text(LONG))
    await slots.run(quick, Prompt.of_text("other " * 200))
    assert files(server) == set()


async def test_a_state_is_kept_only_of_what_was_read_for_certain(server: Server) -> None:
    server.go_on.set()
    slots = slots_of(server)
    task = asyncio.create_task(slots.run(server.work, Prompt.of_text(LONG), Meter()))
    await entered(server)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await slots.run(quick, Prompt.of_text("other " * 200))
    assert files(server) == set()


async def test_a_call_that_was_cut_off_while_it_wrote_had_read_its_prompt(server: Server) -> None:
    server.go_on.set()
    slots, meter = slots_of(server), Meter()
    task = asyncio.create_task(slots.run(server.work, Prompt.of_text(LONG), meter))
    await entered(server)
    meter.completion_tokens = 3
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await slots.run(quick, Prompt.of_text("other " * 200))
    assert files(server) == {"0.state"}


async def test_a_call_that_was_cancelled_before_it_read_leaves_its_slot_as_it_was(
    server: Server,
) -> None:
    slots = slots_of(server)
    await slots.run(quick, Prompt.of_text(LONG))
    task = asyncio.create_task(slots.run(quick, Prompt.of_text("other " * 200)))
    await entered(server)  # it is only about to
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    server.go_on.set()
    await slots.run(quick, Prompt.of_text("third " * 200))
    assert len(files(server)) == 1


async def test_no_state_is_kept_while_another_slot_reads(server: Server) -> None:
    server.go_on.set()
    slots, meter = slots_of(server, 2), Meter()
    await slots.run(quick, Prompt.of_text(LONG))
    reading = asyncio.create_task(slots.run(server.work, Prompt.of_text("read " * 9), meter))
    await entered(server)
    await slots.run(quick, Prompt.of_text("other " * 200))
    assert files(server) == set()
    meter.completion_tokens = 1
    await slots.run(quick, Prompt.of_text("third " * 200))
    assert len(files(server)) == 1
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
