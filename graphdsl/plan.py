"""The plan: plain data between compiler and executors.

A `Plan` is a closed graph as arrays: steps with integer slots, dependency counts and
dependants. The compiler builds it, the engine runs it, neither imports the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from graphdsl.errors import InputError
from graphdsl.ir.entities import MemorySpec as MemorySpec
from graphdsl.ir.entities import ModelSpec as ModelSpec
from graphdsl.ir.entities import PromptSpec as PromptSpec
from graphdsl.ir.types import Type


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one run or scope; None is no limit. Tokens count prompt and completion apart.

    `calls` counts model calls, `tokens` prompt + completion tokens together, `seconds` wall time,
    `usd` US dollars, `flops` floating-point operations.
    """

    calls: int | None = None
    tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    usd: float | None = None
    flops: float | None = None

    def __post_init__(self) -> None:
        """Raises `InputError` for what is no limit: the counts are whole, nothing is negative."""
        for limit in fields(self):
            value = getattr(self, limit.name)
            wanted = None if value is None else wanted_of(limit.name, value)
            if wanted is not None:
                raise InputError(f"the limit `{limit.name}` must be {wanted}, or None")

    @property
    def unlimited(self) -> bool:
        """True when nothing is limited."""
        return self == _UNLIMITED


_UNLIMITED: Final = Budget()


MEASURED: Final = ("seconds", "usd", "flops")
"""Limits of a budget that need not be whole numbers."""


def wanted_of(name: str, value: object) -> str | None:
    """What the limit of that name must be, in words, where the value is no such thing; else None.

    >>> wanted_of("calls", 2.5), wanted_of("usd", math.inf), wanted_of("usd", 0.1)
    ('a whole number', 'a finite number', None)
    """
    kind = "a number" if name in MEASURED else "a whole number"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return kind
    finite = math.isfinite(value)
    if name not in MEASURED and not (finite and value == int(value)):
        return kind
    if not finite:
        return "a finite number"
    return f"{kind}, 0 or more" if value < 0 else None


@dataclass(frozen=True, slots=True)
class Step:
    """One node, ready to run.

    `inputs` are (parameter, slot). `attrs` are closed compile-time arguments: None, numbers,
    texts, bools, `ModelSpec`, `MemorySpec`, `PromptSpec`, `Budget`, and tuples of these.
    `regions` are sub-plans of control steps by role (`body`, `then`, `else`). `pending` counts
    distinct steps of the same plan that must finish first; `dependents` are the indices of steps
    waiting for this one. `rank` is the longest path below it in this plan, in model calls.
    """

    index: int
    address: str
    op: str
    slot: int
    inputs: tuple[tuple[str, int], ...]
    attrs: Mapping[str, Any]
    regions: tuple[tuple[str, Plan], ...]
    pending: int
    dependents: tuple[int, ...]
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A region of a closed graph. Slots: parameters, captures, step results, then constants.

    `params` are names: the inputs of the flow; the carried names of a `repeat`; the variable of
    an `each`; the variable, then the carried names, of a `fold`. `captures` are slots of the
    enclosing plan, copied into this plan's slots from `len(params)` on when the region is entered.
    `constants` are (slot, value), filled in when the region is entered: `const`, `absent`, and
    lists and records of them are no steps. `results` are (name, slot) and may name any slot.
    `length` is its longest path, in model calls.
    """

    name: str
    params: tuple[str, ...]
    captures: tuple[int, ...]
    steps: tuple[Step, ...]
    results: tuple[tuple[str, int], ...]
    size: int
    ready: tuple[int, ...]
    constants: tuple[tuple[int, Any], ...] = ()
    length: int = 0


@dataclass(frozen=True, slots=True)
class Program:
    """A flow ready to run: its plan, what it needs, and the identity of its graph."""

    flow: str
    plan: Plan
    params: tuple[tuple[str, Type], ...]
    result: Type
    defaults: Mapping[str, Any]
    models: Mapping[str, ModelSpec]
    memories: Mapping[str, MemorySpec]
    graph_hash: str
