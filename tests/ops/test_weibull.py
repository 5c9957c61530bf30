"""RPC: the mixture that is fitted, what it calls improbable, and the vote that follows."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from graphdsl.errors import ExtraMissing
from graphdsl.ops.vote import vote
from graphdsl.ops.weibull import Component, Mixture, fitted, improbable
from graphdsl.values import Draft, LogprobStats

scipy: Any = pytest.importorskip("scipy")
stats: Any = pytest.importorskip("scipy.stats")
optimize: Any = pytest.importorskip("scipy.optimize")

START = (0.5, 1.0, 1.0, 1.5, 2.0)


def drawn(seed: int, count: int, low: float = 0.25, high: float = 0.8) -> list[float]:
    """Probabilities from two Weibull distributions, more of them high ones."""
    random = Random(seed)
    found = [
        random.weibullvariate(high, 9) if random.random() < 0.6 else random.weibullvariate(low, 4)
        for _ in range(count)
    ]
    return [min(value, 1.0) for value in found]


def logs(values: Sequence[float]) -> list[float]:
    return [math.log(value) for value in values]


def density(value: float, params: Sequence[float]) -> float:
    """The mixture as the paper writes it."""
    share, *rest = params
    parts = [
        shape / scale * (value / scale) ** (shape - 1) * math.exp(-((value / scale) ** shape))
        for shape, scale in (rest[:2], rest[2:])
    ]
    return share * parts[0] + (1 - share) * parts[1]


def likelihood(values: Sequence[float], params: Sequence[float]) -> float:
    found = [density(value, params) for value in values]
    return math.fsum(math.log(one) for one in found) if min(found) > 0 else -math.inf


def params_of(mixture: Mixture) -> tuple[float, ...]:
    low, high = mixture.low, mixture.high
    return (low.share, low.shape, low.scale, high.shape, high.scale)


def densities(mixture: Mixture, values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Share × density of the high and of the low component, by scipy's own distribution."""
    parts = (mixture.high, mixture.low)
    laws = [stats.weibull_min(part.shape, scale=part.scale) for part in parts]
    assert float(laws[0].mean()) >= float(laws[1].mean())
    high, low = (
        [part.share * float(value) for value in law.pdf(list(values))]
        for part, law in zip(parts, laws, strict=True)
    )
    return high, low


