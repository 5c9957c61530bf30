"""The cost of one operator, from its signature and its attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphdsl.compiler.bounds import NONE, Bounds
from graphdsl.compiler.cost_parts import Part, Row
from graphdsl.ir.entities import ModelSpec
from graphdsl.ops.signature import Operator
from graphdsl.plan import Step


def operator_part(step: Step, operator: Operator, depth: int) -> Part:
    """Bounds of one evaluation; samples of an operator with `models` are drawn in parallel."""
    attrs = {param.name: param.default for param in operator.params if not param.required}
    attrs.update(step.attrs)
    bound = operator.calls(attrs)
    calls = Bounds(bound.low, bound.high)
    if calls == NONE:
        return Part()
    parallel = operator.param("models") is not None
    formula = _formula(attrs, calls)
    tokens = Bounds(0, _tokens(attrs, bound.high))
    row = Row(step.address, step.op, depth, calls, calls, tokens, formula)
    critical = calls.at_most(1) if parallel else calls
    return Part(calls, tokens, critical, (step.address,), (row,), formula)


def _tokens(attrs: Mapping[str, Any], calls: int) -> int | None:
    """The most completion tokens of that many calls, shared evenly among the models."""
    models = _models(attrs)
    limits = [attrs.get("max_tokens") or model.options.get("max_tokens") for model in models]
    known = [int(limit) for limit in limits if limit is not None]
    if len(known) < len(models) or not models:
        return None
    return sum(known) * calls // len(models)


def _models(attrs: Mapping[str, Any]) -> tuple[ModelSpec, ...]:
    given: Any = attrs.get("models") or attrs.get("by") or ()
    return tuple(given) if isinstance(given, tuple) else (given,)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _formula(attrs: Mapping[str, Any], calls: Bounds) -> str:
    """The arithmetic of one operator: `2 models × 5 samples`, or just its bounds."""
    factors = [
        (len(_models(attrs)) if attrs.get("models") else 1, "models"),
        (_count(attrs.get("temperature")), "temperatures"),
        (int(attrs.get("samples") or 1), "samples"),
    ]
    shown = [f"{number} {unit}" for number, unit in factors if number > 1]
    if shown and calls.low == calls.high:
        return " × ".join(shown)
    return str(calls.high) if calls.low == calls.high else str(calls)


def _count(value: Any) -> int:
    return len(value) if isinstance(value, tuple) else 1  # pyright: ignore[reportUnknownArgumentType]
