"""What a row says of its runs, and how many samples cost as much as a flow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import pytest

from graphdsl.api.evaluation.comparison import compared
from graphdsl.api.evaluation.items import Item
from graphdsl.api.evaluation.matching import MOST, matched_samples, unit_for
from graphdsl.api.evaluation.outcome import Outcome
from graphdsl.api.evaluation.row import Row, tail
from graphdsl.api.evaluation.scaling import arise_over, saturation_of
from graphdsl.values import PICO, Usage


def outcome(
    line: int,
    score: float,
    *,
    replica: int = 0,
    tokens: int = 10,
    cost: int | None = 0,
    cached: bool = False,
    seconds: float = 1.0,
) -> Outcome:
    item = Item(line, {}, {}, "x")
    usage, nothing = Usage(1, tokens, 0, 0, cost=cost), Usage()
    usage, saved = (nothing, usage) if cached else (usage, nothing)
    return Outcome(item, replica, "ok", score, None, "v", "v", usage, saved, seconds, "run")


def row(scores: Sequence[float], name: str = "flow", tokens: int = 10, size: float = 1) -> Row:
    found = tuple(outcome(line, score, tokens=tokens) for line, score in enumerate(scores, 1))
    return Row(name, "flow", len(found), found, size=size)


def wilson(share: float, count: float) -> tuple[float, float]:
    """Written out again, with the quantile as a table has it."""
    z = 1.959963984540054
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return middle - half, middle + half


def test_the_mean_and_interval_of_right_and_wrong() -> None:
    found = row([1, 1, 0, 1])
    assert found.mean == 0.75
    assert found.interval == pytest.approx(wilson(0.75, 4))


def test_repeats_of_an_item_are_no_independent_items() -> None:
    """Where the runs of an item always agree, repeating tells nothing new."""
    runs = [outcome(line, line % 2, replica=r) for r in range(5) for line in range(1, 9)]
    found = Row("flow", "flow", 40, tuple(runs))
    assert found.interval == pytest.approx(wilson(0.5, 8))


def test_repeats_narrow_the_interval_as_far_as_they_differ() -> None:
    """Where runs are right by a coin's toss, each is evidence of its own, less a correction."""
    runs = [outcome(line, (line + r) % 2, replica=r) for r in range(4) for line in range(1, 9)]
    found = Row("flow", "flow", 32, tuple(runs))
    assert found.scores == dict.fromkeys(range(1, 9), 0.5)
    assert found.interval == pytest.approx(wilson(0.5, 24))


@pytest.mark.parametrize(("items", "replicas"), [(3, 20), (5, 20), (20, 2)])
def test_the_interval_of_repeated_items_covers_as_often_as_it_says(
    items: int, replicas: int
) -> None:
    random, covered = Random(1), 0
    for _ in range(300):
        chances = [random.betavariate(0.5, 0.5) for _ in range(items)]
        runs = [
            outcome(line, random.random() < chance, replica=replica)
            for line, chance in enumerate(chances, 1)
            for replica in range(replicas)
        ]
        interval = Row("flow", "flow", len(runs), tuple(runs)).interval
        assert interval is not None
        covered += interval.low <= 0.5 <= interval.high
    assert covered / 300 > 0.915  # 95 %, less 2.8 standard errors of 300 draws


def test_an_empty_row_knows_nothing() -> None:
    empty = Row("flow", "flow", 3)
    assert (empty.mean, empty.interval, empty.per_run("tokens"), empty.latencies) == (
        None,
        None,
        None,
        [],
    )
    assert empty.to_dict(None)["seconds_p95"] is None


def test_costs_count_what_the_cache_gave_and_latency_does_not() -> None:
    runs = (
        outcome(1, 1, tokens=30, cost=PICO, seconds=2),
        outcome(2, 1, tokens=10, cost=3 * PICO, cached=True, seconds=0),
    )
    found = Row("flow", "flow", 2, runs)
    assert (found.per_run("tokens"), found.per_run("usd"), found.per_run("calls")) == (20, 2, 1)
    assert (found.usage.calls, found.saved.calls) == (1, 1)
    assert found.latencies == [2]


def test_an_unknown_price_is_not_nothing() -> None:
    found = Row("flow", "flow", 2, (outcome(1, 1, cost=None), outcome(2, 1)))
    assert found.per_run("usd") is None
    assert unit_for("auto", (found,)) == unit_for("usd", (found,)) == "tokens"


def test_money_is_the_unit_where_everything_has_a_price() -> None:
    priced = Row("flow", "flow", 1, (outcome(1, 1, cost=5),))
    free = Row("flow", "flow", 1, (outcome(1, 1, cost=0),))
    assert unit_for("auto", (priced, priced)) == "usd"
    assert unit_for("auto", (priced, free)) == "tokens"
    assert unit_for("calls", (priced, priced)) == "calls"


def test_the_tail_is_what_95_percent_do_not_exceed() -> None:
    assert tail([float(n) for n in range(1, 101)]) == 95
    assert tail([1, 2, 3]) == 3
    assert tail([]) is None


