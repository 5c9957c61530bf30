"""The identity of a graph: one hash for all graphs that differ only in names and free order.

What enters the hash
    flow inputs by name, type, default; the result type; every needed node by op and attributes;
    every edge by parameter; regions, carried values, exports, captures; models by backend, model
    and options; prompts by parameters and templates; memories by store and options; holes by
    domain, default, conditions and by who uses them; sharing (one `generate` read twice is not
    two equal ones, whose samples are independent).
What does not
    ids, spans, names of the flow, of declarations, of holes, and of loop exports that are only
    read as fields; node order; types inside; dead nodes; labels of alternatives that are entities;
    `1` versus `1.0`; the order of `and`, `or`, `==`, `!=`; the order of edges that an operator
    calls `unordered`, also through `list`, `concat`, `complete`, and of the models and
    temperatures of a `generate`, where no reader sees it. `vote` counts as such a reader-free
    place: which of equal answers speaks for them, and who wins a tie, may differ between graphs
    of one hash, as it may between two seeds. So the hash says "the same ensemble"; it is no key
    for results, which belong to calls.

Method: colour refinement (Weisfeiler & Leman 1968) on the graph of `vertices`, in alternating
sweeps along and against the edges, until no colour class splits. Graphs whose order is all fixed
are told apart exactly; ensembles that refinement cannot tell apart (regular patterns of equal,
unordered members) would share a hash.
"""

from __future__ import annotations

from hashlib import sha256

from graphdsl.ir.nodes import Graph
from graphdsl.ir.prune import prune
from graphdsl.ir.signatures import Operators
from graphdsl.ir.vertices import Edge, Vertices

_VERSION = "graphdsl graph 1"


def graph_hash(graph: Graph, operators: Operators) -> str:
    """SHA-256 (hex) that identifies a valid graph up to renaming and free order.

    The same in every process and on every machine. See the module for what counts.
    """
    vertices = Vertices(prune(graph, operators), operators)
    colours = _refine([_digest(repr(label)) for label in vertices.labels], vertices.edges)
    return sha256(b"".join([_VERSION.encode(), *sorted(colours)])).hexdigest()


def _refine(colours: list[bytes], edges: list[list[Edge]]) -> list[bytes]:
    """Colours that no further sweep would split."""
    tags = _Tags()
    sources = [[(tags[name], source) for name, source in into] for into in edges]
    targets: list[list[tuple[bytes, int]]] = [[] for _ in edges]
    for target, into in enumerate(sources):
        for tag, source in into:
            targets[source].append((tag, target))
    classes, before = len(set(colours)), 0
    while classes > before:
        _sweep(colours, sources, range(len(colours)))
        _sweep(colours, targets, range(len(colours) - 1, -1, -1))
        classes, before = len(set(colours)), classes
    return colours


def _sweep(colours: list[bytes], beside: list[list[tuple[bytes, int]]], order: range) -> None:
    """Give each vertex a colour made of its own and those beside it, which come first in order."""
    for vertex in order:
        around = sorted([tag + colours[other] for tag, other in beside[vertex]])
        colours[vertex] = sha256(b"".join([colours[vertex], *around])).digest()


class _Tags(dict[str, bytes]):
    """Edge names as bytes of one length, so that what is hashed can be read in one way only."""

    def __missing__(self, name: str) -> bytes:
        tag = self[name] = _digest(name)
        return tag


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
