"""What runs have spent, in words, and what of it did not go as planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphdsl.cli.output import counted

if TYPE_CHECKING:
    from graphdsl.executors.trace import Trace
    from graphdsl.plan import Budget
    from graphdsl.values import Usage

OVERRUN: Final = "a server gave longer replies than it was asked for, or counts more tokens"
"""Why more may be spent than was set aside for a call: nothing here can stop a server."""


def spent(usage: Usage) -> list[str]:
    """Calls, tokens and money; money only where something cost any, or nobody knows its price.

    Calls whose end nobody saw may have been charged; they count with their worst case.
    """
    tokens = f"{usage.prompt_tokens} + {usage.completion_tokens} tokens"
    charged = f"{counted(usage.unknown, 'call')} may have been charged"
    unseen = [charged] if usage.unknown else []
    return [counted(usage.calls, "call"), tokens, *money(usage), *unseen]


def money(usage: Usage) -> list[str]:
    """What it cost, to the cent, and to two digits below a dollar; nothing where it is nothing."""
    from graphdsl.prices import dollars
    from graphdsl.values import PICO

    if usage.cost is None:
        return ["price unknown"]
    whole = usage.cost // PICO
    return [dollars(usage.cost, 2 + len(str(whole)) if whole else 2)] if usage.cost else []


def passes(trace: Trace | None) -> int:
    """How often a sample went on to another model, because one did not answer it."""
    records = () if trace is None else trace.walk()
    return sum("` was passed over: " in note for record in records for note in record.notes)


def passed_over(times: int) -> list[str]:
    """That in words; nothing where it did not happen. One sample may go on several times.

    >>> passed_over(1), passed_over(0)
    (['passed over to another model 1 time'], [])
    """
    return [f"passed over to another model {counted(times, 'time')}"] if times else []


def overrun(usage: Usage, budget: Budget | None) -> list[str]:
    """The limits that a usage exceeds, and by how much: `tokens=100 by 12`."""
    from graphdsl.plan import Budget
    from graphdsl.prices import dollars, pico

    limits = budget or Budget()
    spent_of = {
        "calls": usage.calls,
        "tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "flops": usage.flops,
    }
    found = [
        f"{name}={limit:g} by {amount - limit:g}"
        for name, amount in spent_of.items()
        if (limit := getattr(limits, name)) is not None and amount > limit
    ]
    if limits.usd is not None and usage.cost is not None and usage.cost > pico(limits.usd):
        found.append(f"usd={limits.usd:g} by {dollars(usage.cost - pico(limits.usd), 2)}")
    return found
