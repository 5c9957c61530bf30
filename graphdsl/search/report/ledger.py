"""What a study has paid, by unit and by part: search, agents, certificate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from graphdsl.search.report.wording import UNITS
from graphdsl.search.result import StudyResult

PARTS: Final = ("search", "agents", "certificate")


@dataclass(frozen=True, slots=True)
class Entry:
    """One unit: what was allowed (None: no limit), what was paid in all and by part, and what
    sharing has saved."""

    unit: str
    budget: float | None
    spent: float
    parts: Mapping[str, float] = field(default_factory=dict[str, float])
    saved: float = 0.0

    @property
    def left(self) -> float | None:
        """What is left of the budget; None without one."""
        return None if self.budget is None else max(0.0, self.budget - self.spent)


def ledger(result: StudyResult) -> list[Entry]:
    """Entries, limited units first. Names such as `search.calls` are a part of `calls`; where
    there are parts alone, their sum was paid."""
    split = {name: _split(name) for name in result.spent}
    saved = {_split(name)[1] for name in result.saved}
    units = dict.fromkeys([*result.budget, *UNITS, *(unit for _, unit in split.values()), *saved])
    found = [_entry(result, unit) for unit in units]
    known = [one for one in found if one.budget is not None or one.spent or one.saved]
    return sorted(known, key=lambda one: one.budget is None)


def _entry(result: StudyResult, unit: str) -> Entry:
    parts = dict(_parts(result.spent, unit))
    spent = result.spent.get(unit, sum(parts.values()))
    saved = result.saved.get(unit, sum(dict(_parts(result.saved, unit)).values()))
    return Entry(unit, result.budget.get(unit), spent, parts, saved)


def _parts(amounts: Mapping[str, float], unit: str) -> Iterator[tuple[str, float]]:
    for name, value in amounts.items():
        part, of = _split(name)
        if part and of == unit:
            yield part, value


def _split(name: str) -> tuple[str, str]:
    part, _, unit = name.rpartition(".")
    return part, unit
