"""How much a flow can do: model calls at least and at most, and nodes evaluated at most.

Computed by arithmetic on the tree before anything is expanded, so that a billion rounds cost
nothing to refuse. Follows `Operator.calls` for operators. `cost.py` counts the same on the graph
that a run has, with tokens and the arithmetic of every node; a test holds them to each other.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from graphdsl.compiler.call_values import CallValues
from graphdsl.compiler.charge import charge
from graphdsl.compiler.check_types import type_of
from graphdsl.compiler.entities import budget_of
from graphdsl.compiler.list_shapes import NOTHING, Effort, Shape, of_type
from graphdsl.compiler.program import Module
from graphdsl.compiler.static_values import Declared, Values, key_of
from graphdsl.compiler.tree_shapes import TreeShapes, taken
from graphdsl.compiler.uses import asked_of, uses_of
from graphdsl.compiler.work import Work, either, together
from graphdsl.diagnostics import Span
from graphdsl.ir.types import SCORER
from graphdsl.ops.registry import ANY_WORD, OPERATORS
from graphdsl.ops.signature import Operator
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
    _made: dict[Any, Shape] = field(default_factory=dict[Any, Shape])
    _effort: Effort = field(default_factory=Effort)

    def flow(self, module: Module, flow: tree.Flow, given: Given | None = None) -> Work:
        """The work of a flow with these arguments, else with its defaults."""
        place = self._place(module, flow, given)
        key = _key(flow, place.shapes)
        if key not in self._done:
            self._done[key] = place.statements(flow.body)
        return self._done[key]

    def shape(self, call: tree.Call, target: Declared, shapes: TreeShapes) -> Shape:
        """How long lists can be in what a flow gives."""
        item = target.item
        assert isinstance(item, tree.Flow)
        inside = self._place(target.module, item, given_to(call, item, shapes)).shapes
        key = _key(item, inside)
        if key not in self._made:
            self._made[key] = inside.statements(item.body)
        return self._made[key]

    def uncalled(self, module: Module, flow: tree.Flow) -> TreeShapes:
        """The lists of a flow of whose arguments nothing is known, before its statements."""
        known = {param.name.text: None for param in flow.params}
        env = {param.name.text: of_type(type_of(param.type)) for param in flow.params}
        values = Values(module, known, self.largest, self.widest)
        return TreeShapes(values, self, self.largest or self.widest, self._effort, env)

    def _place(self, module: Module, flow: tree.Flow, given: Given | None) -> _Place:
        """The beginning of a flow. One that nobody calls has inputs of any length."""
        values = Values(module, {}, self.largest, self.widest)
        known: dict[str, Any] = {}
        env: dict[str, Shape] = {}
        for param in flow.params:
            name, kind = param.name.text, type_of(param.type)
            words = ANY_WORD if kind == SCORER else ()
            default = None if param.default is None else values.of(param.default, words)
            known[name] = default if given is None else given.values.get(name, default)
            env[name] = of_type(kind) if given is None else given.shapes.get(name, NOTHING)
        every = self.largest or self.widest
        shapes = TreeShapes(replace(values, known=known), self, every, self._effort, env)
        return _Place(self, shapes)

    def blame(self, span: Span, work: Work) -> Work:
        """Remember the first place at which the work is too much."""
        if self.blamed is None and work.total > MAX_WORK:
            self.blamed = (span, work)
        return work


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a call of a flow: compile-time values, and shapes of lists, by name."""

    values: Mapping[str, Any]
    shapes: Mapping[str, Shape]


def given_to(call: tree.Call, flow: tree.Flow, shapes: TreeShapes) -> Given:
    """What a call gives to a flow, from where these shapes are known."""
    kinds = {param.name.text: type_of(param.type) for param in flow.params}
    names = iter(kinds)
    values: dict[str, Any] = {}
    found: dict[str, Shape] = {}
    for arg in call.args:
        name = next(names) if arg.name is None else arg.name.text
        words = ANY_WORD if kinds.get(name) == SCORER else ()
        values[name] = shapes.values.of(arg.value, words)
        found[name] = shapes.of(arg.value)
    return Given(values, found)


def _key(flow: tree.Flow, shapes: TreeShapes) -> Hashable:
    known = tuple((name, key_of(value)) for name, value in shapes.values.known.items())
    return id(flow), known, tuple(shapes.env.items())


