"""The cost of one operator, from its signature and its attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphdsl.compiler.bounds import NONE, Bounds
from graphdsl.compiler.cost_parts import Part, Row
from graphdsl.compiler.uses import Asked, Use, asked_of, uses_of
from graphdsl.ops.signature import Operator
from graphdsl.plan import Step


def operator_part(step: Step, operator: Operator, depth: int, prompt_tokens: int | None) -> Part:
    """Bounds of one evaluation.

    Money and operations are counted for prompts of so many tokens; where that is not given, they
    have no top.
    """
    attrs = {param.name: param.default for param in operator.params if not param.required}
    attrs.update(step.attrs)
    bound = operator.calls(attrs)
    calls = Bounds(bound.low, bound.high)
    if calls == NONE:
        return Part()
    asked = asked_of(operator, attrs, bound)
    formula = bound.formula or _formula(attrs, calls)
    tokens = _total(asked, lambda use: use.max_tokens)
    usd = flops = Bounds(0, None)
    if prompt_tokens is not None:
        usd = _total(asked, lambda use: use.worst(prompt_tokens))
        flops = _total(asked, lambda use: use.operations(prompt_tokens))
    row = Row(step.address, step.op, depth, calls, calls, tokens, formula, usd, flops)
    critical = calls.at_most(bound.chain)
    path = (step.address,)
    return Part(calls, tokens, critical, path, (row,), formula, usd, flops, uses_of(asked))


def _total(asked: Sequence[Asked], each: Callable[[Use], int | None]) -> Bounds:
    """The most of all these calls, of which one takes so much."""
    return sum((_most(part, [each(use) for use in part.uses]) for part in asked), NONE)


def _most(asked: Asked, each: Sequence[int | None]) -> Bounds:
    known = [most for most in each if most is not None]
    if len(known) < len(each) or not each:
        return Bounds(0, None)
    evenly = -(-sum(known) * asked.calls // len(known))
    return Bounds(0, evenly if asked.even else max(known) * asked.calls)


def _formula(attrs: Mapping[str, Any], calls: Bounds) -> str:
    """The arithmetic of samples: `2 models × 5 samples`, or just the bounds."""
    factors = [
        (_count(attrs.get("models")), "models"),
        (_count(attrs.get("temperature")), "temperatures"),
        (int(attrs.get("samples") or 1), "samples"),
    ]
    shown = [f"{number} {unit}" for number, unit in factors if number > 1]
    if shown and calls.low == calls.high:
        return " × ".join(shown)
    return str(calls.high) if calls.low == calls.high else str(calls)


def _count(value: Any) -> int:
    return len(value) if isinstance(value, tuple) else 1  # pyright: ignore[reportUnknownArgumentType]
