"""Which parameters of a space matter: a functional analysis of variance over what was tried.

After Hutter, Hoos and Leyton-Brown 2014 (fANOVA): a forest of regression trees is fitted to the
trials, and its predictions, not the trials themselves, are averaged over the whole space: a search
looks where it is good, so plain means of its trials compare unlike things. Two things differ. A
parameter that depends on others is judged among the graphs in which it matters, and its share is
scaled by how many these are. Trials count with the items that they were seen on.

All of it is about the search part of the data: it says where to look, and proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING, Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.importance_codes import Codes
from graphdsl.search.importance_forest import Forest
from graphdsl.search.result import Trial
from graphdsl.search.space import Space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST: Final = 10
"""Different graphs below which nothing is said."""

_POINTS: Final = 400
"""Graphs that the space is represented by."""

_SEED: Final = 20140621


@dataclass(frozen=True, slots=True)
class Effect:
    """What one parameter does by itself.

    `share`, from 0 to 1, is the part of the variance of quality over the space that it explains
    alone. `levels` are the mean qualities with each of its values (for numbers: with the middles
    of ranges), all else averaged. `matters` is the share of graphs in which it has a say.
    """

    address: str
    share: float
    levels: Mapping[str, float] = field(default_factory=dict[str, float])
    matters: float = 1.0

    @property
    def best(self) -> str:
        """The value with the highest mean; of equal ones the first."""
        return max(self.levels, key=lambda level: self.levels[level], default="")


@dataclass(frozen=True, slots=True)
class Importance:
    """Effects, the largest first, or in `reason` why none can be given.

    `fit` is how much of the variance of trials that a tree has not seen the forest explains (R²
    out of bag). `rest` is what parameters do only together. `trials` is how many counted.
    """

    effects: tuple[Effect, ...] = ()
    rest: float = 0.0
    fit: float = math.nan
    trials: int = 0
    reason: str = ""


def importance(trials: Sequence[Trial], space: Space) -> Importance:
    """The importance of the parameters of a space, from trials with a quality.

    The same trials give the same numbers. Nothing is said, with a reason, of fewer than 10 graphs,
    where all have the same quality, and where the forest predicts unseen trials no better than
    their mean does.
    """
    seen = [trial for trial in trials if trial.items and math.isfinite(trial.quality)]
    varied = [parameter for parameter in space.parameters if parameter.size != 1]
    count = len({trial.identity for trial in seen})
    if count < LEAST:
        return Importance(trials=count, reason=_few(count))
    if not varied:
        return Importance(trials=count, reason="the space leaves nothing to choose")
    if len({trial.quality for trial in seen}) == 1:
        return Importance(trials=count, reason="all trials have the same quality")
    codes = Codes.of(space)
    forest = Forest.fit(
        codes.rows([trial.assignment for trial in seen]),
        [trial.quality for trial in seen],
        [trial.items for trial in seen],
        codes.ordered,
        codes.width,
        Random(_SEED),
    )
    if not forest.fit_unseen > 0:
        said = "a model of the trials predicts unseen ones no better than their mean does"
        return Importance(trials=count, fit=forest.fit_unseen, reason=said)
    return _analysed(_Analysis(space, codes, forest), count)


def _few(count: int) -> str:
    graphs = "1 graph was" if count == 1 else f"{count or 'no'} graphs were"
    return f"{graphs} measured; it takes {LEAST} to say anything"


def _analysed(analysis: _Analysis, count: int) -> Importance:
    total = analysis.variance
    if total <= 0:
        said = "the model of the trials sees no difference between graphs of the space"
        return Importance(trials=count, fit=analysis.forest.fit_unseen, reason=said)
    effects = sorted(analysis.effects(), key=lambda one: (-one.share, one.address))
    rest = max(0.0, 1 - math.fsum(effect.share for effect in effects))
    return Importance(tuple(effects), rest, analysis.forest.fit_unseen, count)


@dataclass(slots=True)
class _Analysis:
    """The space as a sample of its graphs, and what the forest says of them."""

    space: Space
    codes: Codes
    forest: Forest
    points: list[Assignment] = field(init=False)
    rows: NDArray[np.int64] = field(init=False)
    variance: float = field(init=False)

    def __post_init__(self) -> None:
        rng = Random(_SEED)
        self.points = [self.space.sample(rng) for _ in range(_POINTS)]
        self.rows = self.codes.rows(self.points)
        self.variance = float(self.forest.predict(self.rows).var())

    def effects(self) -> list[Effect]:
        named = {name for parameter in self.space.parameters for name, _ in parameter.when}
        return [
            self.effect(column, parameter.address, parameter.address in named)
            for column, parameter in enumerate(self.space.parameters)
        ]

    def effect(self, column: int, address: str, decides: bool) -> Effect:
        """Every graph in which the parameter matters, with each of its values in turn."""
        among = [number for number, point in enumerate(self.points) if address in point]
        levels = self.codes.levels(address)
        matters = len(among) / _POINTS
        if not among or len(levels) < 2:
            return Effect(address, 0.0, {}, matters)
        means: dict[str, float] = {}
        for code, (name, value) in enumerate(levels.items(), 1):
            rows = self._with(among, address, value) if decides else self.rows[among]
            rows[:, column] = code
            means[name] = float(self.forest.predict(rows).mean())
        middle = fmean(means.values())
        between = fmean((mean - middle) ** 2 for mean in means.values())
        return Effect(address, min(1.0, matters * between / self.variance), means, matters)

    def _with(self, among: Sequence[int], address: str, value: str | float) -> NDArray[np.int64]:
        """The points with a value; what comes to matter by it is drawn, the same for each value."""
        found: list[Assignment] = []
        for number in among:
            rng = Random(_SEED + number)
            every = {one.address: one.draw(rng) for one in self.space.parameters}
            wanted = {**every, **self.points[number], address: value}
            found.append({name: wanted[name] for name in self.space.active(wanted)})
        return self.codes.rows(found)
