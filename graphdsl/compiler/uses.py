"""Models as an operator uses them, and what one call of them takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphdsl.ir.entities import ModelSpec
from graphdsl.prices import dollars, flops_of, members_of, patience, price_of


@dataclass(frozen=True, slots=True)
class Use:
    """A model that may be called, and the most tokens of one reply; None where nothing says."""

    model: ModelSpec
    max_tokens: int | None

    def amount(self, unit: str) -> int:
        """What the longest reply of one call takes, in 1e-12 USD (`usd`) or operations (`flops`).

        0 where nobody knows. The prompt and the price of time are left out.
        """
        tokens = self.max_tokens or 0
        if unit == "flops":
            return (flops_of(self.model) or 0) * tokens
        price = price_of(self.model)
        return 0 if price is None else price.worst(0, tokens)

    def sum(self, unit: str) -> str:
        """The arithmetic of that."""
        tokens = self.max_tokens or 0
        if unit == "flops":
            return f"{tokens:_} tokens × {flops_of(self.model) or 0:.3g} operations"
        once, each = Use(self.model, 0).amount(unit), Use(self.model, 1).amount(unit)
        per_million = dollars((each - once) * 10**6)
        beside = f" + {dollars(once)} per call" if once else ""
        return f"{tokens:_} tokens × {per_million} per million{beside}"

    def endless(self, unit: str) -> bool:
        """True when a longer reply takes more, and nothing limits it."""
        longer = Use(self.model, 1).amount(unit) > Use(self.model, 0).amount(unit)
        return self.max_tokens is None and longer

    def worst(self, prompt_tokens: int) -> int | None:
        """The most that one call can cost with such a prompt, in 1e-12 USD.

        None where its price is not known, or a reply has no end. Of a machine paid by the hour
        it takes all that its block does not say others share.
        """
        price = price_of(self.model)
        if price is None or self.endless("usd"):
            return None
        time = patience(self.model)
        return price.worst(prompt_tokens, self.max_tokens or 0, time, places_of(self.model))

    def operations(self, prompt_tokens: int) -> int | None:
        """The most operations of one call with such a prompt; None where nobody knows."""
        flops = flops_of(self.model)
        if flops is None or self.endless("flops"):
            return None
        return flops * (prompt_tokens + (self.max_tokens or 0))


def uses_of(attrs: Mapping[str, Any]) -> tuple[Use, ...]:
    """The models that an operator may call, by its attributes."""
    limit = attrs.get("max_tokens")
    limits = [limit or model.setting("max_tokens") for model in models_of(attrs)]
    return tuple(
        Use(model, None if limit is None else int(limit))
        for model, limit in zip(models_of(attrs), limits, strict=True)
    )


def models_of(attrs: Mapping[str, Any]) -> tuple[ModelSpec, ...]:
    """The models that an operator with these attributes calls."""
    given: Any = attrs.get("models") or attrs.get("by") or ()
    return tuple(given) if isinstance(given, tuple) else (given,)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def union(some: tuple[Use, ...], others: tuple[Use, ...]) -> tuple[Use, ...]:
    """The uses of both, each once."""
    return (*some, *(use for use in others if use not in some))


def places_of(model: ModelSpec) -> int:
    """How many calls share the machine for certain."""
    members = members_of(model)
    if members:
        return min(places_of(member) for member in members)
    return int(model.options.get("slots") or model.options.get("max_in_flight") or 1)
