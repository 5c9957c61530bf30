"""Attaches stop rules to lists of samples whose reader needs only some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

from graphdsl.compiler.passes.confidence import Confidence
from graphdsl.compiler.passes.readers import Readers, Reading
from graphdsl.ir.nodes import Attr, Graph, Node, Region, ValueId, walk
from graphdsl.ir.subject import Stage
from graphdsl.ops.quorum import least_items
from graphdsl.ops.race import race_rule
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import Operator
from graphdsl.ops.vote import stop_rule

Rule = tuple[Attr, ...]
"""The attribute `until`, as `graphdsl.ops.quorum` reads it."""


@dataclass(frozen=True, slots=True)
class Quorum:
    """Say at `generate` and `each` when the rest of their list cannot change an answer.

    By itself it attaches exact rules only: for a `vote` whose confidence nobody sees, and for
    `first` or `take` of the list, of its `complete` drafts, or of what is `passing`. Where `stop`,
    `enough` or a `race` asks for a rule it attaches that one. The list must have no other reader,
    and the body of an `each` no effect. A vote whose votes weigh differently has no rule. A run
    whose budget would have been exhausted may get further; errors of samples that are not needed
    are not met; any other run gives the same answer, unless the order of arrival was asked for.
    """

    name: ClassVar[str] = "quorum"
    stage: ClassVar[Stage] = "optimised"
    operators: Mapping[str, Operator] = field(default_factory=lambda: OPERATORS, repr=False)

    def __call__(self, graph: Graph) -> Graph:
        """The graph with rules attached; open graphs, whose holes decide, are left alone."""
        if not graph.closed:
            return graph
        found = dict(_Search(graph, self.operators).rules())
        body = _attached(graph.body, found)
        return graph if body == graph.body else replace(graph, body=body)


class _Search:
    def __init__(self, graph: Graph, operators: Mapping[str, Operator]) -> None:
        self.graph = graph
        self.operators = operators
        self.readers = Readers(graph)
        self.confidence = Confidence(graph, self.readers)

    def rules(self) -> Iterator[tuple[ValueId, Rule]]:
        """The lists that need not be made to their end, and why."""
        for node in walk(self.graph.body):
            if not self.stoppable(node):
                continue
            rule, most = self.needed(node.id, "items"), self.most(node)
            if rule is not None and least_items(rule, most) < most:
                yield node.id, rule

    def most(self, node: Node) -> int:
        """How many items the list can have."""
        if node.op == "each":
            return cast(int, node.attr("bound"))
        return self.operators[node.op].calls(dict(node.attrs)).high

    def stoppable(self, node: Node) -> bool:
        """True for a list of which the first items can be had without the others."""
        if node.op == "generate":
            return node.attr("enough") is None
        inside = (inner for region in node.regions for inner in walk(region))
        return node.op == "each" and not any(self.effect(inner) for inner in inside)

    def effect(self, node: Node) -> bool:
        operator = self.operators.get(node.op)
        return operator is not None and operator.effect

    def needed(self, value: ValueId, what: str) -> Rule | None:
        """The rule for a list of which `what` counts, by those who read it."""
        readings = self.readers.of(value)
        counts = [count for reading in readings if (count := _first(reading)) is not None]
        if counts and len(counts) == len(readings) and what != "scored":
            return (what, max(counts))
        if len(readings) != 1 or readings[0].result or readings[0].node is None:
            return None
        return self.read(readings[0].node, readings[0].name, what)

    def read(self, node: Node, name: str, what: str) -> Rule | None:
        """The rule by the only reader of a list."""
        match node.op, name, what:
            case "vote", "drafts", "items":
                return self.voted(node)
            case "vote", "drafts", "complete" if node.attr("stop") is None:
                return self.voted(node)  # a rule asked for counts the drafts that it is given
            case "race", "drafts", "items" | "complete":
                return race_rule(dict(node.attrs))
            case "complete", "drafts", "items":
                return self.needed(node.id, "complete")
            case "passing", "verdicts", "items":
                enough = node.attr("enough")
                return self.needed(node.id, "passed") if enough is None else ("any_passed", enough)
            case "scored", "verdicts", "items":
                return self.needed(node.id, "scored")
            case "best", "drafts", "scored" if node.attr("stop") is not None:
                return ("perfect", 1)
            case _:
                return None

    def voted(self, node: Node) -> Rule | None:
        """The rule that a vote asks for, or the exact one where nothing else can be seen."""
        given = dict(node.attrs)
        if given.get("stop") is None and not self.confidence.shows(node.id):
            given["stop"] = "decided"
        return stop_rule(given)


def _first(reading: Reading) -> int | None:
    """How many items, from the first on, a reader looks at; None when it may look at all."""
    node = reading.node
    if node is None or reading.result or reading.name != "items":
        return None
    match node.op, node.attr("count"):
        case "first", _:
            return 1
        case "take", int() | float() as count if count >= 1:
            return int(count)
        case _:
            return None


def _attached(region: Region, rules: Mapping[ValueId, Rule]) -> Region:
    """A region whose lists have their rules, and no others."""
    return replace(region, nodes=tuple(_node(node, rules) for node in region.nodes))


def _node(node: Node, rules: Mapping[ValueId, Rule]) -> Node:
    regions = tuple(_attached(region, rules) for region in node.regions)
    if node.op not in ("generate", "each"):
        return replace(node, regions=regions)
    attrs = [pair for pair in node.attrs if pair[0] != "until"]
    attrs += [("until", rules[node.id])] if node.id in rules else []
    return replace(node, regions=regions, attrs=tuple(attrs))
