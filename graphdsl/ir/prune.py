"""Leaves out of a graph what its result and its effects do not need.

One backward pass marks what each value is needed for (all of it, or some fields of a record), one
forward pass rebuilds. `repeat`, `fold` and `within` lose the exports and carried names that nobody
reads. Tables keep only the models, prompts and memories that are still mentioned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from graphdsl.ir.nodes import Attr, Choices, Graph, Node, Region, Symbol, ValueId, walk
from graphdsl.ir.signatures import Operators
from graphdsl.ir.types import RecordOf

_RECORDS = frozenset({"repeat", "fold", "within"})


def prune(graph: Graph, operators: Operators) -> Graph:
    """The graph without dead nodes, unread exports and unmentioned entities.

    Operators with an effect stay, inside regions too. Pruning a pruned graph changes nothing.
    """
    needs = _Needs(operators)
    needs.region(graph.body, {name for name, _ in graph.body.results})
    return _tables(replace(graph, body=_rebuild(graph.body, needs)))


def symbols(attr: Attr) -> Iterator[Symbol]:
    """The symbols within an attribute."""
    match attr:
        case Symbol():
            yield attr
        case tuple():
            for item in attr:
                yield from symbols(item)
        case _:
            return


class _Needs:
    """What is needed: `whole` values, `fields` of record values, and `results` of regions."""

    def __init__(self, operators: Operators) -> None:
        self.operators = operators
        self.whole: set[ValueId] = set()
        self.fields: dict[ValueId, set[str]] = {}
        self.kept: dict[ValueId, set[str]] = {}
        self.effects: dict[ValueId, bool] = {}
        self.calling: dict[ValueId, bool] = {}
        self.metered = 0

    def __contains__(self, value: ValueId) -> bool:
        return value in self.whole or value in self.fields

    def region(self, region: Region, results: Iterable[str]) -> None:
        """Mark what the results of a region and the effects in it need."""
        wanted = set(results)
        self.whole.update(value for name, value in region.results if name in wanted)
        for node in reversed(region.nodes):
            if self.has_effect(node) or (self.metered and self.calls(node)):
                self.fields.setdefault(node.id, set())
            if node.id in self:
                self.node(node)

    def node(self, node: Node) -> None:
        """Mark what a needed node needs.

        Where somebody reads whether a budget was exhausted, every call under it counts.
        """
        metered = node.op == "within" and self.field(node, "exhausted")
        self.metered += metered
        for region in node.regions:
            self.region(region, self.results(node, region))
        self.metered -= metered
        while node.op in ("repeat", "fold") and self.grow(node):
            self.region(node.regions[0], self.results(node, node.regions[0]))
        kept = self.carried(node)
        for name, value in node.inputs:
            if node.op == "field":
                self.fields.setdefault(value, set()).add(str(node.attr("name")))
            elif name in kept:
                self.whole.add(value)

    def grow(self, node: Node) -> bool:
        """True when the body reads a carried name that was not known to be needed."""
        before, self.kept[node.id] = self.kept.get(node.id, set()), self.carried(node)
        return self.kept[node.id] > before

    def carried(self, node: Node) -> set[str]:
        """The inputs that a needed node needs: all, but for a loop only what somebody reads."""
        names = {name for name, _ in node.inputs}
        if node.op not in ("repeat", "fold"):
            return names
        params = carried_params(node)
        return {n for n in names if n not in params or self.field(node, n) or params[n] in self}

    def results(self, node: Node, region: Region) -> set[str]:
        """The results that a region of a needed node must have."""
        names = {name for name, _ in region.results}
        if node.op not in _RECORDS:
            return names
        kept = self.carried(node)
        return {name for name in names if self.keeps(node, name, kept)}

    def keeps(self, node: Node, result: str, kept: set[str]) -> bool:
        """True when a loop or scope must have that result."""
        if result.startswith("next."):
            return result.removeprefix("next.") in kept
        return steers(node, result) or self.field(node, result)

    def field(self, node: Node, name: str) -> bool:
        """True when that field of the node's record is needed."""
        return node.id in self.whole or name in self.fields.get(node.id, ())

    def calls(self, node: Node) -> bool:
        """True when the node, or one inside it, may call a model."""
        if node.id not in self.calling:
            operator = self.operators.get(node.op)
            inside = (self.calls(n) for region in node.regions for n in region.nodes)
            self.calling[node.id] = (operator is not None and operator.samples) or any(inside)
        return self.calling[node.id]

    def has_effect(self, node: Node) -> bool:
        """True when the node, or one inside it, has an effect."""
        if node.id not in self.effects:
            operator = self.operators.get(node.op)
            inside = (self.has_effect(n) for region in node.regions for n in region.nodes)
            self.effects[node.id] = (operator is not None and operator.effect) or any(inside)
        return self.effects[node.id]


def steers(node: Node, result: str) -> bool:
    """True for the results of a loop's body that decide when it ends and which round counts."""
    return node.op == "repeat" and (
        result == "until" or (result == "score" and node.attr("keep") == "best")
    )


def carried_params(node: Node) -> dict[str, ValueId]:
    """The region parameter of each carried name of a `repeat` or `fold`."""
    names = [name for name, _ in node.inputs if node.op == "repeat" or name != "items"]
    params = node.regions[0].params[0 if node.op == "repeat" else 1 :]
    return dict(zip(names, (value for value, _ in params), strict=False))


def _rebuild(region: Region, needs: _Needs) -> Region:
    nodes = tuple(_node(node, needs) for node in region.nodes if node.id in needs)
    return replace(region, nodes=nodes) if nodes != region.nodes else region


def _node(node: Node, needs: _Needs) -> Node:
    regions = tuple(_rebuild(region, needs) for region in node.regions)
    if node.op not in _RECORDS:
        return replace(node, regions=regions) if regions != node.regions else node
    body, kept = regions[0], needs.carried(node)
    gone = {value for name, value in carried_params(node).items() if name not in kept}
    wanted = needs.results(node, node.regions[0])
    body = replace(
        body,
        params=tuple(param for param in body.params if param[0] not in gone),
        results=tuple(result for result in body.results if result[0] in wanted),
    )
    inputs = tuple(pair for pair in node.inputs if pair[0] in kept)
    return replace(node, type=_record(node, needs), inputs=inputs, regions=(body,))


def _record(node: Node, needs: _Needs) -> RecordOf:
    fields = node.type.fields if isinstance(node.type, RecordOf) else ()
    return RecordOf(tuple(pair for pair in fields if needs.field(node, pair[0])))


def _tables(graph: Graph) -> Graph:
    used = set(mentioned(graph))
    return replace(
        graph,
        models=tuple(spec for spec in graph.models if Symbol("model", spec.name) in used),
        prompts=tuple(spec for spec in graph.prompts if Symbol("prompt", spec.name) in used),
        memories=tuple(spec for spec in graph.memories if Symbol("memory", spec.name) in used),
    )


def mentioned(graph: Graph) -> Iterator[Symbol]:
    """Every symbol that a node or the domain of a hole mentions."""
    for node in walk(graph.body):
        for _, attr in node.attrs:
            yield from symbols(attr)
    for hole in graph.holes:
        if isinstance(hole.domain, Choices):
            yield from symbols(hole.domain.values)
