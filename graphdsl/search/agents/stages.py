"""The stages of a graph as AgentTTS sees them: calls whose model and number of samples are free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graphdsl.ir.nodes import Assignment, Graph, walk
from graphdsl.search.agents.fitting import Fitting
from graphdsl.search.agents.meaning import Meaning, holes_in, meanings
from graphdsl.search.space import Parameter, Space
from graphdsl.search.strategies.points import completed, key_of, levels

_SAMPLES: Final = "samples"

MOST: Final = 60
"""The most samples of one stage that a probe draws (the released code)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A call: the parameters of its models, and that of its samples where it is free."""

    name: str
    models: tuple[Parameter, ...]
    samples: Parameter | None

    def setting(self, label: str, samples: str | float | None) -> Assignment:
        """What makes the stage so many samples of one model."""
        found: Assignment = {one.address: label for one in self.models if label in one.labels}
        if self.samples is not None and samples is not None:
            found[self.samples.address] = samples
        return found

    @property
    def labels(self) -> tuple[str, ...]:
        """The models that it can have; none where there is no choice."""
        return self.models[0].labels if self.models else ()

    @property
    def counts(self) -> list[str | float]:
        """Numbers of samples that it can draw, from 1 up, the fewest first."""
        if self.samples is None:
            return []
        found = [value for value in levels(self.samples, MOST) if 1 <= _number(value) <= MOST]
        return sorted(found, key=_number)


def stages(graph: Graph, space: Space) -> list[Stage]:
    """The stages of a graph in its order. Calls that share all their holes are one stage; holes
    that no call names belong together by their address."""
    kinds, by_address = meanings(graph), {one.address: one for one in space.parameters}
    found: dict[tuple[str, ...], str] = {}
    for node in walk(graph.body):
        holes = [
            hole
            for name, attr in node.attrs
            for hole in holes_in(attr)
            if kinds.get(hole) == "model" or name == _SAMPLES
        ]
        if holes:
            found.setdefault(tuple(dict.fromkeys(holes)), node.id)
    named = {hole for holes in found for hole in holes}
    for place, holes in _by_place(kinds, named).items():
        found.setdefault(holes, place)
    return [_stage(name, holes, kinds, by_address) for holes, name in found.items()]


def probes(fitting: Fitting, some: list[Stage]) -> list[Assignment]:
    """For each stage every model at the budget of one sample of its largest one (AgentTTS).

    The largest is the one whose run can cost most. Each model draws as many samples as fit that
    cost, at most 60, and is left out where not even one fits; the other stages draw one sample of
    their largest model, or of their smallest where that is too much for one run. Where nobody knows
    what runs cost, each model draws one sample.
    """
    space = fitting.archive.space
    found: dict[tuple[tuple[str, str | float], ...], Assignment] = {}
    sizes = {stage.name: _by_size(fitting, stage) for stage in some}
    for stage in some:
        for base in (_all(some, sizes, -1), _all(some, sizes, 0)):
            points = _probed(fitting, stage, sizes[stage.name], base)
            if points:
                found.update((key_of(point), point) for point in points)
                break
    start = completed(space, {})
    return list(found.values()) or [point for point in [start] if fitting.archive.allowed(point)]


def _probed(
    fitting: Fitting, stage: Stage, labels: list[str], base: Assignment
) -> list[Assignment]:
    """The probes of one stage, of those that fit one run."""
    found: list[Assignment] = []
    if not labels:
        return found
    budget = fitting.spent(_with(fitting, base, stage, labels[-1], _least(stage)))
    for label in labels:
        count = _affordable(fitting, stage, label, base, budget)
        if count is None and stage.samples is not None:
            continue
        point = _with(fitting, base, stage, label, count)
        if fitting.archive.allowed(point):
            found.append(point)
    return found


def _affordable(
    fitting: Fitting, stage: Stage, label: str, base: Assignment, budget: float | None
) -> str | float | None:
    """The most samples of a model that cost no more than the budget; None where none do."""
    best = None
    for count in stage.counts:
        cost = fitting.spent(_with(fitting, base, stage, label, count))
        if cost is None or budget is None:
            return count
        if cost > budget * (1 + 1e-9):
            break
        best = count
    return best


def _by_size(fitting: Fitting, stage: Stage) -> list[str]:
    """The models of a stage, the smallest first: by what a run with one sample can cost."""
    spent = {
        label: fitting.spent(_with(fitting, {}, stage, label, _least(stage))) or 0.0
        for label in stage.labels
    }
    return sorted(stage.labels, key=lambda label: spent[label])


def _all(some: list[Stage], sizes: Mapping[str, list[str]], at: int) -> Assignment:
    """Every stage at one sample of its largest (-1) or smallest (0) model."""
    found: Assignment = {}
    for stage in some:
        labels = sizes[stage.name]
        found |= stage.setting(labels[at] if labels else "", _least(stage))
    return found


def _with(
    fitting: Fitting, base: Assignment, stage: Stage, label: str, count: str | float | None
) -> Assignment:
    return completed(fitting.archive.space, {**base, **stage.setting(label, count)})


def _least(stage: Stage) -> str | float | None:
    return next(iter(stage.counts), None)


def _by_place(kinds: Mapping[str, Meaning], named: set[str]) -> dict[str, tuple[str, ...]]:
    places: dict[str, list[str]] = {}
    for hole, kind in kinds.items():
        place, _, name = hole.rpartition(".")
        if hole not in named and (kind == "model" or name == _SAMPLES):
            # Members of `collaborate` are stages of their own: `team.model.1`, `team.model.2`.
            places.setdefault(hole if name.isdecimal() else place, []).append(hole)
    return {place: tuple(holes) for place, holes in places.items()}


def _stage(
    name: str,
    holes: tuple[str, ...],
    kinds: Mapping[str, Meaning],
    by_address: Mapping[str, Parameter],
) -> Stage:
    models = tuple(by_address[hole] for hole in holes if kinds[hole] == "model")
    counts = [by_address[hole] for hole in holes if kinds[hole] != "model"]
    return Stage(name, models, counts[0] if counts else None)


def _number(value: str | float) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0
