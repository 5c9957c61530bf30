"""Blocks of `key = value` entries: which keys there may be, must be, and only once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphdsl.compiler import codes
from graphdsl.compiler.report import error, instead
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Label
from graphdsl.syntax import tree

Entries = dict[str, tree.Entry]


def entries_of(
    entries: Sequence[tree.Entry], known: Sequence[str], what: str, frame: Frame
) -> Entries:
    """The entries by key, without those that are unknown or given twice, which are reported."""
    found: Entries = {}
    for entry in entries:
        key = entry.key.text
        if key not in known:
            _unknown(entry.key, known, what, frame)
        elif key in found:
            _twice(entry.key, found[key].key, what, frame)
        else:
            found[key] = entry
    return found


def require(
    keys: Sequence[str],
    found: Entries,
    given: Sequence[tree.Entry],
    place: tree.Node,
    what: str,
    examples: Mapping[str, str],
    frame: Frame,
) -> None:
    """Report required keys that are missing, unless a key was given that is none.

    `examples` has an entry for each required key, as it is written.
    """
    missing = [key for key in keys if key not in found]
    if not missing or any(entry.key.text not in found for entry in given):
        return
    names = " and ".join(f"`{key}`" for key in missing)
    message = f"{what} needs {names}"
    helps = (f"add {', '.join(f'`{examples[key]}`' for key in missing)}",)
    frame.report(error(codes.MISSING_KEY, message, place.span, f"without {names}", helps=helps))


def _unknown(key: tree.Name, known: Sequence[str], what: str, frame: Frame) -> None:
    helps = instead(key.text, known, key.span, "the keys are")
    message = f"{what} has no key `{key.text}`"
    frame.report(error(codes.UNKNOWN_OPTION, message, key.span, "no such key", helps=helps))


def _twice(key: tree.Name, first: tree.Name, what: str, frame: Frame) -> None:
    frame.report(
        error(
            codes.DUPLICATE_KEY,
            f"{what} has the key `{key.text}` twice",
            key.span,
            "again here",
            secondary=(Label(first.span, "first here"),),
        )
    )
