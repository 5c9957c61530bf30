"""A search as it goes: a live view where somebody watches, a line now and then where not."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from graphdsl.cli.output import console, counted, note, safe, wants_progress

if TYPE_CHECKING:
    from rich.console import RenderableType

Phase = Literal["baselines", "search", "certificate"]

_BARS: Final = "▁▂▃▄▅▆▇█"
_COLUMNS: Final = 40
"""Characters of the sparkline."""

_WINDOW: Final = 60.0
"""Seconds over which the speed is taken."""

_ROWS: Final = 8
"""Members of the front that are shown."""

_EVERY: Final = 0.1
"""Share of the budget after which there is another line, where nobody watches."""


@dataclass(frozen=True, slots=True)
class FrontRow:
    """A member of the front: its name, shrunken quality, items, and costs of one run by name."""

    name: str
    quality: float
    items: int
    costs: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """Where a search stands.

    `trials` candidates were tried, `racing` of them are running now (0 where that is not known),
    and the front stands on `items` of `total` items. `best` is the best shrunken quality so far,
    NaN before there is one; it is biased, and shown as progress only. `spent` and `budget` are by
    unit; a unit without a budget has no limit.
    """

    phase: Phase
    trials: int
    items: int
    total: int
    best: float
    front: tuple[FrontRow, ...] = ()
    spent: Mapping[str, float] = field(default_factory=dict[str, float])
    budget: Mapping[str, float] = field(default_factory=dict[str, float])
    racing: int = 0

    @property
    def used(self) -> float:
        """The share of the budget that is used, of the unit of which least is left; from 0 to 1."""
        shares = [
            self.spent.get(unit, 0.0) / limit for unit, limit in self.budget.items() if limit > 0
        ]
        return min(1.0, max(shares, default=0.0))


Watch = Callable[[SearchProgress], None]


@contextmanager
def watched_search(*, quiet: bool = False) -> Generator[Watch]:
    """Takes events while a search runs: a live view on a terminal, single lines elsewhere, and
    nothing where `quiet`."""
    if quiet:
        yield lambda progress: None
        return
    if not wants_progress():
        yield Lines().add
        return
    from rich.live import Live

    view = View()
    with Live(console=console(stderr=True), transient=True, refresh_per_second=4) as live:

        def show(progress: SearchProgress) -> None:
            view.add(progress, time.monotonic())
            live.update(view.rendered())

        yield show


@dataclass(slots=True)
class Lines:
    """One line per phase and per tenth of the budget."""

    say: Callable[[str], None] = note
    _phase: str = ""
    _next: float = 0.0

    def add(self, progress: SearchProgress) -> None:
        """Say where the search stands, if it is time to."""
        if progress.phase == self._phase and progress.used < self._next:
            return
        self._phase = progress.phase
        self._next = (math.floor(progress.used / _EVERY + 1e-9) + 1) * _EVERY
        self.say(safe(" · ".join([*_state(progress), *_spending(progress)])))


@dataclass(slots=True)
class View:
    """What a terminal shows: it remembers how quality and spending have gone."""

    _latest: SearchProgress | None = None
    _bests: list[float] = field(default_factory=list[float])
    _used: deque[tuple[float, float]] = field(default_factory=deque[tuple[float, float]])

    def add(self, progress: SearchProgress, now: float) -> None:
        """Take an event that came `now`, in seconds of a clock that never goes back."""
        self._latest = progress
        if math.isfinite(progress.best):
            self._bests.append(progress.best)
        self._used.append((now, progress.used))
        while len(self._used) > 2 and self._used[0][0] < now - _WINDOW:
            self._used.popleft()

    @property
    def left(self) -> float | None:
        """Seconds until the budget is used up at the speed of the last minute; None if unknown."""
        if len(self._used) < 2:
            return None
        (first, before), (last, now) = self._used[0], self._used[-1]
        if now <= before or last <= first:
            return None
        return (1 - now) * (last - first) / (now - before)

    def rendered(self) -> RenderableType:
        """The view now."""
        from rich.console import Group
        from rich.text import Text

        latest = self._latest
        if latest is None:
            return Text("the search begins")
        lines = [Text(" · ".join(_state(latest)), style="bold")]
        left, spending = self.left, _spending(latest)
        if left is not None:
            spending.append(f"about {duration(left)} left at this speed")
        if spending:
            lines.append(Text(" · ".join(spending)))
        if self._bests:
            lines.append(Text(f"best so far {sparkline(self._bests)}"))
        return Group(*lines, *([_front(latest)] if latest.front else []))


def _state(progress: SearchProgress) -> list[str]:
    facts = [progress.phase, counted(progress.trials, "candidate")]
    if progress.racing:
        facts.append(f"{progress.racing} racing")
    if progress.items:
        facts.append(f"front on {progress.items} of {progress.total} items")
    if math.isfinite(progress.best):
        facts.append(f"best {100 * progress.best:.1f} % (biased)")
    return facts


def _spending(progress: SearchProgress) -> list[str]:
    """What is limited, and money."""
    from graphdsl.search.report.wording import amount, unit

    facts: list[str] = []
    for name, spent in progress.spent.items():
        limit = progress.budget.get(name)
        if limit is not None:
            facts.append(f"{unit(name)} {amount(name, spent)} of {amount(name, limit)}")
        elif name == "usd" and spent:
            facts.append(amount(name, spent))
    return facts


def _front(progress: SearchProgress) -> RenderableType:
    """The front as a small table, the best first."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from graphdsl.search.report.wording import UNKNOWN, amount, percent, unit

    ranked = sorted(progress.front, key=lambda row: -row.quality)
    costs = list(dict.fromkeys(name for row in ranked for name in row.costs))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("front", overflow="ellipsis", no_wrap=True)
    for column in ("quality", "items", *map(unit, costs)):
        table.add_column(column, justify="right", no_wrap=True)
    for row in ranked[:_ROWS]:
        paid = (amount(name, row.costs[name]) if name in row.costs else UNKNOWN for name in costs)
        table.add_row(safe(row.name), percent(row.quality), str(row.items), *paid)
    if len(ranked) > _ROWS:
        table.add_row(f"and {len(ranked) - _ROWS} more")
    return table


def sparkline(values: list[float], width: int = _COLUMNS) -> str:
    """Values in their order as bars, squeezed into so many characters; the last one is shown.

    >>> sparkline([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    '▁▂▃▄▅▆▇█'
    >>> sparkline([0.5, 0.5]), sparkline([1.0, 2.0, 3.0, 4.0], 2)
    ('▁▁', '▁█')
    """
    if len(values) > width:
        last = len(values) - 1
        values = [values[round(place * last / (width - 1))] for place in range(width)]
    low, high = min(values), max(values)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[round((value - low) * scale)] for value in values)


def duration(seconds: float) -> str:
    """A time as people say it.

    >>> duration(42.4), duration(150), duration(9000)
    ('42 s', '2 min 30 s', '2 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