def test_a_component_is_scipys_weibull_distribution() -> None:
    part = Component(0.3, 2.5, 0.6)
    frozen = stats.weibull_min(2.5, scale=0.6)
    assert math.exp(part.log_mean) == pytest.approx(float(frozen.mean()))
    for value in (1e-6, 0.1, 0.5, 0.99, 1.0):
        expected = math.log(0.3) + float(frozen.logpdf(value))
        assert part.log_weight(math.log(value)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_no_other_start_or_grid_point_is_likelier(seed: int) -> None:
    values = drawn(seed, 80)
    mixture = fitted(logs(values))
    assert mixture is not None
    found = mixture.log_likelihood(logs(values))
    assert found == pytest.approx(likelihood(values, params_of(mixture)))
    assert found >= likelihood(values, START)
    grid = [
        (share, low_shape, low, high_shape, high)
        for share in (0.2, 0.4, 0.6, 0.8)
        for low_shape in (1, 3, 6)
        for low in (0.15, 0.25, 0.4)
        for high_shape in (5, 9, 14)
        for high in (0.6, 0.75, 0.9)
    ]
    best = max(grid, key=lambda params: likelihood(values, params))
    assert found >= likelihood(values, best)

    def loss(params: Sequence[float]) -> float:
        return -likelihood(
            values, [min(0.8, max(0.2, params[0])), *(max(0.01, p) for p in params[1:])]
        )

    polished = optimize.minimize(loss, best, method="Nelder-Mead", options={"maxiter": 300})
    assert found >= -float(polished.fun) - 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_the_parameters_lie_in_their_bounds_and_no_step_makes_them_likelier(seed: int) -> None:
    values = drawn(seed + 50, 80)
    mixture = fitted(logs(values))
    assert mixture is not None
    params = params_of(mixture)
    assert 0.2 <= params[0] <= 0.8
    assert min(params[1:]) >= 0.01
    assert mixture.low.share + mixture.high.share == pytest.approx(1)
    assert mixture.low.log_mean <= mixture.high.log_mean
    top = likelihood(values, params)
    for number, value in enumerate(params):
        for factor in (0.99, 1.01):
            moved = [*params[:number], value * factor, *params[number + 1 :]]
            if 0.2 <= moved[0] <= 0.8:
                assert likelihood(values, moved) <= top + 1e-4


@pytest.mark.parametrize("seed", range(5))
def test_those_below_the_mean_that_the_low_component_explains_better_are_improbable(
    seed: int,
) -> None:
    values = drawn(seed + 100, 40)
    mixture = fitted(logs(values))
    assert mixture is not None
    mean = sum(values) / len(values)
    expected = [
        value < mean and first < second
        for value, first, second in zip(values, *densities(mixture, values), strict=True)
    ]
    assert improbable(logs(values)) == expected
    assert any(expected)
    assert not all(expected)


def test_two_clusters_are_told_apart() -> None:
    low = (0.18, 0.2, 0.22, 0.21, 0.19, 0.23)
    high = (0.78, 0.8, 0.83, 0.85, 0.79, 0.81, 0.84, 0.8, 0.82, 0.77)
    assert improbable(logs([*low, *high])) == [True] * 6 + [False] * 10
    assert improbable(logs([*high, *low])) == [False] * 10 + [True] * 6


def test_texts_of_tiny_probability_do_not_vanish() -> None:
    """Probabilities that are 0 as floats, where the density itself cannot be written down."""
    tiny = [-900.0, -901.0, -899.5, -902.0]
    assert improbable(tiny) == [False] * 4
    found = improbable([*tiny, *logs([0.8, 0.82, 0.79, 0.81, 0.78])])
    assert found[4:] == [False] * 5


@pytest.mark.parametrize(
    "values",
    [[], [0.5], [0.1, 0.9, 0.9], [0.3] * 9, [1.0] * 4, [0.0001, 0.0001, 0.0001, 0.0001]],
)
def test_few_or_equal_values_are_never_improbable(values: list[float]) -> None:
    assert improbable(logs(values)) == [False] * len(values)


@pytest.mark.parametrize("seed", range(30))
def test_any_few_values_are_judged_without_a_warning(seed: int) -> None:
    random = Random(seed)
    values = [random.choice([0.001, 0.3, random.random() or 0.5, 1.0]) for _ in range(4 + seed % 5)]
    found = improbable(logs(values))
    assert len(found) == len(values)
    mean = sum(values) / len(values)
    assert not any(low and value >= mean for low, value in zip(found, values, strict=True))


def test_an_optimiser_that_fails_prunes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failed:
        success = False
        x = START

    def failing(*_args: Any, **_known: Any) -> Failed:
        return Failed()

    monkeypatch.setattr(optimize, "minimize", failing)
    values = logs(drawn(1, 20))
    assert fitted(values) is None
    assert improbable(values) == [False] * 20
    Failed.success, Failed.x = True, (math.nan, *START[1:])
    assert fitted(values) is None


def test_without_scipy_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "scipy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ExtraMissing) as error:
        improbable(logs(drawn(1, 8)))
    assert str(error.value) == "`prune: weibull` needs `scipy`: pip install 'graphdsl-tts[methods]'"


# ---- the vote


def path(answer: object, text: str, probability: float) -> Draft:
    tokens, log = 8, math.log(probability)
    return Draft(f"{text} Answer: {answer}", logprobs=LogprobStats(tokens, tokens * log, log))


def test_improbable_paths_lose_the_vote_that_they_would_have_won() -> None:
    wrong = [path(9, f"w{n}", p) for n, p in enumerate((0.24, 0.26, 0.25, 0.23, 0.27, 0.24, 0.26))]
    right = [path(4, f"r{n}", p) for n, p in enumerate((0.81, 0.79))]
    other = [path(5, f"o{n}", p) for n, p in enumerate((0.8, 0.42))]
    drafts = [*wrong, *right, *other]
    args = {"drafts": drafts, "by": "number"}
    assert vote(args).answer == "9"
    assert vote({**args, "weights": "probability"}).answer == "9"
    pruned = vote({**args, "weights": "probability", "prune": "weibull"})
    assert (pruned.answer, pruned.text) == ("4", right[0].text)


@pytest.mark.parametrize("seed", range(8))
def test_the_vote_is_the_papers(seed: int) -> None:
    """Steps 1 to 6 once more, with scipy's densities and a union of equal answers."""
    random = Random(seed)
    drafts = [
        path(random.choice([1, 2, 3]), random.choice("abcdef"), value)
        for value in drawn(seed + 200, 24)
    ]
    drafts = list({(draft.text): draft for draft in drafts}.values()) + drafts[:4]
    values = [math.exp(draft.logprobs.mean) for draft in drafts if draft.logprobs is not None]
    mixture = fitted(logs(values))
    assert mixture is not None
    high, low = densities(mixture, values)
    sums: dict[str, dict[str, float]] = {}
    for draft, value, first, second in zip(drafts, values, high, low, strict=True):
        members = sums.setdefault(draft.text.rpartition(" ")[2], {})
        if not (first < second and value < sum(values) / len(values)):
            members[draft.text] = max(value, members.get(draft.text, 0.0))
    totals = {answer: sum(members.values()) for answer, members in sums.items()}
    winner = vote({"drafts": drafts, "by": "number", "weights": "probability", "prune": "weibull"})
    assert winner.answer == max(totals, key=lambda answer: totals[answer])
    assert winner.confidence == pytest.approx(max(totals.values()) / sum(totals.values()))


def test_a_plain_vote_can_be_pruned_too() -> None:
    wrong = [path(9, f"w{n}", p) for n, p in enumerate((0.2, 0.21, 0.19, 0.22))]
    right = [path(4, f"r{n}", p) for n, p in enumerate((0.8, 0.82, 0.79))]
    winner = vote({"drafts": [*wrong, *right], "by": "number", "prune": "weibull"})
    assert (winner.answer, winner.confidence, winner.text) == ("4", 1.0, right[0].text)


def test_without_logprobs_nothing_is_pruned() -> None:
    drafts = [Draft(f"Answer: {answer}") for answer in (1, 2, 2, 3)]
    args = {"drafts": drafts, "by": "number"}
    assert vote({**args, "prune": "weibull"}) == vote(args)
    assert vote({**args, "prune": "weibull", "weights": "probability"}) == vote(args)
