"""Cost bounds as a table for people, with what they were computed from below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphdsl.compiler.bounds import Bounds
from graphdsl.compiler.cost import Cost
from graphdsl.compiler.cost_parts import Row
from graphdsl.compiler.uses import Use, places_of
from graphdsl.prices import Price, dollars, flops_of, patience, price_of

_DIGITS: Final = 5
"""Of an amount of money; what is beyond is rounded up."""


def render_cost(found: Cost) -> str:
    """A line per node, the total, the longest chain of calls, and one call of each model.

    Money is shown where some call costs something or nobody knows, operations where a model says
    how many a token takes.
    """
    money = found.usd is not None and found.usd.high != 0
    known = any(flops_of(use.model) is not None for use in found.uses)
    operations = found.flops is not None and known
    rows = [_cells(row, "  " * row.depth + row.address, money, operations) for row in found.rows]
    rows.append(_cells(found, "total", money, operations))
    lines = _aligned(rows)
    chain = " → ".join(found.path) or "none"
    lines.append(f"longest chain: {found.critical} calls ({chain})")
    if money or operations:
        lines += _grounds(found, money, operations)
    return "\n".join([*lines, ""])


def _cells(row: Row | Cost, name: str, money: bool, operations: bool) -> list[str]:
    cells = [name, f"{row.calls} calls", _tokens(row.tokens)]
    if money:
        cells.append(_dollars(row.usd))
    if operations:
        cells.append(_operations(row.flops))
    return [*cells, row.formula]


def _tokens(tokens: Bounds) -> str:
    return "unbounded tokens" if tokens.high is None else f"up to {tokens.high:,} tokens"


def _dollars(usd: Bounds | None) -> str:
    if usd is None or usd.high is None:
        return "unknown cost"
    return f"up to {dollars(usd.high, _DIGITS)}"


def _operations(flops: Bounds | None) -> str:
    if flops is None or flops.high is None:
        return "unknown FLOPs"
    return f"up to {flops.high:.3g} FLOPs"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    lines: list[str] = []
    for *cells, last in rows:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        lines.append("   ".join([*padded, last]).rstrip())
    return lines


# ---- what the bounds stand on


def _grounds(found: Cost, money: bool, operations: bool) -> list[str]:
    """The assumption, and the arithmetic of one call of each model."""
    prompt = found.prompt_tokens or 0
    lines = [f"assumed: prompts of at most {prompt:,} tokens, and no call tried twice"]
    for use in found.uses:
        if money:
            lines.append(f"one call of {use.model.name}: {_price(use, prompt)}")
        if operations:
            lines.append(f"one call of {use.model.name}: {_flops(use, prompt)}")
    return lines


def _price(use: Use, prompt: int) -> str:
    """What one call can cost: its tokens at their rates, and what comes beside them."""
    price, most = price_of(use.model), use.worst(prompt)
    if price is None:
        return "unknown cost, since nobody knows its price"
    if most is None:
        return f"unknown cost, since {_endless(use)} ({price.source})"
    if most == 0:
        return f"$0 ({price.source})"
    rates = price.most(prompt)
    terms = [
        f"{tokens:,} × {dollars(rate * 10**6)}/M"
        for tokens, rate in ((prompt, rates.input), (use.max_tokens or 0, rates.output))
        if rate and tokens
    ]
    terms += [f"{dollars(price.call)} per call"] if price.call else []
    terms += [_time(use, price)] if price.hour else []
    return f"up to {dollars(most, _DIGITS)} = {' + '.join(terms)} ({price.source})"


def _endless(use: Use) -> str:
    """Why nobody knows how many tokens a reply has."""
    if use.scored:
        return "it may write the texts that it scores"
    return "its replies have no `max_tokens`"


def _time(use: Use, price: Price) -> str:
    """The share of a machine: the longest that a call may take, and how many share it."""
    places = places_of(use.model)
    shared = f" ÷ {places}" if places > 1 else ""
    return f"{patience(use.model):g} s × {dollars(price.hour)}/h{shared}"


def _flops(use: Use, prompt: int) -> str:
    flops, most = flops_of(use.model), use.operations(prompt)
    if flops is None:
        return "unknown FLOPs, since it has no `flops_per_token`"
    if most is None:
        return f"unknown FLOPs, since {_endless(use)}"
    tokens = f"{prompt:,} + {use.max_tokens or 0:,}"
    return f"up to {most:.3g} FLOPs = ({tokens}) × {flops:.3g}"
