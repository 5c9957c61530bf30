"""From what an agent replied to what a strategy can use, item by item.

Whatever is wrong in an item is mended where only one meaning is possible, and the item is dropped
where not; either leaves a remark. So a reply is never all or nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, cast

from graphdsl.diagnostics import did_you_mean
from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.beliefs import Beliefs, Table
from graphdsl.search.agents.cells import Cells
from graphdsl.search.agents.chances import clipped, normal
from graphdsl.search.agents.meaning import EDGE
from graphdsl.search.agents.quoted import quoted
from graphdsl.search.agents.remarks import Remarks
from graphdsl.search.space import Space
from graphdsl.search.strategies.points import completed, position

_ITEMS: Final = 200
"""Entries of one list that are read."""

_NAME: Final = 200
"""Characters of a name that is looked at."""


def entries(reply: object, name: str, remarks: Remarks) -> Iterator[Any]:
    """The entries of a list in a reply: of its field `name`, or of the reply where that is one."""
    found = cast(Mapping[str, Any], reply).get(name) if isinstance(reply, Mapping) else reply
    if not isinstance(found, list):
        remarks.add(f"the reply has no list `{name}`")
        return
    items = cast(list[Any], found)
    if len(items) > _ITEMS:
        remarks.add(f"`{name}` has {len(items)} entries; only the first {_ITEMS} were read")
    yield from islice(items, _ITEMS)


def field_of(item: object, name: str) -> Any:
    """A field of an entry; None where it has none."""
    return cast(Mapping[str, Any], item).get(name) if isinstance(item, Mapping) else None


# ---- updates of distributions


def read_updates(reply: object, beliefs: Beliefs, remarks: Remarks) -> Table:
    """The distributions that an agent wants, clipped like all others.

    What it says of a value is its probability; the other values share what is left as they did
    before. Probabilities above 1 in all are scaled down.
    """
    wanted: dict[str, dict[int, float]] = {}
    for item in entries(reply, "updates", remarks):
        address = hole_of(field_of(item, "hole"), beliefs.cells, remarks)
        if address is None:
            continue
        cells, chance = beliefs.cells[address], probability_of(field_of(item, "probability"))
        cell = _cell(field_of(item, "value"), cells, remarks)
        if chance is None:
            remarks.add(f"no probability of `{address}`: {shown(field_of(item, 'probability'))}")
        elif cell is not None:
            wanted.setdefault(address, {})[cell] = chance
    found: Table = {}
    for address, given in wanted.items():
        weights = _completed(beliefs.table[address], given)
        if math.fsum(weights) <= 0:
            remarks.add(f"all probabilities of `{address}` are 0")
            continue
        if math.fsum(given.values()) > 1 + 1e-6:
            remarks.add(f"the probabilities of `{address}` were above 1 in all")
        found[address] = clipped(normal(weights))
    return found


def probability_of(given: object) -> float | None:
    """A probability; None for what is none.

    >>> probability_of(0.25), probability_of("25%"), probability_of(float("nan")), probability_of(7)
    (0.25, 0.25, None, None)
    """
    if isinstance(given, str) and len(given) <= _NAME:
        text = given.strip()
        try:
            given = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return float(given) if 0 <= given <= 1 else None


def _completed(before: Sequence[float], given: Mapping[int, float]) -> list[float]:
    """Weights of all cells: as given, and the rest in proportion to what they had."""
    left = max(0.0, 1 - math.fsum(given.values()))
    others = math.fsum(one for at, one in enumerate(before) if at not in given)
    return [given[at] if at in given else left * one / others for at, one in enumerate(before)]


# ---- names


def hole_of(named: object, cells: Mapping[str, Cells], remarks: Remarks) -> str | None:
    """The address that a name means: itself, the only one that ends so, or the only one near."""
    if not isinstance(named, str) or not 0 < len(named) <= _NAME:
        remarks.add(f"no name of a hole: {shown(named)}")
        return None
    name = named.strip().strip("`'\"")
    if name in cells:
        return name
    ends = [address for address in cells if address.endswith(f".{name}")]
    near = ends or [other for other in did_you_mean(name, cells) if _alike(name, other)]
    if len(near) == 1:
        remarks.add(f"read `{quoted(name)}` as `{near[0]}`")
        return near[0]
    edge = EDGE.fullmatch(name)
    backward = edge is not None and f"{edge[1]}.edge.{edge[3]}.{edge[2]}" in cells
    why = ": edges go from lower to higher numbers" if backward else ""
    remarks.add(f"there is no hole `{quoted(name)}`{why}")
    return None


def _alike(name: str, other: str) -> bool:
    """Whether one may be a slip for the other: numbers say which node is meant, and of a short
    name two letters are all there is."""
    digits = ["".join(letter for letter in text if letter.isdigit()) for text in (name, other)]
    return digits[0] == digits[1] and len(other.rpartition(".")[2]) > 3


def _cell(named: object, cells: Cells, remarks: Remarks) -> int | None:
    found = cells.read(named)
    if found is None:
        remarks.add(f"`{cells.parameter.address}` has no value {shown(named)}")
    return found


def shown(value: object) -> str:
    """Something from a reply as a few characters, however large it is.

    >>> shown("x" * 1000), shown([1, 2]), shown(None)
    ('`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…`', 'a list', 'nothing')
    """
    match value:
        case None:
            return "nothing"
        case str():
            return f"`{quoted(value, 40)}`"
        case bool() | float():
            return f"`{value}`"
        case int():
            return f"`{value}`" if abs(value) < 10**12 else "a very large number"
        case list():
            return "a list"
        case _:
            return "an object"


# ---- choices and proposals


def read_mixes(reply: object, count: int, remarks: Remarks) -> list[int]:
    """Up to two different numbers of mixes, counted from 0."""
    found: list[int] = []
    for item in entries(reply, "mixes", remarks):
        number = (
            int(item)
            if isinstance(item, str) and item.strip().isdecimal() and len(item) < 9
            else item
        )
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= count:
            remarks.add(f"there is no mix {shown(item)}")
        elif number - 1 not in found:
            found.append(number - 1)
    return found[:2]


def read_guidelines(reply: object, remarks: Remarks) -> tuple[str, ...]:
    """Up to five guidelines, each a short line."""
    items = entries(reply, "guidelines", remarks)
    texts = [quoted(item, 200) for item in items if isinstance(item, str) and item.strip()]
    return tuple(texts[:5])


def read_proposals(
    reply: object, best: Assignment, space: Space, cells: Mapping[str, Cells], remarks: Remarks
) -> list[Assignment]:
    """The points that an agent proposes, as changes to the best one. Those without a change that
    means anything are dropped."""
    found: list[Assignment] = []
    for item in entries(reply, "proposals", remarks):
        changes: Assignment = {}
        for change in entries(item, "changes", remarks):
            address = hole_of(field_of(change, "hole"), cells, remarks)
            if address is None:
                continue
            value = value_of(field_of(change, "value"), cells[address], remarks)
            if value is not None:
                changes[address] = value
        if changes:
            found.append(completed(space, {**best, **changes}))
    return found


def value_of(named: object, cells: Cells, remarks: Remarks) -> str | float | None:
    """The value that is named: exactly a number where it is one of the parameter's, else what
    stands for its cell."""
    cell = _cell(named, cells, remarks)
    if cell is None:
        return None
    parameter = cells.parameter
    if parameter.kind == "categorical":
        return cells.labels[cell]
    try:
        number = float(str(named))
    except ValueError:
        return cells.middle(cell)
    return number if parameter.size is None else parameter.value(position(parameter, number))
