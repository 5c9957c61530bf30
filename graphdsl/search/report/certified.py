"""A certificate as a report shows it: finalists with intervals, and differences to baselines.

What is read is plain data (`to_dict` of `graphdsl.search.certificate`), perhaps by hand or of
another version: what cannot be understood is left out and said, and nothing is made up for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval; NaN for ends that are not known."""

    mean: float
    low: float = math.nan
    high: float = math.nan

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)


@dataclass(frozen=True, slots=True)
class Difference:
    """The quality of a finalist less that of a baseline, on the same items.

    `identity` is that of the baseline. `better` says whether it is shown that the finalist is
    better, all claims of the certificate taken together.
    """

    baseline: str
    quality: Estimate
    identity: str = ""
    better: bool = False


@dataclass(frozen=True, slots=True)
class Finalist:
    """One candidate on the items of the certificate."""

    identity: str
    quality: Estimate
    items: int
    replicas: int = 1
    baseline: str = ""
    costs: Mapping[str, Estimate] = field(default_factory=dict[str, Estimate])
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was measured on items that no step of the search had seen.

    `pick` is the finalist that was named before the measurement, so that its mean is not biased by
    choosing. `stopped` says why not all items were seen; it is empty where they were. `facts` is
    what else stands in it: hashes, looks, levels.
    """

    pick: Finalist
    finalists: tuple[Finalist, ...]
    baselines: tuple[Finalist, ...] = ()
    stopped: str = ""
    facts: tuple[tuple[str, str], ...] = ()

    def of(self, identity: str) -> Finalist | None:
        """The finalist or baseline with that identity."""
        return next((one for one in self.everyone if one.identity == identity), None)

    @property
    def everyone(self) -> list[Finalist]:
        """Finalists and baselines, each graph once, the best first."""
        found = {one.identity: one for one in (*self.baselines, *self.finalists)}
        return sorted(found.values(), key=lambda one: -one.quality.mean)


@dataclass(frozen=True, slots=True)
class Found:
    """A certificate, if there is one that can be shown, and what was wrong with it."""

    certificate: Certificate | None
    problems: tuple[str, ...] = ()


def certificate(data: Mapping[str, Any] | None) -> Found:
    """What can be shown of a certificate; None is a study that did not come so far."""
    if data is None:
        return Found(None)
    rows = data.get("finalists")
    if not isinstance(rows, list | tuple):
        return Found(None, ("the certificate names no finalists and is not shown",))
    finalists, problems = _rows(cast("Sequence[object]", rows), "finalist")
    baselines, more = _rows(_sequence(data.get("baselines")), "baseline")
    named = data.get("pick")
    pick = next((one for one in finalists if named in (None, one.identity)), None)
    if pick is None:
        said = "the candidate that the certificate is about cannot be shown"
        return Found(None, (*problems, *more, said))
    stopped = "" if data.get("complete", True) else _words(data.get("stopped")) or "it was stopped"
    found = Certificate(pick, tuple(finalists), tuple(baselines), stopped, _facts(data))
    return Found(found, (*problems, *more))


def _rows(rows: Sequence[object], what: str) -> tuple[list[Finalist], list[str]]:
    """The rows that can be shown, and what is wrong with the others."""
    read = [_finalist(_mapping(row)) for row in rows]
    problems = [
        f"{what} {number} of the certificate has no quality with an interval"
        for number, one in enumerate(read)
        if one is None
    ]
    return [one for one in read if one is not None], problems


def _finalist(row: Mapping[str, Any]) -> Finalist | None:
    quality = _estimate(row.get("quality"))
    if quality is None or not quality.known:
        return None
    costs = {name: _estimate(cost) for name, cost in _mapping(row.get("costs")).items()}
    return Finalist(
        str(row.get("identity", "")),
        quality,
        _count(row.get("items"), 0),
        _count(row.get("replicas"), 1),
        _words(row.get("baseline")),
        {name: cost for name, cost in costs.items() if cost is not None},
        tuple(_differences(row.get("differences"))),
    )


def _differences(data: object) -> list[Difference]:
    found: list[Difference] = []
    for row in map(_mapping, _sequence(data)):
        quality = _estimate(row)
        if quality is not None:
            better = row.get("better", quality.low > 0) is True
            name, identity = _words(row.get("baseline")), _words(row.get("identity"))
            found.append(Difference(name, quality, identity, better))
    return found


_MEANS: Final = ("mean", "difference", "estimate")


def _estimate(data: object) -> Estimate | None:
    """A number, or an object with a mean and the ends of its interval."""
    if _number(data):
        return Estimate(cast("float", data))
    row = _mapping(data)
    mean = next((row[name] for name in _MEANS if _number(row.get(name))), None)
    if mean is None:
        return None
    low, high = (row[end] if _number(row.get(end)) else math.nan for end in ("low", "high"))
    return Estimate(float(mean), float(low), float(high))


def _facts(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """All single values, as they are; the pick is named elsewhere."""
    return tuple(
        (str(name).replace("_", " "), f"{value:.6g}" if isinstance(value, float) else str(value))
        for name, value in data.items()
        if isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and value != ""
        and name not in ("pick", "stopped")
    )


def _sequence(data: object) -> Sequence[object]:
    return cast("Sequence[object]", data) if isinstance(data, list | tuple) else ()


def _mapping(data: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", data) if isinstance(data, Mapping) else {}


def _number(data: object) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool) and math.isfinite(data)


def _count(data: object, otherwise: int) -> int:
    return data if isinstance(data, int) and not isinstance(data, bool) else otherwise


def _words(data: object) -> str:
    return data if isinstance(data, str) else ""
