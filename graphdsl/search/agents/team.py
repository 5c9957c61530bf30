"""The nodes and edges of one `collaborate` as a searcher of graphs sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.meaning import EDGE
from graphdsl.search.space import Parameter, Space
from graphdsl.search.strategies.points import completed, levels

ASSISTANT: Final = "assistant"
FUSER: Final = "fuser"

Edge = tuple[int, int]
"""The numbers of source and target; the source has the lower one."""


@dataclass(frozen=True, slots=True)
class Team:
    """A `collaborate` node by its address; `sink` is the highest number of a node."""

    space: Space
    address: str
    sink: int
    by_address: Mapping[str, Parameter]

    @staticmethod
    def of(space: Space) -> Team | None:
        """The first team of a space; None where there is none."""
        edges = [match for one in space.parameters if (match := EDGE.fullmatch(one.address))]
        if not edges:
            return None
        address = edges[0][1]
        sink = max(int(edge[3]) for edge in edges if edge[1] == address)
        return Team(space, address, sink, {one.address: one for one in space.parameters})

    def edge(self, edge: Edge) -> str:
        """The address of an edge."""
        return f"{self.address}.edge.{edge[0]}.{edge[1]}"

    def possible(self, point: Assignment) -> list[Edge]:
        """The edges that there can be at a point, in order."""
        found = [EDGE.fullmatch(address) for address in point]
        own = [match for match in found if match and match[1] == self.address]
        return sorted((int(match[2]), int(match[3])) for match in own)

    def members(self, point: Assignment) -> list[int]:
        """The numbers of the nodes of a point; the last one is the sink."""
        return sorted({number for edge in self.possible(point) for number in edge})

    def edges(self, point: Assignment) -> list[Edge]:
        """The edges that are on."""
        return [edge for edge in self.possible(point) if point[self.edge(edge)] == "on"]

    def at(self, point: Assignment, kind: str, node: int) -> str | None:
        """The `role` or `model` of a node, where there is a choice."""
        value = point.get(f"{self.address}.{kind}.{node}")
        return None if value is None else str(value)

    def wired(self, point: Assignment, edges: Iterable[Edge]) -> Assignment:
        """The point with exactly these edges, of those that there can be."""
        wanted = set(edges)
        states = {self.edge(e): "on" if e in wanted else "off" for e in self.possible(point)}
        return completed(self.space, {**point, **states})

    def cast(self, point: Assignment, roles: Mapping[int, str]) -> Assignment:
        """The point with these roles, where nodes can have them."""
        changes: Assignment = {}
        for node, role in roles.items():
            parameter = self.by_address.get(f"{self.address}.role.{node}")
            if parameter is not None and role in parameter.labels and parameter.address in point:
                changes[parameter.address] = role
        return completed(self.space, {**point, **changes})

    def drawn(
        self, point: Assignment, chance: Callable[[Edge], float], random: Random
    ) -> Assignment:
        """The point with edges drawn by their chances, and roles as the paper's code draws them."""
        edges = [edge for edge in self.possible(point) if random.random() < chance(edge)]
        wired = self.wired(point, edges)
        return self.cast(wired, self.roles(wired))

    def roles(self, point: Assignment) -> dict[int, str]:
        """Roles in the order of the nodes: one whose parents are all assistants fuses them (the
        code adds ½ to the even chance), all others are assistants. The sink keeps its role."""
        parents: dict[int, list[int]] = {}
        for source, target in self.edges(point):
            parents.setdefault(target, []).append(source)
        found: dict[int, str] = {}
        for node in self.members(point)[:-1]:
            above = [found[parent] for parent in parents.get(node, [])]
            found[node] = FUSER if above and FUSER not in above else ASSISTANT
        return found

    def smaller(
        self, point: Assignment, rank: Callable[[str], float], random: Random
    ) -> Assignment | None:
        """The point without one random node of the smallest model; None where no size has one
        node less. The nodes after it move up."""
        members = self.members(point)
        models = {node: self.at(point, "model", node) or "" for node in members[:-1]}
        least = min((rank(model) for model in models.values()), default=0.0)
        gone = random.choice([node for node in models if rank(models[node]) == least] or [0])
        kept = [node for node in members if node != gone]
        start = self.sized(point, len(kept))
        if start is None or not gone:
            return None
        moved = dict(zip(kept, self.members(start), strict=True))
        changes = {
            f"{self.address}.{kind}.{moved[node]}": value
            for kind in ("role", "model")
            for node in kept
            if (value := self.at(point, kind, node)) is not None
        }
        edges = [(moved[a], moved[b]) for a, b in self.edges(point) if gone not in (a, b)]
        return self.wired(completed(self.space, {**start, **changes}), edges)

    def sized(self, point: Assignment, count: int) -> Assignment | None:
        """The point with so many nodes; None where the space has no such size."""
        if len(self.members(point)) == count:
            return point
        names = [
            address
            for one in self.space.parameters
            if one.address.startswith(f"{self.address}.edge.")
            for address, _ in one.when
        ]
        for address in dict.fromkeys(names):
            for value in levels(self.by_address[address], 64):
                other = completed(self.space, {**point, address: value})
                if len(self.members(other)) == count:
                    return other
        return None


def graph_text(team: Team, point: Assignment) -> list[str]:
    """One line per node: number, model, role, parents and children, as the paper shows graphs."""
    edges, members = team.edges(point), team.members(point)
    lines: list[str] = []
    for node in members:
        parents = [str(a) for a, b in edges if b == node]
        children = [str(b) for a, b in edges if a == node]
        said = [value for kind in ("model", "role") if (value := team.at(point, kind, node))]
        last = node == members[-1]
        rest = [] if last else [f"feeds {' '.join(children) or members[-1]}"]
        rest = [f"reads {' '.join(parents)}", *rest] if parents else rest
        lines.append(f"node {node}{' (last)' if last else ''}: {', '.join([*said, *rest])}")
    return lines


def edges_of(items: Sequence[tuple[object, object]]) -> list[Edge]:
    """Pairs of numbers as edges; what is none is left out."""
    return [(a, b) for a, b in items if isinstance(a, int) and isinstance(b, int) and 0 < a < b]
