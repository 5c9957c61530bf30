"""`collaborate`: its holes, and the graph of every assignment."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.compiler.specialise import specialise
from graphdsl.ir.nodes import Assignment, Graph, Node, Symbol, walk
from graphdsl.ir.spec import verify
from graphdsl.ops.registry import OPERATORS
from graphdsl.search.space import Space
from tests.compiler.lowering import graph_of, node_at, ops_of


def collaboration(arguments: str) -> Graph:
    """A flow that is one call of `collaborate`."""
    flow = f"flow main(q: Text) -> Draft {{\n  out = collaborate(q, {arguments})\n  return out\n}}"
    return graph_of(flow)


THREE = "nodes: 3, roles: [assistant, fuser], models: both"
GROWING = "nodes: 3 in 2..5, roles: [assistant, fuser], models: both"


def heard(graph: Graph, address: str) -> list[str]:
    """Whose answers a node gets, in order."""
    node = node_at(graph, address)
    found = [value for name, value in node.inputs if name == "draft"]
    for name in ("using", "drafts"):
        source = node.input(name)
        if source is not None:
            found += [value for _, value in node_at(graph, source).inputs]
    return found


def test_every_node_has_a_role_and_a_model_and_every_pair_an_edge() -> None:
    assert [hole.address.removeprefix("main.out.") for hole in collaboration(THREE).holes] == [
        "role.1",
        "model.1",
        "role.2",
        "model.2",
        "role.3",
        "model.3",
        "edge.1.2",
        "edge.1.3",
        "edge.2.3",
    ]


def test_by_default_assistants_work_side_by_side_and_the_last_fuses_them() -> None:
    closed = specialise(collaboration(THREE))
    assert ops_of(closed) == ["generate", "first", "generate", "first", "list", "fuse"]
    assert heard(closed, "main.out") == ["main.out.node.1", "main.out.node.2"]


def test_models_are_given_out_in_turn() -> None:
    closed = specialise(collaboration(THREE))
    models = [node.attr("models") or node.attr("by") for node in walk(closed.body)]
    assert [model for model in models if model is not None] == [
        (Symbol("model", "sim"),),
        (Symbol("model", "alt"),),
        Symbol("model", "sim"),
    ]


def test_an_edge_brings_an_answer_into_the_context_of_the_next() -> None:
    closed = specialise(collaboration(THREE), {"main.out.edge.1.2": "on"})
    assert node_at(closed, "main.out.node.2").op == "revise"
    assert heard(closed, "main.out.node.2") == ["main.out.node.1"]
    assert heard(closed, "main.out") == ["main.out.node.2"]


def test_a_node_may_feed_the_sink_and_another() -> None:
    pins: Assignment = {"main.out.edge.1.2": "on", "main.out.edge.1.3": "on"}
    closed = specialise(collaboration(THREE), pins)
    assert heard(closed, "main.out") == ["main.out.node.1", "main.out.node.2"]


def test_an_assistant_with_several_parents_revises_the_first_in_the_light_of_the_others() -> None:
    closed = specialise(collaboration(THREE), {"main.out.role.3": "assistant"})
    sink = node_at(closed, "main.out")
    assert (sink.op, sink.input("draft")) == ("revise", "main.out.node.1")
    assert heard(closed, "main.out") == ["main.out.node.1", "main.out.node.2"]


def test_a_fuser_without_parents_acts_as_an_assistant() -> None:
    as_fuser = specialise(collaboration(THREE), {"main.out.role.1": "fuser"})
    assert as_fuser == specialise(collaboration(THREE))


def test_nodes_keep_their_addresses_when_the_size_changes() -> None:
    graph = collaboration(GROWING)
    sizes = {n: specialise(graph, {"main.out.nodes": str(n)}) for n in (2, 5)}
    assert heard(sizes[2], "main.out") == ["main.out.node.1"]
    assert heard(sizes[5], "main.out") == [f"main.out.node.{i}" for i in range(1, 5)]


def test_holes_matter_only_while_their_node_is_there() -> None:
    space = Space.of(collaboration(GROWING))
    active = space.active({"main.out.nodes": "3"})
    numbers = {address.split(".")[-1] for address in active if ".role." in address}
    assert numbers == {"1", "2", "5"}
    edges = {address.split("edge.")[-1] for address in active if ".edge." in address}
    assert edges == {"1.2", "1.5", "2.5"}


def test_the_number_of_graphs_is_the_sum_over_sizes() -> None:
    # Per size n: a role and a model (2 · 2) for each of n nodes, and n(n-1)/2 edges.
    expected = sum(4**n * 2 ** (n * (n - 1) // 2) for n in (2, 3, 4, 5))
    assert Space.of(collaboration(GROWING)).size() == expected


def test_one_role_and_one_model_leave_only_edges_to_choose() -> None:
    graph = collaboration("nodes: 3, roles: assistant, models: sim")
    assert {hole.address.split(".")[2] for hole in graph.holes} == {"edge"}
    assert "fuse" not in ops_of(specialise(graph))


def test_the_size_may_come_from_a_shared_hole() -> None:
    graph = graph_of(
        "flow main(q: Text, n: Number = 2 in 2..3) -> Draft {\n"
        "  return collaborate(q, nodes: n, roles: [assistant, fuser], models: sim)\n}"
    )
    assert len(ops_of(specialise(graph, {"main.n": 3}))) > len(ops_of(specialise(graph)))


def test_a_hole_in_the_models_widens_the_choice_of_every_node() -> None:
    graph = collaboration("nodes: 2, roles: assistant, models: sim in both")
    assert [hole.address for hole in graph.holes] == [
        "main.out.model.1",
        "main.out.model.2",
        "main.out.edge.1.2",
    ]


def test_settings_reach_every_node() -> None:
    graph = collaboration(THREE + ", temperature: 0.1 in [0.1, 0.9], max_tokens: 64")
    closed = specialise(graph, {"main.out.temperature": "0.9", "main.out.edge.1.2": "on"})
    calls = [node for node in walk(closed.body) if node.attr("max_tokens") is not None]
    assert [node.op for node in calls] == ["generate", "revise", "fuse"]
    assert {node.attr("temperature") for node in calls} == {0.9}


@pytest.mark.parametrize("arguments", [THREE, GROWING])
@settings(max_examples=40, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_every_assignment_gives_a_graph_in_which_every_answer_reaches_the_sink(
    arguments: str, rng: random.Random
) -> None:
    graph = collaboration(arguments)
    closed = specialise(graph, Space.of(graph).sample(rng))
    verify(closed, "closed", OPERATORS)
    assert reached(closed) == {node.id for node in walk(closed.body)}


def reached(graph: Graph) -> set[str]:
    """The nodes that the result of a graph depends on."""
    nodes: dict[str, Node] = {node.id: node for node in walk(graph.body)}
    found: set[str] = set()
    waiting = [value for _, value in graph.body.results]
    while waiting:
        value = waiting.pop()
        if value in nodes and value not in found:
            found.add(value)
            waiting += [source for _, source in nodes[value].inputs]
    return found
