"""Cost models: the published numbers, and identities that hold for all."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.eval import (
    LLAMAS,
    TASKS,
    UNITS,
    AttentionShape,
    GraphNode,
    ModelShape,
    TaskTokens,
    additive_stage_cost,
    affordable_samples,
    call_flops,
    complete_graph,
    dense_eflops,
    genrm_cost,
    graph_flops,
    graph_units,
    node_flops,
    sparse_eflops,
    stage_cost,
)

QWEN_2B = AttentionShape(2.03e9, heads=16, kv_heads=8, width=3584)
QWEN_14B = AttentionShape(14.77e9, heads=40, kv_heads=8, width=5120)
MATH = TASKS["math"]


# ---- Kinetics


def test_golden_eflops() -> None:
    assert dense_eflops(QWEN_2B, 256, 8192, trials=16).total == pytest.approx(3.54e16, rel=2e-3)
    assert dense_eflops(QWEN_14B, 256, 8192).total == pytest.approx(3.56e15, rel=2e-3)


def test_eflops_counted_token_by_token() -> None:
    """Each token multiplies with all weights, and attends to all before it."""
    shape, prompt, length, trials = AttentionShape(1000, 4, 2, 6), 10, 40, 3
    before = [prompt + i + 0.5 for i in range(length)]
    work = sum(2 * 1000 + 4 * 4 * 6 * seen for seen in before) * trials
    own = sum(4 * 2 * 6 * (seen - prompt) for seen in before) * trials
    shared = 4 * 2 * 6 * prompt * length
    cost = dense_eflops(shape, prompt, length, trials, intensity=7)
    assert cost.compute == pytest.approx(work)
    assert cost.memory == pytest.approx(7 * (own + shared))


@given(st.floats(0, 500), st.floats(1, 500), st.integers(1, 9))
def test_a_budget_beyond_the_text_is_dense_attention(
    prompt: float, length: float, trials: int
) -> None:
    """But for the keys of the prompt, which trials do not share there."""
    dense = dense_eflops(QWEN_2B, prompt, length, trials)
    sparse = sparse_eflops(QWEN_2B, prompt, length, trials, budget=prompt + length)
    alone = dense_eflops(QWEN_2B, prompt, length)
    assert sparse.compute == pytest.approx(dense.compute)
    assert sparse.memory == pytest.approx(alone.memory * trials)


def test_sparse_eflops_counted_token_by_token() -> None:
    for prompt, budget in product((0, 10, 60), (4, 30, 100)):
        seen = sum(min(budget, prompt + i + 0.5) for i in range(40))
        shape = AttentionShape(1000, 4, 2, 6)
        cost = sparse_eflops(shape, prompt, 40, trials=3, intensity=7, budget=budget)
        assert cost.compute == pytest.approx((2 * 1000 * 40 + 4 * seen * 4 * 6) * 3)
        assert cost.memory == pytest.approx(4 * seen * 2 * 6 * 3 * 7)


def test_blocks_add_what_finding_them_costs() -> None:
    shape = AttentionShape(1000, 4, 2, 6)
    plain = sparse_eflops(shape, 10, 40, trials=3, intensity=7, budget=16)
    blocks = sparse_eflops(shape, 10, 40, trials=3, intensity=7, budget=16, block=16)
    assert blocks.compute - plain.compute == (60 // 16) * 40 * 4 * 6 * 3
    assert blocks.memory - plain.memory == (140 // 16) * 40 * 2 * 6 * 7


def test_several_lengths_give_the_mean() -> None:
    one, other = (dense_eflops(QWEN_2B, 256, length).total for length in (100, 900))
    assert dense_eflops(QWEN_2B, 256, [100, 900]).total == pytest.approx((one + other) / 2)
    assert dense_eflops(QWEN_2B, 256, [100, 900]).total > dense_eflops(QWEN_2B, 256, 500).total


# ---- Agent-REINFORCE


def test_golden_node_flops() -> None:
    node = GraphNode(ModelShape(1e9, 16, 2048), parents=2)
    assert node_flops(node, TaskTokens(200, 100)) == 1.016416768e12


@pytest.mark.parametrize(
    ("model", "costs"),
    [
        ("1B", (1.00, 1.59, 2.19, 2.80, 3.42, 6.00)),
        ("3B", (2.99, 4.75, 6.53, 8.35, 10.19, 17.81)),
        ("8B", (7.92, 12.54, 17.21, 21.91, 26.66, 46.05)),
        ("70B", (69.1, 109.2, 149.5, 190.0, 230.7, 395.7)),
    ],
)
def test_golden_nodes_in_units(model: str, costs: tuple[float, ...]) -> None:
    for parents, cost in zip((0, 1, 2, 3, 4, 8), costs, strict=True):
        units = graph_units([GraphNode(LLAMAS[model], parents)], MATH, UNITS["math"])
        assert units == pytest.approx(cost, abs=0.006 if cost < 60 else 0.06)


@pytest.mark.parametrize(
    ("count", "model", "fuser", "units"),
    [
        (3, "3B", None, 8.96),
        (3, "3B", "3B", 17.31),
        (5, "3B", "3B", 26.99),
        (9, "1B", None, 8.98),
        (9, "1B", "3B", 28.77),
        (5, "8B", None, 39.61),
        (5, "8B", "3B", 51.66),
    ],
)
def test_golden_graphs_in_units(count: int, model: str, fuser: str | None, units: float) -> None:
    nodes = [GraphNode(LLAMAS[model])] * count
    if fuser:
        nodes.append(GraphNode(LLAMAS[fuser], parents=count))
    assert round(graph_units(nodes, MATH, UNITS["math"]), 2) == units


@pytest.mark.parametrize(
    ("task", "sizes", "units"),
    [
        ("math", (1, 2, 4, 8, 12, 16), (5.7, 9.1, 17.8, 42.9, 79.0, 126.7)),
        ("mmlu", (4, 8, 12), (16.3, 38.5, 70.0)),
        ("humaneval", (4, 8, 12), (14.2, 31.9, 56.4)),
    ],
)
def test_golden_budgets(task: str, sizes: tuple[int, ...], units: tuple[float, ...]) -> None:
    for size, expected in zip(sizes, units, strict=True):
        found = graph_units(complete_graph(size), TASKS[task], UNITS[task])
        assert round(found, 1) == expected


@pytest.mark.parametrize("task", TASKS)
def test_the_unit_of_the_formula_is_that_of_the_paper(task: str) -> None:
    assert node_flops(GraphNode(LLAMAS["1B"]), TASKS[task]) == pytest.approx(UNITS[task], rel=3e-3)
    assert graph_units([GraphNode(LLAMAS["1B"])], TASKS[task]) == 1


SHAPES = st.builds(ModelShape, st.floats(1e6, 1e11), st.integers(1, 100), st.integers(1, 9999))


@given(SHAPES, st.integers(0, 4000), st.integers(0, 4000))
def test_reading_and_writing_is_one_polynomial(
    shape: ModelShape, prompt: int, generated: int
) -> None:
    tokens = prompt + generated
    square = 2 * shape.layers * shape.width * tokens * (tokens + 1)
    expected = 2 * shape.parameters * tokens + square
    assert call_flops(shape, prompt, generated) == pytest.approx(expected, rel=1e-12)


def test_a_node_is_quadratic_in_its_parents() -> None:
    shape, (a, b) = LLAMAS["3B"], (MATH.given, MATH.answer)
    m, ld = shape.parameters, shape.layers * shape.width
    for d in range(9):
        alpha, beta = 2 * ld * b**2, 2 * b * (m + ld * (2 * (a + b) + 1))
        gamma = 2 * m * (a + b) + 2 * ld * (a + b) * (a + b + 1)
        expected = alpha * d**2 + beta * d + gamma
        assert node_flops(GraphNode(shape, d), MATH) == pytest.approx(expected, rel=1e-12)


def test_samples_share_one_reading() -> None:
    shape = LLAMAS["1B"]
    reading = call_flops(shape, 500, 0)
    one = call_flops(shape, 500, 100)
    assert call_flops(shape, 500, 100, samples=4) == pytest.approx(reading + 4 * (one - reading))


def test_a_fuser_reads_only_its_best_and_separators_count() -> None:
    fuser = LLAMAS["3B"]
    capped = GraphNode(fuser, parents=9, reads=3)
    assert node_flops(capped, MATH) == node_flops(GraphNode(fuser, 3), MATH)
    assert graph_flops([GraphNode(fuser, 1, reads=3)], MATH) == node_flops(
        GraphNode(fuser, 1), MATH
    )
    spaced = TaskTokens(202, 275, separator=5)
    assert node_flops(GraphNode(fuser, 2), spaced) == call_flops(fuser, 202 + 2 * 280, 275)


# ---- AgentTTS and GenRM


@pytest.mark.parametrize(
    ("parameters", "prompt", "generated", "samples", "cost"),
    [
        (3e9, 128, 64, 1, 1),
        (8e9, 1024, 128, 5, 67.333),
        (72e9, 2048, 128, 1, 814),
        (70e9, 256, 64, 1, 114.667),
        (3e9, 256, 64, 1, 3),
        (3e9, 256, 64, 10, 12),
        (8e9, 256, 64, 10, 35.333),
        (1e9, 128, 64, 1, -1),
    ],
)
def test_golden_stage_costs(
    parameters: float, prompt: int, generated: int, samples: int, cost: float
) -> None:
    assert round(stage_cost(parameters, prompt, generated, samples), 3) == cost


@given(st.floats(1e8, 1e11), st.integers(0, 4000), st.integers(1, 2000), st.integers(1, 200))
def test_affordable_samples_invert_the_stage_cost(
    parameters: float, prompt: int, generated: int, samples: int
) -> None:
    cost = stage_cost(parameters, prompt, generated, samples)
    assert affordable_samples(cost, parameters, prompt, generated) == samples


@given(st.floats(1e8, 1e11), st.integers(0, 4000), st.integers(0, 2000), st.integers(1, 200))
def test_the_published_form_is_the_additive_one_less_a_constant(
    parameters: float, prompt: int, generated: int, samples: int
) -> None:
    cost = stage_cost(parameters, prompt, generated, samples)
    additive = additive_stage_cost(parameters, prompt, generated, samples)
    assert cost == pytest.approx(3 * additive - 2)
    assert additive >= 0


def test_too_little_affords_no_sample() -> None:
    assert affordable_samples(-1, 3e9, 128, 64) == 0


def test_the_golden_genrm_cost() -> None:
    assert genrm_cost(8, 4, ratio=2) == 72
    assert genrm_cost(8, 0) == 8


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: AttentionShape(0, 1, 1, 1), "all four are above 0"),
        (lambda: dense_eflops(QWEN_2B, -1, 10), "tokens are at least 0"),
        (lambda: dense_eflops(QWEN_2B, 1, []), "no generated length"),
        (lambda: dense_eflops(QWEN_2B, 1, 10, trials=0), "0 trials"),
        (lambda: sparse_eflops(QWEN_2B, 1, 10, budget=0), "a budget of 0 tokens"),
        (lambda: sparse_eflops(QWEN_2B, 1, 10, budget=9, block=0), "blocks of 0"),
        (lambda: ModelShape(1e9, 0, 1), "all three are above 0"),
        (lambda: TaskTokens(-1, 2), "tokens are at least 0"),
        (lambda: node_flops(GraphNode(LLAMAS["1B"], -1), MATH), "a node with -1 parents"),
        (lambda: call_flops(LLAMAS["1B"], 5, 5, samples=0), "at least one sample"),
        (lambda: graph_units([], MATH, 0), "a unit of 0 FLOPs"),
        (lambda: stage_cost(0, 1, 1), "parameters are above 0"),
        (lambda: stage_cost(1e9, 1, 1, samples=0), "samples at least 1"),
        (lambda: affordable_samples(5, 1e9, 1, 0), "they need more than 0"),
        (lambda: genrm_cost(1, -1), "none is below 0"),
    ],
)
def test_what_cannot_be_is_a_value_error(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()
