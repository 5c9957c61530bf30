"""The surrogate of `archon`: against published formulas written out again, and integration."""

from __future__ import annotations

import math
from random import Random
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from graphdsl.search.strategies.features import features_of, standings
from graphdsl.search.strategies.gaussian_process import Process, expected_improvement, fit
from graphdsl.testing.strategy_spaces import SPACES, labels, numbers, setting_of
from tests.search.test_space import space_of


@pytest.mark.parametrize(("mean", "deviation", "best", "margin"), [
    (0.0, 1.0, 0.0, 0.0),
    (0.3, 0.2, 0.5, 0.01),
    (0.9, 0.05, 0.5, 0.0),
    (-2.0, 1.5, 0.0, 0.1),
])  # fmt: skip
def test_expected_improvement_is_the_integral(
    mean: float, deviation: float, best: float, margin: float
) -> None:
    normal, steps = NormalDist(mean, deviation), 20_000
    width = 16 * deviation / steps
    xs = [mean - 8 * deviation + (at + 0.5) * width for at in range(steps)]
    integral = math.fsum(max(0.0, x - best - margin) * normal.pdf(x) * width for x in xs)
    assert expected_improvement(mean, deviation, best, margin) == pytest.approx(integral, abs=1e-6)


def test_expected_improvement_without_doubt_is_the_gain() -> None:
    assert expected_improvement(0.7, 0.0, 0.5) == pytest.approx(0.2)
    assert expected_improvement(0.3, 0.0, 0.5) == 0.0


def data(count: int, seed: int) -> tuple[Any, list[float], list[float]]:
    """Points of two parameters with two features each, a smooth function, and numbers of items."""
    rng = Random(seed)
    rows = np.array([[rng.random(), 1.0, rng.random(), 1.0] for _ in range(count)])
    scores = [math.sin(3 * row[0]) + 0.1 * row[2] for row in rows]
    return rows, scores, [float(rng.choice([8, 16, 32])) for _ in range(count)]


BLOCKS = (0, 0, 1, 1)


def kernel(a: Any, b: Any, process: Process) -> float:
    """Matérn 5/2, written out again."""
    hyper = process.hyper
    square = sum(hyper.relevance[block] * (a[at] - b[at]) ** 2 for at, block in enumerate(BLOCKS))
    far = math.sqrt(5 * square) / hyper.scale
    return (1 + far + far**2 / 3) * math.exp(-far)


def test_predictions_are_those_of_the_textbook() -> None:
    """Rasmussen and Williams, equations 2.25 and 2.26, by an inverse."""
    rows, scores, weights = data(12, 1)
    process = fit(rows, BLOCKS, scores, weights)
    mean, deviation = np.mean(scores), np.std(scores)
    values = (np.array(scores) - mean) / deviation
    matrix = np.array([[kernel(a, b, process) for b in rows] for a in rows])
    noise = np.diag(process.hyper.noise * np.median(weights) / np.array(weights) + 1e-8)
    inverse = np.linalg.inv(matrix + noise)
    variance = values @ inverse @ values / len(values)
    new = np.array([[0.2, 1.0, 0.4, 1.0], [0.9, 1.0, 0.1, 1.0], [0.0, 0.0, 0.5, 1.0]])
    means, deviations = process.predict(new)
    for at, point in enumerate(new):
        cross = np.array([kernel(point, row, process) for row in rows])
        assert means[at] == pytest.approx(mean + deviation * cross @ inverse @ values, abs=1e-6)
        spread = variance * (1 - cross @ inverse @ cross)
        assert deviations[at] == pytest.approx(deviation * math.sqrt(spread), rel=1e-4)


def test_what_matters_is_found() -> None:
    rows, scores, weights = data(40, 2)
    process = fit(rows, BLOCKS, scores, weights)
    assert process.hyper.relevance[0] > process.hyper.relevance[1]
    new, expected, _ = data(20, 3)
    means, _ = process.predict(new)
    assert float(np.abs(means - expected).max()) < 0.1


def test_a_score_on_more_items_is_believed_more() -> None:
    rng = Random(4)
    rows = np.array([[at / 20, 1.0] for at in range(20)])
    scores = [rng.gauss(0, 1) for _ in rows]
    few, many = [1.0] * 20, [1.0] * 20
    many[10] = 1_000.0
    view = fit(rows, (0, 0), scores, few)
    (before,), _ = view.refitted(rows, scores, few).predict(rows[10:11])
    (after,), _ = view.refitted(rows, scores, many).predict(rows[10:11])
    assert abs(after - scores[10]) <= abs(before - scores[10])


@pytest.mark.parametrize("scores", [[0.5] * 6, [0.1, 0.9] * 3])
def test_equal_points_and_equal_scores_are_no_trouble(scores: list[float]) -> None:
    rows = np.zeros((6, 2))
    means, deviations = fit(rows, (0, 0), scores, [8.0] * 6).predict(rows[:1])
    assert means[0] == pytest.approx(0.5, abs=1e-3)
    assert math.isfinite(deviations[0])


def test_points_are_coded_by_order_labels_and_activity() -> None:
    space = space_of(
        labels("m", "x", "y"),
        numbers("n", 1, 5, when=(("m", ("y",)),)),
        labels("k", "1", "4", "9"),
    )
    features = features_of(space, {("m", "y"): 1.0})
    apart = math.sqrt(0.5)
    assert features.blocks == (0, 0, 0, 1, 1, 2, 2)
    assert features.row({"m": "y", "n": 2, "k": "9"}) == [0.0, apart, 1.0, 0.25, 1.0, 1.0, 1.0]
    assert features.row({"m": "x", "k": "1"}) == [apart, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0]


def test_labels_are_ranked_by_single_changes_of_the_default() -> None:
    start: dict[str, str | float] = {"m": "x", "k": "1"}
    singles = [
        (start, 0.5),
        (start | {"m": "y"}, 0.9),
        (start | {"m": "z"}, 0.1),
        (start | {"m": "w", "k": "2"}, 1.0),
    ]
    assert standings(singles, start) == {
        ("m", "z"): 0.0,
        ("m", "x"): 0.5,
        ("m", "y"): 1.0,
        ("k", "1"): 0.0,
    }


def test_rows_have_one_width_in_every_space() -> None:
    for holes in SPACES.values():
        setting = setting_of(holes)
        features = features_of(setting.space, {})
        widths = {len(features.row(setting.space.sample(setting.random))) for _ in range(30)}
        assert widths == {len(features.blocks)}
