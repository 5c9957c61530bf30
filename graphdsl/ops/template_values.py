"""How values look from inside a prompt template: their documented fields and their text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from graphdsl.ir.types import ANSWER, DOC, DRAFT, FIELDS, VERDICT, Named
from graphdsl.values import Answer, Doc, Draft, Messages, Value, Verdict, as_text

_KINDS: Final[dict[type, Named]] = {Draft: DRAFT, Verdict: VERDICT, Answer: ANSWER, Doc: DOC}


class Absent:
    """A value that nobody gave or measured: no text, no fields, false in every comparison."""

    def __str__(self) -> str:
        return ""

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return False

    def _never(self, other: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = _never


ABSENT: Final = Absent()


class View:
    """A draft, verdict, answer, document or record: its text, and nothing but its fields."""

    def __init__(self, value: Value) -> None:
        self._value = value

    def field(self, name: str) -> Value | None:
        """The field as a template sees it; None when there is no such field."""
        if isinstance(self._value, dict):
            return _entry(self._value, name)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        if name not in FIELDS[_KINDS[type(self._value)]]:
            return None
        return shown(_read(self._value, name))

    def __str__(self) -> str:
        return as_text(self._value)

    def __len__(self) -> int:
        return len(str(self))

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: object) -> bool:
        return not isinstance(other, Absent) and str(self).strip() == as_text(
            str(other) if isinstance(other, View) else other
        )


def _entry(record: dict[str, Value], name: str) -> Value | None:
    return shown(record[name]) if name in record else None


def _read(value: Value, name: str) -> Value:
    """A documented field; two of a draft are stored under its log-probabilities and usage."""
    readers: dict[str, Callable[[Draft], Value]] = {
        "tokens": lambda draft: draft.usage.completion_tokens,
        "mean_logprob": lambda draft: draft.logprobs.mean if draft.logprobs is not None else None,
        "finish": lambda draft: draft.finish.value,
    }
    if isinstance(value, Draft) and name in readers:
        return readers[name](value)
    return getattr(value, name)


def shown(value: Value) -> Value:
    """A value as templates see it: plain text, number, bool, list of these, or a `View`."""
    match value:
        case None:
            return ABSENT
        case Messages():
            return value.text
        case Draft() | Verdict() | Answer() | Doc() | dict():
            return View(value)  # pyright: ignore[reportUnknownArgumentType]
        case tuple() | list():
            items: tuple[Value, ...] = tuple(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            return tuple(shown(item) for item in items)
        case _:
            return value


def _texts(items: tuple[Value, ...]) -> list[str]:
    """The texts of a list's items; empty ones are left out, as `values.as_text` does."""
    return [text for item in items if (text := text_of(item))]


def text_of(value: Value) -> str:
    """The text that `{{ value }}` puts into a prompt."""
    match value:
        case Absent() | View():
            return str(value)
        case tuple():
            return "\n\n".join(_texts(value))  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return as_text(value)
