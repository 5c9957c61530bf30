"""Where code is being lowered: the names in sight, the region that is filled, the address path.

The rules of lowering call each other in circles (an argument may be a flow call whose body holds
arguments), so they meet in `Rules`, a table that `graphdsl.compiler.lower` fills.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from graphdsl.compiler.program import Declaration, Module
from graphdsl.diagnostics import Span
from graphdsl.ir.nodes import Attr, Hole, Node, Region, Symbol, ValueId
from graphdsl.ir.types import Type
from graphdsl.syntax import tree

When = tuple[tuple[str, tuple[str, ...]], ...]
"""Conditions of a hole: (address of another hole, labels of it), all of which must hold."""


class Typed(NamedTuple):
    """A value of the graph with its type."""

    id: ValueId
    type: Type


@dataclass(slots=True)
class Building:
    """A region while it is filled. A gap is a place where nodes may still be put later."""

    parts: list[Node | list[Node]] = field(default_factory=list[Node | list[Node]])

    def gap(self) -> list[Node]:
        """A place here for nodes that are only made when something uses them."""
        place: list[Node] = []
        self.parts.append(place)
        return place

    def nodes(self) -> tuple[Node, ...]:
        """The nodes in order, filled gaps included."""
        found: list[Node] = []
        for part in self.parts:
            found.extend(part if isinstance(part, list) else (part,))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Value:
    """A name that stands for a run-time value; `input` is the entry flow's parameter, if it is."""

    typed: Typed
    input: str | None = None


@dataclass(slots=True)
class Late:
    """A value whose node is put into `gap` when the name is first used."""

    node: Node
    gap: list[Node]
    made: Typed | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A name known at compile time: an entity, a literal, a word or a hole.

    `late` is its run-time form, for names whose value may also travel along an edge. `word` marks
    names that stand for words.
    """

    attr: Attr
    late: Late | None = None
    word: bool = False


Meaning = Value | Late | Known
"""What a name inside a flow stands for."""


@dataclass(slots=True)
class Scope:
    """Names bound here, and the names around them."""

    parent: Scope | None = None
    own: dict[str, Meaning] = field(default_factory=dict[str, Meaning])

    def find(self, name: str) -> Meaning | None:
        """What a name means here; None when no scope binds it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.own:
                return scope.own[name]
            scope = scope.parent
        return None


@dataclass(frozen=True, slots=True)
class Rules:
    """How each kind of syntax is lowered; the values are functions of the `lower_*` files."""

    expression: Callable[[Site, tree.Rhs, str], Typed]
    call: Callable[[Site, tree.Call, str], Typed]
    form: Callable[[Site, tree.Choice | tree.Each | tree.If, str], Typed]
    statements: Callable[[Site, tuple[tree.Stmt, ...]], None]


@dataclass(slots=True)
class Shared:
    """What all sites of one lowering share.

    `defaults` are those of the entry flow's parameters, and `needed` its parameters that turned
    out to have to be known at compile time. `declared` remembers where the entities that were
    named are declared.
    """

    rules: Rules
    defaults: dict[str, tree.Expr | None]
    holes: dict[str, Hole] = field(default_factory=dict[str, Hole])
    ids: set[str] = field(default_factory=set[str])
    declared: dict[Symbol, tuple[Module, Declaration]] = field(
        default_factory=dict[Symbol, tuple[Module, Declaration]]
    )
    needed: set[str] = field(default_factory=set[str])

    def fresh(self, address: str) -> str:
        """Reserve a node id: the address, or the address with the next free number."""
        found = unused(address, self.ids)
        self.ids.add(found)
        return found


def unused(address: str, taken: set[str] | dict[str, Hole]) -> str:
    """The address, or the first of `address_2`, `address_3`, … that is not taken."""
    found, number = address, 1
    while found in taken:
        number += 1
        found = f"{address}_{number}"
    return found


@dataclass(frozen=True, slots=True)
class Site:
    """One place of lowering. `path` is the address of what is bound here.

    `words` are bare names that mean themselves here, whatever else the file declares under them.
    """

    shared: Shared
    module: Module
    path: str
    scope: Scope
    region: Building
    when: When = ()
    words: Collection[str] = ()

    def reading(self, words: Collection[str]) -> Site:
        """This site for a value that may be one of these words."""
        return replace(self, words=words) if words else self

    def inside(self, path: str | None = None, when: When = ()) -> Site:
        """A site in a new region, which sees the names of this one."""
        return replace(
            self,
            path=self.path if path is None else path,
            scope=Scope(self.scope),
            region=Building(),
            when=self.when + when,
        )

    def value(self, expr: tree.Rhs, address: str) -> Typed:
        """The value of an expression or form, its nodes added here under `address`."""
        return self.shared.rules.expression(self, expr, address)

    def add(
        self,
        op: str,
        address: str,
        kind: Type,
        inputs: tuple[tuple[str, ValueId], ...] = (),
        attrs: tuple[tuple[str, Attr], ...] = (),
        regions: tuple[Region, ...] = (),
        span: Span | None = None,
    ) -> Typed:
        """Add a node; its id is the address, made unique."""
        node = Node(self.shared.fresh(address), op, kind, inputs, attrs, regions, span)
        self.region.parts.append(node)
        return Typed(node.id, kind)

    def late(
        self,
        op: str,
        address: str,
        kind: Type,
        inputs: tuple[tuple[str, ValueId], ...] = (),
        attrs: tuple[tuple[str, Attr], ...] = (),
        span: Span | None = None,
    ) -> Late:
        """A node that is added here as soon as a name that stands for it is used."""
        return Late(Node(address, op, kind, inputs, attrs, (), span), self.region.gap())

    def region_of(self, name: str, *results: tuple[str, ValueId]) -> Region:
        """What was lowered at this site, as a region without parameters."""
        return Region(name, (), self.region.nodes(), results)

    def read(self, meaning: Meaning) -> Typed:
        """The run-time value of a name, made now when it was not needed before."""
        match meaning:
            case Value(typed):
                return typed
            case Known(_, late):
                if late is None:
                    raise AssertionError("an entity has no run-time value")
                return self.read(late)
            case Late():
                if meaning.made is None:
                    node = replace(meaning.node, id=self.shared.fresh(meaning.node.id))
                    meaning.gap.append(node)
                    meaning.made = Typed(node.id, node.type)
                return meaning.made
