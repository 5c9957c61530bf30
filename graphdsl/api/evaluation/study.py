"""Runs a flow and its baselines over all items, one after the other, and keeps what it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Final

from graphdsl.api.batch import in_order
from graphdsl.api.evaluation.matching import (
    MOST,
    Priced,
    cost_ratio,
    matched_samples,
    unit_for,
)
from graphdsl.api.evaluation.outcome import Outcome, outcome_of
from graphdsl.api.evaluation.row import Row
from graphdsl.api.evaluation.sample_cost import Drawn
from graphdsl.api.runtime import runtime
from graphdsl.errors import GraphDslError
from graphdsl.executors.session import Session
from graphdsl.plan import Budget
from graphdsl.values import Usage

if TYPE_CHECKING:
    from concurrent.futures import Future

    from graphdsl.api.evaluation.items import Item
    from graphdsl.api.evaluation.levels import Level
    from graphdsl.api.flow import Flow
    from graphdsl.compiler.baseline import Question
    from graphdsl.eval.metrics import Metric
    from graphdsl.executors.result import Result
    from graphdsl.executors.run_options import RunOptions
    from graphdsl.ir.nodes import Graph

_NONE: Final = (
    "there are no baselines: the flow asks no model a question that follows from its inputs alone"
)

_ANEW: Final = "runs with a budget asked models anew, since answers from a cache cost no budget"

Step = Callable[[], None]
Task = tuple["Item", int]


def _silent(name: str, total: int) -> AbstractContextManager[Step]:
    """Nobody watches."""
    return nullcontext(lambda: None)


@dataclass(frozen=True, slots=True)
class Watch:
    """Who watches: `bar` is entered for every row and told of each run that is done, `started` is
    told of each run that begins."""

    bar: Callable[[str, int], AbstractContextManager[Step]] = _silent
    started: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is to be measured, once everything that can be wrong before has been checked.

    `by` is how the metric compares answers where that was said, `vote` how a majority does.
    `baseline` is the node whose question the baselines ask (None: the first), `equal` the unit
    that makes costs equal. `options` are those of every run; runs are named `run_id-1`, `run_id-2`,
    …
    """

    flow: Flow
    items: tuple[Item, ...]
    levels: tuple[Level, ...]
    metric: Metric
    by: str | None
    vote: str
    run_id: str
    options: RunOptions
    repeats: int = 1
    equal: str = "auto"
    baseline: str | None = None
    concurrency: int = 16
    watch: Watch = field(default_factory=Watch)


