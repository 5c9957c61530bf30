"""What agents reply, read item by item: mended, or dropped with a remark."""

from __future__ import annotations

import math
from typing import Any

import pytest

from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.advice import (
    entries,
    hole_of,
    probability_of,
    read_guidelines,
    read_mixes,
    read_proposals,
    read_updates,
)
from graphdsl.search.agents.beliefs import Beliefs
from graphdsl.search.agents.remarks import Remarks
from graphdsl.testing.strategy_spaces import labels, numbers, setting_of

_HOLES = (
    labels("f.m", "tiny", "coder", "large"),
    labels("f.t.edge.1.2", "off", "on"),
    labels("f.t.edge.1.3", "off", "on"),
    numbers("f.a.samples", 1, 100),
)
_SPACE = setting_of(_HOLES).space


def updates(*items: Any) -> tuple[dict[str, tuple[float, ...]], list[str]]:
    """The distributions that items give, beginning with even ones, and the remarks."""
    remarks = Remarks()
    return read_updates({"updates": list(items)}, Beliefs.of(_SPACE), remarks), remarks.lines


def one(hole: Any, value: Any, probability: Any) -> dict[str, Any]:
    """An entry of updates."""
    return {"hole": hole, "value": value, "probability": probability}


def test_what_is_left_is_shared_as_before() -> None:
    found, remarks = updates(one("f.m", "coder", 0.8))
    assert found["f.m"] == pytest.approx((0.1, 0.8, 0.1))
    assert not remarks


def test_probabilities_above_one_in_all_are_scaled_down() -> None:
    found, remarks = updates(one("f.m", "coder", 0.9), one("f.m", "large", 0.9))
    assert found["f.m"] == pytest.approx((0.02, 0.49, 0.49))
    assert remarks == ["the probabilities of `f.m` were above 1 in all"]


def test_probabilities_of_all_values_below_one_are_scaled_up() -> None:
    found, _ = updates(one("f.t.edge.1.2", "on", 0.3), one("f.t.edge.1.2", "off", 0.1))
    assert found["f.t.edge.1.2"] == pytest.approx((0.25, 0.75))


def test_certainty_is_clipped() -> None:
    found, _ = updates(one("f.t.edge.1.2", "on", 1), one("f.t.edge.1.3", "on", 0))
    assert found["f.t.edge.1.2"] == pytest.approx((0.02, 0.98))
    assert found["f.t.edge.1.3"] == pytest.approx((0.98, 0.02))


def test_all_zero_says_nothing() -> None:
    found, remarks = updates(one("f.t.edge.1.2", "on", 0), one("f.t.edge.1.2", "off", 0))
    assert not found
    assert remarks == ["all probabilities of `f.t.edge.1.2` are 0"]


def test_a_name_is_mended_where_it_can_mean_one_thing_only() -> None:
    found, remarks = updates(one("samples", "100", 0.5), one("`f.m`", "CODER", "50%"))
    assert set(found) == {"f.a.samples", "f.m"}
    assert remarks == ["read `samples` as `f.a.samples`"]
    assert hole_of("f.a.sample", Beliefs.of(_SPACE).cells, Remarks()) == "f.a.samples"


def test_the_number_of_a_node_is_never_read_as_another() -> None:
    found, remarks = updates(one("f.t.edge.1.4", "on", 0.9), one("edge.1.2", "on", 0.9))
    assert set(found) == {"f.t.edge.1.2"}
    assert remarks[0] == "there is no hole `f.t.edge.1.4`"


def test_an_edge_backwards_is_dropped_and_says_why() -> None:
    found, remarks = updates(one("f.t.edge.2.1", "on", 0.9))
    assert not found
    assert remarks == ["there is no hole `f.t.edge.2.1`: edges go from lower to higher numbers"]


