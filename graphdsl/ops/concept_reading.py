"""Reading concepts, and choices among them, out of what a model wrote.

The form is JSON rather than the YAML of the paper: it needs no package, has no aliases that grow
without end, and no words that turn into something else (`no`, `1e3`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from graphdsl.ops.concepts import KINDS, Concept, Parameter

MOST: Final = 64
"""Concepts of one reply that are read."""

LONGEST: Final = 4000
"""Characters of one line or value that are kept."""

_LINES: Final = 64
_TRIES: Final = 200
"""Brackets of a reply that are looked at: each may cost a look at all that follows."""

_BRACKET: Final = re.compile(r"[\[{]")
_MARK: Final = re.compile(r"^[\s*+>-]*(?:\d{1,4}[.)]\s+)?")
_DECODER: Final = json.JSONDecoder()


def read_concepts(reply: str) -> tuple[tuple[Concept, ...], tuple[str, ...]] | None:
    """The concepts of a reply, and why others were skipped; None when it holds no list of them.

    >>> found, skipped = read_concepts('[{"name": "gcd", "kind": "routine"}, {"kind": "routine"}]')
    >>> found[0].name, skipped
    ('gcd', ('a concept without a name was skipped',))
    """
    items = _list_in(reply)
    if items is None:
        return None
    found: list[Concept] = []
    skipped: list[str] = []
    for item in items[:MOST]:
        concept = concept_of(item)
        if isinstance(concept, Concept):
            found.append(concept)
        else:
            skipped.append(f"{concept} was skipped")
    if len(items) > MOST:
        skipped.append(f"{len(items) - MOST} concepts beyond {MOST} were skipped")
    return tuple(found), tuple(skipped)


def concept_of(item: Any) -> Concept | str:
    """A concept from JSON, or what is wrong with it."""
    if not isinstance(item, dict):
        return "what is no object"
    record = cast(dict[str, Any], item)
    name, kind = _line(record.get("name")), _line(record.get("kind"))
    if not name:
        return "a concept without a name"
    if kind not in KINDS:
        return f"the concept `{name}` of the kind `{kind or ''}`, which is neither of {_KINDS},"
    return Concept(
        name,
        kind,
        _line(record.get("subtype")),
        tuple(_parameters(record.get("parameters"))),
        _line(record.get("output_typing")),
        _line(record.get("description")),
        _lines(record.get("cues")),
        _lines(record.get("implementation")),
        _lines(record.get("used_in")),
    )


_KINDS: Final = " and ".join(f"`{kind}`" for kind in KINDS)


def read_names(reply: str, known: Collection[str]) -> tuple[str, ...] | None:
    """The known names that a reply chooses, each once; None when it holds neither a list nor one.

    A JSON list, else one name per line. Unknown names are ignored.

    >>> read_names('["b", "c", "b"]', ["a", "b"]), read_names("- a", ["a"]), read_names("?", ["a"])
    (('b',), ('a',), None)
    """
    items = _list_in(reply)
    if items is None:
        lines = [_MARK.sub("", line).strip(' \t`"*') for line in reply.splitlines()]
        chosen = [line for line in lines if line in known]
        return tuple(dict.fromkeys(chosen)) or None
    names = (item.strip() for item in items if isinstance(item, str))
    return tuple(dict.fromkeys(name for name in names if name in known))


def _list_in(reply: str) -> list[Any] | None:
    """The last list in a text, alone or under a key; thinking and prose stand before it."""
    found: list[Any] | None = None
    for value in _values(reply):
        if isinstance(value, list):
            found = cast(list[Any], value)
        elif isinstance(value, dict):
            members = list(cast(Mapping[str, Any], value).values())
            if len(members) == 1 and isinstance(members[0], list):
                found = cast(list[Any], members[0])
            elif "name" in value:
                found = [value]
    return found


def _values(text: str) -> Iterator[Any]:
    """The outermost JSON lists and objects of a text, in order."""
    at = 0
    for _ in range(_TRIES):
        match = _BRACKET.search(text, at)
        if match is None:
            return
        try:
            value, at = _DECODER.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            at = match.end()
        else:
            yield value


def _line(value: Any) -> str | None:
    """A text on one line; numbers and words as they are written."""
    if isinstance(value, bool | int | float):
        value = json.dumps(value)
    if not isinstance(value, str):
        return None
    return " ".join(value.split())[:LONGEST] or None


def _lines(value: Any) -> tuple[str, ...]:
    """Lines of a list, or of one text; indentation stays, which may be code."""
    items: Sequence[Any] = value.splitlines() if isinstance(value, str) else value or ()
    if not isinstance(items, list):
        return ()
    lines = [item.rstrip()[:LONGEST] for item in items if isinstance(item, str)]
    return tuple(dict.fromkeys(line for line in lines if line.strip()))[:_LINES]


def _parameters(value: Any) -> Iterator[Parameter]:
    for item in cast(list[Any], value)[:_LINES] if isinstance(value, list) else ():
        record = cast(dict[str, Any], item) if isinstance(item, dict) else {"name": item}
        name = _line(record.get("name"))
        if name:
            yield Parameter(name, _line(record.get("typing")), _line(record.get("description")))
