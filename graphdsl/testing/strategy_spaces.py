"""What the suite of strategies tries them on: spaces, what their points are worth, and rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Any, Final

from graphdsl.compiler.pins import fit
from graphdsl.ir.nodes import Assignment, Choices, Graph, Hole, Interval, Region
from graphdsl.ir.types import TEXT
from graphdsl.search.space import Space, When
from graphdsl.search.strategy import Setting, Strategy, Told

Worth = Callable[[Assignment], Told | None]
"""What a strategy is told of a point that it proposed; None: nothing."""

Point = frozenset[tuple[str, str | float]]
"""An assignment as something that can be in a set."""


def labels(address: str, *names: str, when: When = ()) -> Hole:
    """A hole of labels; the first is its default."""
    return Hole(address, names[0], Choices(names, names), when)


def numbers(address: str, low: float, high: float, step: float | None = 1, when: When = ()) -> Hole:
    """A hole of numbers; integers where all are written so. The lowest is its default."""
    whole = isinstance(low, int) and isinstance(high, int) and isinstance(step, int)
    return Hole(address, low, Interval(low, high, step, whole), when)


def _collaboration() -> tuple[Hole, ...]:
    """The holes of `collaborate(q, nodes: 2 in 2..3, roles: [assistant, fuser], models: pool)`."""
    third = (("f.g.nodes", ("3",)),)
    return (
        numbers("f.g.nodes", 2, 3),
        labels("f.g.role.1", "assistant", "fuser"),
        labels("f.g.model.1", "small", "large"),
        labels("f.g.role.2", "assistant", "fuser", when=third),
        labels("f.g.edge.1.2", "off", "on", when=third),
        labels("f.g.edge.1.3", "off", "on"),
        labels("f.g.role.3", "fuser", "assistant"),
    )


SPACES: Final[dict[str, tuple[Hole, ...]]] = {
    "one point": (),
    "one value": (labels("f.model", "small"),),
    "one label, some numbers": (labels("f.model", "small"), numbers("f.n", 1, 6, 2)),
    "labels": (labels("f.x", "a", "b", "c"), labels("f.y", "a", "b", "c", "d")),
    "steps": (numbers("f.n", 1, 9, 1), numbers("f.t", 0.1, 0.9, 0.2)),
    "conditions": (
        labels("f.x", "a", "b", "c"),
        labels("f.x.b.n", "1", "2", "4", when=(("f.x", ("b", "c")),)),
        labels("f.x.b.s", "on", "off", when=(("f.x", ("b",)), ("f.x.b.n", ("2", "4")))),
        labels("f.y", "a", "b", when=(("f.x", ("a",)),)),
    ),
    "collaboration": _collaboration(),
    "continuum": (numbers("f.t", 0.0, 2.0, None), labels("f.x", "a", "b")),
    "a long axis": (numbers("f.n", 1, 10**9), labels("f.x", "a", "b")),
    "a thousand million": tuple(labels(f"f.x{at}", *"abcdefgh") for at in range(10)),
}
"""Holes by what is special about them."""

SMALL: Final = (
    "one point",
    "one value",
    "one label, some numbers",
    "labels",
    "steps",
    "conditions",
    "collaboration",
)
"""Those that can be gone through as a whole."""


@dataclass(slots=True)
class Trials:
    """What a strategy proposed, round by round."""

    setting: Setting
    rounds: list[list[Assignment]] = field(default_factory=list[list[Assignment]])

    @property
    def points(self) -> list[Point]:
        """All proposals, in order."""
        return [frozenset(point.items()) for batch in self.rounds for point in batch]


def setting_of(
    holes: Sequence[Hole],
    *,
    seed: int = 7,
    minimise: tuple[str, ...] = (),
    allowed: Callable[[Assignment], bool] = lambda point: True,
    options: dict[str, Any] | None = None,
) -> Setting:
    """The setting of a search over a graph with these holes."""
    graph = Graph("f", (), Region("body", (), (), ()), TEXT, tuple(holes))
    space, rng = Space.of(graph), Random(seed)
    return Setting(graph, space, rng, minimise, options or {}, allowed)


def quality_of(point: Assignment, salt: str = "") -> float:
    """A quality that is the mean over parameters of what each value is worth, by a hash."""
    parts = [_chance(f"{salt}{address}={value}") for address, value in point.items()]
    return sum(parts) / len(parts) if parts else 0.5


def worth_of(point: Assignment) -> Told:
    """A point is worth its quality, seen on 20 items, and costs what is written in it."""
    calls = 1.0 + sum(len(str(value)) for value in point.values())
    return Told(point, quality_of(point), 20, {"calls": calls, "usd": _chance(repr(point))})


async def try_out(
    strategy: Strategy,
    setting: Setting,
    worth: Worth = worth_of,
    *,
    rounds: int = 8,
    count: int = 4,
    backwards: bool = False,
) -> Trials:
    """Ask and tell, for so many rounds or until there is no more."""
    trials = Trials(setting)
    for _ in range(rounds):
        batch = list(await strategy.ask(count))
        if not batch:
            break
        trials.rounds.append(batch)
        for point in reversed(batch) if backwards else batch:
            told = worth(point)
            if told is not None:
                strategy.tell(told)
    return trials


def assert_point(setting: Setting, point: Assignment) -> None:
    """Assert that a proposal has a value for each active parameter, one that its hole can have."""
    assert set(point) == set(setting.space.active(point)), "exactly the active parameters"
    holes = {hole.address: hole for hole in setting.graph.holes}
    for address, value in point.items():
        domain = holes[address].domain
        fitting = fit(domain, value)
        assert fitting == value, f"{value!r} is no value of `{address}`"
        kinds = str if isinstance(domain, Choices) else int if domain.integer else int | float
        assert isinstance(value, kinds), f"{value!r} has the wrong type for `{address}`"


def _chance(text: str) -> float:
    """A number from 0 to 1 that looks random and is always the same for a text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48
