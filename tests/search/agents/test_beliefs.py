"""Distributions over points: cells, conditions, drawing, learning, advice."""

from __future__ import annotations

import math
from collections import Counter
from random import Random

import pytest

from graphdsl.ir.nodes import Hole
from graphdsl.search.agents.beliefs import Beliefs
from graphdsl.search.agents.cells import Cells, cells_of
from graphdsl.search.agents.evidence import learn, sparse
from graphdsl.search.agents.meaning import Meaning
from graphdsl.search.space import Parameter, Space
from graphdsl.search.strategies.points import fits
from graphdsl.testing.strategy_spaces import SPACES, labels, numbers, setting_of


def beliefs_of(*holes: Hole) -> Beliefs:
    """Even beliefs over holes."""
    return Beliefs.of(setting_of(holes).space)


def cells(low: float, high: float, step: float | None, default: float | None = None) -> Cells:
    """The cells of a number."""
    whole = isinstance(step, int)
    kind = "int" if whole else "float"
    return cells_of(Parameter("n", kind, low if default is None else default, (), low, high, step))


def test_the_cells_of_a_long_axis_cover_it_without_overlap() -> None:
    long = cells(1, 1000, 1)
    assert len(long) == 16
    seen = Counter(long.at(value) for value in range(1, 1001))
    assert sum(seen.values()) == 1000
    assert set(seen) == set(range(16))
    assert max(seen.values()) - min(seen.values()) <= 1


@pytest.mark.parametrize("space", sorted(SPACES))
def test_what_is_drawn_from_a_cell_lies_in_it(space: str) -> None:
    random = Random(3)
    for one in setting_of(SPACES[space]).space.parameters:
        some = cells_of(one)
        for cell in range(len(some)):
            for value in (some.draw(cell, random), some.middle(cell)):
                assert some.at(value) == cell
                assert fits(Space((one,)), {one.address: value})
            assert some.read(some.labels[cell]) == cell


def test_values_are_read_as_people_write_them() -> None:
    few, long, continuum = cells(1, 4, 1), cells(1, 100, 1), cells(0.0, 2.0, None)
    assert few.read("3") == few.read(3) == few.read(3.0) == few.read(" 3 ") == 2
    assert few.read("2.5") is few.read(9) is few.read("many") is few.read(None) is None
    assert long.read("100") == long.read(long.labels[-1]) == 15
    assert continuum.read("1.99") == 15
    assert continuum.read(2.1) is continuum.read("nan") is continuum.read("inf") is None
    models = cells_of(Parameter("m", "categorical", "tiny", ("tiny", "Coder")))
    assert models.read("coder") == 1
    assert models.read("cod") is models.read(True) is models.read(["tiny"]) is None
    switch = cells_of(Parameter("s", "categorical", "off", ("on", "off")))
    assert (switch.read(True), switch.read(False), switch.read("ON")) == (0, 1, 0)
    counts = cells_of(Parameter("c", "categorical", "1", ("1", "3", "10")))
    assert counts.read(10.0) == counts.read("10.0") == 2


def test_points_are_drawn_by_their_chances() -> None:
    beliefs = beliefs_of(labels("f.x", "a", "b"), labels("f.y", "c", "d", when=(("f.x", ("a",)),)))
    beliefs.learnt = {"f.x": (0.2, 0.8), "f.y": (0.9, 0.1)}
    beliefs.blend(0.0)
    random = Random(1)
    seen = Counter(tuple(beliefs.draw(random).items()) for _ in range(4000))
    expected = {
        (("f.x", "a"), ("f.y", "c")): 0.18,
        (("f.x", "a"), ("f.y", "d")): 0.02,
        (("f.x", "b"),): 0.8,
    }
    assert set(seen) == set(expected)
    for point, chance in expected.items():
        deviation = math.sqrt(chance * (1 - chance) / 4000)
        assert abs(seen[point] / 4000 - chance) < 4 * deviation


