"""How much of a program still hangs on each step: the longest path below it, in model calls.

Samples of one operator are drawn together and count once, a judge counts once (its retries are
rare), searches count what their signature says, rounds count every one of them, and pure steps
nothing (Kelley & Walker 1959, with these durations). The engine lets the calls of a run in by it:
the longest path first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from graphdsl.ops.signature import Operator
from graphdsl.plan import Step

_ROUNDS = {"repeat": "rounds", "fold": "bound"}
"""Steps whose regions run again and again, and the attribute that says how often."""


def ranked(steps: Sequence[Step], operators: Mapping[str, Operator]) -> tuple[Step, ...]:
    """The same steps with their ranks: the calls on the longest path after each of them."""
    below = [0] * len(steps)
    for step in reversed(steps):  # dependants come later in a plan, so theirs are known
        below[step.index] = max(
            (length(steps[later], operators) + below[later] for later in step.dependents),
            default=0,
        )
    return tuple(replace(step, rank=below[step.index]) for step in steps)


def length(step: Step, operators: Mapping[str, Operator]) -> int:
    """Model calls of one step that come one after another, at most."""
    if step.regions:
        rounds = int(step.attrs.get(_ROUNDS.get(step.op, ""), 1))
        return rounds * max(plan.length for _, plan in step.regions)
    operator = operators.get(step.op)
    if operator is None:
        return 0
    attrs = {param.name: param.default for param in operator.params if not param.required}
    bound = operator.calls({**attrs, **step.attrs})
    most = (bound.chain or 1) if operator.samples else bound.high
    return min(bound.high, most)


def longest(steps: Sequence[Step], operators: Mapping[str, Operator]) -> int:
    """Model calls on the longest path through ranked steps."""
    return max((length(step, operators) + step.rank for step in steps), default=0)