class Study:
    """The rows of an evaluation as they come in; `run` may be interrupted, and `rows` are kept.

    `exhausted` is the limit of the session that ended it, if one did. `notes` are remarks on the
    whole. `unit` is what costs were made equal in, None before that is known.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.unit: str | None = None
        self.exhausted: str | None = None
        self._session = Session(Budget(), within=settings.options.session)
        self._started = perf_counter()
        self._runs = 0

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return perf_counter() - self._started

    @property
    def usage(self) -> Usage:
        """What all runs have spent, those included that were cut off."""
        rows = sum((row.usage for row in self.rows), Usage())
        spent = self._session.usage
        return replace(spent, cached_tokens=rows.cached_tokens, unknown=rows.unknown)

    def run(self) -> None:
        """Measure everything: the flow at all levels, then its baselines.

        Raises what a run raises that would fail every item: a model that is missing, say; and
        `RuntimeError` inside a run, which it would wait for.
        """
        if runtime().here:
            raise RuntimeError("an evaluation cannot be made from inside a run")
        levels = self.settings.levels
        plans = [(level, self._question(level), Drawn()) for level in levels]
        flows = [self._flow(*plan) for plan in plans]
        if plans[0][1] is None:
            self.notes.append(_NONE)
            return
        single = self._single(plans[0][1], levels[0].flow)
        for (level, question, drawn), row in zip(plans, flows, strict=True):
            if question is not None and not self.exhausted:
                self._majority(level, question, row, drawn.mean or single)

    # ---- rows

    def _question(self, level: Level) -> Question | None:
        from graphdsl.compiler.baseline import first_question

        return first_question(level.flow.graph, self.settings.baseline)

    def _flow(self, level: Level, question: Question | None, drawn: Drawn) -> Row:
        name = level.label or self.settings.flow.name
        row = self._row(name, "flow", level)
        see = None if question is None else partial(drawn.see, question)
        return self._measured(row, level.flow, level.budget, see)

    def _single(self, question: Question, flow: Flow) -> Row | None:
        from graphdsl.compiler.baseline import single_sample

        if self.exhausted:
            return None
        row = Row("single sample", "single", self._planned, samples=1, note=question.note)
        graph = single_sample(question, self.settings.vote)
        return self._measured(row, _of(flow, graph), Budget())

    def _majority(self, level: Level, question: Question, flow: Row, sample: Priced | None) -> None:
        from graphdsl.compiler.baseline import majority_vote, plain_vote

        unit = self._unit(flow, sample)
        ratio = None if sample is None else cost_ratio(flow, sample, unit)
        if not ratio:
            self.notes.append(f"no majority vote costs as much as `{flow.name}`: it cost nothing")
            return
        whole = plain_vote(level.flow.graph, self.settings.vote)
        itself = whole is not None and flow.per_run("calls") == whole
        samples = whole if whole is not None and itself else matched_samples(ratio)
        row = replace(self._row(f"majority of {samples}", "majority", level), samples=samples)
        if ratio > samples == MOST:
            row = replace(row, note=f"{MOST} samples at most; the flow costs as {ratio:.0f}")
        twin = flow if itself else self._single_row if samples == 1 else None
        if twin is not None:
            self.rows.append(replace(row, outcomes=twin.outcomes, same_as=twin.name))
            return
        graph = majority_vote(question, samples, self.settings.vote)
        self._measured(row, _of(level.flow, graph), Budget())

    @property
    def _single_row(self) -> Row | None:
        return next((row for row in self.rows if row.kind == "single"), None)

    @property
    def _planned(self) -> int:
        return len(self.settings.items) * self.settings.repeats

    def _row(self, name: str, kind: str, level: Level) -> Row:
        return Row(name, kind, self._planned, level=level.label or None, size=level.size)

    def _unit(self, flow: Row, sample: Priced | None) -> str:
        if self.unit is None:
            asked = self.settings.equal
            self.unit = unit_for(asked, (flow,) if sample is None else (flow, sample))
            if asked not in ("auto", self.unit):
                told = f"costs are equal in {self.unit}: nobody knows all of the {asked}"
                self.notes.append(told)
        return self.unit

    # ---- runs

    def _measured(
        self, row: Row, flow: Flow, budget: Budget, see: Callable[[Result], None] | None = None
    ) -> Row:
        """Run a flow on all items, and keep what has come in however that ends.

        `see` is shown every result.
        """
        at, outcomes = len(self.rows), list[Outcome]()
        self.rows.append(row)
        options = self._options(budget)

        def start(task: Task) -> Future[Result]:
            return self._begin(flow, task, options)

        with self.settings.watch.bar(row.name, row.planned) as step:
            runs = in_order(self._tasks(), start, self.settings.concurrency, lambda: step())
            try:
                with closing(runs):
                    for (item, replica), result in runs:
                        if self._cut(result):
                            continue
                        found = outcome_of(item, replica, result, self.settings.metric)
                        outcomes.append(found)
                        if see is not None and not isinstance(result, GraphDslError):
                            see(result)
            finally:
                self.rows[at] = replace(row, outcomes=tuple(outcomes))
        return self.rows[at]

    def _options(self, budget: Budget) -> RunOptions:
        """The options of runs with a budget: what a cache gives would not count in it, so that the
        budget would mean something else the next time."""
        options = replace(self.settings.options, session=self._session)
        if budget.unlimited or options.cache is None:
            return replace(options, budget=budget)
        if _ANEW not in self.notes:
            self.notes.append(_ANEW)
        return replace(options, budget=budget, cache=None)

    def _begin(self, flow: Flow, task: Task, options: RunOptions) -> Future[Result]:
        item, _ = task
        self._runs += 1
        named = replace(
            options,
            seed=options.seed + task[1],
            item=str(item.line - 1),
            run_id=f"{self.settings.run_id}-{self._runs}",
        )
        future = flow.start(item.inputs, named)
        self.settings.watch.started()
        return future

    def _tasks(self) -> Iterator[Task]:
        """Every item in every replica, all items once first; none once the session has ended."""
        for replica in range(self.settings.repeats):
            for item in self.settings.items:
                if self.exhausted:
                    return
                yield item, replica

    def _cut(self, result: Result | GraphDslError) -> bool:
        """Whether the session kept a run from what it needed: then it says nothing of the flow."""
        ended = self._session.scope.exhausted
        if ended is None:
            return False
        self.exhausted = ended
        return getattr(result, "status", None) == "exhausted"


def _of(flow: Flow, graph: Graph) -> Flow:
    """A flow of the same program that does what a closed graph says."""

    def instead(_: Graph) -> Graph:
        return graph

    return replace(flow, assignment={}, changes=(*flow.changes, instead))
