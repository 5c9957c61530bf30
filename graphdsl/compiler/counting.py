"""How much a flow can do: model calls at least and at most, and nodes evaluated at most.

Computed by arithmetic on the tree before anything is expanded, so that a billion rounds cost
nothing to refuse. Follows `Operator.calls` for operators. `cost.py` counts the same on the graph
that a run has, with tokens and the arithmetic of every node; a test holds them to each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from graphdsl.compiler.charge import charge
from graphdsl.compiler.entities import budget_of
from graphdsl.compiler.program import Module
from graphdsl.compiler.static_values import Declared, Values, key_of
from graphdsl.compiler.uses import uses_of
from graphdsl.compiler.work import Work, either, together
from graphdsl.diagnostics import Span
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import REQUIRED, Operator
from graphdsl.syntax import tree

MAX_WORK: Final = 1_000_000
"""Most model calls plus node evaluations of one run, in the worst case of any point of a space."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A budget scope and the work inside it, as counted with the defaults."""

    statement: tree.Within
    work: Work


@dataclass
class Counter:
    """Counts flows; each is counted once for each set of compile-time arguments.

    With `largest`, every hole has the value that makes the graph largest, with `widest` all
    models that it may stand for; else its default. `units` are those in which to count what
    models take. `blamed` is the loop that first exceeded `MAX_WORK`; `scopes` are the budget
    scopes met, each as it was met first, and `met` each time.
    """

    largest: bool = False
    widest: bool = False
    units: frozenset[str] = frozenset()
    blamed: tuple[Span, Work] | None = None
    scopes: dict[Span, Scope] = field(default_factory=dict[Span, Scope])
    met: list[Scope] = field(default_factory=list[Scope])
    _done: dict[Any, Work] = field(default_factory=dict[Any, Work])

    def flow(self, module: Module, flow: tree.Flow, given: dict[str, Any] | None = None) -> Work:
        """The work of a flow with these compile-time arguments, else with its defaults."""
        values = Values(module, {}, self.largest, self.widest)
        known: dict[str, Any] = {}
        for param in flow.params:
            default = None if param.default is None else values.of(param.default)
            known[param.name.text] = (given or {}).get(param.name.text, default)
        key = (id(flow), tuple((name, key_of(value)) for name, value in known.items()))
        if key not in self._done:
            place = _Place(self, replace(values, known=known))
            self._done[key] = place.statements(flow.body)
        return self._done[key]

    def blame(self, span: Span, work: Work) -> Work:
        """Remember the first place at which the work is too much."""
        if self.blamed is None and work.total > MAX_WORK:
            self.blamed = (span, work)
        return work


