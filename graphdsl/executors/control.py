"""Loops, branches and budget scopes: steps that run other plans.

Each is one task. The table in `graphdsl.ir.nodes` names the results that they expect of their
regions and what they give back.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from graphdsl.executors.crew import Crew, ItemCrew
from graphdsl.executors.frame import Code, Frame, Job, entered
from graphdsl.executors.ledger import Scope
from graphdsl.executors.need import exhaust
from graphdsl.executors.trace import Record
from graphdsl.ops.quorum import Rule, rule_of, unneeded
from graphdsl.ops.quorum_watch import Watch
from graphdsl.plan import Budget
from graphdsl.values import Value

if TYPE_CHECKING:
    from graphdsl.executors.run import Run

_NEXT: Final = "next."

Control = Callable[["Run", Frame, Job, "Record | None"], Awaitable[Value]]
"""What a control step does: runs regions of the job within the frame, gives its value."""


async def repeat(run: Run, frame: Frame, job: Job, record: Record | None) -> Value:
    """Rounds one after another, until `until` holds or `rounds` are over.

    The value is a record of exported and carried names: those of the round with the highest
    score with `keep` best (earliest on ties; a missing or NaN score is the lowest), else of the
    last round. When the time of its budget is over it ends with the round in progress.
    """
    code, attrs = job.regions["body"], job.step.attrs
    carried = job.arguments(frame.values)
    names = code.plan.params
    values = [carried[name] for name in names]
    best: dict[str, Value] = {}
    top: float | None = None
    for number in range(int(attrs["rounds"])):
        if number and await run.out_of_time(frame, record):
            break
        results = await _round(run, frame, job, code, number, values, record)
        values = [results[_NEXT + name] for name in names]
        score = _score(results.get("score")) if attrs.get("keep") == "best" else None
        if top is None or score is None or score > top:
            best, top = results, score
        if results.get("until") is True:
            break
    return _exported(best, attrs)


async def each(run: Run, frame: Frame, job: Job, record: Record | None) -> Value:
    """The body for every item, all at once; a list of what they yield, in the items' order.

    Items beyond `bound` are left out, and the trace says so. With a stop rule (`until`) the work
    on items that are not needed any more is cancelled, at any depth; what failed or was refused in
    these counts for nothing.
    """
    items, until = _bounded(frame, job, record), job.step.attrs.get("until")
    if not items:
        return ()
    rule = rule_of(until, len(items))
    if rule is not None:
        return await _some(run, frame, job, record, items, rule)
    watch = Watch(len(items), None)
    ended: asyncio.Future[None] = run.loop.create_future()

    def done(number: int) -> None:
        watch.arrived(number, frames[number].results()["yield"])
        if watch.over and not ended.done():
            ended.set_result(None)

    frames = [
        _inner(frame, job, job.regions["body"], [item], record, partial(done, number), None, number)
        for number, item in enumerate(items)
    ]
    _begin(run, frames)
    await ended
    return watch.values(lambda number: None)


async def _some(
    run: Run, frame: Frame, job: Job, record: Record | None, items: tuple[Value, ...], rule: Rule
) -> Value:
    """Items until the rule decides. Raises what one of them has raised, if it counts."""
    watch, all_crews = Watch(len(items), rule), Crew(frame.crew)
    ended: asyncio.Future[None] = run.loop.create_future()

    def look() -> None:
        if watch.over and not ended.done():
            all_crews.stop()
            ended.set_result(None)

    def done(number: int) -> None:
        watch.arrived(number, frames[number].results()["yield"])
        look()

    def failed(number: int, error: BaseException) -> None:
        watch.failed(number, error)
        look()

    crews = [
        ItemCrew(all_crews, frame.scope, partial(failed, number)) for number in range(len(items))
    ]
    code = job.regions["body"]
    frames = [
        _inner(frame, job, code, [item], record, partial(done, number), None, number, crews[number])
        for number, item in enumerate(items)
    ]
    _begin(run, frames)
    await ended
    await all_crews.disband()
    if watch.error is not None:
        raise watch.error
    for number in watch.counted():
        for refusal in crews[number].refusals:
            exhaust(refusal, frame.scope, frame.crew, record)
    if watch.decided:
        if rule.arrival:
            run.sampler.kept.add(job.step.address + frame.suffix)
        if record is not None:
            record.notes.append(f"decided by {watch.needed} of {len(items)} items")
    return _yields(watch, job.step.attrs["until"])


def _begin(run: Run, frames: Sequence[Frame]) -> None:
    for inner in frames:
        run.start(inner)
    run.drain()


def _yields(watch: Watch, until: Any) -> tuple[Value, ...]:
    """What the items yielded. Those that were not needed are left out where items are counted."""
    if not watch.decided:
        return watch.values(lambda number: None)
    missing = unneeded(until)
    values = watch.values(lambda number: missing)
    return values[: watch.needed] if until[0] == "items" else values


async def fold(run: Run, frame: Frame, job: Job, record: Record | None) -> Value:
    """The body for one item after another, carrying values; a record of the last ones.

    When the time of its budget is over it ends with the item in progress.
    """
    code = job.regions["body"]
    start = job.arguments(frame.values)
    names = code.plan.params[1:]
    values = [start[name] for name in names]
    for number, item in enumerate(_bounded(frame, job, record)):
        if number and await run.out_of_time(frame, record):
            break
        results = await _round(run, frame, job, code, number, [item, *values], record)
        values = [results[_NEXT + name] for name in names]
    return dict(zip(names, values, strict=True))


async def branch(run: Run, frame: Frame, job: Job, record: Record | None) -> Value:
    """The region that the condition chooses; an absent condition is false."""
    condition = job.arguments(frame.values)["condition"]
    taken, other = ("then", "else") if condition is True else ("else", "then")
    run.skip(job.regions[other], frame, record)
    inner = await _region(run, frame, job, job.regions[taken], [], record)
    return inner["yield"]


async def within(run: Run, frame: Frame, job: Job, record: Record | None) -> Value:
    """The body under a budget of its own; a record of its names and `exhausted`."""
    scope = Scope(_budget(job.step.attrs["budget"]), frame.scope, run.loop.time())
    results = await _region(run, frame, job, job.regions["body"], [], record, scope)
    if record is not None and scope.exhausted is not None:
        record.status = "exhausted"
        record.notes.append(f"budget exhausted: {scope.exhausted}")
    return {**results, "exhausted": scope.exhausted is not None}


CONTROLS: Final[Mapping[str, Control]] = {
    "repeat": repeat,
    "each": each,
    "fold": fold,
    "if": branch,
    "within": within,
}
"""By op."""


async def _round(
    run: Run,
    frame: Frame,
    job: Job,
    code: Code,
    number: int,
    params: list[Value],
    record: Record | None,
) -> dict[str, Value]:
    return await _region(run, frame, job, code, params, record, number=number)


async def _region(
    run: Run,
    frame: Frame,
    job: Job,
    code: Code,
    params: list[Value],
    record: Record | None,
    scope: Scope | None = None,
    number: int | None = None,
) -> dict[str, Value]:
    """Run a region to its end and give its results."""
    ended: asyncio.Future[None] = run.loop.create_future()

    def done() -> None:
        if not ended.done():
            ended.set_result(None)

    inner = _inner(frame, job, code, params, record, done, scope, number)
    run.start(inner)
    run.drain()
    await ended
    return inner.results()


def _inner(
    frame: Frame,
    job: Job,
    code: Code,
    params: list[Value],
    record: Record | None,
    done: Callable[[], None],
    scope: Scope | None = None,
    number: int | None = None,
    crew: ItemCrew | None = None,
) -> Frame:
    """A frame for a region: rounds have a number, which their addresses show."""
    return Frame(
        code,
        entered(code, frame.values, params),
        scope or frame.scope,
        done,
        frame.suffix if number is None else f"{frame.suffix}[{number}]",
        (*frame.position, job.step.index, number or 0),
        record,
        crew or frame.crew,
        frame.rank + job.step.rank + _rounds_left(job, number) * code.plan.length,
    )


def _rounds_left(job: Job, number: int | None) -> int:
    """How many rounds of the same step may come after that one."""
    if number is None or job.step.op == "each":
        return 0
    rounds = job.step.attrs.get("rounds") or job.step.attrs.get("bound") or 0
    return max(0, int(rounds) - 1 - number)


def _bounded(frame: Frame, job: Job, record: Record | None) -> tuple[Value, ...]:
    items: tuple[Value, ...] = job.arguments(frame.values)["items"] or ()
    bound = int(job.step.attrs["bound"])
    if record is not None and len(items) > bound:
        record.notes.append(f"{len(items) - bound} of {len(items)} items are beyond the bound")
    return items[:bound]


def _score(value: Any) -> float:
    is_number = isinstance(value, int | float) and not math.isnan(value)
    return float(value) if is_number else -math.inf


def _exported(results: dict[str, Value], attrs: Mapping[str, Any]) -> dict[str, Value]:
    """Exported names, and the carried ones under their own names."""
    hidden = {"until"} if attrs.get("until") else set[str]()
    if attrs.get("keep") == "best":
        hidden.add("score")
    return {
        name.removeprefix(_NEXT): value for name, value in results.items() if name not in hidden
    }


def _budget(attr: Any) -> Budget:
    """A budget as the plan has it: a `Budget`, or pairs of unit and limit."""
    return attr if isinstance(attr, Budget) else Budget(**dict(attr))
