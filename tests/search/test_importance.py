"""Importance of parameters: against exact shares of functions that are known, and its silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from statistics import fmean, pvariance

import pytest

from graphdsl.ir.nodes import Assignment
from graphdsl.search.importance import Importance, importance
from graphdsl.search.result import Trial
from graphdsl.search.space import Parameter, Space

MODEL = Parameter("f.model", "categorical", "a", ("a", "b", "c"))
COUNT = Parameter("f.count", "int", 1, low=1, high=9, step=2)
HEAT = Parameter("f.heat", "float", 0.5, low=0, high=1)
CRITIC = Parameter("f.critic", "categorical", "off", ("off", "on"))
BY = Parameter("f.critic.by", "categorical", "a", ("a", "b", "c"), when=(("f.critic", ("on",)),))
IDLE = Parameter("f.idle", "categorical", "x", ("x", "y"))

FLAT = Space((MODEL, COUNT, IDLE))
NESTED = Space((MODEL, CRITIC, BY, IDLE))

_MODEL = {"a": 0.3, "b": 0.4, "c": 0.5}
_BY = {"a": -0.1, "b": 0.0, "c": 0.1}


def flat(chosen: Assignment) -> float:
    return _MODEL[str(chosen["f.model"])] + 0.02 * float(chosen["f.count"])


def nested(chosen: Assignment) -> float:
    return _MODEL[str(chosen["f.model"])] + _BY.get(str(chosen.get("f.critic.by")), 0.0)


def trials(
    space: Space, worth: Callable[[Assignment], float], count: int, *, noise: bool = False
) -> list[Trial]:
    rng, found = Random(5), list[Trial]()
    for number in range(count):
        chosen, items = space.sample(rng), rng.choice([16, 32, 64])
        quality = worth(chosen)
        if noise:
            quality = sum(rng.random() < quality for _ in range(items)) / items
        found.append(Trial(number, f"g{number}", chosen, "", "beaten", items, quality, quality))
    return found


def shares(found: Importance) -> dict[str, float]:
    return {effect.address: effect.share for effect in found.effects}


def test_shares_of_an_additive_function_are_the_exact_ones() -> None:
    found = importance(trials(FLAT, flat, 300), FLAT)
    values = [(m, 0.02 * c) for m in _MODEL.values() for c in (1, 3, 5, 7, 9)]
    total = pvariance([m + c for m, c in values])
    said = shares(found)
    assert said["f.model"] == pytest.approx(pvariance(list(_MODEL.values())) / total, abs=0.05)
    counts = [0.02 * c for c in (1, 3, 5, 7, 9)]
    assert said["f.count"] == pytest.approx(pvariance(counts) / total, abs=0.05)
    assert said["f.idle"] < 0.01
    assert found.rest < 0.1
    assert found.fit > 0.95


def test_levels_are_means_over_the_space() -> None:
    (model, *_) = importance(trials(FLAT, flat, 300), FLAT).effects
    assert model.address == "f.model"
    assert model.best == "c"
    wanted = {label: worth + 0.02 * 5 for label, worth in _MODEL.items()}
    assert model.levels == pytest.approx(wanted, abs=0.02)


def test_a_parameter_that_matters_sometimes_counts_for_as_often() -> None:
    found = importance(trials(NESTED, nested, 400), NESTED)
    by = next(effect for effect in found.effects if effect.address == "f.critic.by")
    assert by.matters == pytest.approx(0.5, abs=0.08)
    # Exact: half of the graphs have it, with variance v; the model has the same v in all of them.
    assert by.share == pytest.approx(1 / 3, abs=0.06)
    assert shares(found)["f.model"] == pytest.approx(2 / 3, abs=0.08)
    assert shares(found)["f.critic"] < 0.05


def test_trials_that_crowd_where_it_is_good_do_not_mislead() -> None:
    """Plain means would say that `idle` matters: `y` was tried with the best model only."""
    everything = trials(FLAT, flat, 500)
    crowded = [
        trial
        for trial in everything
        if trial.assignment["f.idle"] == "x" or trial.assignment["f.model"] == "c"
    ]
    by_idle = {
        label: fmean(one.quality for one in crowded if one.assignment["f.idle"] == label)
        for label in "xy"
    }
    assert by_idle["y"] - by_idle["x"] > 0.05
    assert shares(importance(crowded, FLAT))["f.idle"] < 0.02


def test_a_continuum_is_cut_into_ranges() -> None:
    space = Space((HEAT, IDLE))
    found = importance(trials(space, lambda one: float(one["f.heat"]), 200), space)
    heat = found.effects[0]
    assert heat.share > 0.9
    assert next(iter(heat.levels)) == "0 to 0.125"
    means = list(heat.levels.values())
    assert means == sorted(means)


def test_noise_is_not_explained() -> None:
    rng = Random(2)
    noisy = [replace(one, quality=rng.random()) for one in trials(FLAT, flat, 60)]
    found = importance(noisy, FLAT)
    assert found.effects == ()
    assert found.reason.startswith("a model of the trials predicts unseen ones no better")


def test_noisy_means_still_rank_parameters() -> None:
    found = importance(trials(FLAT, flat, 300, noise=True), FLAT)
    assert [effect.address for effect in found.effects][-1] == "f.idle"


def test_labels_and_numbers_that_were_never_tried_are_no_trouble() -> None:
    kept = [
        one
        for one in trials(FLAT, flat, 200)
        if one.assignment["f.model"] != "b" and one.assignment["f.count"] != 9
    ]
    found = importance(kept, FLAT)
    (model, *_) = found.effects
    assert model.address == "f.model"
    # It was never seen, so it lies where the trials lie, and is neither best nor worst.
    assert model.levels["a"] <= model.levels["b"] <= model.levels["c"]


def test_the_same_trials_give_the_same_numbers() -> None:
    some = trials(NESTED, nested, 60)
    assert importance(some, NESTED) == importance(some, NESTED)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "no graphs were measured; it takes 10 to say anything"),
        (1, "1 graph was measured; it takes 10 to say anything"),
        (9, "9 graphs were measured; it takes 10 to say anything"),
    ],
)
def test_of_few_trials_nothing_is_said(count: int, said: str) -> None:
    found = importance(trials(FLAT, flat, count), FLAT)
    assert (found.effects, found.reason) == ((), said)


def test_trials_of_one_graph_count_once() -> None:
    same = [replace(one, identity="g") for one in trials(FLAT, flat, 40)]
    assert importance(same, FLAT).reason.startswith("1 graph was")


def test_trials_without_a_quality_do_not_count() -> None:
    some = [replace(one, quality=float("nan")) for one in trials(FLAT, flat, 40)]
    assert importance(some, FLAT).reason.startswith("no graphs were")


def test_equal_qualities_say_nothing() -> None:
    some = trials(FLAT, lambda _: 0.5, 40)
    assert importance(some, FLAT).reason == "all trials have the same quality"


def test_a_space_without_choices_says_so() -> None:
    space = Space((Parameter("f.only", "categorical", "x", ("x",)),))
    some = trials(space, lambda _: 0.5, 12)
    assert importance(some, space).reason == "the space leaves nothing to choose"


def test_values_that_the_space_does_not_have_are_ignored() -> None:
    some = trials(FLAT, flat, 40)
    some[0] = replace(some[0], assignment={"f.model": "gone", "f.count": "x", "other": 3})
    assert importance(some, FLAT).effects
