"""What calls cost, in whole 1e-12 USD, and how many operations they take.

A price says both what a call did cost and what it can cost at most, so that money can be set
aside before it is spent: as long as a call stays within its bounds, `cost` is at most `worst`.
Amounts that are no whole number are rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from graphdsl.ir.backends import TIMEOUT, backend_kind
from graphdsl.ir.entities import ModelSpec
from graphdsl.values import PICO, Usage

if TYPE_CHECKING:
    from decimal import Decimal

    from graphdsl.price_table import Listed, Rates

_MTOK: Final = 10**6


@dataclass(frozen=True, slots=True)
class Tier:
    """Other prices per token, in 1e-12 USD, of calls with more than `above` prompt tokens."""

    above: int
    input: int
    cached: int
    output: int


@dataclass(frozen=True, slots=True)
class Price:
    """What a model takes: 1e-12 USD per token, per call and per hour of its machine.

    `cached` is the price of prompt tokens that the engine had computed before; `tiers` are the
    prices of longer prompts, in order. `source` says where the price is from: `the file`,
    `genai-prices 0.2.3`, `local`.
    """

    input: int = 0
    cached: int = 0
    output: int = 0
    call: int = 0
    hour: int = 0
    source: str = "the file"
    tiers: tuple[Tier, ...] = ()

    def cost(self, usage: Usage, seconds: float = 0.0, places: int = 1) -> int:
        """What one call has cost, in 1e-12 USD.

        It took `seconds` of its machine, which `places` calls shared. The usage of several calls
        is priced as if one prompt had been so long, which may be too much where there are tiers.
        """
        prompt = max(usage.prompt_tokens, 0)
        cached = min(max(usage.cached_tokens, 0), prompt)
        rate = self.rate(prompt)
        tokens = (prompt - cached) * rate.input + cached * rate.cached
        tokens += max(usage.completion_tokens, 0) * rate.output
        return tokens + usage.calls * self.call + self._machine(seconds, places)

    def worst(
        self, prompt_tokens: int, completion_tokens: int, timeout: float = 0.0, places: int = 1
    ) -> int:
        """The most that one call can cost, in 1e-12 USD, with at most so many tokens and seconds.

        Nothing is expected of the cache.
        """
        rate = self.most(prompt_tokens)
        tokens = prompt_tokens * rate.input + completion_tokens * rate.output
        return tokens + self.call + self._machine(timeout, places)

    def room(
        self, money: int, prompt_tokens: int, timeout: float = 0.0, places: int = 1
    ) -> int | None:
        """The most completion tokens of one call that so much money pays for, whatever happens.

        None where they cost nothing; below 0 where the money does not even pay for the prompt.
        """
        left = money - self.worst(prompt_tokens, 0, timeout, places)
        each = self.worst(prompt_tokens, 1, timeout, places) - (money - left)
        return left // each if each else None

    def rate(self, prompt_tokens: int) -> Price | Tier:
        """Whose prices per token count for a call with so many prompt tokens."""
        reached = [tier for tier in self.tiers if tier.above < prompt_tokens]
        return reached[-1] if reached else self

    def most(self, prompt_tokens: int) -> Tier:
        """The highest prices per token of a call with at most so many prompt tokens."""
        rates = (self, *(tier for tier in self.tiers if tier.above < prompt_tokens))
        fresh = max(max(rate.input, rate.cached) for rate in rates)
        return Tier(0, fresh, fresh, max(rate.output for rate in rates))

    def _machine(self, seconds: float, places: int) -> int:
        if not self.hour:
            return 0
        parts, whole = float(seconds).as_integer_ratio()
        return -(-parts * self.hour // (whole * 3600 * max(places, 1)))  # rounded up, exactly


def price_of(spec: ModelSpec) -> Price | None:
    """The price of a declared model; None where nobody knows it, which is not the same as 0.

    What its block says wins. Backends that run here are free otherwise, and so are the tokens of
    a machine paid by the hour; for others the table is asked. A model that stands for several
    has the highest price of these, and none where one of them has none.
    """
    members = members_of(spec)
    if members and not _OWN.keys() & spec.options.keys():
        return _highest([price_of(member) for member in members])
    kind = backend_kind(spec.backend)
    if kind is None:
        return None
    tokens_told = {"usd_per_mtok_in", "usd_per_mtok_out"} <= spec.options.keys()
    if kind.free or tokens_told or "usd_per_hour" in spec.options:
        return _own(spec, None)
    from graphdsl.price_table import listed  # takes time, which few programs need to spend

    found = listed(spec)
    return None if found is None else _own(spec, found)


def flops_of(spec: ModelSpec) -> int | None:
    """Operations per token of a declared model; None where its block does not say.

    The most of a model that stands for several, and None where one of them does not say.
    """
    members = members_of(spec)
    if "flops_per_token" in spec.options or not members:
        given = spec.options.get("flops_per_token")
        return None if given is None else math.ceil(given)
    found = [flops_of(member) for member in members]
    known = [flops for flops in found if flops is not None]
    return max(known) if len(known) == len(found) else None


def members_of(spec: ModelSpec) -> tuple[ModelSpec, ...]:
    """The models that may be called in the place of this one: of a group, or `otherwise`."""
    other: Any = spec.options.get("otherwise", ())
    return spec.members or (other if isinstance(other, tuple) else (other,))  # pyright: ignore[reportUnknownVariableType]


def patience(spec: ModelSpec) -> float:
    """Seconds that a call on a machine paid by the hour may take."""
    members = members_of(spec)
    if "timeout" in spec.options or not members:
        return float(spec.options.get("timeout", TIMEOUT))
    return max(patience(member) for member in members)


@lru_cache(maxsize=256)
def pico(usd: float) -> int:
    """An amount of money in 1e-12 USD, as it is written in decimals, rounded down.

    >>> pico(0.01), pico(1e-13)
    (10000000000, 0)
    """
    from decimal import Decimal

    return int(Decimal(repr(usd)) * PICO)


def dollars(amount: int, digits: int | None = None) -> str:
    """An amount in 1e-12 USD as people read it: exactly, or rounded up to so many digits.

    >>> dollars(457_200_000), dollars(457_200_000, 2), dollars(12 * 10**12), dollars(0)
    ('$0.0004572', '$0.00046', '$12', '$0')
    """
    from decimal import ROUND_UP, Context, Decimal

    exact = Decimal(amount) / PICO
    kept = exact if digits is None else Context(prec=digits, rounding=ROUND_UP).plus(exact)
    return f"${kept.normalize():f}" if kept else "$0"


_OWN: Final = {
    "usd_per_mtok_in": "input",
    "usd_per_mtok_cached": "cached",
    "usd_per_mtok_out": "output",
    "usd_per_call": "call",
    "usd_per_hour": "hour",
}
"""Options of a model block by the part of a price that they state."""


def _own(spec: ModelSpec, entry: Listed | None) -> Price:
    """The price that a block states, filled up from the table's entry, or with nothing."""
    given = {part: spec.options[name] for name, part in _OWN.items() if name in spec.options}
    if "input" in given:
        given.setdefault("cached", given["input"])
    rates = () if entry is None else entry.rates
    first, *tiers = [_tier(rate.above, given, rate) for rate in rates] or [_tier(0, given, None)]
    call = given.get("call", 0 if entry is None else entry.call)
    return Price(
        first.input,
        first.cached,
        first.output,
        _up(call, PICO),
        _up(given.get("hour", 0), PICO),
        _source(bool(given), entry),
        tuple(tiers),
    )


