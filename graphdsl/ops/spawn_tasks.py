"""Lists of threads in a text: what each is to do, and under which number.

Forms: entries in tags of their own, as in ThreadWeaver (arXiv 2512.07843), `<Outline> 1: …`, and in
APR (arXiv 2504.15466), `<Start Sub Search 0 at level 1> …`; else whatever `parse_list` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from graphdsl.ops.parsing import read_list

_FIRST: Final = re.compile(r"^[ \t]{0,16}<([A-Za-z]\w{0,31})[^<>\n]{0,80}>", re.MULTILINE)
_APR: Final = re.compile(r"<Start Sub Search (\d{1,4})\b[^<>\n]{0,80}>", re.IGNORECASE)
_LABEL: Final = re.compile(r"\s{0,8}(\d{1,4}(?:\.\d{1,4}){0,7})\s{0,8}:")


@dataclass(frozen=True, slots=True)
class Task:
    """What one thread is to do; `label` is its number, such as `2` or `2.1`."""

    label: str
    text: str


def read_tasks(block: str) -> tuple[Task, ...]:
    """The threads of a list, in order; empty when it has none.

    Of two with one number the first counts: they would be the same request.

    >>> read_tasks("<Outline> 1: add</Outline><Outline> 2: multiply</Outline>")
    (Task(label='1', text='add'), Task(label='2', text='multiply'))
    >>> read_tasks('["add", "multiply"]')[1]
    Task(label='2', text='multiply')
    """
    first = _FIRST.search(block)
    found = _tagged(block, first) if first else _listed(block)
    by_label: dict[str, Task] = {}
    for task in found:
        by_label.setdefault(task.label, task)
    return tuple(by_label.values())


def _listed(block: str) -> Iterator[Task]:
    for number, text in enumerate(read_list(block), 1):
        yield Task(str(number), text)


def _tagged(block: str, first: re.Match[str]) -> Iterator[Task]:
    """What stands after each tag of the first one's name, up to the next one or its end.

    A task's number is its own, or that of its tag in APR, else its place.
    """
    name = first.group(1)
    closed = "/Start|End" if name.lower() == "start" else f"/{name}"
    tag = re.compile(rf"<(?:{name}|({closed}))\b[^<>\n]{{0,80}}>", re.IGNORECASE)
    marks = list(tag.finditer(block))
    ends = [mark.start() for mark in marks[1:]] + [len(block)]
    number = 0
    for mark, end in zip(marks, ends, strict=True):
        text = block[mark.end() : end]
        label = _APR.fullmatch(mark.group()) or _LABEL.match(text)
        text = text[label.end() if label and label.re is _LABEL else 0 :].strip()
        if not mark.group(1) and text:
            number += 1
            yield Task(label.group(1) if label else str(number), text)
