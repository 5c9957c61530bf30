"""The search space: typed parameters, conditions, counting, sampling, enumeration."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.compiler.specialise import specialise
from graphdsl.ir.nodes import Choices, Graph, Hole, Interval, Region
from graphdsl.ir.text import print_graph
from graphdsl.ir.types import TEXT
from graphdsl.search.space import Parameter, Space, When
from tests.compiler.lowering import graph_of


def space_of(*holes: Hole) -> Space:
    """The space of a graph that has these holes."""
    return Space.of(Graph("f", (), Region("body", (), (), ()), TEXT, holes))


def choice(address: str, count: int, when: When = ()) -> Hole:
    """A hole of labels `0`, `1`, …"""
    labels = tuple(map(str, range(count)))
    return Hole(address, "0", Choices(labels, labels), when)


@st.composite
def conditional_holes(draw: st.DrawFn) -> list[Hole]:
    """Holes with random conditions on earlier ones."""
    holes: list[Hole] = []
    for index in range(draw(st.integers(0, 6))):
        when: list[tuple[str, tuple[str, ...]]] = []
        for other in (
            draw(st.lists(st.sampled_from(holes), max_size=2, unique=True)) if holes else []
        ):
            assert isinstance(other.domain, Choices)
            labels = st.sampled_from(other.domain.labels)
            when.append((other.address, tuple(draw(st.lists(labels, min_size=1, unique=True)))))
        holes.append(choice(f"h{index}", draw(st.integers(1, 3)), tuple(when)))
    return holes


def brute_force(holes: list[Hole]) -> set[tuple[tuple[str, str | float], ...]]:
    """The active part of every full assignment."""
    space = space_of(*holes)
    labels = [hole.domain.labels for hole in holes if isinstance(hole.domain, Choices)]
    found: set[tuple[tuple[str, str | float], ...]] = set()
    for values in product(*labels):
        full = dict(zip([hole.address for hole in holes], values, strict=True))
        found.add(tuple(sorted((name, full[name]) for name in space.active(full))))
    return found


@settings(max_examples=150, deadline=None)
@given(conditional_holes())
def test_the_size_is_the_number_of_assignments_that_differ(holes: list[Hole]) -> None:
    assert space_of(*holes).size() == len(brute_force(holes))


@settings(max_examples=150, deadline=None)
@given(conditional_holes())
def test_enumeration_gives_every_assignment_once(holes: list[Hole]) -> None:
    found = [tuple(sorted(point.items())) for point in space_of(*holes).enumerate(10_000)]
    assert len(found) == len(set(found))
    assert set(found) == brute_force(holes)


@settings(max_examples=100, deadline=None)
@given(conditional_holes(), st.randoms(use_true_random=False))
def test_a_sample_has_exactly_the_active_parameters(holes: list[Hole], rng: random.Random) -> None:
    space = space_of(*holes)
    point = space.sample(rng)
    assert tuple(point) == space.active(point)


@settings(max_examples=100, deadline=None)
@given(conditional_holes(), st.randoms(use_true_random=False))
def test_the_order_of_holes_does_not_matter(holes: list[Hole], rng: random.Random) -> None:
    shuffled = rng.sample(holes, len(holes))
    assert space_of(*shuffled).size() == space_of(*holes).size()
    point = space_of(*shuffled).sample(rng)
    assert set(space_of(*holes).active(point)) == set(point)


def test_holes_become_typed_parameters() -> None:
    space = Space.of(
        graph_of(
            "flow main(q: Text) -> Draft {\n"
            "  drafts = generate(q, models: sim in both, samples: 4 in 0..8,\n"
            "    temperature: 0.8 in 0.2..1.2 step 0.2, max_tokens: 10 in [10, 20])\n"
            "  optional best = rank(drafts, by: alt, temperature: 0.5 in 0.1..1.5) else drafts\n"
            "  return vote(best)\n}"
        )
    )
    by_name = {p.address.removeprefix("main."): p for p in space.parameters}
    assert {name: (p.kind, p.size) for name, p in by_name.items()} == {
        "drafts.models": ("categorical", 2),
        "drafts.samples": ("int", 9),
        "drafts.temperature": ("float", 6),
        "drafts.max_tokens": ("categorical", 2),
        "best": ("categorical", 2),
        "best.temperature": ("float", None),
    }
    assert by_name["best.temperature"].when == (("main.best", ("on",)),)


def test_a_continuous_parameter_makes_the_space_uncountable() -> None:
    space = space_of(Hole("t", 0.5, Interval(0.0, 1.0, None, integer=False)))
    assert space.size() is None
    with pytest.raises(ValueError, match="`t` is continuous"):
        space.enumerate(5)


def test_an_interval_of_one_number_has_one_value() -> None:
    space = space_of(Hole("t", 0.5, Interval(0.5, 0.5, None, integer=False)))
    assert space.size() == 1
    assert list(space.enumerate(5)) == [{"t": 0.5}]


def test_a_graph_without_holes_has_one_point() -> None:
    space = space_of()
    assert space.size() == 1
    assert list(space.enumerate(5)) == [{}]
    assert space.sample(random.Random(0)) == {}


def test_steps_reach_the_upper_end_without_noise() -> None:
    parameter = Parameter("t", "float", 0.1, low=0.1, high=0.9, step=0.1)
    assert parameter.size == 9
    assert [parameter.value(i) for i in range(9)] == [
        0.1,
        0.2,
        0.3,
        0.4,
        0.5,
        0.6,
        0.7,
        0.8,
        0.9,
    ]


def test_a_step_that_does_not_divide_the_interval_stays_inside_it() -> None:
    parameter = Parameter("n", "int", 1, low=1, high=6, step=2)
    assert [parameter.value(i) for i in range(parameter.size or 0)] == [1, 3, 5]


def test_enumeration_stops_at_the_limit() -> None:
    points = list(space_of(choice("a", 3), choice("b", 3)).enumerate(4))
    assert points == [
        {"a": "0", "b": "0"},
        {"a": "0", "b": "1"},
        {"a": "0", "b": "2"},
        {"a": "1", "b": "0"},
    ]


def test_samples_of_the_same_seed_are_equal_and_cover_the_space() -> None:
    space = space_of(choice("a", 2), choice("b", 3, (("a", ("1",)),)))
    drawn = [space.sample(random.Random(seed)) for seed in range(100)]
    assert drawn[7] == space.sample(random.Random(7))
    assert len({tuple(point.items()) for point in drawn}) == space.size() == 4


def test_what_an_assignment_leaves_out_has_its_default() -> None:
    space = space_of(choice("a", 2), choice("b", 2, (("a", ("0",)),)))
    assert space.active({}) == ("a", "b")
    assert space.active({"a": "1"}) == ("a",)


def test_a_large_collaboration_is_counted_and_enumerated_without_recursion_limits() -> None:
    space = Space.of(
        graph_of(
            "flow main(q: Text) -> Draft {\n"
            "  return collaborate(q, nodes: 60, roles: [assistant, fuser], models: sim)\n}"
        )
    )
    assert space.size() == 2 ** (60 + 60 * 59 // 2)
    assert len(next(space.enumerate(1))) == 60 + 60 * 59 // 2


def test_points_that_differ_give_graphs_that_differ() -> None:
    graph = graph_of(
        "flow main(q: Text) -> Draft {\n"
        "  drafts = generate(q, models: sim in both, samples: 1 in [1, 2])\n"
        "  out = choice { a: vote(drafts, by: text in [text, number]), b: first(drafts) }\n"
        "  return out\n}"
    )
    space = Space.of(graph)
    graphs = {print_graph(specialise(graph, point)) for point in space.enumerate(100)}
    assert len(graphs) == space.size() == 12
