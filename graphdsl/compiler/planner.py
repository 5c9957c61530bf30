"""Turns a closed graph into a plan: names into slots, edges into counts, symbols into specs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, Final

from graphdsl.compiler.ranks import longest, ranked
from graphdsl.errors import PlanError
from graphdsl.ir.canonical import graph_hash
from graphdsl.ir.nodes import Attr, Graph, HoleRef, Node, Region, Symbol, ValueId
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import Operator
from graphdsl.plan import Budget, Plan, Program, Step

_CONSTANTS: Final = frozenset({"const", "absent", "list", "record"})
_UNITS: Final = frozenset(field.name for field in fields(Budget))


def plan(graph: Graph, operators: Mapping[str, Operator] = OPERATORS) -> Program:
    """The program that runs a closed, valid graph.

    Raises PlanError, naming the node, for what no plan can hold: holes, undeclared symbols,
    values that nothing makes.
    """
    if not graph.closed:
        raise PlanError(f"`{graph.flow}` has holes: specialise it before planning")
    planner = _Planner(graph, operators)
    params = tuple(given.name for given in graph.inputs)
    return Program(
        flow=graph.flow,
        plan=planner.plan(graph.body, params, {}, graph.flow),
        params=tuple((given.name, given.type) for given in graph.inputs),
        result=graph.result,
        defaults={given.name: given.default for given in graph.inputs if not given.required},
        models={spec.name: spec for spec in graph.models},
        memories={spec.name: spec for spec in graph.memories},
        graph_hash=graph_hash(graph, operators),
    )


class _Planner:
    def __init__(self, graph: Graph, operators: Mapping[str, Operator]) -> None:
        self.operators = operators
        self.specs: dict[Symbol, Any] = {
            Symbol(kind, spec.name): spec
            for kind, table in (
                ("model", graph.models),
                ("prompt", graph.prompts),
                ("memory", graph.memories),
            )
            for spec in table
        }
        self.captured: dict[int, tuple[ValueId, ...]] = {}
        self.captures(graph.body)

    def captures(self, region: Region) -> tuple[ValueId, ...]:
        """The values from around a region that it or a region inside it uses, by first use."""
        own = {name for name, _ in region.params}
        found: dict[ValueId, None] = {}
        for node in region.nodes:
            used = [value for _, value in node.inputs]
            for inner in node.regions:
                used += self.captures(inner)
            found.update((value, None) for value in used if value not in own)
            own.add(node.id)
        found.update((value, None) for _, value in region.results if value not in own)
        self.captured[id(region)] = tuple(found)
        return self.captured[id(region)]

    def plan(
        self, region: Region, params: tuple[str, ...], outer: Mapping[ValueId, int], name: str
    ) -> Plan:
        """The plan of a region whose surroundings have these slots."""
        captured = self.captured[id(region)]
        missing = [value for value in captured if value not in outer]
        if missing:
            raise PlanError(f"`{name}` uses `{missing[0]}`, which nothing before it makes")
        constants = _constants(region.nodes)
        working = [node for node in region.nodes if node.id not in constants]
        order = [value for value, _ in region.params]
        order += [*captured, *(node.id for node in working), *constants]
        slots = {value: slot for slot, value in enumerate(order)}
        steps = ranked(self.steps(working, slots, len(params) + len(captured)), self.operators)
        return Plan(
            name=name,
            params=params,
            captures=tuple(outer[value] for value in captured),
            steps=steps,
            results=tuple((result, slots[value]) for result, value in region.results),
            size=len(order),
            ready=tuple(step.index for step in steps if step.pending == 0),
            constants=tuple((slots[value], known) for value, known in constants.items()),
            length=longest(steps, self.operators),
        )

    def steps(
        self, nodes: list[Node], slots: Mapping[ValueId, int], first: int
    ) -> tuple[Step, ...]:
        """The steps of a region; step `i` fills slot `first + i`."""
        inner = [self.regions(node, slots) for node in nodes]
        waits: list[set[int]] = []
        dependents: list[list[int]] = [[] for _ in nodes]
        for index, node in enumerate(nodes):
            used = {slots[value] for _, value in node.inputs}
            used.update(slot for _, region in inner[index] for slot in region.captures)
            waits.append({slot - first for slot in used if 0 <= slot - first < len(nodes)})
            for producer in sorted(waits[index]):
                dependents[producer].append(index)
        return tuple(
            Step(
                index=index,
                address=node.id,
                op=node.op,
                slot=first + index,
                inputs=tuple((name, slots[value]) for name, value in node.inputs),
                attrs=self.attrs(node),
                regions=inner[index],
                pending=len(waits[index]),
                dependents=tuple(dependents[index]),
            )
            for index, node in enumerate(nodes)
        )

    def regions(self, node: Node, slots: Mapping[ValueId, int]) -> tuple[tuple[str, Plan], ...]:
        """The plans of a node's regions."""
        params = _names(node)
        return tuple(
            (region.name, self.plan(region, params, slots, f"{node.id}.{region.name}"))
            for region in node.regions
        )

    def attrs(self, node: Node) -> dict[str, Any]:
        """The attributes of a step; a typed operator is told the type that it must give."""
        operator = self.operators.get(node.op)
        typed = operator is not None and operator.typed
        told = {"type": str(node.type)} if typed else {}
        return {name: self.attr(node, name, value) for name, value in node.attrs} | told

    def attr(self, node: Node, name: str, value: Attr) -> Any:
        """An attribute as the engine reads it."""
        if node.op == "within" and name == "budget":
            return _budget(node, value)
        return self.resolved(node, value)

    def resolved(self, node: Node, value: Attr) -> Any:
        """A compile-time value with its symbols looked up."""
        match value:
            case tuple():
                return tuple(self.resolved(node, item) for item in value)
            case Symbol() if value not in self.specs:
                raise PlanError(f"`{node.id}` needs the {value.kind} `{value.name}`: undeclared")
            case Symbol():
                return self.specs[value]
            case HoleRef(address):
                raise PlanError(f"`{node.id}` still has the hole `{address}`")
            case _:
                return value


def _names(node: Node) -> tuple[str, ...]:
    """The names of the parameters of a node's regions."""
    carried = tuple(name for name, _ in node.inputs if node.op == "repeat" or name != "items")
    match node.op:
        case "repeat":
            return carried
        case "each" | "fold":
            variable = node.regions[0].params[0][0].rpartition(".")[2]
            return (variable, *carried)
        case _:
            return ()


def _constants(nodes: Iterable[Node]) -> dict[ValueId, Any]:
    """Literals, and lists and records of them, by the node that makes them."""
    known: dict[ValueId, Any] = {}
    for node in nodes:
        if node.op in _CONSTANTS and all(value in known for _, value in node.inputs):
            known[node.id] = _constant(node, {name: known[value] for name, value in node.inputs})
    return known


def _constant(node: Node, parts: dict[str, Any]) -> Any:
    match node.op:
        case "list":
            return tuple(parts.values())
        case "record":
            return parts
        case _:
            return node.attr("value")


def _budget(node: Node, pairs: Attr) -> Budget:
    limits: dict[str, Any] = {}
    for pair in pairs if isinstance(pairs, tuple) else ():
        unit, limit = pair if isinstance(pair, tuple) else (str(pair), None)
        if unit not in _UNITS:
            raise PlanError(f"`{node.id}` limits `{unit}`, which no budget counts")
        limits[str(unit)] = min(limit, limits.get(str(unit), limit))  # pyright: ignore[reportArgumentType, reportUnknownArgumentType]
    return Budget(**limits)
