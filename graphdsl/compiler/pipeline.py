"""Runs passes over a graph, checking the specification after each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from graphdsl.compiler.passes import PASSES
from graphdsl.compiler.passes.abc import Pass
from graphdsl.ir.nodes import Graph
from graphdsl.ir.spec import verify
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import Operator

Observer = Callable[[Pass, Graph, Graph, float], None]
"""Is told of every pass: the pass, the graph before and after it, and its seconds."""


def ignore(step: Pass, before: Graph, after: Graph, seconds: float) -> None:
    """An observer that wants to know nothing."""


def optimise(
    graph: Graph,
    passes: Sequence[Pass] = PASSES,
    after: Observer = ignore,
    operators: Mapping[str, Operator] = OPERATORS,
) -> Graph:
    """The graph with the same answers after all passes; it may be open or closed.

    Seconds are those of the pass alone, without the check. Raises PlanError when the graph is
    invalid, naming the pass that broke it.
    """
    verify(graph, "closed" if graph.closed else "open", operators)
    for step in passes:
        start = perf_counter()
        rewritten = step(graph)
        seconds = perf_counter() - start
        verify(rewritten, step.stage if rewritten.closed else "open", operators, step.name)
        after(step, graph, rewritten, seconds)
        graph = rewritten
    return graph
