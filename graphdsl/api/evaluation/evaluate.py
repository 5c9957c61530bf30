"""`graphdsl.evaluate`: a flow on examples, beside its baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from graphdsl.api.caches import Caching
from graphdsl.api.evaluation.items import Data
from graphdsl.api.evaluation.report import Evaluation, report
from graphdsl.api.evaluation.request import SPLIT, Request
from graphdsl.api.evaluation.study import Study
from graphdsl.api.lending import Loan, Recording

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow
    from graphdsl.eval.metrics import Metric
    from graphdsl.executors.session import Session
    from graphdsl.plan import Budget


def evaluate(
    flow: Flow,
    data: Data | None = None,
    *,
    metric: str | Metric | None = None,
    by: str | None = None,
    inputs: Mapping[str, str] | None = None,
    target: str | None = None,
    limit: int | None = None,
    repeats: int = 1,
    levels: Mapping[str, Sequence[str | float]] | None = None,
    budgets: Sequence[Budget] | None = None,
    equal: str = "auto",
    baseline: str | None = None,
    seed: int = 0,
    budget: Budget | None = None,
    session: Session | None = None,
    cache: Caching | None = None,
    record: Recording | None = None,
    split: str | None = SPLIT,
    sandbox: str | None = None,
    concurrency: int = 16,
) -> Evaluation:
    """Score a flow on examples, beside a single sample and a majority vote at equal cost.

    `data` is the path of a `.jsonl`, `.csv` or `.tsv` file, or mappings; without it, and without
    `metric`, those of the program's `search` block about the flow are used. `metric` is a name
    (`accuracy`, `exact`, `f1`, or of another package), or a `Metric`; `by` says how `accuracy`
    compares. `inputs` name the column of an input, `target` that of the target; both are otherwise
    found by their names. `repeats` runs every item so often, with the seeds `seed`, `seed + 1`, …

    `levels` are values of one hole (`{"sums.drafts.samples": [1, 2, 4]}`), `budgets` limits of a
    run; the flow is measured at each. `equal` is the unit that costs are made equal in: `tokens`,
    `usd`, `calls`, or `auto` (money where all models have a price, else tokens). `baseline` is the
    address of the node whose question the baselines ask, by default the first.

    `budget` limits each run, `session` all of them, baselines included: where it ends, rows are
    incomplete. A `cache` shares samples between levels and with the baselines. Blocks until all is
    done; from an event loop use `asyncio.to_thread`. Ctrl-C stops it.

    Raises `InputError` for data, columns, metrics and options that are wrong, before anything runs,
    `CompileError` for levels that do not exist, and `BackendError` for a model that is missing.
    """
    settings = Request(
        metric=metric,
        by=by,
        inputs=inputs,
        target=target,
        limit=limit,
        repeats=repeats,
        levels=levels,
        budgets=budgets,
        equal=equal,
        baseline=baseline,
        seed=seed,
        budget=budget,
        session=session,
        split=split,
        sandbox=sandbox,
        concurrency=concurrency,
    ).prepared(flow, data)
    with Loan(record, cache).opened(settings.options) as options:
        study = Study(replace(settings, options=options))
        study.run()
    return report(study)
