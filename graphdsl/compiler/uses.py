"""Models as an operator uses them, and what one call of them takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final

from graphdsl.ir.backends import BACKENDS
from graphdsl.ir.entities import ModelSpec
from graphdsl.ops.signature import Bound, Operator, Share
from graphdsl.prices import dollars, flops_of, members_of, patience, price_of


@dataclass(frozen=True, slots=True)
class Use:
    """A model that may be called, and the most tokens of one reply; None where nothing says.

    `scored`: no text is asked for. Of such a call an engine knows the end even where this does not.
    """

    model: ModelSpec
    max_tokens: int | None
    scored: bool = False

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
        return self._unknown(unit) and not self.scored

    def _unknown(self, unit: str) -> bool:
        """True when a longer reply takes more, and nothing here says how long it can be."""
        longer = Use(self.model, 1).amount(unit) > Use(self.model, 0).amount(unit)
        return self.max_tokens is None and longer

    def worst(self, prompt_tokens: int) -> int | None:
        """The most that one call can cost with such a prompt, in 1e-12 USD.

        None where its price is not known, or a reply has no end. Of a machine paid by the hour
        it takes all that its block does not say others share.
        """
        price = price_of(self.model)
        if price is None or self._unknown("usd"):
            return None
        time = patience(self.model)
        return price.worst(prompt_tokens, self.max_tokens or 0, time, places_of(self.model))

    def operations(self, prompt_tokens: int) -> int | None:
        """The most operations of one call with such a prompt; None where nobody knows."""
        flops = flops_of(self.model)
        if flops is None or self._unknown("flops"):
            return None
        return flops * (prompt_tokens + (self.max_tokens or 0))


@dataclass(frozen=True, slots=True)
class Asked:
    """So many calls, at most, of these models: shared evenly, or each perhaps asked for all."""

    calls: int
    uses: tuple[Use, ...]
    even: bool


def asked_of(operator: Operator, attrs: Mapping[str, Any], bound: Bound) -> tuple[Asked, ...]:
    """Whom the calls of an operator ask, by its closed attributes."""
    names = [param.name for param in operator.askers]
    if not bound.shares:
        models = [model for name in names for model in _models(attrs.get(name))]
        return (Asked(bound.high, _uses(models, attrs.get("max_tokens")), even=True),)
    return tuple(
        Asked(share.calls, _share_uses(share, attrs), share.even)
        for share in bound.shares
        if share.calls
    )


def uses_of(asked: tuple[Asked, ...]) -> tuple[Use, ...]:
    """Every use in these, once."""
    return reduce(union, (part.uses for part in asked), ())


def _share_uses(share: Share, attrs: Mapping[str, Any]) -> tuple[Use, ...]:
    models = _models(attrs.get(share.of))
    if share.scores is not None:
        return tuple(Use(model, scored_tokens(model, share.scores), True) for model in models)
    if share.written is not None:
        return tuple(Use(model, share.written) for model in models)
    found = _uses(models, None if share.own else attrs.get("max_tokens"))
    return tuple(replace(use, max_tokens=_within(use.max_tokens, share)) for use in found)


def _within(tokens: int | None, share: Share) -> int | None:
    """A limit of replies, no less and no more than the share says."""
    if tokens is None:
        return share.most
    return max(share.least, tokens if share.most is None else min(tokens, share.most))


_LABELS: Final = 8
"""Tokens at most where the labels Yes and No are scored: an engine writes one, or one for each, or
both labels, which have no more tokens than bytes."""

_READ: Final = 2
"""Tokens at most where a text is only read: one after the prompt, and one after the text."""

_READERS: Final = frozenset(BACKENDS) - {"embedded"}
"""Backends that score a text without writing it; of those of other packages nobody knows."""


def scored_tokens(model: ModelSpec, kind: str) -> int | None:
    """The most tokens that a model writes for one score of that kind; None where nobody knows.

    llama.cpp, the embedded backend, writes the texts that it scores.
    """
    members = members_of(model)
    if members:
        most = [scored_tokens(member, kind) for member in members]
        known = [tokens for tokens in most if tokens is not None]
        return max(known) if len(known) == len(most) else None
    if model.backend not in BACKENDS:
        return None
    if kind == "label":
        return _LABELS
    return _READ if kind == "relevance" or model.backend in _READERS else None


def _uses(models: Sequence[ModelSpec], limit: Any) -> tuple[Use, ...]:
    limits = [limit or model.setting("max_tokens") for model in models]
    pairs = zip(models, limits, strict=True)
    return tuple(Use(model, None if most is None else int(most)) for model, most in pairs)


def _models(given: Any) -> tuple[ModelSpec, ...]:
    """The models of an attribute; none where it is not known."""
    items: tuple[Any, ...] = given if isinstance(given, tuple) else (given,)  # pyright: ignore[reportUnknownVariableType]
    return tuple(item for item in items if isinstance(item, ModelSpec))


def union(some: tuple[Use, ...], others: tuple[Use, ...]) -> tuple[Use, ...]:
    """The uses of both, each once."""
    return (*some, *(use for use in others if use not in some))


def places_of(model: ModelSpec) -> int:
    """How many calls share the machine for certain."""
    members = members_of(model)
    if members:
        return min(places_of(member) for member in members)
    return int(model.options.get("slots") or model.options.get("max_in_flight") or 1)
