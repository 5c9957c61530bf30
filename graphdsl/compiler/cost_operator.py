"""The cost of one operator, from its signature and its attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphdsl.compiler.bounds import NONE, Bounds
from graphdsl.compiler.cost_parts import Part, Row
from graphdsl.compiler.uses import models_of, uses_of
from graphdsl.ops.signature import Operator
from graphdsl.plan import Step


def operator_part(step: Step, operator: Operator, depth: int, prompt_tokens: int | None) -> Part:
    """Bounds of one evaluation; samples of an operator with `models` are drawn in parallel.

    Money and operations are counted for prompts of so many tokens; where that is not given, they
    have no top.
    """
    attrs = {param.name: param.default for param in operator.params if not param.required}
    attrs.update(step.attrs)
    bound = operator.calls(attrs)
    calls = Bounds(bound.low, bound.high)
    if calls == NONE:
        return Part()
    parallel = operator.param("models") is not None
    formula = _formula(attrs, calls)
    uses = uses_of(attrs)
    tokens = _shared([use.max_tokens for use in uses], bound.high)
    usd = flops = Bounds(0, None)
    if prompt_tokens is not None:
        usd = _shared([use.worst(prompt_tokens) for use in uses], bound.high)
        flops = _shared([use.operations(prompt_tokens) for use in uses], bound.high)
    row = Row(step.address, step.op, depth, calls, calls, tokens, formula, usd, flops)
    critical = calls.at_most(1) if parallel else calls
    return Part(calls, tokens, critical, (step.address,), (row,), formula, usd, flops, uses)


def _shared(each: Sequence[int | None], calls: int) -> Bounds:
    """The most of that many calls, shared evenly among models of which one call takes so much."""
    known = [most for most in each if most is not None]
    if len(known) < len(each) or not each:
        return Bounds(0, None)
    return Bounds(0, -(-sum(known) * calls // len(known)))


def _formula(attrs: Mapping[str, Any], calls: Bounds) -> str:
    """The arithmetic of one operator: `2 models × 5 samples`, or just its bounds."""
    factors = [
        (len(models_of(attrs)) if attrs.get("models") else 1, "models"),
        (_count(attrs.get("temperature")), "temperatures"),
        (int(attrs.get("samples") or 1), "samples"),
    ]
    shown = [f"{number} {unit}" for number, unit in factors if number > 1]
    if shown and calls.low == calls.high:
        return " × ".join(shown)
    return str(calls.high) if calls.low == calls.high else str(calls)


def _count(value: Any) -> int:
    return len(value) if isinstance(value, tuple) else 1  # pyright: ignore[reportUnknownArgumentType]