@dataclass
class _Place:
    """One flow while it is counted: what is learnt of its names goes along."""

    counter: Counter
    shapes: TreeShapes

    def statements(self, body: tuple[tree.Stmt, ...]) -> Work:
        return together([self.statement(statement) for statement in body])

    def statement(self, statement: tree.Stmt) -> Work:
        match statement:
            case tree.Repeat():
                return self.repeat(statement)
            case tree.Fold():
                return self.fold(statement)
            case tree.Within():
                return self.within(statement)
            case tree.Optional(value=value, otherwise=other):
                work = self.value(value) + (Work() if other is None else self.value(other))
            case tree.Bind() | tree.Tune():
                self.shapes.learn_value(statement)
                work = self.value(statement.value)
            case tree.Next() | tree.Return():
                work = self.value(statement.value)
        self.shapes.learn(statement)
        return work

    def repeat(self, loop: tree.Repeat) -> Work:
        starts = [self.value(item.start) for item in loop.carried]
        rounds = self.shapes.enter(loop)
        self.shapes.env.update(rounds.begin)
        parts = [self.statements(loop.body)]
        parts += [] if loop.until is None else [self.value(loop.until)]
        parts += (
            [] if loop.keeping is None else [self.value(arg.value) for arg in loop.keeping.args]
        )
        self.shapes.leave(loop, rounds)
        least = self.number(loop.bound) if loop.until is None else 1
        return together([*starts, self.many(loop.bound, "rounds", together(parts), least)])

    def fold(self, loop: tree.Fold) -> Work:
        starts = [self.value(item.start) for item in loop.carried]
        items = self.value(loop.items)
        rounds = self.shapes.enter(loop)
        self.shapes.env.update(rounds.begin)
        body = self.many(loop.bound, "items", self.statements(loop.body), 0)
        self.shapes.leave(loop, rounds)
        return together([*starts, items, body])

    def many(self, bound: tree.Expr, what: str, body: Work, least: int) -> Work:
        work = body.times(self.number(bound), what, least)
        return self.counter.blame(bound.span, work)

    def number(self, bound: tree.Expr) -> int:
        """A bound; 1 where only a caller knows it."""
        known = self.shapes.limit(bound)
        return 1 if known is None else known

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
            case tree.Choice():
                options = taken(value, self.shapes.all_)
                return either([self.value(option.value) for option in options]) + Work(nodes=1)
            case tree.If():
                branches = either([self.value(value.then), self.value(value.otherwise)])
                return self.value(value.condition) + branches + Work(nodes=1)
            case tree.Each():
                items = self.value(value.items)
                self.shapes.vary(value)
                body = self.many(value.bound, "items", self.value(value.body), 0)
                return items + body + Work(nodes=1)
            case tree.Block():
                return self.statements(value.statements) + self.value(value.result)
            case _:
                return together(self.value(part) for part in _parts(value)) + Work(nodes=1)

    def call(self, call: tree.Call) -> Work:
        target = self.shapes.values.of(call.callee)
        operator = None if isinstance(target, Declared) else OPERATORS.get(str(call.callee))
        if operator is not None:
            return self.operator(call, operator)
        arguments = together(self.value(arg.value) for arg in call.args)
        declared = self.declared(call, target) if isinstance(target, Declared) else Work(nodes=1)
        return arguments + declared

    def declared(self, call: tree.Call, target: Declared) -> Work:
        if isinstance(target.item, tree.Prompt):
            return Work(nodes=1)
        given = given_to(call, target.item, self.shapes)
        work = self.counter.flow(target.module, target.item, given) + Work(nodes=1)
        sums = f"{call.callee} {work.high}" if work.high else ""
        return self.counter.blame(call.span, replace(work, sums=sums))

    def operator(self, call: tree.Call, operator: Operator) -> Work:
        """One evaluation; with `largest` under the words that make it dearest."""
        found = CallValues.of(call, operator, self.shapes.values)
        arguments = together(self.value(expr) for expr in found.used())
        told = self.shapes.sized(found)
        variants = found.variants() if self.counter.largest else (found.attrs,)
        bounds = [(operator.calls({**attrs, **told}), attrs) for attrs in variants]
        bound, attrs = max(bounds, key=lambda pair: pair[0].high)
        low = min(one.low for one, _ in bounds)
        sums = f"{operator.name} {bound.high}" if bound.high else ""
        work = Work(low, bound.high, 1, sums)
        if self.counter.units and bound.high:
            asked = asked_of(operator, attrs, bound)
            charges = {unit: charge(operator.name, asked, unit) for unit in self.counter.units}
            work = replace(work, uses=uses_of(asked), charges=charges)
        return arguments + self.counter.blame(call.span, work)


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
