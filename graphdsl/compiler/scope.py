"""Names of one flow while it is checked: what each stands for and what it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from graphdsl.compiler.program import Declaration, Module
from graphdsl.diagnostics import Span
from graphdsl.ir.types import Type
from graphdsl.syntax import tree

Entity = tuple[Module, Declaration]
"""A declaration and the module that it belongs to."""


@dataclass(eq=False)
class Binding:
    """A bound name.

    `because` completes "`merged` is `Draft`, …". `static` names are known when the flow is
    specialised; `entities` are the declarations such a name can stand for, where that is known.
    `words` are the words that it can stand for, where they are known.
    `values` are the expressions that the name is bound to, the bypass of a stage among them.
    `reads` are the bindings that this one is computed from; `effect` marks those that must run.
    """

    name: str
    span: Span
    type: Type
    what: str = "name"
    because: str = ""
    static: bool = False
    entities: tuple[Entity, ...] = ()
    words: tuple[str, ...] = ()
    values: tuple[tree.Rhs, ...] = ()
    bypass_missing: bool = False
    quiet: bool = False
    effect: bool = False
    used: bool = False
    reads: set[Binding] = field(default_factory=set["Binding"])


@dataclass(eq=False)
class Scope:
    """Names that are visible at one place: a block and the blocks around it."""

    parent: Scope | None = None
    names: dict[str, Binding] = field(default_factory=dict[str, Binding])

    def find(self, name: str) -> Binding | None:
        """The visible binding of that name, if any."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def visible(self) -> Iterator[str]:
        """Every visible name, innermost block first."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.parent


def bound_names(statements: tuple[tree.Stmt, ...]) -> Iterator[tuple[tree.Name, bool]]:
    """Every name that statements bind, and whether it stays inside a block of its own."""
    for statement in statements:
        match statement:
            case tree.Bind() | tree.Optional() | tree.Tune():
                yield statement.name, False
                if not isinstance(statement, tree.Tune):
                    yield from ((name, True) for name in _inner(statement.value))
            case tree.Repeat():
                yield from ((carried.name, False) for carried in statement.carried)
                yield from bound_names(statement.body)
            case tree.Within():
                yield from bound_names(statement.body)
                if statement.alias is not None:
                    yield statement.alias, False
            case tree.Fold():
                yield from ((carried.name, False) for carried in statement.carried)
                yield statement.variable, True
                yield from ((name, True) for name, _ in bound_names(statement.body))
            case _:
                pass


def _inner(value: tree.Rhs | tree.Block) -> Iterator[tree.Name]:
    """Names that the blocks of a form bind."""
    match value:
        case tree.Block():
            yield from (name for name, _ in bound_names(value.statements))
            yield from _inner(value.result)
        case tree.Choice():
            for option in value.options:
                yield from _inner(option.value)
        case tree.Each():
            yield value.variable
            yield from _inner(value.body)
        case tree.If():
            yield from _inner(value.then)
            yield from _inner(value.otherwise)
        case _:
            pass
