"""What is wrong with a template that cannot be read: which of its tags has no partner."""

from __future__ import annotations

import re
from typing import Final

from graphdsl.ops.template_inspection import Problem

_PLACES: Final = re.compile(r"\{#.*?#\}|\{\{|\{%[-+]?\s*(\w*)(?:(?!\{%|%\}).)*%\}|\{%", re.DOTALL)
_CLOSERS: Final = {"endif": "if", "endfor": "for"}
_FOREIGN: Final = {"elseif": "elif", "elsif": "elif", "foreach": "for", "end": "endif"}


def unpaired(template: str) -> Problem | None:
    """The first tag that is not closed, closes nothing or is misspelt; None when all are right."""
    opened: list[re.Match[str]] = []
    at = 0
    while (tag := _PLACES.search(template, at)) is not None:
        at = tag.end()
        if tag[0] in ("{{", "{%"):
            at = _end_of_print(template, tag)
        problem = _not_closed(tag) if at < 0 else _tag(tag, opened)
        if problem is not None:
            return problem
    return _left_open(opened[-1]) if opened else None


def _end_of_print(template: str, tag: re.Match[str]) -> int:
    """Behind the `}}` of a `{{`, which stands before the next tag; -1 if there is none."""
    end = template.find("}}", tag.end())
    following = _PLACES.search(template, tag.end(), max(end, 0))
    inside = template[tag.end() : max(end, 0)]
    quoted = '"' in inside or "'" in inside  # `{{ "{{" }}` is a brace
    if tag[0] == "{%" or end < 0 or (following is not None and not quoted):
        return -1
    return end + 2


def _not_closed(tag: re.Match[str]) -> Problem:
    closer = "}}" if tag[0] == "{{" else "%}"
    return Problem(f"`{tag[0]}` is not closed", tag.start(), 2, f"close it with `{closer}`")


def _tag(tag: re.Match[str], opened: list[re.Match[str]]) -> Problem | None:
    """Keep account of one `{% … %}`; what is wrong with it, if anything."""
    word, length = tag[1], len(tag[0])
    if word in _FOREIGN:
        advice = f"write `{{% {_FOREIGN[word]} … %}}`"
        return Problem(f"a template has no tag `{word}`", tag.start(), length, advice)
    if word in _CLOSERS.values():
        opened.append(tag)
    elif word in _CLOSERS and (not opened or opened[-1][1] != _CLOSERS[word]):
        if opened:
            return _left_open(opened[-1])
        advice = f"leave it out, or begin with `{{% {_CLOSERS[word]} … %}}`"
        return Problem(f"`{{% {word} %}}` closes nothing", tag.start(), length, advice)
    elif word in _CLOSERS:
        opened.pop()
    return None


def _left_open(tag: re.Match[str]) -> Problem:
    message = f"`{{% {tag[1]} … %}}` is not closed"
    advice = f"close it with `{{% end{tag[1]} %}}`"
    return Problem(message, tag.start(), len(tag[0]), advice)
