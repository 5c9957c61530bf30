"""Optuna as an engine that proposes: one study per round, filled with the last word on each point.

A finished trial of Optuna cannot be changed, but what is known of a candidate grows. So a round
begins with a new study in memory that has one trial per known point, with its newest estimate; its
sampler begins with a seed of its own. What a run writes into trials is kept from round to round.
Only what Optuna 4.5 and 5.0 have in common is used.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphdsl.ir.nodes import Assignment
from graphdsl.search.space import Parameter, holds
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.points import Key, completed, fits, key_of, position
from graphdsl.search.strategy import Told

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

Genes = dict[str, Any]
"""What Optuna's trial has for each parameter: a label, a position or a number."""

SamplerMaker = Callable[[int, dict[str, Any]], "BaseSampler"]
"""Makes a sampler from a seed and from what Optuna before 5.0 needs for constraints."""

Stamp = Callable[["Study", "BaseSampler"], dict[str, Any]]
"""What a sampler writes into a new trial of a study when it proposes it."""


@dataclass(slots=True)
class Engine:
    """Proposes points of the archive's space.

    `whole` suggests inactive parameters too: samplers that breed from what all trials share can
    then inherit conditional ones. `stamp` gives a point that the sampler did not propose what it
    would have written into its trial.
    """

    archive: Archive
    sampler: SamplerMaker
    whole: bool = False
    stamp: Stamp | None = None
    _genes: dict[Key, Genes] = field(default_factory=dict[Key, Genes])
    _stamps: dict[Key, dict[str, Any]] = field(default_factory=dict[Key, dict[str, Any]])

    def proposals(self, most: int) -> Iterator[Assignment]:
        """Up to `most` points, one after the other; each is taken to be running for the next. A
        point that breaks a limit of one run is told to the sampler at once and not given.

        Optuna is only kept quiet while it works, so take the points within `quiet`.
        """
        study = self._study()
        names = self.archive.setting.minimise
        for _ in range(most):
            trial = study.ask()
            genes = self._suggested(trial)
            point = completed(self.archive.space, self._values(genes))
            key = key_of(point)
            self._genes.setdefault(key, genes)
            if self.stamp is not None:
                frozen = study.get_trials(deepcopy=False)[trial.number]
                self._stamps.setdefault(key, dict(frozen.system_attrs))
            if self.archive.allowed(point):
                yield point
                continue
            told = Told(point, math.nan, 0, {}, feasible=False)
            self.archive.tell(told)
            self._fail(study, trial)
            self._add(study, key, [0.0] * (1 + len(names)), feasible=False)

    # ---- from the archive to trials

    def _study(self) -> Study:
        import optuna
        from optuna.study import StudyDirection

        seed = self.archive.setting.random.getrandbits(32)
        directions = [
            StudyDirection.MAXIMIZE,
            *(StudyDirection.MINIMIZE for _ in self.archive.setting.minimise),
        ]
        sampler = self.sampler(seed, _constraints(optuna.__version__))
        study = optuna.create_study(directions=directions, sampler=sampler)
        aims = self.archive.aims()
        for key, told in self.archive:
            if self.stamp is not None and key not in self._stamps:
                self._stamps[key] = self.stamp(study, sampler)
            if key in aims:
                quality, *costs = aims[key]
                self._add(study, key, [quality, *(-cost for cost in costs)], feasible=True)
            elif not told.feasible:
                self._add(study, key, [0.0] * len(directions), feasible=False)
        return study

    def _add(self, study: Study, key: Key, values: list[float], *, feasible: bool) -> None:
        from optuna.trial import create_trial

        genes = self._genes.get(key) or self._genes_of(dict(key))
        limits = {"constraints": [-1.0 if feasible else 1.0]}
        study.add_trial(
            create_trial(
                values=values,
                params=genes,
                distributions=self._distributions(genes),
                system_attrs={**self._stamps.get(key, {}), **limits},
            )
        )

    def _genes_of(self, point: Assignment) -> Genes:
        """The genes of a point that somebody else proposed: defaults where it is inactive."""
        found: Genes = {}
        for one in _open(self.archive.space.parameters):
            if one.address in point or self.whole:
                value = point.get(one.address, one.default)
                sound = fits(self.archive.space, {one.address: value})
                found[one.address] = _gene(one, value) if sound else _gene(one, _first(one))
        return found

    def _distributions(self, genes: Genes) -> dict[str, BaseDistribution]:
        parameters = _open(self.archive.space.parameters)
        return {one.address: _distribution(one) for one in parameters if one.address in genes}

    def _fail(self, study: Study, trial: Trial) -> None:
        from optuna.trial import TrialState

        study.tell(trial, state=TrialState.FAIL)

    # ---- from trials to points

    def _suggested(self, trial: Trial) -> Genes:
        found: Genes = {}
        chosen: Assignment = {}
        for one in self.archive.space.parameters:
            if not self.whole and not holds(one.when, chosen):
                continue
            if one.size == 1:
                chosen[one.address] = _first(one)
                continue
            found[one.address] = _suggest(trial, one)
            chosen[one.address] = _value(one, found[one.address])
        return found

    def _values(self, genes: Genes) -> Assignment:
        return {
            one.address: _value(one, genes[one.address]) if one.address in genes else _first(one)
            for one in self.archive.space.parameters
            if one.address in genes or one.size == 1
        }


@contextmanager
def quiet() -> Generator[None]:
    """Keep Optuna from logging what it does and from warning of its experimental parts."""
    from optuna.exceptions import ExperimentalWarning

    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        logger.setLevel(level)


def _constraints(version: str) -> dict[str, Any]:
    """Before 5.0 a sampler looks at constraints only when it has a function for them; ours are
    in the trials already."""
    return {"constraints_func": _stored} if int(version.split(".")[0]) < 5 else {}


def _stored(trial: Any) -> Any:
    return trial.system_attrs.get("constraints", [-1.0])


def _open(parameters: tuple[Parameter, ...]) -> Iterator[Parameter]:
    """Those with something to choose."""
    return (one for one in parameters if one.size != 1)


def _first(parameter: Parameter) -> str | float:
    return parameter.low if parameter.size is None else parameter.value(0)


def _suggest(trial: Trial, one: Parameter) -> Any:
    if one.kind == "categorical":
        return trial.suggest_categorical(one.address, one.labels)
    if one.size is None:
        return trial.suggest_float(one.address, one.low, one.high)
    return trial.suggest_int(one.address, 0, one.size - 1)


def _distribution(one: Parameter) -> BaseDistribution:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if one.kind == "categorical":
        return CategoricalDistribution(one.labels)
    if one.size is None:
        return FloatDistribution(one.low, one.high)
    return IntDistribution(0, one.size - 1)


def _gene(one: Parameter, value: str | float) -> Any:
    if one.kind == "categorical":
        return str(value)
    return float(value) if one.size is None else position(one, value)


def _value(one: Parameter, gene: Any) -> str | float:
    return gene if one.kind == "categorical" or one.size is None else one.value(gene)