def test_the_matched_vote_costs_about_as_much() -> None:
    for ratio in (step / 7 for step in range(1, 700)):
        samples = matched_samples(ratio)
        assert samples >= 1
        assert abs(samples - ratio) < 1, ratio
        assert samples % 2 or abs(samples - ratio) <= 0.25, ratio


def test_the_matched_vote_has_bounds() -> None:
    assert matched_samples(0) == matched_samples(math.nan) == 1
    assert matched_samples(MOST + 0.5) == matched_samples(math.inf) == MOST


def test_a_comparison_of_right_and_wrong_answers() -> None:
    ours = row([1] * 20 + [1] * 12 + [0] * 2 + [0] * 16)
    theirs = row([1] * 20 + [0] * 12 + [1] * 2 + [0] * 16, "majority of 3")
    found = compared(ours, theirs, 1.0)
    assert found is not None
    assert (found.items, found.better, found.worse) == (50, 12, 2)
    assert found.difference == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0562, 0.3292), abs=1e-4)  # Newcombe 1998
    assert (found.verdict, found.needed) == ("better", None)
    assert found.sentence == "`flow` is better than the majority of 3"
    back = compared(theirs, ours, 1.0)
    assert back is not None
    assert back.verdict == "worse"


def test_only_items_that_both_have_are_compared() -> None:
    found = compared(row([1, 0, 1, 1]), row([0, 0]), None)
    assert found is not None
    assert (found.items, found.better, found.difference) == (2, 1, 0.5)
    assert compared(row([1]), Row("x", "single", 1), None) is None


def test_what_cannot_be_told_says_how_many_items_would() -> None:
    found = compared(row([1, 1, 0, 1, 0]), row([1, 0, 0, 1, 0], "single sample"), None)
    assert found is not None
    assert found.verdict == "unclear"
    differing, gain = 0.2, 0.2
    wanted = math.ceil((1.959964 + 0.841621) ** 2 * (differing - gain**2) / gain**2)
    assert found.needed == wanted
    needed = f"(a true difference as large takes about {wanted})"
    assert found.sentence == f"no difference can be told from 5 items {needed}"


def test_scores_between_0_and_1_are_compared_too() -> None:
    found = compared(row([0.9, 0.8, 1, 0.7] * 5), row([0.1, 0.2, 0.3, 0.2] * 5), None)
    assert found is not None
    assert found.low <= found.difference <= found.high
    assert found.verdict == "better"
    same = compared(row([0.5] * 4), row([0.5] * 4), None)
    assert same is not None
    assert same.low < 0 < same.high


@pytest.mark.parametrize("items", [2, 3, 5])
def test_few_items_tell_nothing_however_clear_they_are(items: int) -> None:
    found = compared(row([1.0] * items), row([0.0] * items), None)
    assert found is not None
    assert found.low > 0
    assert found.p == 2 * 0.5**items
    assert found.verdict == "unclear"
    assert found.sentence.startswith("no difference can be told")


def test_six_items_that_all_differ_one_way_tell_a_difference() -> None:
    found = compared(row([1.0] * 6), row([0.0] * 6), None)
    assert found is not None
    assert (found.verdict, found.needed) == ("better", None)


def test_more_items_never_widen_the_interval_of_no_difference() -> None:
    widths: list[float] = []
    for count in (2, 12, 100):
        found = compared(row([0.5, 1.0] * count), row([0.5, 1.0] * count), None)
        assert found is not None
        assert found.p == 1
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.04


def test_arise_over_levels_is_that_of_each_item() -> None:
    rows = [
        row([0, 1], tokens=1000),
        row([1, 1], tokens=2000),
        row([1, 0], tokens=4000),
        row([0, 0], tokens=8000),
    ]
    found = arise_over(rows)
    assert found is not None
    assert found.mean == pytest.approx(((0.5 - 2) + (-2)) / 2)  # the first is the golden value
    assert (found.items, found.improved, found.degraded, found.left_out) == (2, 1, 2, 0)


def test_items_without_tokens_are_left_out_of_arise() -> None:
    free = Row("a", "flow", 2, (outcome(1, 0, tokens=0), outcome(2, 0, tokens=5)))
    found = arise_over([free, row([1, 1])])
    assert found is not None
    assert (found.items, found.left_out) == (1, 1)
    assert arise_over([free]) is None
    assert arise_over([Row("a", "flow", 1, (outcome(1, 0, tokens=0),)), row([1])]) is None


def test_saturation_takes_three_levels_that_are_numbers() -> None:
    def level(n: int) -> Row:
        right = round(1000 * 0.9 * (1 - 0.7**n))
        return row([1] * right + [0] * (1000 - right), size=n)

    found = saturation_of([level(n) for n in (1, 2, 4, 8, 16)])
    assert found is not None
    assert (found.limit, found.p) == pytest.approx((0.9, 0.3), abs=0.01)
    assert found.enough == 10
    assert saturation_of([level(1), level(2)]) is None
    assert saturation_of([row([0], size=n) for n in (1, 2, 4)]) is None
