"""What joined threads look like in a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from graphdsl.ops.answers import normal_text
from graphdsl.ops.extract import find_answer
from graphdsl.ops.spawn_tasks import Task
from graphdsl.values import Draft, Finish

_NONE: Final = re.compile(
    r"no solutions?(?: (?:exists?|(?:(?:was|were|is|are|can be|could be|has been) )?"
    r"(?:found|possible|reached|here)))?(?: in [\w ]{1,40})?"
)
_FENCE: Final = re.compile(r"[`~]{3,}\w{0,32}")


def closing(tag: str) -> str:
    """What closes what a tag opens.

    >>> closing("<Thread>"), closing("[part]")
    ('</Thread>', '[/part]')
    """
    return f"{tag[:1]}/{tag[1:]}" if tag else ""


def threads_block(
    heads: Sequence[str], threads: Sequence[Draft], close: str, end: str | None
) -> str:
    """All threads in order, each closed: one that did not close itself on a line of its own."""
    parts = ["\n"]
    for head, thread in zip(heads, threads, strict=True):
        own = thread.finish is Finish.STOP_SEQ
        parts += [head, thread.text, close if own else f"\n{close}"]
    return "".join([*parts, "\n", "</Parallel>" if end is None else end])


def results_block(
    tasks: Sequence[Task], results: Sequence[str | None], opens: str, end: str | None
) -> str:
    """The results of all threads in order; None is no solution."""
    lines = [opens]
    for task, result in zip(tasks, results, strict=True):
        if result is None:
            lines.append(f"No solution in child {task.label}")
        else:
            lines += [f"Goal reached in child {task.label}", result]
    return "\n".join([*lines, closing(opens) if end is None else end])


def result_of(thread: Draft) -> str | None:
    """What a thread found: its marked answer, else its last line that is no fence of code; None
    for no solution.

    A thread that failed or was cut off has none, nor one that says so.

    >>> result_of(Draft("3 + 4 is 7.\\nAnswer: 7")), result_of(Draft("So there is\\nNo solution."))
    ('7', None)
    """
    text = thread.text.strip()
    if not thread.complete or not text:
        return None
    found = find_answer(text)
    marked = found is not None and found.shown != text
    result = found.shown if found is not None and marked else _last_line(text)
    return None if _NONE.fullmatch(normal_text(result)) else result


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and not _FENCE.fullmatch(line)]
    return (said or lines)[-1]
