"""What tests of lowering share: from a text to its graph."""

from __future__ import annotations

from graphdsl.compiler.lower import lower
from graphdsl.compiler.modules import load
from graphdsl.compiler.program import Module
from graphdsl.diagnostics import Source, has_errors
from graphdsl.ir.nodes import Graph, Node, walk

PRELUDE = """edition "2026"
model sim { backend = simulated }
model alt { backend = simulated }
pool both = [sim, alt]
memory notes {}
"""


def module_of(text: str) -> Module:
    """The module of a text without errors of syntax."""
    module, diagnostics, _ = load(Source("<test>", text))
    assert module is not None
    assert not has_errors(diagnostics), diagnostics
    return module


def graph_of(flows: str, flow: str = "main") -> Graph:
    """The open graph of a flow that is written after the prelude."""
    return lower(module_of(PRELUDE + flows), flow)


def node_at(graph: Graph, address: str) -> Node:
    """The node of that address."""
    return next(node for node in walk(graph.body) if node.id == address)


def ops_of(graph: Graph) -> list[str]:
    """The ops of all nodes, outer before inner."""
    return [node.op for node in walk(graph.body)]
