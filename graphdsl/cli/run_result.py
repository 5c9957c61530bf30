"""What `graphdsl run` prints of one result: the answer on stdout, everything else on stderr."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from graphdsl.cli.codes import Exit
from graphdsl.cli.output import note, print_error, print_json, safe, show
from graphdsl.cli.spending import (
    OVERRUN,
    from_cache,
    overrun,
    passed_over,
    passes,
    settled,
    spent,
)

if TYPE_CHECKING:
    from graphdsl.cli.run_task import Task
    from graphdsl.executors.result import Result


def show_result(task: Task, result: Result) -> None:
    """Print the result of one run, as the command was told to."""
    if task.as_json:
        from graphdsl.cli.schemas import RunReport

        known = settled(result.usage, result.doubtful).to_dict()
        whole = {"ok": result.status == "ok", **result.to_dict(), "settled": known}
        print_json(RunReport.model_validate(whole))
        return
    if has_value(result):
        show(answer_text(result))
    note(f"{spent_line(result)} · run {result.run_id}")
    over = overrun(result.usage, task.arguments.budget)
    if over:
        note(f"over the budget: {', '.join(over)}; {OVERRUN}")
    if result.status != "ok":
        print_error(why(result))
    if task.trace and result.trace is not None:
        from graphdsl.cli.trace_tree import print_tree

        print_tree(result.trace)


def exit_code(result: Result) -> int:
    """What a run's status means for a script."""
    return {"ok": Exit.OK, "exhausted": Exit.EXHAUSTED}.get(result.status, Exit.BACKEND)


def answer_text(result: Result) -> str:
    """The value as a person reads it; lists and records are JSON."""
    from graphdsl.executors.result import jsonable
    from graphdsl.values import Verdict, as_text

    output = result.output
    if type(output) in (tuple, dict):
        return safe(json.dumps(jsonable(output), indent=2, ensure_ascii=False))
    if isinstance(output, Verdict):
        return safe(f"{'passed' if output.passed else 'failed'}: {output.reason or output.answer}")
    return safe(as_text(output))


def has_value(result: Result) -> bool:
    """False where the run gave nothing that could be shown as its answer."""
    return result.error is None or bool(answer_text(result))


def spent_line(result: Result) -> str:
    """Confidence, what was spent and saved, what did not go as planned, and seconds on one line."""
    confidence = result.confidence if has_value(result) else None
    parts = [
        f"confidence {confidence:.0%}" if confidence is not None else "",
        *spent(result.usage, result.doubtful),
        *from_cache(result.saved),
        *passed_over(passes(result.trace)),
        f"{result.seconds:.2f} s",
    ]
    return " · ".join(part for part in parts if part)


def why(result: Result) -> str:
    """Why a run did not end well."""
    if result.status != "exhausted":
        return result.error or "no sample gave an answer"
    rest = "there is no answer" if result.error else "the answer is the best there was"
    return f"the budget ran out ({result.exhausted}); {rest}"
