"""Which runs may begin: finish what has begun before something else starts.

A run begins when every model of it that is open has a free place for which no call waits and no
other run has just begun; more runs at once would only compete for the same caches and end later
(ThunderAgent, arXiv 2602.13692). Until then runs wait, in the order in which they came.

Nothing can wait for ever: a run whose models are all quiet begins whatever else is going on, so
runs that wait for further runs, as those of an operator may, cannot block them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from itertools import count
from typing import TYPE_CHECKING, Final

from graphdsl.plan import ModelSpec

if TYPE_CHECKING:
    from graphdsl.executors.admission import Admission

_LANDING: Final = 3
"""Turns of the loop in which a run that has begun is taken to make its first call."""

_Models = tuple[ModelSpec, ...]

Look = Callable[[ModelSpec], "Admission | None"]
"""The admission of a declared model, if it is open."""


class RunGate:
    """Lets runs begin. `active` counts those that have begun and not ended.

    `look` finds open models; `opening` says whether a model is being opened.
    """

    __slots__ = (
        "_before",
        "_begun",
        "_landing",
        "_look",
        "_numbers",
        "_opening",
        "_pumping",
        "_queues",
        "active",
    )

    def __init__(self, look: Look, opening: Callable[[ModelSpec], bool]) -> None:
        self._look = look
        self._opening = opening
        self._queues: dict[tuple[int, ...], deque[_Arrival]] = {}
        self._numbers = count()
        self._landing = 0
        self._begun = deque[list[_Models]]([] for _ in range(_LANDING))  # in the last turns
        self._before: dict[Admission, int] = {}
        self._pumping = False
        self.active = 0

    @property
    def waiting(self) -> int:
        """Runs that have not begun yet."""
        return sum(not one.turn.done() for queue in self._queues.values() for one in queue)

    def run(self, models: Iterable[ModelSpec]) -> _Passage:
        """For `async with`: waits until a run of these models may begin, and notes its end."""
        return _Passage(self, tuple(_alone(models)))

    async def enter(self, models: _Models) -> None:
        """Wait for the turn of a run; `leave` must follow."""
        if not models or (not self._queues and self._room(models, self._open(models))):
            self._begin(models)
            return
        arrival = _Arrival(models, next(self._numbers))
        self._queues.setdefault(arrival.kind, deque()).append(arrival)
        self._let_in()
        try:
            await arrival.turn
        except asyncio.CancelledError:
            if arrival.turn.done() and not arrival.turn.cancelled():
                self.leave()
            else:
                self._let_in()
            raise

    def leave(self) -> None:
        """A run has ended."""
        self.active -= 1
        self.pump()

    def pump(self) -> None:
        """Something has changed: look, once the run that changed it has gone on, who may begin."""
        if self._queues and not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        self._let_in()

    def _let_in(self) -> None:
        """Let in, in the order of arrival, whoever has room; nobody overtakes at one model."""
        blocked: set[Admission | int] = set()
        while (arrival := self._first(blocked)) is not None:
            admissions = self._open(arrival.models)
            if not self._room(arrival.models, admissions):
                if not admissions:  # nothing is known of them until one is open
                    blocked.update(map(id, arrival.models))
                blocked.update(admissions)
                for admission in admissions:
                    admission.spare = self.pump
                continue
            self._queues[arrival.kind].popleft()
            self._begin(arrival.models)
            arrival.turn.set_result(None)

    def _first(self, blocked: set[Admission | int]) -> _Arrival | None:
        """The first arrival that still waits and whose models are none of the blocked ones.

        A model is blocked by its admission, or by its identity where it is not open.
        """
        found: _Arrival | None = None
        for kind, queue in list(self._queues.items()):
            while queue and queue[0].turn.done():
                queue.popleft()
            if not queue:
                del self._queues[kind]
            elif found is not None and found.number < queue[0].number:
                continue
            elif blocked.isdisjoint([*kind, *self._open(queue[0].models)]):
                found = queue[0]
        return found

    def _begin(self, models: _Models) -> None:
        self.active += 1
        if not models:
            return
        if not self._landing:
            asyncio.get_running_loop().call_soon(self._land)
        self._landing += 1
        self._begun[-1].append(models)

    def _land(self) -> None:
        """A turn of the loop is over: those who began some turns ago have made their calls."""
        self._begun.append([])
        self._landing -= len(self._begun.popleft())
        if self._landing:
            asyncio.get_running_loop().call_soon(self._land)
        if self._queues:
            self._let_in()

    def _room(self, models: _Models, admissions: list[Admission]) -> bool:
        """Whether a run of these models may begin now.

        Those that share a device are no hindrance: the more runs there are, the fewer switches.
        """
        if not admissions:
            return not any(map(self._opening, models)) and not self._lands(models)
        if not self._landing:
            self._before.clear()
        bounding = [one for one in admissions if one.device is None]
        if all(self._left(one) > 0 for one in bounding):
            return True
        return not self._landing and not any(one.in_flight or one.waiting for one in bounding)

    def _lands(self, models: _Models) -> bool:
        """Whether a run that has just begun is about to open one of these models."""
        mine = set(map(id, models))
        return any(not mine.isdisjoint(map(id, others)) for turn in self._begun for others in turn)

    def _left(self, admission: Admission) -> int:
        """Free places that no run which has just begun is about to take.

        Some of these have: so they count among what was free before, not what is free now.
        """
        before = self._before.setdefault(admission, admission.free)
        return min(admission.free, before - self._landing)

    def _open(self, models: _Models) -> list[Admission]:
        found = [self._look(model) for model in models]
        return [admission for admission in found if admission is not None]


class _Arrival:
    """A run that waits; `kind` are its models, by identity."""

    __slots__ = ("kind", "models", "number", "turn")

    def __init__(self, models: _Models, number: int) -> None:
        self.kind = tuple(map(id, models))
        self.models = models
        self.number = number
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Passage:
    """One run on its way through the gate."""

    __slots__ = ("_gate", "_models")

    def __init__(self, gate: RunGate, models: _Models) -> None:
        self._gate = gate
        self._models = models

    async def __aenter__(self) -> None:
        await self._gate.enter(self._models)

    async def __aexit__(self, *_: object) -> None:
        self._gate.leave()


def _alone(models: Iterable[ModelSpec]) -> Iterable[ModelSpec]:
    """The models that are really called: those that a composite or a bank stands for."""
    for model in models:
        if model.members:
            yield from _alone(model.members)
        else:
            yield model
            yield from _alone(model.others)
