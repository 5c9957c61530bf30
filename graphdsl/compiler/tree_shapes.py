"""Lengths of lists of one flow, read from its tree: what `graph_shapes` finds on the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from graphdsl.compiler.call_values import CallValues
from graphdsl.compiler.list_rules import made
from graphdsl.compiler.list_shapes import (
    NOTHING,
    UNKNOWN,
    Effort,
    Rounds,
    Shape,
    State,
    either,
    least,
    listing,
    record,
    settled,
)
from graphdsl.compiler.static_values import Declared, Values
from graphdsl.ops.registry import OPERATORS
from graphdsl.syntax import tree


class Flows(Protocol):
    """Gives the shape of what a flow returns."""

    def shape(self, call: tree.Call, target: Declared, shapes: TreeShapes) -> Shape:
        """That of a call of a flow from where these shapes are known."""
        ...


@dataclass
class TreeShapes:
    """The lists of one flow while its statements are read in order.

    With `all_` every alternative counts, else those that run by default.
    """

    values: Values
    flows: Flows
    all_: bool
    effort: Effort
    env: dict[str, Shape] = field(default_factory=dict[str, Shape])

    def statements(self, body: Iterable[tree.Stmt]) -> Shape:
        """Learn statements in order; the shape of what is returned, if anything is."""
        result = UNKNOWN
        for statement in body:
            if isinstance(statement, tree.Return):
                result = self.of(statement.value)
            else:
                self.learn(statement)
        return result

    def learn(self, statement: tree.Stmt) -> None:
        """What a statement binds."""
        match statement:
            case tree.Bind(name=name, value=value) | tree.Tune(name=name, value=value):
                self.learn_value(statement)
                self.env[name.text] = self.of(value)
            case tree.Optional(name=name, value=value, otherwise=other):
                without = NOTHING if other is None else self.of(other)
                shape = self.of(value)
                self.env[name.text] = either(shape, without) if self.all_ else shape
            case tree.Next(name=name, value=value):
                self.env[f"{name.text}.next"] = self.of(value)
            case tree.Repeat() | tree.Fold():
                self.leave(statement, self.enter(statement))
            case tree.Within(body=body):
                self.statements(body)
            case tree.Return():
                pass

    def learn_value(self, statement: tree.Bind | tree.Tune) -> None:
        """A name that is known at compile time."""
        value = statement.value
        if isinstance(value, tree.Hole | tree.Ref | tree.Number | tree.String | tree.Bool):
            known = {**self.values.known, statement.name.text: self.values.of(value)}
            self.values = replace(self.values, known=known)

    # ---- loops

    def enter(self, loop: tree.Repeat | tree.Fold) -> Rounds:
        """Follow the rounds of a loop; then its names are what they can be in any round."""
        starts = {item.name.text: self.of(item.start) for item in loop.carried}
        rounds = self.limit(loop.bound)
        if isinstance(loop, tree.Fold):
            items = self.of(loop.items)
            rounds = least(rounds, items.most)
            self.env[loop.variable.text] = items.items

        def once(state: State) -> dict[str, Shape]:
            self.env.update(state)
            for name in state:
                self.env.pop(f"{name}.next", None)
            self.statements(loop.body)
            return {name: self.env.get(f"{name}.next", shape) for name, shape in state.items()}

        found = settled(starts, rounds, once, self.effort)
        if isinstance(loop, tree.Fold):  # there may have been no item
            after = {name: either(starts[name], shape) for name, shape in found.after.items()}
            return Rounds(found.begin, after)
        return found

    def leave(self, loop: tree.Repeat | tree.Fold, rounds: Rounds) -> None:
        """What the carried names are behind a loop."""
        self.env.update(rounds.after)

    def limit(self, expr: tree.Expr) -> int | None:
        """A bound; None where only a caller knows it."""
        value = self.values.of(expr)
        return int(value) if isinstance(value, int | float) else None

    # ---- values

    def of(self, value: tree.Rhs | tree.Block) -> Shape:
        """The shape of a value."""
        match value:
            case tree.Ref(parts=(head, *rest)):
                shape = self.env.get(head.text, UNKNOWN)
                for part in rest:
                    shape = shape.at(part.text)
                return shape
            case tree.ListExpr(items=items):
                return listing(len(items), self.any_of(items))
            case tree.Record(fields=fields):
                return record({item.name.text: self.of(item.value) for item in fields})
            case tree.Call():
                return self.call(value)
            case tree.Choice():
                return self.any_of(option.value for option in taken(value, self.all_))
            case tree.If(then=then, otherwise=otherwise):
                return self.any_of((then, otherwise))
            case tree.Each(items=items, bound=bound, body=body):
                found = self.vary(value)
                return listing(least(found.most, self.limit(bound)), self.of(body))
            case tree.Block(statements=statements, result=result):
                self.statements(statements)
                return self.of(result)
            case _:
                return UNKNOWN

    def vary(self, each: tree.Each) -> Shape:
        """Bind the variable of an `each`; the shape of its list."""
        items = self.of(each.items)
        self.env[each.variable.text] = items.items
        return items

    def any_of(self, values: Iterable[tree.Rhs | tree.Block]) -> Shape:
        """One of several."""
        found = NOTHING
        for value in values:
            found = either(found, self.of(value))
        return found

    def call(self, call: tree.Call) -> Shape:
        """What a call gives."""
        target = self.values.of(call.callee)
        if isinstance(target, Declared):
            is_flow = isinstance(target.item, tree.Flow)
            return self.flows.shape(call, target, self) if is_flow else UNKNOWN
        operator = OPERATORS.get(str(call.callee))
        if operator is None:
            return UNKNOWN
        found = CallValues.of(call, operator, self.values)
        given = self.given(found)
        if not self.all_:
            return made(operator, found.attrs, given, found.unsure)
        shape = NOTHING
        for attrs in found.variants():
            shape = either(shape, made(operator, attrs, given, found.unsure))
        return shape

    def given(self, call: CallValues) -> Mapping[str, Shape]:
        """The shapes of the edges of a call."""
        static = {param.name for param in call.operator.params if param.static}
        return {name: self.of(expr) for name, expr in call.given.items() if name not in static}

    def sized(self, call: CallValues) -> dict[str, Any]:
        """What the operator is told of the list that bounds its calls."""
        edge = call.given.get(call.operator.sized or "")
        count = None if edge is None else self.of(edge).drafts
        return {} if count is None else {"most": count}


def taken(choice: tree.Choice, all_: bool) -> tuple[tree.Option, ...]:
    """The alternatives that may run: all, or the default."""
    if all_:
        return choice.options
    default = choice.options[0].label.text if choice.default is None else choice.default.text
    return tuple(option for option in choice.options if option.label.text == default)
