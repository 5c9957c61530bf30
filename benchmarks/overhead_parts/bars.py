"""What the design promises, and whether it was kept in this run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

BARE: Final = 10.0
IN_MEMORY: Final = 25.0
ON_DISK: Final = 60.0
"""Microseconds per node at the largest size: nothing kept, a journal in memory, one on disk."""

EFFICIENCY: Final = 0.98
LIVE_BYTES: Final = 2048.0
IMPORT: Final = 0.15
TIMES_LANGGRAPH: Final = 10.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise: what it says, what was found, and whether that keeps it (None: not measured)."""

    promise: str
    found: str
    kept: bool | None


@dataclass(slots=True)
class Bars:
    """The promises of a run, in order."""

    all: list[Bar] = field(default_factory=list[Bar])

    def most(self, promise: str, values: list[float], limit: float, unit: str = "") -> None:
        """None of the values may be above a limit."""
        self._add(promise, values, max(values, default=0.0), unit, max(values, default=0) <= limit)

    def least(self, promise: str, values: list[float], limit: float, unit: str = "") -> None:
        """None of the values may be below a limit."""
        self._add(promise, values, min(values, default=0.0), unit, min(values, default=0) >= limit)

    def note(self, words: str, values: list[float]) -> None:
        """A number beside a promise, which promises nothing itself."""
        self.all.append(Bar(words, f"{max(values, default=0.0):.3g}", None))

    def _add(self, promise: str, values: list[float], worst: float, unit: str, kept: bool) -> None:
        found = f"{worst:.3g}{unit}" if values else "not measured"
        self.all.append(Bar(promise, found, kept if values else None))

    def show(self) -> bool:
        """Print them; False when one was not kept."""
        print("\nbars\n")
        for bar in self.all:
            verdict = "-" if bar.kept is None else "pass" if bar.kept else "FAIL"
            print(f"{verdict:<6}{bar.promise:<64}{bar.found:>14}")
        return all(bar.kept is not False for bar in self.all)
