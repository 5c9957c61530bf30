"""The intermediate representation: a typed SSA graph with regions.

A value is named by the node (or region parameter) that makes it; ids are addresses, i.e. paths
of names such as `reason.drafts`, and stay the same through every pass. A *closed* graph has no
holes; an *open* one may use `HoleRef` as an attribute and the ops `optional`, `choice` and
`collaborate`, which `specialise` removes.

Ops made by the compiler (everything else is an operator of `graphdsl.ops`):

=============  ======================================================================
const          attrs value: a literal Text, Number, Bool
absent         the missing value of an optional parameter or field
list           inputs `0`, `1`, …: a list in order
record         inputs by field name
field          input `of`, attr name: reads a field
compare        inputs left, right, attr op (== != < <= > >=)
and, or        inputs `0`, `1`, … Bool
not            input of
render         attr prompt (Symbol), inputs by prompt parameter: Messages
convert        input of, attr to (a type, such as "Text", "List[Answer]"): an explicit coercion
repeat         inputs by carried name (start values); attrs rounds, until (Bool: the region has
               a result `until`), keep ("last" or "best": then a result `score`); region `body`
               with the carried names as parameters and results: `next.NAME` for every carried
               name, plus every exported name; value: a record of exported and carried names
each           input items; attrs bound, and perhaps until (a stop rule, see
               `graphdsl.ops.quorum`); region `body` (parameter: the variable), result `yield`;
               value: a list
fold           inputs items and carried names; attr bound; region `body` (parameters: the
               variable, then carried names), results `next.NAME`; value: a record of carried
if             input condition; regions `then` and `else`, result `yield`
within         attr budget (pairs of unit and limit); region `body`; results by exported name;
               value: a record of exported names and `exhausted` (Bool)
optional       open graphs only: attr hole; region `body`, result `yield`; input `else` or none
choice         open graphs only: attr hole; one region per label, result `yield`
collaborate    open graphs only: a whole DAG of roles and models (see `compiler/collaborate.py`)
=============  ======================================================================

Regions see the values of the graph around them (captures). Parameters of a loop's region stand in
the order of the node's inputs. In open graphs the value of a `const` may be a `HoleRef`. A bound
name that has another meaning in a node (`score` of `repeat`, `items` of `fold`, `exhausted` of
`within`) is exported as `NAME.own`; `NAME.next` is a value for the next round of a loop further
out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphdsl.diagnostics import Span
from graphdsl.ir.entities import MemorySpec, ModelSpec, PromptSpec
from graphdsl.ir.types import Type

ValueId = str
"""The address of the node or region parameter that makes the value."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A reference to a declared entity; `kind` is model, prompt or memory."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class HoleRef:
    """An attribute that a search may set: the address of a `Hole` of the graph."""

    address: str


Attr = None | bool | int | float | str | Symbol | HoleRef | tuple["Attr", ...]
"""A compile-time argument. Words such as `number` in `by: number` are plain strings."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Finitely many values by label. Labels identify them in searches and pins."""

    labels: tuple[str, ...]
    values: tuple[Attr, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from low to high, both included. `step` None means any number between them.

    `integer` holds when low, high and step are all written as integers (step defaults to 1).
    """

    low: float
    high: float
    step: float | None
    integer: bool


Domain = Choices | Interval


@dataclass(frozen=True, slots=True)
class Hole:
    """One free parameter of a graph.

    `default` is a label of `Choices`, or a number of an `Interval`. `when` lists the conditions
    under which it matters: (address of another hole, labels of it), all of which must hold.
    """

    address: str
    default: str | float
    domain: Domain
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One operation and the value it makes. `span` is where it was written, if anywhere."""

    id: ValueId
    op: str
    type: Type
    inputs: tuple[tuple[str, ValueId], ...] = ()
    attrs: tuple[tuple[str, Attr], ...] = ()
    regions: tuple[Region, ...] = ()
    span: Span | None = None

    def attr(self, name: str) -> Attr:
        """The attribute of that name; None when it is not set."""
        return next((value for key, value in self.attrs if key == name), None)

    def input(self, name: str) -> ValueId | None:
        """The value that feeds that parameter, if any."""
        return next((value for key, value in self.inputs if key == name), None)

    def region(self, name: str) -> Region:
        """The region of that name. Raises KeyError when there is none."""
        for region in self.regions:
            if region.name == name:
                return region
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Region:
    """A nested graph: parameters, nodes in topological order, results by name."""

    name: str
    params: tuple[tuple[ValueId, Type], ...]
    nodes: tuple[Node, ...]
    results: tuple[tuple[str, ValueId], ...]


@dataclass(frozen=True, slots=True)
class Input:
    """A run-time parameter of a flow. Its value id is `FLOW.NAME`.

    `default` counts only when `required` is False; None stands for an absent optional value.
    """

    name: str
    type: Type
    required: bool = True
    default: str | float | bool | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A lowered flow. `body` has the inputs as parameters and one result, `return`."""

    flow: str
    inputs: tuple[Input, ...]
    body: Region
    result: Type
    holes: tuple[Hole, ...] = ()
    models: tuple[ModelSpec, ...] = ()
    prompts: tuple[PromptSpec, ...] = ()
    memories: tuple[MemorySpec, ...] = ()

    @property
    def closed(self) -> bool:
        """True when nothing is left for a search to decide."""
        return not self.holes


def walk(region: Region) -> Iterator[Node]:
    """Every node of a region and of the regions inside it, outer before inner."""
    for node in region.nodes:
        yield node
        for inner in node.regions:
            yield from walk(inner)


Assignment = dict[str, "str | float"]
"""Hole address → label (Choices) or number (Interval); holes left out keep their default."""
