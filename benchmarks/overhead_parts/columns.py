"""A table with a column for each contender."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from benchmarks.overhead_parts import contender as who
from benchmarks.overhead_parts.field import LATE, Found
from benchmarks.overhead_parts.worker import Cannot

_TITLE: Final = 15
_WIDTH: Final = 11
_SHORT: Final = {
    who.RAW: "raw",
    who.OURS: "graphdsl",
    who.TRACED: "traced",
    who.LANGGRAPH: "LangGraph",
    who.PYDANTIC: "pyd-graph",
    who.HAYSTACK: "Haystack",
    who.MEMORY: "+ memory",
    who.DURABLE: "+ durable",
    who.SAVER: "LG + saver",
}
"""`+`: graphdsl with a journal."""


class Columns:
    """Prints its head, then rows; `explain` says why cells are empty."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self._reasons: dict[str, None] = {}
        print(f"{'':<{_TITLE}}" + "".join(f"{_SHORT[name]:>{_WIDTH}}" for name in self._names))

    def row(
        self,
        title: str,
        cell: Mapping[str, Found],
        values: Mapping[str, list[float]],
        of: Callable[[list[float]], float],
        form: str = ".2f",
    ) -> None:
        """One number for each contender that has any."""
        texts = [self._text(name, cell.get(name, LATE), values, of, form) for name in self._names]
        print(f"{title:<{_TITLE}}" + "".join(f"{text:>{_WIDTH}}" for text in texts), flush=True)

    def _text(
        self,
        name: str,
        known: Found,
        values: Mapping[str, list[float]],
        of: Callable[[list[float]], float],
        form: str,
    ) -> str:
        if known is LATE or not isinstance(known, Cannot):
            return "cap" if isinstance(known, Cannot) else f"{of(values[name]):{form}}"
        self._reasons[f"{_SHORT[name]}: {known.reason}"] = None
        return "-"

    def explain(self) -> None:
        """Why some have no number."""
        for reason in self._reasons:
            print(f"  - {reason}")
