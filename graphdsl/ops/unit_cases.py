"""Unit tests as inputs and expected outputs: compared here, never by the code itself.

A text is one test or a list of them, in JSON: `{"args": [2], "returns": 4}`, with `"function"`
where it is not the code's last one and `"kwargs"`; or `{"stdin": "2", "stdout": "4"}` for programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from graphdsl.ops.execution import FunctionCall
from graphdsl.ops.shown import shown

SHOWN: Final = 300
"""Characters of a value or a test that a reason quotes."""

CANDIDATE: Final = "candidate"
"""The name that stands for the function under test (HumanEval)."""


@dataclass(frozen=True, slots=True)
class CallTest:
    """A call of a function, and what it should return.

    `by`: the value is `equal` to `expected` as Python has it, `json` (tuples are lists), `true` or
    `false`.
    """

    call: FunctionCall
    expected: Any = None
    by: Literal["equal", "json", "true", "false"] = "equal"

    @property
    def shown(self) -> str:
        """The call as it is written."""
        parts = [shown(value) for value in self.call.arguments]
        parts += [f"{name}={shown(value)}" for name, value in self.call.named.items()]
        return excerpt(f"{self.call.function}({', '.join(parts)})")

    @property
    def wanted(self) -> str:
        """What it should return, in words."""
        if self.by in ("true", "false"):
            return f"something {self.by}"
        return f"`{excerpt(shown(self.expected))}`"

    def passes(self, value: Any) -> bool:
        """Whether the call may return this; `value` is plain data of built-in types."""
        match self.by:
            case "true":
                return bool(value)
            case "false":
                return not value
            case "json":
                return bool(_listed(value) == self.expected)
            case "equal":
                return bool(value == self.expected)


@dataclass(frozen=True, slots=True)
class ProgramTest:
    """What a program reads, and what it should print; blanks at the ends of lines do not count."""

    stdin: str
    stdout: str

    def passes(self, printed: str) -> bool:
        """Whether a program may print this."""
        return _lines(printed) == _lines(self.stdout)


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A test that nobody can judge, and why."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class CheckTest:
    """An assert among `graphdsl.ops.execution.Checks`, by its number there."""

    number: int
    text: str


Test = CallTest | ProgramTest | CheckTest | Unsupported


def is_json(text: str) -> bool:
    """Whether a text is meant as JSON tests."""
    return text.lstrip().startswith(("{", "["))


def read_cases(text: str, entry: str | None) -> list[Test]:
    """The tests of a JSON text; what cannot be read is unsupported."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        return [Unsupported(excerpt(text), f"it is no JSON: {excerpt(str(error))}")]
    items = cast(list[Any], data) if isinstance(data, list) else [data]
    return [_case(item, entry) for item in items]


def _case(item: Any, entry: str | None) -> Test:
    match item:
        case {"stdin": str(stdin), "stdout": str(stdout)}:
            return ProgramTest(stdin, stdout)
        case {"args": [*arguments], "returns": expected}:
            found = cast(Mapping[str, Any], item)
            named: Any = found.get("kwargs") or {}
            function = found.get("function") or entry or CANDIDATE
            if isinstance(named, dict) and isinstance(function, str):
                call = FunctionCall(function, tuple(arguments), cast(dict[str, Any], named))
                return CallTest(call, expected, "json")
        case _:
            pass
    why = 'a test in JSON has `"args"` and `"returns"`, or `"stdin"` and `"stdout"`'
    return Unsupported(excerpt(shown(item)), why)


def excerpt(text: str, most: int = SHOWN) -> str:
    r"""The text, or its beginning; halves of surrogate pairs are escaped, so that it can be sent.

    >>> excerpt("abcdef", 4), excerpt("\ud800")
    ('abc…', '\\ud800')
    """
    part = text if len(text) <= most else text[: most - 1] + "…"
    return part.encode("utf-8", "backslashreplace").decode("utf-8")


def _listed(value: Any) -> Any:
    """As JSON has it: a tuple is a list there."""
    if isinstance(value, tuple | list):
        return [_listed(item) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in cast(dict[Any, Any], value).items()}
    return value


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


@dataclass(frozen=True, slots=True)
class Program:
    """Asserts that need more than a comparison, as a program; see `graphdsl.ops.assertions`."""

    source: str = ""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    count: int = 0
