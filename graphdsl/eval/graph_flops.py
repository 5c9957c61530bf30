"""FLOPs of a graph of model calls, before it runs (Agent-REINFORCE, arXiv 2511.00086, and code).

Every node reads the task and the outputs of its parents, and all outputs have one mean length.
Templates, prefix caching and memory traffic are not counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ModelShape:
    """`parameters` without embeddings, `layers`, and the hidden `width`."""

    parameters: float
    layers: int
    width: int

    def __post_init__(self) -> None:
        if min(self.parameters, self.layers, self.width) <= 0:
            raise ValueError(f"{self}: all three are above 0")


@dataclass(frozen=True, slots=True)
class TaskTokens:
    """Mean tokens that a task gives and that an answer has; `separator` per parent's output."""

    given: float
    answer: float
    separator: float = 0.0

    def __post_init__(self) -> None:
        if min(self.given, self.answer, self.separator) < 0:
            raise ValueError(f"{self}: tokens are at least 0")


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A model that reads the outputs of `parents` nodes, or only the best `reads` of them.

    It draws `samples` answers from one reading.
    """

    shape: ModelShape
    parents: int = 0
    reads: int | None = None
    samples: int = 1


LLAMAS: Final[Mapping[str, ModelShape]] = {
    "1B": ModelShape(1e9, 16, 2048),
    "3B": ModelShape(3e9, 28, 3072),
    "8B": ModelShape(8e9, 32, 4096),
    "70B": ModelShape(70e9, 80, 8192),
}
"""The models of the paper (Llama 3)."""

TASKS: Final[Mapping[str, TaskTokens]] = {
    "math": TaskTokens(202, 275),
    "mmlu": TaskTokens(213, 215),
    "humaneval": TaskTokens(180, 115),
}
"""The tasks of the paper."""

UNITS: Final[Mapping[str, float]] = {"math": 9.710e11, "mmlu": 8.680e11, "humaneval": 5.957e11}
"""FLOPs of the 1B model alone on a task, as published; the means above give 9.689e11 for MATH."""


def call_flops(shape: ModelShape, prompt: float, generated: float, samples: int = 1) -> float:
    """FLOPs of reading Np tokens once and drawing S texts of Nd tokens after them.

    2M Np + 2LD Np (Np + 1) and S times 2M Nd + 2LD Nd (2Np + Nd + 1). With S = 1 that is
    2MT + 2LD T (T + 1), T = Np + Nd. Raises `ValueError` for negative tokens and samples below 1.
    """
    if min(prompt, generated) < 0 or samples < 1:
        raise ValueError(
            f"{prompt} + {samples} × {generated} tokens: no tokens are below 0, and"
            " there is at least one sample"
        )
    linear, square = 2 * shape.parameters, 2 * shape.layers * shape.width
    reading = linear * prompt + square * prompt * (prompt + 1)
    writing = linear * generated + square * generated * (2 * prompt + generated + 1)
    return reading + samples * writing


def node_flops(node: GraphNode, task: TaskTokens) -> float:
    """FLOPs of a node: Np = A + d·B, with d parents, or as many as it reads, and Nd = B.

    Raises `ValueError` for a negative number of parents, and as `call_flops`.

    >>> node_flops(GraphNode(ModelShape(1e9, 16, 2048), parents=2), TaskTokens(200, 100))
    1016416768000.0
    """
    read = node.parents if node.reads is None else min(node.parents, node.reads)
    if read < 0:
        raise ValueError(f"a node with {read} parents")
    prompt = task.given + read * (task.answer + task.separator)
    return call_flops(node.shape, prompt, task.answer, node.samples)


def graph_flops(nodes: Iterable[GraphNode], task: TaskTokens) -> float:
    """FLOPs of all nodes, also of those that nothing reads."""
    return math.fsum(node_flops(node, task) for node in nodes)


def graph_units(nodes: Iterable[GraphNode], task: TaskTokens, unit: float | None = None) -> float:
    """FLOPs of a graph in units of the smallest model alone on the task: the paper's budget.

    `unit` is in FLOPs; without it, the 1B model's by the formula. Raises `ValueError` for a unit
    that is not above 0.

    >>> round(graph_units([GraphNode(LLAMAS["3B"])] * 3, TASKS["math"], UNITS["math"]), 2)
    8.96
    """
    flops = node_flops(GraphNode(LLAMAS["1B"]), task) if unit is None else unit
    if not flops > 0:
        raise ValueError(f"a unit of {flops} FLOPs is not above 0")
    return graph_flops(nodes, task) / flops


def complete_graph(
    size: int, agent: ModelShape = LLAMAS["1B"], sink: ModelShape = LLAMAS["3B"]
) -> tuple[GraphNode, ...]:
    """The most expensive graph of `size` agents and a sink: every node reads all before it.

    Its price in units is what an integer budget of the paper means.
    """
    agents = (GraphNode(agent, parents=earlier) for earlier in range(size))
    return (*agents, GraphNode(sink, parents=size))
