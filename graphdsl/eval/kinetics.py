"""Effective FLOPs, which count memory traffic too (*Kinetics*, arXiv 2506.05333, and its code).

Weights are left out of the traffic, as with large batches; values have two bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

INTENSITY: Final = 562.5
"""FLOPs that a device does while it moves one byte, as in the code; yours is peak FLOP/s divided
by bytes per second."""


@dataclass(frozen=True, slots=True)
class AttentionShape:
    """What the cost of a transformer depends on: its parameters, the heads of attention and of
    keys and values, and `width` = dimension of a head · layers."""

    parameters: float
    heads: int
    kv_heads: int
    width: int

    def __post_init__(self) -> None:
        if min(self.parameters, self.heads, self.kv_heads, self.width) <= 0:
            raise ValueError(f"{self}: all four are above 0")


@dataclass(frozen=True, slots=True)
class EffectiveFlops:
    """Floating-point operations, and memory traffic as the operations of the same time."""

    compute: float
    memory: float

    @property
    def total(self) -> float:
        """eFLOPs."""
        return self.compute + self.memory


def dense_eflops(
    shape: AttentionShape,
    prompt: float,
    generated: float | Sequence[float],
    trials: int = 1,
    intensity: float = INTENSITY,
) -> EffectiveFlops:
    """eFLOPs of one question: N trials of L generated tokens after C of the prompt.

    compute = (2PL + 2(2C + L) L H d) N and memory = 2(2C + LN) L Hk d E: trials share the keys
    and values of the prompt and not their own. Of several lengths it is the mean. Raises
    `ValueError` for negative tokens, no length, and trials or an intensity below 1 and 0.
    """

    def one(length: float) -> EffectiveFlops:
        heads, kv = shape.heads * shape.width, shape.kv_heads * shape.width
        work = 2 * shape.parameters * length + 2 * (2 * prompt + length) * length * heads
        moved = 2 * (2 * prompt + length * trials) * length * kv
        return EffectiveFlops(work * trials, moved * intensity)

    return _mean([one(length) for length in _lengths(prompt, generated, trials, intensity)])


def sparse_eflops(
    shape: AttentionShape,
    prompt: float,
    generated: float | Sequence[float],
    trials: int = 1,
    intensity: float = INTENSITY,
    *,
    budget: float,
    block: int | None = None,
) -> EffectiveFlops:
    """eFLOPs with attention to at most `budget` tokens (local ones and the top k).

    compute = (2PL + 4sHd) N and memory = 4s Hk d N E, where s counts the tokens that are attended
    to: BL - ½ max(0, B - C)², the second term subtracted, as one of the two routines of the code
    does, and cut off where the text ends before the budget is used. With `block`, tokens are found
    by blocks of so many, which adds ⌊(2C + L) / block⌋ L H d N and ⌊(2C + LN) / block⌋ L Hk d E.
    Raises as `dense_eflops`, and for a budget that is not above 0 or a block below 1.
    """
    if not budget > 0 or (block is not None and block < 1):
        raise ValueError(f"a budget of {budget} tokens and blocks of {block}: both are above 0")

    def one(length: float) -> EffectiveFlops:
        heads, kv = shape.heads * shape.width, shape.kv_heads * shape.width
        seen = _attended(prompt, length, budget)
        work = (2 * shape.parameters * length + 4 * seen * heads) * trials
        moved = 4 * seen * kv * trials
        if block is not None:
            work += (2 * prompt + length) // block * length * heads * trials
            moved += (2 * prompt + length * trials) // block * length * kv
        return EffectiveFlops(work, moved * intensity)

    return _mean([one(length) for length in _lengths(prompt, generated, trials, intensity)])


def _attended(prompt: float, length: float, budget: float) -> float:
    """Σ over the generated tokens of the tokens each attends to, min(budget, all before it)."""
    gap = max(0.0, budget - prompt)
    short = min(gap, length)
    return budget * length - short * (gap - short / 2)


def _lengths(
    prompt: float, generated: float | Sequence[float], trials: int, intensity: float
) -> Sequence[float]:
    lengths = generated if isinstance(generated, Sequence) else [generated]
    if not lengths:
        raise ValueError("there is no generated length")
    if min(prompt, *lengths) < 0:
        raise ValueError("tokens are at least 0")
    if trials < 1 or not intensity >= 0:
        raise ValueError(f"{trials} trials at {intensity} FLOPs a byte: at least 1, and 0")
    return lengths


def _mean(costs: Sequence[EffectiveFlops]) -> EffectiveFlops:
    count = len(costs)
    return EffectiveFlops(
        math.fsum(cost.compute for cost in costs) / count,
        math.fsum(cost.memory for cost in costs) / count,
    )