@dataclass
class _Place:
    """One flow while it is counted."""

    counter: Counter
    values: Values

    def statements(self, body: tuple[tree.Stmt, ...]) -> Work:
        return together([self.statement(statement) for statement in body])

    def statement(self, statement: tree.Stmt) -> Work:
        match statement:
            case tree.Bind() | tree.Tune():
                self.learn(statement)
                return self.value(statement.value)
            case tree.Optional(value=value, otherwise=other):
                return self.value(value) + (Work() if other is None else self.value(other))
            case tree.Repeat():
                return self.repeat(statement)
            case tree.Fold():
                starts = [self.value(item.start) for item in statement.carried]
                items = self.value(statement.items)
                body = self.many(statement.bound, "items", self.statements(statement.body), 0)
                return together([*starts, items, body])
            case tree.Within():
                return self.within(statement)
            case tree.Next() | tree.Return():
                return self.value(statement.value)

    def learn(self, statement: tree.Bind | tree.Tune) -> None:
        """A name that is known at compile time."""
        value = statement.value
        if isinstance(value, tree.Hole | tree.Ref | tree.Number | tree.String | tree.Bool):
            known = {**self.values.known, statement.name.text: self.values.of(value)}
            self.values = replace(self.values, known=known)

    def repeat(self, loop: tree.Repeat) -> Work:
        starts = [self.value(item.start) for item in loop.carried]
        parts = [self.statements(loop.body)]
        parts += [] if loop.until is None else [self.value(loop.until)]
        parts += (
            [] if loop.keeping is None else [self.value(arg.value) for arg in loop.keeping.args]
        )
        least = self.number(loop.bound) if loop.until is None else 1
        return together([*starts, self.many(loop.bound, "rounds", together(parts), least)])

    def many(self, bound: tree.Expr, what: str, body: Work, least: int) -> Work:
        work = body.times(self.number(bound), what, least)
        return self.counter.blame(bound.span, work)

    def number(self, expr: tree.Expr) -> int:
        value = self.values.of(expr)
        return int(value) if isinstance(value, int | float) else 1

    def within(self, scope: tree.Within) -> Work:
        """The work inside; its limit holds calls back, but not the drafts that stand for them."""
        work = self.statements(scope.body)
        if not self.counter.largest:
            self.counter.met.append(Scope(scope, work))
            self.counter.scopes.setdefault(scope.span, self.counter.met[-1])
            work = work.under(budget_of(scope.limits))
        return work + Work(nodes=1)

    # ---- expressions and forms

    def value(self, value: tree.Rhs | tree.Block) -> Work:
        match value:
            case tree.Call():
                return self.call(value)
            case tree.Choice(options=options):
                parts = [self.value(option.value) for option in self.taken(value, options)]
                return either(parts) + Work(nodes=1)
            case tree.If():
                branches = either([self.value(value.then), self.value(value.otherwise)])
                return self.value(value.condition) + branches + Work(nodes=1)
            case tree.Each():
                body = self.many(value.bound, "items", self.value(value.body), 0)
                return self.value(value.items) + body + Work(nodes=1)
            case tree.Block():
                return self.statements(value.statements) + self.value(value.result)
            case _:
                return together(self.value(part) for part in _parts(value)) + Work(nodes=1)

    def taken(
        self, choice: tree.Choice, options: tuple[tree.Option, ...]
    ) -> tuple[tree.Option, ...]:
        """The alternatives that may run: all of a space, or the default."""
        if self.counter.largest or self.counter.widest:
            return options
        label = options[0].label.text if choice.default is None else choice.default.text
        return tuple(option for option in options if option.label.text == label)

    def call(self, call: tree.Call) -> Work:
        arguments = together(self.value(arg.value) for arg in call.args)
        target = self.values.of(call.callee)
        if isinstance(target, Declared):
            return arguments + self.declared(call, target)
        operator = OPERATORS.get(str(call.callee))
        return arguments + (Work(nodes=1) if operator is None else self.operator(call, operator))

    def declared(self, call: tree.Call, target: Declared) -> Work:
        if isinstance(target.item, tree.Prompt):
            return Work(nodes=1)
        names = iter(param.name.text for param in target.item.params)
        given: dict[str, Any] = {}
        for arg in call.args:
            name = next(names) if arg.name is None else arg.name.text
            given[name] = self.values.of(arg.value)
        work = self.counter.flow(target.module, target.item, given) + Work(nodes=1)
        sums = f"{call.callee} {work.high}" if work.high else ""
        return self.counter.blame(call.span, replace(work, sums=sums))

    def operator(self, call: tree.Call, operator: Operator) -> Work:
        names = iter(param.name for param in operator.params)
        attrs = {p.name: p.default for p in operator.params if p.default is not REQUIRED}
        for arg in call.args:
            name = next(names, "") if arg.name is None else arg.name.text
            attrs[name] = self.values.of(arg.value)
        bound = operator.calls(attrs)
        sums = f"{operator.name} {bound.high}" if bound.high else ""
        work = Work(bound.low, bound.high, 1, sums)
        if self.counter.units and bound.high:
            uses = uses_of(attrs)
            found = {
                unit: charge(operator.name, uses, bound.high, unit) for unit in self.counter.units
            }
            work = replace(work, uses=uses, charges=found)
        return self.counter.blame(call.span, work)


def _parts(value: tree.Rhs) -> tuple[tree.Expr, ...]:
    """What an expression is made of."""
    match value:
        case tree.ListExpr(items=items):
            return items
        case tree.Record(fields=fields):
            return tuple(field.value for field in fields)
        case tree.Compare(left=left, right=right):
            return (left, right)
        case tree.Logic(operands=operands):
            return operands
        case tree.Not(operand=operand):
            return (operand,)
        case _:
            return ()
