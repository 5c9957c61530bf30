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


def spent(usage: Usage, doubtful: Usage | None = None) -> list[str]:
    """Calls, tokens and money; money only where something cost any, or nobody knows its price.

    `doubtful` is the part of it whose end nobody saw, at its worst case: then the least and the
    most are said.

    >>> from graphdsl.values import Usage
    >>> spent(Usage(3, 60, 0, 20, unknown=1), Usage(1, 40, 0, 16, unknown=1))
    ['2 to 3 calls', '20 to 60 + 4 to 20 tokens', '1 call may have been charged']
    """
    least = usage if doubtful is None else settled(usage, doubtful)
    prompt = _span(least.prompt_tokens, usage.prompt_tokens)
    completion = _span(least.completion_tokens, usage.completion_tokens)
    calls = counted(usage.calls, "call")
    calls = calls if least.calls == usage.calls else f"{least.calls} to {calls}"
    charged = f"{counted(usage.unknown, 'call')} may have been charged"
    unseen = [charged] if usage.unknown else []
    return [calls, f"{prompt} + {completion} tokens", *_price(least, usage), *unseen]


def settled(usage: Usage, doubtful: Usage) -> Usage:
    """What was spent for certain: a usage without the part whose end nobody saw."""
    from graphdsl.executors.tally import without

    return without(usage, doubtful)


def _span(least: int, most: int) -> str:
    return str(most) if least == most else f"{least} to {most}"


def _price(least: Usage, most: Usage) -> list[str]:
    """What it cost, and the least it can have cost where that is something else."""
    lower, upper = money(least) or ["$0"], money(most)
    if not upper or lower == upper or most.cost is None:
        return upper
    return [f"{lower[0]} to {upper[0]}"]


def money(usage: Usage) -> list[str]:
    """What it cost, to the cent, and to two digits below a dollar; nothing where it is nothing."""
    from graphdsl.prices import dollars
    from graphdsl.values import PICO

    if usage.cost is None:
        return ["price unknown"]
    whole = usage.cost // PICO
    return [dollars(usage.cost, 2 + len(str(whole)) if whole else 2)] if usage.cost else []


def from_cache(saved: Usage) -> list[str]:
    """How many samples the cache had, and what they would have cost where a price is known.

    >>> from graphdsl.values import PICO, Usage
    >>> from_cache(Usage(8, 80, 0, 40, cost=PICO)), from_cache(Usage(8)), from_cache(Usage())
    (['8 from the cache', 'saved $1'], ['8 from the cache'], [])
    """
    if not saved.calls:
        return []
    priced = [f"saved {money(saved)[0]}"] if saved.cost else []
    return [f"{saved.calls} from the cache", *priced]


def passes(trace: Trace | None) -> int:
    """How often a sample went on to another model, because one did not answer it."""
    return 0 if trace is None else sum(record.passes for record in trace.walk())


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
