"""List prices of models that others run, from the maintained package `genai-prices`.

Only the data inside the package is read, never its updates over the network. Its import takes
a while, so it happens inside functions: nothing that needs no price pays for it. A model is found
by its own name and by who serves it; an endpoint that the table does not know has no price in it,
whatever the model is called there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from graphdsl.ir.entities import EnvVar, ModelSpec
from graphdsl.ir.usual_address import usual_address

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

_PROVIDERS: Final = {
    "azure_ai": "azure",
    "bedrock": "aws",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "moonshot": "moonshotai",
    "together_ai": "together",
    "vertex_ai": "google",
    "voyage": "voyageai",
    "xai": "x-ai",
}
"""What litellm calls a provider that the table calls something else."""

_WRITES: Final = ("openai", "azure")
"""Providers that keep prompts in a cache, and charge for that, without being asked."""

_UNCOUNTED: Final = ("output_reasoning_mtok", "output_citation_mtok")
"""Charges for what a usage does not tell: a model with these has no price that can be kept."""


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars per million tokens, for prompts of more than `above` tokens."""

    above: int
    input: Decimal
    cached: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of the table: the rates by length of the prompt, the first of them above 0, and
    US dollars per call beside them."""

    rates: tuple[Rates, ...]
    call: Decimal
    source: str


def listed(spec: ModelSpec) -> Listed | None:
    """The entry of a model of a backend that is not free; None where there is none.

    Where a price depends on the time of day it is the highest of the day. Replicas at several
    addresses need the same entry.
    """
    found = {_entry(name, provider, url) for name, provider, url in _places(spec)}
    return found.pop() if len(found) == 1 else None


def sought(spec: ModelSpec) -> str:
    """What was looked up for a model, in words: its name, and where it is called."""
    if any(isinstance(place, EnvVar) and place.read() is None for place in spec.addresses):
        return f"`{spec.model}` at an address that no variable holds yet"
    hosts = [urlsplit(url).netloc.rpartition("@")[2] for _, _, url in _places(spec) if url]
    where = ", ".join(f"`{host}`" for host in hosts if host)
    return f"`{spec.model}` at {where}" if where else f"`{spec.model}`"


def _places(spec: ModelSpec) -> list[tuple[str, str | None, str | None]]:
    """Where a model is called: its name there, and the provider or the address."""
    urls = _endpoints(spec)
    if spec.backend != "litellm":
        return [(spec.model, None, url) for url in urls]
    provider, slash, name = spec.model.partition("/")
    if not slash:
        name = spec.model
    if urls:
        return [(name, None, url) for url in urls]
    return [(name, _PROVIDERS.get(provider, provider) if slash else None, None)]


def _endpoints(spec: ModelSpec) -> list[str]:
    """The addresses of a block, else the usual one of its backend, if it has one.

    A variable that is not set is an address that nobody knows.
    """
    if not spec.addresses:
        usual = usual_address(spec)
        return [] if usual is None else [usual]
    given = spec.addresses
    return [(place.read() or "") if isinstance(place, EnvVar) else place for place in given]


@cache
def _providers() -> DataSnapshot:
    """The table as it was installed, whatever else in this process may have updated."""
    from genai_prices.data import providers
    from genai_prices.data_snapshot import DataSnapshot

    return DataSnapshot(providers=providers, from_auto_update=False)


@cache
def _entry(name: str, provider: str | None, url: str | None) -> Listed | None:
    table = _providers()
    if provider is not None and all(provider != one.id for one in table.providers):
        return None
    try:
        seller, model = table.find_provider_model(name, None, provider, url)
    except LookupError:
        return None
    return entry_of(seller, model, datetime.now(UTC))


def entry_of(seller: Provider, model: ModelInfo, now: datetime) -> Listed | None:
    """What an entry of the package says of a model today; None where a usage cannot be priced."""
    prices = _standing(model, now)
    first = prices[0]
    if first.input_mtok is None or any(getattr(first, name) is not None for name in _UNCOUNTED):
        return None
    writes = seller.id in _WRITES or model.id.startswith("openai/")
    call = max(_at(price.requests_kcount, 0) or Decimal(0) for price in prices) / 1000
    return Listed(_rates(prices, writes), call, f"genai-prices {version('genai-prices')}")


def _standing(model: ModelInfo, now: datetime) -> list[ModelPrice]:
    """The prices that hold today, whatever the hour; of several, the last in the list counts."""
    from genai_prices.types import TimeOfDateConstraint

    if not isinstance(model.prices, list):
        return [model.prices]
    found: list[ModelPrice] = []
    for entry in reversed(model.prices):
        hourly = isinstance(entry.constraint, TimeOfDateConstraint)
        if hourly or entry.constraint is None or entry.constraint.active(now):
            found.append(entry.prices)
            if not hourly:
                break
    return found or [model.prices[0].prices]


def _rates(prices: Sequence[ModelPrice], writes: bool) -> tuple[Rates, ...]:
    """The highest of several prices, for each length of the prompt from which another holds."""
    from genai_prices.types import TieredPrices

    kept = [
        (p.input_mtok, p.cache_write_mtok if writes else None, p.cache_read_mtok, p.output_mtok)
        for p in prices
    ]
    tiered = [price for row in kept for price in row if isinstance(price, TieredPrices)]
    starts = sorted({0, *(tier.start for price in tiered for tier in price.tiers)})
    return tuple(
        _highest(start, [[_at(price, start) for price in row] for row in kept]) for start in starts
    )


def _highest(above: int, rows: list[list[Decimal | None]]) -> Rates:
    """The highest of each kind; writing to a cache is part of reading a prompt anew."""
    zero = Decimal(0)
    fresh = max(max(row[0] or zero, row[1] or zero) for row in rows)
    cached = max(fresh if row[2] is None else row[2] for row in rows)
    return Rates(above, fresh, cached, max(row[3] or zero for row in rows))


def _at(price: Decimal | TieredPrices | None, start: int) -> Decimal | None:
    """The price of prompts of more than `start` tokens, but not of more than the next tier's."""
    from genai_prices.types import TieredPrices

    if not isinstance(price, TieredPrices):
        return price
    reached = [tier.price for tier in price.tiers if tier.start <= start]
    return reached[-1] if reached else price.base
