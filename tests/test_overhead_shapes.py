"""The graphs of `benchmarks/overhead.py`: what they look like, and that ours runs all of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from benchmarks.overhead_parts import on_asyncio, on_graphdsl
from benchmarks.overhead_parts.contender import Build
from benchmarks.overhead_parts.shapes import SHAPES, Work
from benchmarks.overhead_parts.stub import Stub

BUILDS = (
    on_asyncio.build,
    on_graphdsl.build,
    on_graphdsl.traced,
    on_graphdsl.in_memory,
    on_graphdsl.durable,
)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_graph_has_about_as_many_nodes_as_asked_and_needs_only_earlier_ones(shape: str) -> None:
    for nodes in (20, 100, 1000):
        edges = Work(shape, nodes).edges
        assert 0.6 * nodes <= len(edges) <= 1.5 * nodes
        assert all(source < index for index, sources in enumerate(edges) for source in sources)


@pytest.mark.parametrize(
    ("shape", "nodes", "steps"),
    [("chain", 7, 7), ("fan", 7, 3), ("layers", 30, 3), ("tree", 7, 3), ("diamonds", 8, 6)],
)
def test_the_critical_path_is_that_of_the_slowest_needed_branch(
    shape: str, nodes: int, steps: int
) -> None:
    assert Work(shape, nodes, "100ms").critical_path == pytest.approx(steps * 0.1)


def test_latencies_are_the_same_in_every_process() -> None:
    fixed = [Work("tree", 7, latency).seconds[0] for latency in ("0", "10ms", "100ms")]
    assert fixed == [0.0, 0.01, 0.1]
    assert Work("tree", 7, "tail").seconds[:2] == pytest.approx([0.0070054, 0.0132201], rel=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("build", BUILDS)
async def test_every_node_is_run(
    build: Build, shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where the journals go
    work, stub = Work(shape, 40), Stub()
    await build(work, stub)()
    least = len(work.edges) * (3 if work.early else 4) // 4
    assert least <= stub.begun <= len(work.edges)
