"""What an evaluation is asked for, and everything that can be wrong with that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from graphdsl.api.data_files import refuse_lines
from graphdsl.api.evaluation.block import Block, block_for
from graphdsl.api.evaluation.columns import columns_of
from graphdsl.api.evaluation.items import Data, Item, Records, items_of, read_records
from graphdsl.api.evaluation.levels import levels_of
from graphdsl.api.evaluation.row import UNITS
from graphdsl.api.evaluation.study import Settings
from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow
    from graphdsl.eval.metrics import Metric
    from graphdsl.executors.run_options import RunOptions
    from graphdsl.executors.session import Session
    from graphdsl.plan import Budget

SPLIT: Final = "validation"
"""The part of the data that items belong to, for memories, unless somebody says otherwise: one
from which no memory learns by default."""

ACCURACY: Final = "accuracy"
"""The metric that takes `by`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The arguments of `graphdsl.evaluate`."""

    metric: str | Metric | None = None
    by: str | None = None
    inputs: Mapping[str, str] | None = None
    target: str | None = None
    limit: int | None = None
    repeats: int = 1
    levels: Mapping[str, Sequence[str | float]] | None = None
    budgets: Sequence[Budget] | None = None
    equal: str = "auto"
    baseline: str | None = None
    seed: int = 0
    budget: Budget | None = None
    session: Session | None = None
    split: str | None = SPLIT
    sandbox: str | None = None
    concurrency: int = 16

    def prepared(self, flow: Flow, data: Data | None) -> Settings:
        """What is to be measured. The errors are those of `graphdsl.evaluate`."""
        from graphdsl.compiler.baseline import first_question
        from graphdsl.executors.engine import new_run_id

        self._check()
        block, options = block_for(flow.module, flow.name), self._options()
        levels = levels_of(flow, options.budget, self.levels, self.budgets)
        metric, by = chosen_metric(self.metric, self.by, block)
        first_question(levels[0].flow.graph, self.baseline)
        items = self._items(flow, data, block, metric)
        return Settings(
            flow=flow,
            items=tuple(items),
            levels=levels,
            metric=metric,
            by=by,
            vote=vote_by(metric, items),
            run_id=new_run_id(),
            options=options,
            repeats=self.repeats,
            equal=self.equal,
            baseline=self.baseline,
            concurrency=self.concurrency,
        )

    def _check(self) -> None:
        counts = {"repeats": self.repeats, "concurrency": self.concurrency}
        if self.limit is not None:
            counts["limit"] = self.limit
        for name, count in counts.items():
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InputError(f"`{name}` must be a whole number, 1 or more")
        if self.equal not in ("auto", *UNITS):
            raise InputError(f"`equal` is `auto`, `tokens`, `usd` or `calls`, not `{self.equal}`")

    def _options(self) -> RunOptions:
        from graphdsl.executors.run_options import RunOptions
        from graphdsl.plan import Budget

        if self.sandbox is not None:
            from graphdsl.executors.sandbox.chosen import sandbox

            sandbox(self.sandbox)
        return RunOptions(
            seed=self.seed,
            budget=self.budget or Budget(),
            session=self.session,
            split=self.split,
            sandbox=self.sandbox,
        )

    def _items(
        self, flow: Flow, data: Data | None, block: Block | None, metric: Metric
    ) -> list[Item]:
        if data is None and block is None:
            raise InputError(
                "there is no data: name a file (`--data FILE`, `data=` in Python), or write a "
                f"`search` block about `{flow.name}`"
            )
        given = data if data is not None else block.data if block is not None else ()
        records = read_records(given, self.limit)
        columns = columns_of(records.names, flow.inputs, block, self.inputs, self.target)
        items = items_of(records, flow, columns)
        check_targets(records, items, metric)
        return items


def chosen_metric(
    metric: str | Metric | None, by: str | None, block: Block | None
) -> tuple[Metric, str | None]:
    """The metric, and by what it compares where it is an accuracy; see `graphdsl.evaluate`."""
    from graphdsl.eval.metrics import metric_of
    from graphdsl.ops.registry import WORDS

    if metric is None and block is not None:
        metric, by = block.metric, by or block.by
    name = ACCURACY if metric is None else metric
    if by is None:
        return (metric_of(name) if isinstance(name, str) else name), None
    if name != ACCURACY:
        raise InputError(f"`by` goes with the metric `{ACCURACY}`, which alone compares answers")
    if by not in (*WORDS, "exact"):
        raise InputError(f"answers are compared by {', '.join(WORDS)} or exact, not by `{by}`")
    return metric_of(by), by


def vote_by(metric: Metric, items: Sequence[Item]) -> str:
    """How a majority compares answers: as the metric does, else as most targets ask for."""
    from graphdsl.eval.targets import kind_of
    from graphdsl.ops.registry import WORDS

    if metric.name in WORDS:
        return metric.name
    if metric.name != ACCURACY:
        return "text"
    return Counter(kind_of(item.target) for item in items).most_common(1)[0][0]


def check_targets(records: Records, items: Sequence[Item], metric: Metric) -> None:
    """Raise `InputError` that names the lines whose target the metric cannot compare with.

    Metrics of other packages are left alone: a score may cost something.
    """
    from graphdsl.eval.metrics import BUILT_IN

    if metric.name not in BUILT_IN:
        return
    problems: list[str] = []
    for item in items:
        try:
            metric.score("", item.target)
        except InputError as error:
            problems.append(f"line {item.line}: {error}")
    refuse_lines(Path(records.source), problems)
