"""How long lists can be at most, as far as a program tells: values of an abstract kind.

Counted on the tree (`tree_shapes`) before anything is expanded, and on the closed graph
(`graph_shapes`), by the same rules for loops and for operators (`list_rules`). What is not known
stays unknown: a length is never less than what a run can have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from graphdsl.ir.types import DRAFT, ListOf, RecordOf, Type

MOST_ROUNDS: Final = 64
"""Rounds of a loop that are followed while its lists grow; beyond, their length is unknown."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A value: a list of at most `most` items like `item`, or a record of `fields`.

    `single` is a draft, which stands for a list of one where drafts are wanted. `nothing` is a
    value that is never there, such as an item of an empty list.
    """

    most: int | None = None
    item: Shape | None = None
    fields: tuple[tuple[str, Shape], ...] = ()
    single: bool = False
    nothing: bool = False

    @property
    def items(self) -> Shape:
        """One of its items."""
        return self.item or UNKNOWN

    def at(self, name: str) -> Shape:
        """A field of it."""
        return dict(self.fields).get(name, UNKNOWN)

    @property
    def drafts(self) -> int | None:
        """How many drafts stand in it, where a list or one draft is wanted."""
        return 1 if self.single else self.most


UNKNOWN: Final = Shape()
SINGLE: Final = Shape(single=True)
NOTHING: Final = Shape(0, nothing=True)


def listing(most: int | None, item: Shape = UNKNOWN) -> Shape:
    """A list of at most so many items."""
    return Shape(most, NOTHING if most == 0 else item)


def record(fields: Mapping[str, Shape]) -> Shape:
    """A record; fields of which nothing is known are left out."""
    return Shape(fields=tuple((k, v) for k, v in sorted(fields.items()) if v != UNKNOWN))


def either(one: Shape, other: Shape) -> Shape:
    """One or the other."""
    if one.nothing or other.nothing or one == other:
        return other if one.nothing else one
    if one.single or other.single:
        return UNKNOWN
    both = [value for value in (one.most, other.most) if value is not None]
    names = {name for name, _ in one.fields} & {name for name, _ in other.fields}
    item = None if one.item is None or other.item is None else either(one.item, other.item)
    fields = record({name: either(one.at(name), other.at(name)) for name in names}).fields
    return Shape(max(both) if len(both) == 2 else None, item, fields)


def of_type(kind: Type) -> Shape:
    """What a type tells."""
    match kind:
        case ListOf(item):
            return listing(None, of_type(item))
        case RecordOf(fields):
            return record({name: of_type(part) for name, part in fields})
        case _:
            return SINGLE if kind == DRAFT else UNKNOWN


def least(one: int | None, other: int | None) -> int | None:
    """The smaller of two limits; None is no limit."""
    known = [limit for limit in (one, other) if limit is not None]
    return min(known, default=None)


# ---- loops

State = Mapping[str, Shape]
"""Shapes of carried names."""


@dataclass(slots=True)
class Effort:
    """How many rounds of loops may still be followed; loops within loops multiply them."""

    left: int = 10_000


@dataclass(frozen=True, slots=True)
class Rounds:
    """What carried names can be at the begin of any round, and after any."""

    begin: dict[str, Shape]
    after: dict[str, Shape]


def settled(
    start: State, rounds: int | None, body: Callable[[State], State], effort: Effort
) -> Rounds:
    """Follows the rounds of a loop, until they change nothing; `body` gives the next round's names.

    Lists that still grow after `MOST_ROUNDS` rounds, or when the effort is spent, are of unknown
    length. The last call of `body` is for what is true of any round.
    """
    begin = current = dict(start)
    for number in count(1) if rounds is None else range(1, rounds):
        if not begin or effort.left <= 0:
            begin = dict.fromkeys(begin, UNKNOWN)
            break
        if number > MOST_ROUNDS:
            begin = _widened(begin, body)
            break
        effort.left -= 1
        following = dict(body(current))
        joined = {name: either(begin[name], following[name]) for name in begin}
        if joined == begin and following == current:
            break
        begin, current = joined, following
    return Rounds(begin, dict(body(begin)))


def _widened(begin: State, body: Callable[[State], State]) -> dict[str, Shape]:
    """The same for any number of rounds: unknown where one more changes anything."""
    following = body(begin)
    if all(either(begin[name], following[name]) == begin[name] for name in begin):
        return dict(begin)
    return dict.fromkeys(begin, UNKNOWN)
