"""`collaborate`: a hole over whole DAGs of roles and models.

The search space of Agent-REINFORCE (arXiv 2511.00086) and GPTSwarm: node = (role, model), edge =
the source's answer goes into the target's context. Nodes are numbered from 1; the sink has the
highest number that the space has, whatever `nodes` is: with `nodes: 4 in 2..10` the graph has
the nodes 1, 2, 3 and 10. So a node keeps its address when the size changes.

Every assignment gives a valid graph, because

- edges go from lower to higher numbers only, so there is no cycle;
- a node without successors feeds the sink, so no call is wasted and the sink has a parent;
- a fuser without parents acts as an assistant, since it has nothing to merge.

By default no edge is on: all nodes but the sink are assistants side by side, and the sink fuses
them. Models are given out in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from graphdsl.compiler.lower_site import Site, When
from graphdsl.compiler.lower_static import alternatives, counted, declare
from graphdsl.ir.nodes import Attr, Choices, Hole, HoleRef, Node, ValueId
from graphdsl.ir.text import label_of
from graphdsl.ir.types import DRAFT, DRAFTS

ASSISTANT: Final = "assistant"
FUSER: Final = "fuser"

# ---- the space, when a flow is lowered


@dataclass(frozen=True, slots=True)
class _Sizes:
    """The numbers of nodes that a space allows, and the hole that decides if there is one."""

    counts: tuple[int, ...]
    hole: str | None

    @property
    def sink(self) -> int:
        """The number of the last node."""
        return max(self.counts)

    def when(self, node: int) -> When:
        """The condition under which a node is part of the graph."""
        labels = tuple(str(count) for count in self.counts if node < count)
        everywhere = node == self.sink or len(labels) == len(self.counts)
        return () if self.hole is None or everywhere else ((self.hole, labels),)


def declare_holes(site: Site, address: str, attrs: Mapping[str, Attr]) -> dict[str, Attr]:
    """Declare the holes of one call and give its attributes as the open node has them.

    A hole in `models` or `roles` adds its alternatives to what every node may choose from, so it
    is gone from the attribute, and from the graph where it was written in this call.
    """
    nodes = counted(site.shared, attrs["nodes"])
    counts = tuple(n for n in alternatives(site.shared, nodes) if isinstance(n, int))
    sizes = _Sizes(counts, nodes.address if isinstance(nodes, HoleRef) else None)
    roles, models = (_open(site, address, attrs, name) for name in ("roles", "models"))
    for node in range(1, sizes.sink + 1):
        place = replace(site, when=site.when + sizes.when(node))
        model = models[0 if node == sizes.sink else (node - 1) % len(models)]
        _choose(place, f"{address}.role.{node}", roles, _default_role(node, sizes.sink, roles))
        _choose(place, f"{address}.model.{node}", models, model)
    for i in range(1, sizes.sink):
        for j in range(i + 1, sizes.sink + 1):
            place = replace(site, when=site.when + sizes.when(i if j == sizes.sink else j))
            declare(place, f"{address}.edge.{i}.{j}", "off", Choices(("on", "off"), (True, False)))
    return {**attrs, "nodes": nodes, "roles": roles, "models": models}


def _open(site: Site, address: str, attrs: Mapping[str, Attr], name: str) -> tuple[Attr, ...]:
    """All alternatives of an attribute; holes written in it here are taken away."""
    found: dict[Attr, None] = {}
    for value in alternatives(site.shared, attrs[name]):
        found.update(dict.fromkeys(value if isinstance(value, tuple) else (value,)))
    own = f"{address}.{name}"
    for hole in [h for h in site.shared.holes if h == own or h.startswith(f"{own}.")]:
        del site.shared.holes[hole]
    return tuple(found)


def _choose(site: Site, address: str, values: tuple[Attr, ...], default: Attr) -> None:
    """A hole over these values, if there is anything to choose."""
    if len(values) > 1:
        labels = tuple(label_of(value) for value in values)
        declare(site, address, label_of(default), Choices(labels, values))


def _default_role(node: int, sink: int, roles: tuple[Attr, ...]) -> Attr:
    wanted = FUSER if node == sink else ASSISTANT
    return wanted if wanted in roles else roles[0]


# ---- the graph, when the flow is specialised


@dataclass(frozen=True, slots=True)
class _Member:
    """One node of the chosen graph: its value, what it is, and whose answers it gets."""

    id: ValueId
    role: Attr
    model: Attr
    parents: tuple[ValueId, ...]


def expand(node: Node, holes: Mapping[str, Hole], chosen: Callable[[str], Attr]) -> list[Node]:
    """The chosen graph as operators; its sink has the id of `node`.

    `chosen` gives the value of a hole. An assistant without parents draws one sample; with
    parents it revises the answer of the first in the light of the others. A fuser merges.
    """
    found: list[Node] = []
    for member in _members(node, holes, chosen):
        found += _agent(node, member)
    return found


def _members(node: Node, holes: Mapping[str, Hole], chosen: Callable[[str], Attr]) -> list[_Member]:
    count, sink = _size(node, holes, chosen)
    numbers = (*range(1, count), sink)
    parents = _parents(node, numbers, chosen)
    ids = {i: node.id if i == sink else f"{node.id}.node.{i}" for i in numbers}
    return [
        _Member(
            ids[i],
            _pick(node, holes, chosen, "role", i),
            _pick(node, holes, chosen, "model", i),
            tuple(ids[j] for j in parents[i]),
        )
        for i in numbers
    ]


def _size(node: Node, holes: Mapping[str, Hole], chosen: Callable[[str], Attr]) -> tuple[int, int]:
    """How many nodes were chosen, and the number of the sink."""
    nodes = node.attr("nodes")
    if not isinstance(nodes, HoleRef):
        return _whole(nodes), _whole(nodes)
    domain = holes[nodes.address].domain
    values = domain.values if isinstance(domain, Choices) else ()
    return _whole(chosen(nodes.address)), max(map(_whole, values))


def _whole(value: Attr) -> int:
    assert isinstance(value, int)
    return value


def _parents(
    node: Node, numbers: tuple[int, ...], chosen: Callable[[str], Attr]
) -> dict[int, list[int]]:
    """Whose answers each node gets; a node that nobody listens to feeds the sink."""
    parents: dict[int, list[int]] = {i: [] for i in numbers}
    for at, i in enumerate(numbers[:-1]):
        after = [j for j in numbers[at + 1 :] if chosen(f"{node.id}.edge.{i}.{j}")]
        for j in after or numbers[-1:]:
            parents[j].append(i)
    return parents


def _pick(
    node: Node, holes: Mapping[str, Hole], chosen: Callable[[str], Attr], kind: str, i: int
) -> Attr:
    """The role or model of a node: chosen, or the only one there is."""
    address = f"{node.id}.{kind}.{i}"
    only = node.attr(f"{kind}s")
    return chosen(address) if address in holes else only[0] if isinstance(only, tuple) else only


def _agent(node: Node, member: _Member) -> list[Node]:
    """The operators of one member."""
    question = node.input("question") or ""
    settings = tuple(pair for pair in node.attrs if pair[0] in ("temperature", "max_tokens"))
    if not member.parents:
        draws = f"{member.id}.drafts"
        attrs = (("models", (member.model,)), ("samples", 1), *settings)
        edges = (("prompt", question),)
        return [
            Node(draws, "generate", DRAFTS, edges, attrs, (), node.span),
            Node(member.id, "first", DRAFT, (("items", draws),), (), (), node.span),
        ]
    fuses = member.role == FUSER
    merged = member.parents if fuses else member.parents[1:]
    context = Node(
        f"{member.id}.parents",
        "list",
        DRAFTS,
        tuple((str(i), parent) for i, parent in enumerate(merged)),
        span=node.span,
    )
    prompt = ("prompt", node.attr("fuse" if fuses else "refine"))
    attrs = (("by", member.model), *settings, prompt)
    edges = (("drafts", context.id),) if fuses else (("draft", member.parents[0]),)
    edges += () if fuses or not merged else (("using", context.id),)
    edges += (("question", question),)
    op = "fuse" if fuses else "revise"
    agent = Node(member.id, op, DRAFT, edges, attrs, (), node.span)
    return [context, agent] if merged else [agent]
