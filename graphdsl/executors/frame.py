"""A plan made ready to run, and the state of one evaluation of it.

`Code` is made once per plan: it looks up what each step does. A `Frame` is one evaluation: a list
of slot values and a list of counters. The whole run of 10^5 nodes is two such lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphdsl.errors import PlanError
from graphdsl.executors.crew import ItemCrew
from graphdsl.executors.ledger import Scope
from graphdsl.executors.trace import Record
from graphdsl.ir.types import PROMPT
from graphdsl.ops.context import ModelKernel, PureKernel
from graphdsl.ops.core import CORE
from graphdsl.ops.kernels import MODEL, PURE, beside
from graphdsl.ops.quorum_guard import guarded, guarded_model
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.required import require_packages, slow
from graphdsl.ops.signature import REQUIRED, Param
from graphdsl.plan import Plan, Step
from graphdsl.values import Value

CONTROL = frozenset({"repeat", "each", "fold", "if", "within"})
"""Steps with regions; `graphdsl.executors.control` says what they do."""


@dataclass(frozen=True, slots=True)
class Operators:
    """What steps may call: pure kernels run at once, model kernels become tasks."""

    pure: Mapping[str, PureKernel]
    model: Mapping[str, ModelKernel]


STANDARD = Operators({**CORE, **PURE}, MODEL)
"""The language's own operators."""


class Job:
    """A step with its kernel: exactly one of `pure` and `model` is set, neither for control.

    `base` are its closed attributes, absent parameters included, to which inputs are added. A
    pure kernel that may take seconds is made one that does not keep the event loop.
    Raises `ExtraMissing` where a package is not installed that the step needs.
    """

    __slots__ = ("base", "dependents", "inputs", "model", "pure", "regions", "slot", "step")

    def __init__(self, step: Step, operators: Operators) -> None:
        self.step = step
        self.slot = step.slot
        self.inputs = step.inputs
        self.dependents = step.dependents
        self.base = _arguments(step)
        self.pure = operators.pure.get(step.op)
        self.model = operators.model.get(step.op)
        require_packages(step.op, step.attrs)
        if self.pure is not None and slow(step.op, step.attrs):
            self.pure, self.model = None, beside(self.pure)
        self.regions = {role: Code(plan, operators) for role, plan in step.regions}
        if step.attrs.get("min_success") is not None:
            self._guard(step)
        if step.op == "each" and step.attrs.get("until") is not None:
            _refuse_effects(step, step)
        if self.pure is None and self.model is None and step.op not in CONTROL:
            raise PlanError(f"`{step.address}`: nothing is known to run `{step.op}`")

    def _guard(self, step: Step) -> None:
        """Put `min_success` before the kernel, whichever operator it is."""
        made = str(OPERATORS[step.op].result({})) if step.op in OPERATORS else "Draft"
        if self.pure is not None:
            self.pure = guarded(self.pure, made)
        elif self.model is not None:
            self.model = guarded_model(self.model, made)

    def arguments(self, values: list[Value]) -> dict[str, Value]:
        """Attributes and inputs by name."""
        found = self.base.copy()
        for name, slot in self.inputs:
            found[name] = values[slot]
        return found


def _refuse_effects(each: Step, step: Step) -> None:
    """Say no to an effect within a list that may end early: which items have it would be chance,
    and a journal that keeps the list whole would not have it. The compiler makes no such rule."""
    for _, plan in step.regions:
        for inner in plan.steps:
            operator = OPERATORS.get(inner.op)
            if operator is not None and operator.effect:
                raise PlanError(
                    f"`{each.address}`: an `each` with a stop rule cannot hold `{inner.op}` "
                    f"(`{inner.address}`), whose effect all items must have"
                )
            _refuse_effects(each, inner)


def _arguments(step: Step) -> dict[str, Any]:
    """The step's attributes, beside the defaults of what its operator could be given."""
    operator = OPERATORS.get(step.op)
    params = () if operator is None else operator.params
    missing = {param.name: _default(param) for param in params if not param.rest}
    return {**missing, **step.attrs}


def _default(param: Param) -> Any:
    """What a kernel is given for a parameter that does not apply; the default of a prompt is only
    the name of one."""
    return None if param.default is REQUIRED or PROMPT in param.types else param.default


class Code:
    """A plan whose steps know what they do."""

    __slots__ = ("jobs", "pending", "plan", "template")

    def __init__(self, plan: Plan, operators: Operators) -> None:
        self.plan = plan
        self.jobs = [Job(step, operators) for step in plan.steps]
        self.pending = [step.pending for step in plan.steps]
        self.template: list[Value] = [None] * plan.size
        for slot, value in plan.constants:
            self.template[slot] = value


class Frame:
    """One evaluation of a plan.

    `suffix` are the rounds that lead here (`[2][0]`), appended to the addresses of its steps;
    `position` orders effects as the program's text does. `causes` are, for the trace, addresses of
    the steps whose end made others ready, by the index of these. `done` is called once, when the
    last step has finished; it is not where the `crew` was stopped before. `rank` is the longest
    path after the whole region, in model calls.
    """

    __slots__ = (
        "causes",
        "code",
        "crew",
        "done",
        "pending",
        "position",
        "rank",
        "record",
        "remaining",
        "scope",
        "suffix",
        "values",
    )

    def __init__(
        self,
        code: Code,
        values: list[Value],
        scope: Scope,
        done: Callable[[], None],
        suffix: str = "",
        position: tuple[int, ...] = (),
        record: Record | None = None,
        crew: ItemCrew | None = None,
        rank: int = 0,
    ) -> None:
        self.code = code
        self.values = values
        self.pending = code.pending.copy()
        self.remaining = len(code.jobs)
        self.scope = scope
        self.done = done
        self.suffix = suffix
        self.position = position
        self.record = record
        self.causes: dict[int, str] = {}
        self.crew = crew
        self.rank = rank

    def results(self) -> dict[str, Value]:
        """What the plan gives, by name; complete once `done` was called."""
        return {name: self.values[slot] for name, slot in self.code.plan.results}


def entered(code: Code, outer: list[Value], params: list[Value]) -> list[Value]:
    """The slots of a region at its start: constants, parameters, captures."""
    values = code.template.copy()
    values[: len(params)] = params
    at = len(code.plan.params)
    for slot in code.plan.captures:
        values[at] = outer[slot]
        at += 1
    return values