def test_a_parameter_that_no_sample_had_stays_as_it_was() -> None:
    beliefs = beliefs_of(labels("f.x", "a", "b"), labels("f.y", "c", "d", when=(("f.x", ("a",)),)))
    beliefs.learn([{"f.x": "b"}, {"f.x": "b"}], [1.0, -1.0], 1.0)
    assert beliefs.learnt["f.y"] == (0.5, 0.5)
    beliefs.learn([{"f.x": "a", "f.y": "d"}, {"f.x": "b"}], [1.0, -1.0], 1.0)
    assert beliefs.learnt["f.y"][1] > 0.5
    assert beliefs.learnt["f.x"][0] > 0.5


def test_a_step_of_learning_is_as_computed_by_hand() -> None:
    beliefs = beliefs_of(labels("f.x", "a", "b"))
    beliefs.learn([{"f.x": "a"}, {"f.x": "b"}], [1.0, -1.0], 1.0)
    assert beliefs.learnt["f.x"] == pytest.approx((0.731059, 0.268941), abs=1e-6)  # σ(½ - -½)


def test_advice_is_blended_and_leaves_no_trace() -> None:
    beliefs = beliefs_of(labels("f.x", "a", "b"), labels("f.y", "c", "d"))
    beliefs.advised["f.x"] = (0.9, 0.1)
    beliefs.blend(0.25)
    assert beliefs.table["f.x"] == pytest.approx((0.6, 0.4))
    assert beliefs.table["f.y"] == (0.5, 0.5)
    beliefs.blend(0.0)
    assert beliefs.table["f.x"] == (0.5, 0.5)


def test_a_preference_is_the_log_ratio_over_what_was_advised_on() -> None:
    beliefs = beliefs_of(labels("f.x", "a", "b"), labels("f.y", "c", "d"))
    beliefs.advised["f.x"] = (0.9, 0.1)
    assert beliefs.preference({"f.x": "a", "f.y": "c"}) == pytest.approx(math.log(1.8))
    assert beliefs.preference({"f.y": "c"}) == 0


def test_the_likeliest_point_prefers_defaults_among_equals() -> None:
    beliefs = beliefs_of(labels("f.x", "a", "b"), numbers("f.n", 1, 100))
    assert beliefs.likeliest(beliefs.table) == {"f.x": "a", "f.n": 1}
    beliefs.learnt["f.x"] = (0.4, 0.6)
    assert beliefs.likeliest(beliefs.learnt)["f.x"] == "b"


def test_edges_begin_sparse() -> None:
    def edge(a: int, b: int) -> Hole:
        return labels(f"f.t.edge.{a}.{b}", "off", "on")

    beliefs = beliefs_of(edge(1, 2), edge(1, 3), edge(1, 4), edge(3, 4))
    sparse(beliefs)
    assert [beliefs.learnt[name][1] for name in beliefs.table] == pytest.approx([1 / 3] * 3 + [0.5])


def test_evidence_moves_chances_as_computed_by_hand() -> None:
    beliefs = beliefs_of(labels("f.x", "a", "b"))
    meanings: dict[str, Meaning] = {"f.x": "other"}
    learn(beliefs, meanings, [({"f.x": "a"}, 0.8), ({"f.x": "b"}, 0.4)])
    # The mean is .6, the deviation .2: z = ±1, each with weight 1/2.
    assert beliefs.learnt["f.x"] == pytest.approx((0.731059, 0.268941), abs=1e-6)


def test_what_is_learnt_of_a_model_holds_in_all_places() -> None:
    beliefs = beliefs_of(labels("f.m", "tiny", "big"), labels("f.n", "tiny", "big"))
    meanings: dict[str, Meaning] = {"f.m": "model", "f.n": "model"}
    learn(beliefs, meanings, [({"f.m": "big"}, 0.9), ({"f.m": "tiny"}, 0.1)])
    assert beliefs.learnt["f.n"] == beliefs.learnt["f.m"]
    assert beliefs.learnt["f.n"][1] > 0.7


def test_one_point_is_no_evidence() -> None:
    beliefs = beliefs_of(labels("f.x", "a", "b"))
    learn(beliefs, {"f.x": "other"}, [({"f.x": "a"}, 0.8)])
    assert beliefs.learnt["f.x"] == (0.5, 0.5)
