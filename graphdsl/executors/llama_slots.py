"""The slots of one llama.cpp server: who works in which, on what thread, until when.

Every call has a permit, a slot and at most one thread; it keeps the slot until its thread has let
go, however early its task was cancelled. The slot is the one that knows most of its prompt, and
`graphdsl.executors.llama_stems` sees to it that it knows more.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from graphdsl.errors import BackendError
from graphdsl.executors.abc import Completion, Meter, Scores
from graphdsl.executors.llama_generation import Generation
from graphdsl.executors.llama_request import Control, reading_body, turns
from graphdsl.executors.llama_server import LlamaServer
from graphdsl.executors.llama_states import States
from graphdsl.executors.llama_stems import Place, Stems
from graphdsl.executors.prefixes import common_length
from graphdsl.executors.slot_texts import SlotTexts
from graphdsl.values import Messages

_T = TypeVar("_T")
Work = Callable[[LlamaServer, int, threading.Event], _T]
"""Runs on a worker thread, in a slot, until it is done or the event is set."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a call reads: `text` to be compared with others, `rendered` as the model has it."""

    text: str
    rendered: Callable[[LlamaServer], str]

    @staticmethod
    def of_chat(messages: Messages, control: Control) -> Prompt:
        """The prompt of a chat."""
        found = turns(messages, control)
        text = "".join(f"\x1e{turn['role']}\x1f{turn['content']}" for turn in found)
        return Prompt(text, lambda server: server.render(found))

    @staticmethod
    def of_text(text: str) -> Prompt:
        """A raw text, which is like no chat."""
        return Prompt(f"\x00{text}", lambda server: text)


@dataclass(eq=False, slots=True)
class _Call:
    """A call in a slot; `working` is its thread's part, `prompt` None where it reads nothing.

    `touched` once its slot may not hold any more what it held `before`; `own` once the work of the
    call itself has begun.
    """

    place: Place
    prompt: Prompt | None
    meter: Meter | None
    stop: threading.Event = field(default_factory=threading.Event)
    working: asyncio.Future[Any] | None = None
    touched: bool = False
    own: bool = False

    @property
    def reads(self) -> bool:
        """True while it reads its prompt, or may, for all that is known."""
        if self.prompt is None or not self.touched:
            return False
        busy = self.working is not None and not self.working.done()
        return busy and not (self.meter is not None and self.meter.completion_tokens)

    @property
    def certain(self) -> str:
        """What its slot holds for certain, however far the call came."""
        if not self.touched:
            return self.place.before
        written = self.own and self.meter is not None and self.meter.completion_tokens
        return self.place.text if written else self.place.text[: self.place.known]