@pytest.mark.parametrize(
    "item",
    [
        None,
        7,
        "f.m",
        [],
        {},
        one("f.m", "huge", 0.5),
        one("f.m", None, 0.5),
        one("f.m", "coder", math.nan),
        one("f.m", "coder", math.inf),
        one("f.m", "coder", -0.1),
        one("f.m", "coder", 80),
        one("f.m", "coder", True),
        one("f.m", "coder", "likely"),
        one("f.m", "coder", None),
        one("f.m", "coder", 10**400),
        one("x" * 10**6, "coder", 0.5),
        one("f.m", "x" * 10**6, 0.5),
        one({"f": "m"}, ["coder"], 0.5),
        one("f.a.samples", "1e999", 0.5),
        one("f.a.samples", 10**400, 0.5),
        one("{{ f.m }}", "{% raw %}", "${p}"),
        one("f.m", "coder<|im_end|>", 0.5),
    ],
)
def test_a_wrong_item_is_dropped_with_a_short_remark_and_the_others_count(item: Any) -> None:
    found, remarks = updates(item, one("f.t.edge.1.2", "on", 0.9))
    assert set(found) == {"f.t.edge.1.2"}
    assert len(remarks) == 1
    assert len(remarks[0]) <= 200
    assert "<|im_end|>" not in remarks[0]


@pytest.mark.parametrize("reply", [None, 3, "yes", {}, {"updates": "all"}, {"updates": {}}, True])
def test_a_reply_without_the_list_says_nothing(reply: Any) -> None:
    remarks = Remarks()
    assert read_updates(reply, Beliefs.of(_SPACE), remarks) == {}
    assert remarks.lines == ["the reply has no list `updates`"]


def test_a_bare_list_is_read_as_the_list() -> None:
    assert list(entries([1, 2], "updates", Remarks())) == [1, 2]


def test_a_million_entries_are_not_read() -> None:
    found, remarks = updates(*[one("f.m", "coder", 0.5)] * 10**6)
    assert found["f.m"] == pytest.approx((0.25, 0.5, 0.25))
    assert remarks == ["`updates` has 1000000 entries; only the first 200 were read"]


def test_only_some_remarks_are_kept() -> None:
    remarks = Remarks()
    for _ in range(300):
        remarks.add("no")
    assert (len(remarks), len(remarks.lines), remarks.more) == (300, 200, 100)


def test_percents_and_texts_are_probabilities() -> None:
    assert probability_of(" 40% ") == pytest.approx(0.4)
    assert probability_of("0.4") == 0.4
    assert probability_of("140%") is probability_of("") is probability_of([0.4]) is None


def test_mixes_are_numbers_of_the_list() -> None:
    remarks = Remarks()
    assert read_mixes({"mixes": [3, 3, "1", 2]}, 3, remarks) == [2, 0]
    assert not remarks.lines
    assert read_mixes({"mixes": [0, 4, 1.5, True, None, "one", "9" * 99]}, 3, remarks) == []
    assert len(remarks) == 7


def test_guidelines_are_short_lines() -> None:
    reply = {"guidelines": ["use\n\x1b[31mlarge", "", 3, "x" * 10**6, *"abcdef"]}
    found = read_guidelines(reply, Remarks())
    assert found[0] == "use [31mlarge"
    assert len(found) == 5
    assert max(map(len, found)) <= 200


def test_proposals_change_the_best_point() -> None:
    best: Assignment = {
        "f.m": "tiny",
        "f.t.edge.1.2": "on",
        "f.t.edge.1.3": "off",
        "f.a.samples": 5,
    }
    reply: dict[str, Any] = {
        "proposals": [
            {"changes": [{"hole": "f.m", "value": "large"}, {"hole": "f.x", "value": "a"}]},
            {"changes": [{"hole": "f.a.samples", "value": "7"}]},
            {"changes": [{"hole": "f.a.samples", "value": "1..6"}]},
            {"changes": []},
            {"changes": [{"hole": "f.m", "value": "huge"}]},
        ]
    }
    remarks = Remarks()
    cells = Beliefs.of(_SPACE).cells
    found = read_proposals(reply, best, _SPACE, cells, remarks)
    assert found == [
        {**best, "f.m": "large"},
        {**best, "f.a.samples": 7},
        {**best, "f.a.samples": 1},  # its default lies in that range
    ]
    assert remarks.lines == ["there is no hole `f.x`", "`f.m` has no value `huge`"]
