"""Rules about the graph as a whole: names, visibility, interface, tables, holes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

from graphdsl.ir.nodes import Attr, Choices, Hole, HoleRef, Interval, Region, Symbol, ValueId
from graphdsl.ir.prune import mentioned, prune
from graphdsl.ir.rules_control import OPEN_OPS, SHAPES
from graphdsl.ir.subject import Breach, Subject
from graphdsl.ir.types import assignable

T = TypeVar("T")


def unique_ids(subject: Subject) -> Iterator[Breach]:
    """Every value is made once."""
    for name in _repeated(_made(subject)):
        yield name, "is made more than once"


def _made(subject: Subject) -> Iterator[ValueId]:
    yield from (name for name, _ in subject.graph.body.params)
    for node in subject.nodes:
        yield node.id
        yield from (name for region in node.regions for name, _ in region.params)


def visible(subject: Subject) -> Iterator[Breach]:
    """Values are made before they are used, in the same region or around it."""
    return _visible(subject.graph.body, set(), "return")


def _visible(region: Region, known: set[ValueId], owner: str) -> Iterator[Breach]:
    own = {name for name, _ in region.params}
    known |= own
    for node in region.nodes:
        for name, value in node.inputs:
            if value not in known:
                yield node.id, f"reads `{value}` as `{name}`, which is not made before it"
        for inner in node.regions:
            yield from _visible(inner, known, node.id)
        known.add(node.id)
        own.add(node.id)
    for name, value in region.results:
        if value not in known:
            yield owner, f"gives `{value}` as `{name}`, which its region cannot see"
    known -= own


def interface(subject: Subject) -> Iterator[Breach]:
    """The body's parameters are the inputs, its one result is `return`."""
    graph = subject.graph
    params = [kind for _, kind in graph.body.params]
    if [given.type for given in graph.inputs] != params:
        yield graph.flow, "has a body whose parameters are not the inputs"
    if [name for name, _ in graph.body.results] != ["return"]:
        yield graph.flow, "does not have `return` as its one result"
        return
    kind = subject.type(graph.body.results[0][1])
    if not assignable(kind, graph.result):
        yield graph.flow, f"returns `{kind}` where `{graph.result}` is promised"


def known_op(subject: Subject) -> Iterator[Breach]:
    """Every op exists."""
    for node in subject.nodes:
        if node.op not in SHAPES and node.op not in subject.operators:
            yield node.id, f"has the unknown op `{node.op}`"


def symbols_declared(subject: Subject) -> Iterator[Breach]:
    """Symbols are in the tables; no name is in a table twice."""
    graph = subject.graph
    tables = {"model": graph.models, "prompt": graph.prompts, "memory": graph.memories}
    declared = [Symbol(kind, spec.name) for kind, table in tables.items() for spec in table]
    for symbol in _repeated(declared):
        yield symbol.name, f"is declared more than once as a {symbol.kind}"
    known = set(declared)
    for symbol in mentioned(graph):
        if symbol not in known:
            yield symbol.name, f"is not a declared {symbol.kind}"


def render_inputs(subject: Subject) -> Iterator[Breach]:
    """A `render` names a prompt and has exactly its parameters as inputs."""
    params = {Symbol("prompt", spec.name): set(spec.params) for spec in subject.graph.prompts}
    for node in subject.nodes:
        if node.op != "render":
            continue
        symbol = node.attr("prompt")
        wanted = params.get(symbol) if isinstance(symbol, Symbol) else None
        if wanted is None:
            yield node.id, "does not name its prompt"
        elif wanted != {name for name, _ in node.inputs}:
            yield node.id, "has inputs that are not the parameters of its prompt"


def holes(subject: Subject) -> Iterator[Breach]:
    """Addresses are unique, defaults lie in their domain, conditions name labels."""
    for address in _repeated(hole.address for hole in subject.graph.holes):
        yield address, "is declared as a hole more than once"
    for hole in subject.graph.holes:
        if not _fits(hole):
            yield hole.address, f"has the default `{hole.default}`, which its domain lacks"
        for address, labels in hole.when:
            if not set(labels) <= _labels(subject.holes.get(address)):
                yield hole.address, f"depends on labels that the hole `{address}` lacks"


def _labels(hole: Hole | None) -> set[str]:
    return set(hole.domain.labels) if hole and isinstance(hole.domain, Choices) else set()


def _fits(hole: Hole) -> bool:
    match hole.domain, hole.default:
        case Choices(labels, values), str(label):
            return len(labels) == len(values) == len(set(labels)) and label in labels
        case Interval(low, high, _, _), (int() | float()) as number:
            return low <= number <= high
        case _:
            return False


def hole_refs(subject: Subject) -> Iterator[Breach]:
    """References are to declared holes."""
    for node in subject.nodes:
        for address in _addresses(attr for _, attr in node.attrs):
            if address not in subject.holes:
                yield node.id, f"refers to the hole `{address}`, which is not declared"


def closed(subject: Subject) -> Iterator[Breach]:
    """No holes, no references to holes, no ops of open graphs."""
    for hole in subject.graph.holes:
        yield hole.address, "is a hole of a closed graph"
    for node in subject.nodes:
        if node.op in OPEN_OPS:
            yield node.id, f"has the op `{node.op}` of open graphs"
        for address in _addresses(attr for _, attr in node.attrs):
            yield node.id, f"refers to the hole `{address}` in a closed graph"


def needed(subject: Subject) -> Iterator[Breach]:
    """There is nothing that `prune` would leave out."""
    graph, pruned = subject.graph, prune(subject.graph, subject.operators)
    kept = {node.id for node in Subject(pruned, subject.operators).nodes}
    for node in subject.nodes:
        if node.id not in kept:
            yield node.id, "is needed by nothing"
    if pruned != graph:
        yield graph.flow, "has exports or entities that nothing needs"


def _addresses(attrs: Iterable[Attr]) -> Iterator[str]:
    for attr in attrs:
        match attr:
            case HoleRef(address):
                yield address
            case tuple():
                yield from _addresses(attr)
            case _:
                pass


def _repeated(items: Iterable[T]) -> list[T]:
    return [item for item, times in Counter(items).items() if times > 1]