class LlamaSlots:
    """Runs calls in the slots of a server, which is None once it is closed."""

    def __init__(self, model: str, slots: int, pool: ThreadPoolExecutor, states: States) -> None:
        self._model = model
        self._count = slots
        self._pool = pool
        self._states = states
        self._permits = asyncio.Semaphore(slots)
        self._texts = SlotTexts(slots)
        self._stems = Stems(self, keep=states.fast)
        self._calls: dict[int, _Call] = {}
        self.server: LlamaServer | None = None

    async def run(
        self, work: Work[_T], prompt: Prompt | None = None, meter: Meter | None = None
    ) -> _T:
        """Work in a slot, which is free again once the work has ended. Raises `BackendError`."""
        await self._permits.acquire()
        call = self._begin(prompt, meter)
        text: str | None = None
        try:
            self._open_server()
            if prompt is not None:
                await self._stems.warm(call.place)
                call.touched = call.own = True
            result = await self._on_thread(
                call, lambda server: work(server, call.place.slot, call.stop)
            )
            text = call.place.text + _reply(result)
            return _without(result, call.place.read)
        finally:
            call.stop.set()
            if call.working is None or call.working.done():
                self._end(call, text)
            else:
                call.working.add_done_callback(lambda _: self._end(call, None))

    def expect(self, each: int) -> None:
        """Say what a state takes for each token, before any was seen."""
        self._stems.expect(each)

    async def close(self) -> LlamaServer | None:
        """Stop what runs, wait until it has ended, and give the server away."""
        server, self.server = self.server, None
        for call in self._calls.values():
            call.stop.set()
        for _ in range(self._count):
            await self._permits.acquire()  # all of them: nothing runs any more
        for _ in range(self._count):
            self._permits.release()  # those who still wait learn that it is closed
        return server

    # ---- what `Stems` asks for

    async def read(self, place: Place, like: Place) -> int:
        """See `graphdsl.executors.llama_stems.Engine`."""
        call = self._calls[place.slot]

        def work(server: LlamaServer) -> int:
            one, other = place.rendered(), like.rendered()
            body = reading_body(one[: common_length(one, other)]) | {"id_slot": place.slot}
            reading = Generation(self._model, call.stop, call.meter)
            try:
                usage = reading.run(server.complete, body, logprobs=False).usage
            finally:
                if call.meter is not None:
                    call.meter.completion_tokens = 0  # one had to be asked for; it is no reply
            return usage.prompt_tokens - usage.cached_tokens

        call.touched = True
        return await self._on_thread(call, work)

    async def save(self, place: Place, name: str) -> int:
        """See `graphdsl.executors.llama_stems.Engine`."""
        call = self._calls[place.slot]
        try:
            return await self._on_thread(call, lambda server: server.save(place.slot, name))
        except asyncio.CancelledError:
            if call.working is not None:  # it is still written, and nobody would know of it
                call.working.add_done_callback(lambda _: self.drop(name))
            raise

    async def load(self, place: Place, name: str) -> bool:
        """See `graphdsl.executors.llama_stems.Engine`."""
        call = self._calls[place.slot]
        call.touched = True
        return await self._on_thread(call, lambda server: server.load(place.slot, name))

    def drop(self, name: str) -> None:
        """See `graphdsl.executors.llama_stems.Engine`."""
        self._states.drop(name)

    def free(self) -> int:
        """See `graphdsl.executors.llama_stems.Engine`."""
        return self._states.free()

    def reading(self, place: Place) -> bool:
        """See `graphdsl.executors.llama_stems.Engine`."""
        return any(call.reads for slot, call in self._calls.items() if slot != place.slot)

    # ---- slots and threads

    def _begin(self, prompt: Prompt | None, meter: Meter | None) -> _Call:
        text = "" if prompt is None else prompt.text
        slot, known = self._texts.begin(text)
        before = self._texts.text(slot)
        rendered = partial(self._rendered, prompt)
        call = _Call(Place(slot, text, known, before, rendered), prompt, meter)
        self._calls[slot] = call
        return call

    def _end(self, call: _Call, text: str | None) -> None:
        """The thread has let go; `text` is what the slot holds, None if the call was cut off."""
        place = call.place
        del self._calls[place.slot]
        if call.prompt is None:
            text = place.before
        self._texts.end(place.slot, call.certain if text is None else text)
        if call.working is not None and not call.working.cancelled():
            call.working.exception()  # seen: a cancelled caller does not come back for it
        self._permits.release()

    async def _on_thread(self, call: _Call, work: Callable[[LlamaServer], _T]) -> _T:
        """A part of a call that blocks. Cancelling the caller does not end it."""
        run = asyncio.get_running_loop().run_in_executor
        future = run(self._pool, work, self._open_server())
        call.working = future
        return await asyncio.shield(future)

    def _rendered(self, prompt: Prompt | None) -> str:
        return "" if prompt is None else prompt.rendered(self._open_server())

    def _open_server(self) -> LlamaServer:
        if self.server is None:
            raise BackendError(f"`{self._model}` is closed", model=self._model)
        return self.server


def _reply(result: object) -> str:
    """How a slot goes on after its prompt."""
    return f"\x1eassistant\x1f{result.text}" if isinstance(result, Completion) else ""


def _without(result: _T, read: int) -> _T:
    """The result, where tokens that its own call had read before do not count as cached."""
    if not read or not isinstance(result, Completion | Scores):
        return result
    usage = result.usage
    return replace(result, usage=replace(usage, cached_tokens=max(0, usage.cached_tokens - read)))
