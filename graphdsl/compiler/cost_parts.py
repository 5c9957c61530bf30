"""Costs put together: a body repeated, one branch of several, a body under a budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from graphdsl.compiler.bounds import NONE, Bounds
from graphdsl.compiler.uses import Use, union
from graphdsl.plan import Budget
from graphdsl.prices import pico


@dataclass(frozen=True, slots=True)
class Row:
    """One node that calls models, or holds such nodes.

    `once` is what one evaluation calls, `calls` and `tokens` (completion tokens) what a whole run
    does. `formula` is the arithmetic of `once`. `depth` counts the regions around the node. `usd`
    is in 1e-12 USD, `flops` in operations; nothing at the top where nobody knows.
    """

    address: str
    op: str
    depth: int
    once: Bounds
    calls: Bounds
    tokens: Bounds
    formula: str
    usd: Bounds = NONE
    flops: Bounds = NONE


@dataclass(frozen=True, slots=True)
class Part:
    """The cost of one evaluation of a step or plan, with the rows inside and the models used."""

    calls: Bounds = NONE
    tokens: Bounds = NONE
    critical: Bounds = NONE
    path: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    formula: str = "0"
    usd: Bounds = NONE
    flops: Bounds = NONE
    uses: tuple[Use, ...] = ()


def total(parts: Iterable[Part]) -> Part:
    """All of several steps; their longest chain is not known here."""
    given = list(parts)
    terms = Counter(part.formula for part in given if part.calls != NONE)
    return Part(
        sum((part.calls for part in given), NONE),
        sum((part.tokens for part in given), NONE),
        rows=tuple(row for part in given for row in part.rows),
        formula=" + ".join(t if n == 1 else f"{n} × ({t})" for t, n in terms.items()) or "0",
        usd=sum((part.usd for part in given), NONE),
        flops=sum((part.flops for part in given), NONE),
        uses=reduce(union, (part.uses for part in given), ()),
    )


def times(part: Part, count: Bounds, unit: str) -> Part:
    """A body evaluated so often, one after the other."""
    shown = str(count.high) if count.low == count.high else str(count)
    return Part(
        part.calls.times(count),
        part.tokens.times(count),
        part.critical.times(count),
        part.path,
        tuple(_row_times(row, count) for row in part.rows),
        f"{shown} {unit if count.high != 1 else unit.removesuffix('s')} × ({part.formula})",
        part.usd.times(count),
        part.flops.times(count),
        part.uses,
    )


def _row_times(row: Row, count: Bounds) -> Row:
    return replace(
        row,
        calls=row.calls.times(count),
        tokens=row.tokens.times(count),
        usd=row.usd.times(count),
        flops=row.flops.times(count),
    )


def either(parts: list[Part]) -> Part:
    """One of several branches."""
    kinds = ("calls", "tokens", "critical", "usd", "flops")
    most = {kind: reduce(Bounds.either, (getattr(part, kind) for part in parts)) for kind in kinds}
    uses = reduce(union, (part.uses for part in parts), ())
    rows = tuple(_row_times(row, Bounds(0, 1)) for part in parts for row in part.rows)
    formula = f"one of ({', '.join(part.formula for part in parts)})"
    return Part(path=(), rows=rows, formula=formula, uses=uses, **most)


def within(part: Part, budget: Budget) -> Part:
    """A body under a budget: it caps what is inside, and may stop it at any call."""
    calls, tokens = budget.calls, _most_tokens(budget)
    stops = replace(budget, calls=None) != Budget()
    formula = part.formula if calls is None else f"at most {calls} of ({part.formula})"
    return Part(
        _capped(part.calls, calls, stops),
        _capped(part.tokens, tokens, stops),
        _capped(part.critical, calls, stops),
        part.path,
        tuple(_row_within(row, budget, _suffices(calls, part.calls)) for row in part.rows),
        formula,
        _known(part.usd, None if budget.usd is None else pico(budget.usd)),
        _known(part.flops, None if budget.flops is None else int(budget.flops)),
        part.uses,
    )


def _most_tokens(budget: Budget) -> int | None:
    limits = (budget.tokens, budget.completion_tokens)
    return min((limit for limit in limits if limit is not None), default=None)


def _suffices(limit: int | None, calls: Bounds) -> bool:
    """True when so many calls are enough for all that is inside."""
    return limit is None or (calls.high is not None and calls.high <= limit)


def _capped(bounds: Bounds, limit: int | None, stops: bool) -> Bounds:
    """Bounds under a limit, where something else may stop the work before its first call."""
    return replace(bounds, low=0 if stops else bounds.low).at_most(limit)


def _row_within(row: Row, budget: Budget, suffices: bool) -> Row:
    """A node inside: others may have spent the budget before it starts."""
    stops = not suffices or replace(budget, calls=None) != Budget()
    calls = _capped(row.calls, budget.calls, stops)
    return replace(
        row,
        calls=calls,
        tokens=_capped(row.tokens, _most_tokens(budget), True),
        usd=_known(row.usd, None if budget.usd is None else pico(budget.usd)),
        flops=_known(row.flops, None if budget.flops is None else int(budget.flops)),
    )


def _known(bounds: Bounds, limit: int | None) -> Bounds:
    """What is known under a limit; it tells nothing of a model that nobody knows the price of."""
    return bounds if bounds.high is None else bounds.at_most(limit)
