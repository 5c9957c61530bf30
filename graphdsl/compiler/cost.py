"""What a plan can cost before anything runs: calls, tokens, money, operations, per node and total.

The bounds hold for every input: `each` and `fold` may meet an empty list, either branch of an `if`
may be taken, `until` may hold after the first round, and a `within` may run out. Attempts that an
executor repeats after a failure are not counted. How long prompts will be nobody knows before a
run: money and operations are bounded for prompts of an assumed length, where one is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from graphdsl.compiler.bounds import NONE, Bounds
from graphdsl.compiler.cost_operator import operator_part
from graphdsl.compiler.cost_parts import Part, Row, either, times, total, within
from graphdsl.compiler.planner import plan
from graphdsl.compiler.uses import Use
from graphdsl.ir.nodes import Graph
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import Operator
from graphdsl.plan import Plan, Program, Step


@dataclass(frozen=True, slots=True)
class Cost:
    """The bounds of one run. `critical` counts the calls that wait for one another.

    `path` names the steps on the longest such chain; a loop stands for all that is in it.
    `formula` is the arithmetic of `calls`. `usd` is in 1e-12 USD (`usd.high / 1e12` are dollars)
    and `flops` in operations, for prompts of at most `prompt_tokens`: nothing at the top where a
    model in `uses` has no price, says no `flops_per_token` or has no `max_tokens`. Both are None
    where `prompt_tokens` is None, and those of the rows have nothing at the top.
    """

    rows: tuple[Row, ...]
    calls: Bounds
    tokens: Bounds
    critical: Bounds
    path: tuple[str, ...]
    formula: str
    prompt_tokens: int | None
    usd: Bounds | None
    flops: Bounds | None
    uses: tuple[Use, ...]


def cost(
    subject: Graph | Program,
    operators: Mapping[str, Operator] = OPERATORS,
    prompt_tokens: int | None = None,
) -> Cost:
    """The cost bounds of a closed graph, or of its program.

    Prices are looked up only with `prompt_tokens`, the tokens of the longest prompt. Raises
    PlanError for an open graph.
    """
    program = plan(subject, operators) if isinstance(subject, Graph) else subject
    part = _plan(program.plan, _Given(operators, prompt_tokens), 0)
    return Cost(
        part.rows,
        part.calls,
        part.tokens,
        part.critical,
        part.path,
        part.formula,
        prompt_tokens,
        None if prompt_tokens is None else part.usd,
        None if prompt_tokens is None else part.flops,
        part.uses,
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """What every step is costed with."""

    operators: Mapping[str, Operator]
    prompt_tokens: int | None


def _plan(body: Plan, given: _Given, depth: int) -> Part:
    """The cost of one evaluation of a plan: the sum of its steps, and the longest chain."""
    parts = [_step(step, given, depth) for step in body.steps]
    critical, path = _longest(body, parts)
    return replace(total(parts), critical=critical, path=path)


def _longest(body: Plan, parts: list[Part]) -> tuple[Bounds, tuple[str, ...]]:
    """The calls on the longest chain of steps, at least and at most, and the steps on it."""
    lows, highs = [0] * len(parts), [_top(NONE)] * len(parts)
    before: list[int | None] = [None] * len(parts)
    for step, part in zip(body.steps, parts, strict=True):
        lows[step.index] += part.critical.low
        highs[step.index] += _top(part.critical)
        for waiting in step.dependents:
            lows[waiting] = max(lows[waiting], lows[step.index])
            if highs[step.index] > highs[waiting]:
                highs[waiting], before[waiting] = highs[step.index], step.index
    if not parts:
        return NONE, ()
    last: int | None = max(range(len(parts)), key=highs.__getitem__)
    most, chain = highs[last], list[str]()
    while last is not None:
        if parts[last].critical != NONE:
            chain.append(body.steps[last].address)
        last = before[last]
    return Bounds(max(lows), None if most == float("inf") else int(most)), tuple(chain[::-1])


def _top(bounds: Bounds) -> float:
    return float("inf") if bounds.high is None else bounds.high


def _step(step: Step, given: _Given, depth: int) -> Part:
    """The cost of one evaluation of a step."""
    if not step.regions:
        operator = given.operators.get(step.op)
        found = operator is not None
        return operator_part(step, operator, depth, given.prompt_tokens) if found else Part()
    part = _control(step, [_plan(region, given, depth + 1) for _, region in step.regions])
    if part.calls == NONE:
        return Part()
    row = Row(
        step.address,
        step.op,
        depth,
        part.calls,
        part.calls,
        part.tokens,
        part.formula,
        part.usd,
        part.flops,
    )
    return replace(part, rows=(row, *part.rows), path=(step.address,))


def _control(step: Step, inner: list[Part]) -> Part:
    match step.op:
        case "repeat":
            rounds = int(step.attrs["rounds"])
            least = 1 if step.attrs.get("until") else rounds
            return times(inner[0], Bounds(least, rounds), "rounds")
        case "each":
            part = times(inner[0], Bounds(0, int(step.attrs["bound"])), "items")
            return replace(part, critical=Bounds(0, inner[0].critical.high))
        case "fold":
            return times(inner[0], Bounds(0, int(step.attrs["bound"])), "items")
        case "within":
            return within(inner[0], step.attrs["budget"])
        case _:
            return either(inner)
