"""What one expansion of a tree search writes."""

from __future__ import annotations

import math
from typing import Any, Final, Protocol

from graphdsl.ir.entities import ModelSpec
from graphdsl.ops.context import Args
from graphdsl.ops.trees.path import Path

TEMPERATURE: Final = 0.8
"""Where neither the operator nor the model block has one (all step searches of the literature)."""


class Expansion(Protocol):
    """One kind of expansion, with all its settings."""

    async def expand(self, path: Path, model: ModelSpec, index: int, *, whole: bool) -> Path:
        """A path with one more part, or to its end; a failure is a path that says so.

        `index` counts the samples of that model.
        """
        ...

    async def look_ahead(self, path: Path, model: ModelSpec, index: int) -> Path | None:
        """An open path some greedy steps further on, for its score; None where there is none."""
        ...


def temperature_of(args: Args, model: ModelSpec) -> float:
    """The operator's temperature, else the model's own, else `TEMPERATURE`."""
    given = args.get("temperature")
    return float(model.setting("temperature", TEMPERATURE) if given is None else given)


def graded(args: Args, score: float | None) -> float | None:
    """A score as policies and revisers see it: a mean log-probability as the probability that it
    is."""
    if score is None or args["method"] != "likelihood":
        return score
    return math.exp(min(0.0, score))


def setting(args: Args, name: str, default: Any) -> Any:
    """An attribute; the default where it does not apply and is absent."""
    given = args.get(name)
    return default if given is None else given
