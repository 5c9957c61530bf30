"""Mixes of models that spend the most of what one run may cost (Agent-REINFORCE, step 1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import comb
from random import Random
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.fitting import Fitting
from graphdsl.search.agents.wording import value_text
from graphdsl.search.space import Parameter, Space
from graphdsl.search.strategies.points import completed, levels

_TRIED: Final = 200
"""Mixes that are priced for each width; of more, so many are drawn."""

_WIDTHS: Final = 8


Width = tuple[str, str | float] | None
"""The parameter that decides how many places there are, and its value; None where none does."""


@dataclass(frozen=True, slots=True)
class Mix:
    """A multiset of models over the places that there are at one width.

    `labels` are in the order of the group, `width` makes so many places, `spent` is the most that
    one run can cost, where that is known.
    """

    labels: tuple[str, ...]
    width: Width
    spent: float | None

    @property
    def line(self) -> str:
        """``2 × tiny, 1 × coder``"""
        counts = Counter(self.labels)
        return ", ".join(f"{count} × {label}" for label, count in counts.items())

    def point(self, space: Space, group: Sequence[Parameter]) -> Assignment:
        """The point that has these models in their order, and defaults elsewhere."""
        start: Assignment = dict([self.width] if self.width else [])
        places = active(space, group, start)
        return completed(space, {**start, **dict(zip(places, self.labels, strict=True))})


def model_group(space: Space, models: Sequence[str]) -> list[Parameter]:
    """The largest group of model parameters that choose among the same labels; the first of equal
    ones, none where there is no model to choose."""
    groups: dict[tuple[str, ...], list[Parameter]] = {}
    for parameter in space.parameters:
        if parameter.address in models and len(parameter.labels) > 1:
            groups.setdefault(parameter.labels, []).append(parameter)
    return max(groups.values(), key=len) if groups else []


def active(space: Space, group: Sequence[Parameter], point: Assignment) -> list[str]:
    """The addresses of the group that matter at a point."""
    found = set(space.active(point))
    return [one.address for one in group if one.address in found]


def widths(space: Space, group: Sequence[Parameter]) -> list[Width]:
    """The values of the parameter that decides how many of the group there are, widest last."""
    names = [address for one in group for address, _ in one.when]
    if not names:
        return [None]
    decides = max(dict.fromkeys(names), key=names.count)
    parameter = next(one for one in space.parameters if one.address == decides)
    values = levels(parameter, _WIDTHS)
    places = {value: len(active(space, group, {decides: value})) for value in values}
    return [(decides, value) for value in sorted(values, key=lambda value: places[value])]


def mixes(fitting: Fitting, group: Sequence[Parameter], most: int = 8) -> list[Mix]:
    """Mixes that fit the limits of one run, those that leave the least of them first.

    Where nobody knows what they cost, the widest come first.
    """
    space, random = fitting.archive.space, fitting.setting.random
    found: dict[tuple[str, ...], Mix] = {}
    sizes = widths(space, group) if group else list[Width]()
    for width in reversed(sizes):
        count = len(active(space, group, dict([width] if width else [])))
        for labels in _multisets(group[0].labels, count, random):
            mix = Mix(labels, width, None)
            point = mix.point(space, group)
            if labels not in found and fitting.archive.allowed(point):
                found[labels] = Mix(labels, width, fitting.spent(point))
    ranked = sorted(found.values(), key=lambda mix: (-(mix.spent or 0.0), -len(mix.labels)))
    return ranked[:most]


def mix_lines(some: Sequence[Mix]) -> list[str]:
    """Numbered lines, one per mix."""
    return [
        f"{at}. {mix.line}"
        + (f" ({mix.width[0]} = {value_text(mix.width[1])})" if mix.width else "")
        for at, mix in enumerate(some, 1)
    ]


def _multisets(labels: Sequence[str], count: int, random: Random) -> Iterator[tuple[str, ...]]:
    """All multisets, or so many of them as are priced."""
    if comb(count + len(labels) - 1, count) <= _TRIED:
        yield from combinations_with_replacement(labels, count)
        return
    yield from ((label,) * count for label in labels)
    for _ in range(_TRIED - len(labels)):
        drawn = random.choices(range(len(labels)), k=count)
        yield tuple(labels[at] for at in sorted(drawn))
