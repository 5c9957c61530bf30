"""Confidence against correctness, and accuracy over budgets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.eval import anytime_score, brier, calibration_error, penalised_score, reliability
from tests.eval.independent import numpy

ITEMS = st.lists(
    st.tuples(st.integers(0, 20).map(lambda i: i / 20), st.sampled_from([0.0, 1.0])), min_size=1
)


def numpy_error(confidences: list[float], correct: list[float], bins: int) -> float:
    """With digitize; the last bin holds 1."""
    sure, right = numpy.array(confidences), numpy.array(correct)
    edges = numpy.arange(bins) / bins
    where = numpy.digitize(sure, edges) - 1
    return float(
        sum(
            numpy.mean(where == b) * abs(right[where == b].mean() - sure[where == b].mean())
            for b in set(where.tolist())
        )
    )


@given(ITEMS, st.integers(1, 20))
def test_the_calibration_error_is_its_definition(
    items: list[tuple[float, float]], bins: int
) -> None:
    sure, right = [s for s, _ in items], [r for _, r in items]
    assert calibration_error(sure, right, bins) == pytest.approx(numpy_error(sure, right, bins))


def test_a_hand_computed_calibration_error() -> None:
    sure, right = [0.9, 0.95, 0.55, 0.5, 0.0, 1.0], [1, 0, 1, 0, 0, 1]
    # bins: 0: (0.0 | 0), 5: (0.55, 0.5 | 1, 0), 9: (0.9, 0.95, 1.0 | 1, 0, 1)
    expected = (1 * 0 + 2 * abs(0.5 - 0.525) + 3 * abs(2 / 3 - 0.95)) / 6
    assert calibration_error(sure, right) == pytest.approx(expected)
    table = reliability(sure, right)
    assert [(one.low, one.high, one.count) for one in table] == [
        (0, 0.1, 1),
        (0.5, 0.6, 2),
        (0.9, 1.0, 3),
    ]
    assert table[2].confidence == pytest.approx(0.95)
    assert table[2].accuracy == pytest.approx(2 / 3)


def test_a_confidence_on_an_edge_belongs_to_the_bin_above() -> None:
    """Shares of votes often lie on an edge: 3 of 10 is no less than 0.3."""
    for votes in range(10):
        (only,) = reliability([votes / 10], [1])
        assert only.low == votes / 10


def test_right_confidence_has_no_calibration_error_and_wrong_has_all() -> None:
    assert calibration_error([1, 1, 0], [1, 1, 0]) == 0
    assert calibration_error([1, 1, 0], [0, 0, 1]) == 1
    assert calibration_error([0.5] * 4, [1, 0, 1, 0]) == 0


@given(ITEMS)
def test_brier_is_the_mean_square(items: list[tuple[float, float]]) -> None:
    sure, right = [s for s, _ in items], [r for _, r in items]
    expected = float(numpy.mean((numpy.array(sure) - numpy.array(right)) ** 2))
    assert brier(sure, right) == pytest.approx(expected)


def test_the_anytime_score_is_the_mean_over_budgets() -> None:
    assert anytime_score({256: 0.2, 512: 0.5, 1024: 0.8}) == pytest.approx(0.5)
    weights = {256: 1.0, 512: 1.0, 1024: 2.0}
    assert anytime_score({256: 0.2, 512: 0.5, 1024: 0.8}, weights) == pytest.approx(2.3 / 4)


def test_tokens_lower_a_penalised_score() -> None:
    assert penalised_score(0.8, 1000, 0.0001) == pytest.approx(0.7)
    assert penalised_score(0.8, 0, 5) == 0.8


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: calibration_error([], []), "at least one item"),
        (lambda: calibration_error([0.5], []), "1 confidences, but 0 items"),
        (lambda: calibration_error([0.5, 1.5], [1, 1]), r"item 2: confidence 1\.5"),
        (lambda: calibration_error([float("nan")], [1]), "item 1: confidence nan"),
        (lambda: brier([0.5], [2]), r"correctness 2"),
        (lambda: reliability([0.5], [1], 0), "0 bins"),
        (lambda: anytime_score({}), "at least one budget"),
        (lambda: anytime_score({5: 1.5}), "at budget 5"),
        (lambda: anytime_score({5: 0.5}, {6: 1}), "of different budgets"),
        (lambda: anytime_score({5: 0.5}, {5: 0}), "weights are at least 0"),
        (lambda: penalised_score(1, -1, 1), "neither is below 0"),
    ],
)
def test_what_cannot_be_is_a_value_error(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()
