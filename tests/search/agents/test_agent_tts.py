"""`agent_tts`: stages, probes, guidelines, proposals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random
from statistics import fmean

import pytest

from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.fitting import Fitting
from graphdsl.search.agents.stages import probes, stages
from graphdsl.search.space import Space
from graphdsl.search.strategies.agent_tts import agent_tts
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.points import completed
from graphdsl.search.strategies.random import random as draw_at_random
from graphdsl.search.strategy import Setting
from graphdsl.testing.scripted_advisor import ScriptedAdvisor, toward
from graphdsl.testing.strategy_spaces import labels, numbers, setting_of
from tests.search.agents.agent_searches import flow_graph, search, team_graph

_GOAL: Assignment = {
    "main.judge": "alt",
    "main.drafts.models": "alt",
    "main.drafts.samples": 13,
    "main.best": "on",
    "main.best.keep": 5,
    "main.more.models": "sim",
    "main.more.samples": "5",
}

_PRICES = {"sim": 1.0, "alt": 4.0}


def spent(point: Assignment, unit: str) -> float | None:
    """FLOPs: the samples of both stages by the size of their models, and the judge."""
    if unit != "flops":
        return None
    drafts = _PRICES[str(point["main.drafts.models"])] * float(point["main.drafts.samples"])
    more = _PRICES[str(point["main.more.models"])] * float(point["main.more.samples"])
    return drafts + more + _PRICES[str(point["main.judge"])]


def worth(point: Assignment) -> float:
    """The share of the goal that a point has."""
    return 0.1 + 0.8 * fmean(point.get(name) == value for name, value in _GOAL.items())


def within(most: float) -> Callable[[Assignment], bool]:
    """Whether one run costs at most so much."""
    return lambda point: (spent(point, "flops") or 0) <= most


def fitting_of(setting: Setting) -> Fitting:
    """What keeps points of a setting within its limits."""
    return Fitting(Archive(setting))


def flow_setting(most: float = 1000) -> Setting:
    """The flow with prices, and a limit of one run."""
    graph = flow_graph()
    return Setting(
        graph,
        Space.of(graph),
        Random(1),
        bound=spent,
        allowed=within(most),
    )


def test_stages_are_calls_with_models_or_samples() -> None:
    setting = flow_setting()
    found = stages(setting.graph, setting.space)
    assert [(one.name, one.labels, one.samples is not None) for one in found] == [
        ("main.drafts", ("sim", "alt"), True),
        ("main.best", ("sim", "alt"), False),
        ("main.more", ("sim", "alt"), True),
    ]


def test_members_of_a_team_are_stages_of_one_sample() -> None:
    graph = team_graph()
    found = stages(graph, Space.of(graph))
    assert [one.name for one in found] == [f"main.team.model.{node}" for node in (1, 2, 3, 4, 5)]


def test_probes_have_the_budget_of_one_sample_of_the_largest() -> None:
    setting = flow_setting()
    found = probes(fitting_of(setting), stages(setting.graph, setting.space))
    # At alt × 1 everywhere a run is 4 + 4 + 4: the small model draws 4 samples, or 3 of 1, 3, 5.
    large = {"main.judge": "alt", "main.drafts.models": "alt", "main.more.models": "alt"}
    base: Assignment = {**large, "main.drafts.samples": 1, "main.more.samples": "1"}
    changes: list[Assignment] = [
        {"main.drafts.models": "sim", "main.drafts.samples": 4},
        {},
        {"main.judge": "sim"},
        {"main.more.models": "sim", "main.more.samples": "3"},
    ]
    assert found == [completed(setting.space, {**base, **one}) for one in changes]


def test_other_stages_fall_back_to_their_smallest_model() -> None:
    setting = flow_setting(most=8)
    found = probes(fitting_of(setting), stages(setting.graph, setting.space))
    assert found
    assert all((spent(point, "flops") or 0) <= 8 for point in found)
    assert any(point["main.drafts.models"] == "alt" for point in found)


def test_without_known_costs_each_model_draws_one_sample() -> None:
    graph = flow_graph()
    setting = Setting(graph, Space.of(graph), Random(1))
    found = probes(fitting_of(setting), stages(graph, setting.space))
    assert {(point["main.drafts.samples"], point["main.more.samples"]) for point in found} == {
        (1, "1")
    }


def test_a_space_without_stages_begins_with_its_defaults() -> None:
    setting = setting_of([labels("f.x", "a", "b"), numbers("f.t", 1, 9)])
    assert stages(setting.graph, setting.space) == []
    assert probes(fitting_of(setting), []) == [{"f.x": "a", "f.t": 1}]


async def test_it_follows_an_agent_that_knows() -> None:
    script = toward(_GOAL)
    helped = await search(
        agent_tts, graph=flow_graph(), worth=worth, advisor=ScriptedAdvisor(script)
    )
    assert helped.best == pytest.approx(0.9)
    assert _GOAL in helped.rounds[1]


@pytest.mark.parametrize("reply", ["null", "7", '{"proposals": [{"changes": [{}]}, 3]}'])
async def test_without_usable_proposals_it_searches_by_itself(reply: str) -> None:
    found = [
        await search(
            agent_tts,
            graph=flow_graph(),
            worth=worth,
            advisor=ScriptedAdvisor([json.loads(reply)] * 50),
            seed=seed,
            trials=50,
        )
        for seed in range(6)
    ]
    chance = [
        await search(draw_at_random, graph=flow_graph(), worth=worth, seed=seed, trials=50)
        for seed in range(6)
    ]
    assert min(len(one.worths) for one in found) >= 40
    assert fmean(fmean(one.worths) for one in found) > fmean(fmean(one.worths) for one in chance)
    assert all(len(one.strategy.remarks) for one in found)


async def test_proposals_beyond_the_limits_are_dropped() -> None:
    proposals: list[dict[str, object]] = [
        {"changes": [{"hole": "main.drafts.samples", "value": "16"}]},
        {"changes": [{"hole": "main.drafts.samples", "value": "2"}]},
        {"changes": [{"hole": "drafts.samples", "value": 2}]},
    ]
    advisor = ScriptedAdvisor([{"guidelines": ["spend less"]}, {"proposals": proposals}])
    found = await search(
        agent_tts,
        graph=flow_graph(),
        worth=lambda point: 0.5,
        advisor=advisor,
        bound=spent,
        allowed=within(20),
        options={"rounds": 1},
    )
    assert [point["main.drafts.samples"] for point in found.rounds[1]] == [2]
    assert "a proposal can cost more than one run may" in found.strategy.remarks.lines
    assert "read `drafts.samples` as `main.drafts.samples`" in found.strategy.remarks.lines


async def test_the_first_and_the_last_two_guidelines_are_shown() -> None:
    written: list[str] = []

    def script(prompt: str, schema: Mapping[str, object]) -> object:
        if "guidelines" in str(schema):
            written.append(f"rule {len(written)}")
            return {"guidelines": written[-1:]}
        return None

    advisor = ScriptedAdvisor(script)
    await search(agent_tts, graph=flow_graph(), worth=worth, advisor=advisor, trials=1000)
    assert len(written) == 5
    last = next(one for one in reversed(advisor.prompts) if "Guidelines:" in one)
    assert "Guidelines:\n- rule 0\n- rule 3\n- rule 4\n" in last
    assert max(map(len, advisor.prompts)) < 12_000


async def test_a_study_that_is_told_again_goes_on_as_before() -> None:
    first, again = [
        await search(agent_tts, graph=flow_graph(), worth=worth, advisor=ScriptedAdvisor([]))
        for _ in range(2)
    ]
    assert first.rounds == again.rounds