def _tier(above: int, given: Mapping[str, float], entry: Rates | None) -> Tier:
    listed = (0, 0, 0) if entry is None else (entry.input, entry.cached, entry.output)
    parts = zip(("input", "cached", "output"), listed, strict=True)
    return Tier(above, *(_up(given.get(part, price), PICO // _MTOK) for part, price in parts))


def _up(amount: float | Decimal, scale: int) -> int:
    """An amount, as it is written in decimals, in parts of one `scale`-th, rounded up."""
    from decimal import Decimal

    return math.ceil(Decimal(str(amount)) * scale)


def _source(own: bool, entry: Listed | None) -> str:
    if entry is None:
        return "the file" if own else "local"
    return f"the file, {entry.source}" if own else entry.source


def _highest(prices: Sequence[Price | None]) -> Price | None:
    known = [price for price in prices if price is not None]
    if len(known) < len(prices):
        return None
    starts = sorted({tier.above for price in known for tier in price.tiers})
    first, *tiers = [_longest(start, known) for start in (0, *starts)]
    sources = dict.fromkeys(part for price in known for part in price.source.split(", "))
    return Price(
        first.input,
        first.cached,
        first.output,
        max(price.call for price in known),
        max(price.hour for price in known),
        ", ".join(sources),
        tuple(tiers),
    )


def _longest(above: int, prices: Sequence[Price]) -> Tier:
    """The highest prices of prompts just longer than so many tokens."""
    rates = [price.rate(above + 1) for price in prices]
    return Tier(
        above,
        max(rate.input for rate in rates),
        max(rate.cached for rate in rates),
        max(rate.output for rate in rates),
    )
