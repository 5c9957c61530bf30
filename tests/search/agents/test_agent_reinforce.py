"""`agent_reinforce`: what it does with good, useless, hostile, endless and absent advice."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from statistics import fmean
from typing import Any

import pytest

from graphdsl.ir.nodes import Assignment
from graphdsl.search.bench import Spent
from graphdsl.search.space import Space
from graphdsl.search.strategies.agent_reinforce import AgentReinforce, agent_reinforce
from graphdsl.search.strategies.points import completed, key_of
from graphdsl.search.strategies.reinforce import reinforce
from graphdsl.search.strategy import Setting, Told
from graphdsl.testing.scripted_advisor import Script, ScriptedAdvisor, toward
from graphdsl.testing.strategy_spaces import labels, setting_of
from tests.search.agents.agent_searches import (
    BEST,
    WORST,
    Searched,
    flow_graph,
    search,
    team_graph,
    team_worth,
)

_SEEDS = range(8)


async def means(script: Callable[[], Script | None]) -> tuple[float, float]:
    """The mean worth of what is proposed, and of the best of it, over seeds."""
    found: list[Searched] = []
    for seed in _SEEDS:
        made = script()
        advisor = None if made is None else ScriptedAdvisor(made)
        found.append(await search(agent_reinforce, advisor=advisor, seed=seed))
    return fmean(fmean(one.worths) for one in found), fmean(one.best for one in found)


def useless() -> Script:
    """Random advice on real holes, the same each time it is run."""
    random = Random(5)
    parameters = Space.of(team_graph()).parameters

    def script(prompt: str, schema: Mapping[str, object]) -> object:
        chosen = [random.choice(parameters) for _ in range(8)]
        items = [
            {"hole": one.address, "value": random.choice(one.labels), "probability": 0.9}
            for one in chosen
        ]
        return {"why": "", "updates": items, "mixes": [1, 2]}

    return script


async def test_it_learns_faster_than_reinforce_with_a_helpful_agent() -> None:
    helped = await means(lambda: toward(BEST))
    plain = [await search(reinforce, seed=seed) for seed in _SEEDS]
    assert helped[0] > fmean(fmean(one.worths) for one in plain) + 0.1
    assert helped[1] > fmean(one.best for one in plain)
    assert helped[1] > 0.88


async def test_hostile_and_useless_agents_cost_little() -> None:
    silent = await means(lambda: None)
    for script in (lambda: toward(WORST), useless):
        mean, best = await means(script)
        assert mean > silent[0] - 0.06
        assert best > silent[1] - 0.06


async def test_without_an_agent_it_learns_more_than_drawing_at_random() -> None:
    space, random = Space.of(team_graph()), Random(4)
    chance = fmean(team_worth(space.sample(random)) for _ in range(500))
    assert (await means(lambda: None))[0] > chance + 0.1


async def test_trust_ends_high_for_a_helpful_agent_and_low_for_a_hostile_one() -> None:
    helpful = await search(agent_reinforce, advisor=ScriptedAdvisor(toward(BEST)))
    hostile = await search(agent_reinforce, advisor=ScriptedAdvisor(toward(WORST)))
    assert helpful.strategy.trust > 0.7
    assert hostile.strategy.trust < 0.2


def endless(prompt: str, schema: Mapping[str, object]) -> object:
    """A million entries."""
    item: dict[str, Any] = {"hole": "main.team.nodes", "value": "2", "probability": math.nan}
    return {"updates": [item] * 10**6, "mixes": [-1] * 10**6}


def nonsense(prompt: str, schema: Mapping[str, object]) -> object:
    """A reply of another shape."""
    return ["{{ 7 * 7 }}", {"__class__": "x"}, 3.5]


@pytest.mark.parametrize("script", [endless, nonsense, []])
async def test_advice_that_says_nothing_leaves_the_policy_gradient(
    script: Script | list[object],
) -> None:
    found = await search(agent_reinforce, advisor=ScriptedAdvisor(script))
    alone = await search(agent_reinforce)
    assert found.rounds == alone.rounds
    assert len(found.strategy.remarks) > 0
    assert all(len(line) <= 200 for line in found.strategy.remarks.lines)


async def test_it_asks_once_a_round() -> None:
    advisor = ScriptedAdvisor([])
    found = await search(agent_reinforce, advisor=advisor, options={"rounds": 4}, trials=1000)
    assert found.strategy.turn == 6  # pilots, four rounds, the best again
    assert len(advisor.prompts) == 4  # mixes, and three updates: what follows the last is its own


async def test_a_study_that_is_told_again_goes_on_as_before() -> None:
    """Resuming: a new strategy, the same advisor and tells in the same order."""
    first, again = [
        await search(agent_reinforce, advisor=ScriptedAdvisor(useless())) for _ in range(2)
    ]
    assert first.rounds == again.rounds
    assert first.strategy.beliefs.table == again.strategy.beliefs.table


async def test_the_number_of_rounds_and_samples_is_what_the_options_say() -> None:
    found = await search(agent_reinforce, options={"rounds": 3, "samples": 5}, trials=1000)
    sizes = [len(batch) for batch in found.rounds]
    assert sizes[1:4] == [5, 5, 5] or sizes[2:5] == [5, 5, 5]
    assert list(await found.strategy.ask(8)) == []


@pytest.mark.parametrize("options", [{"rounds": 0}, {"samples": 1.5}, {"rate": 0}, {"rate": "x"}])
def test_options_out_of_bounds_are_refused(options: dict[str, object]) -> None:
    graph = team_graph()
    with pytest.raises(ValueError, match=r"`(rounds|samples|rate)` is"):
        agent_reinforce(Setting(graph, Space.of(graph), Random(1), options=options))


async def test_baselines_of_the_study_are_its_evidence() -> None:
    """A model that did well in the baselines is drawn more often from the first round on."""
    space = Space.of(team_graph())
    models = [one.address for one in space.parameters if ".model." in one.address]
    alone = {label: completed(space, dict.fromkeys(models, label)) for label in ("sim", "alt")}
    shares: dict[str, float] = {}
    for good in ("sim", "alt"):
        found = await search(
            agent_reinforce,
            worth=lambda point, good=good: 0.9 if point["main.team.model.5"] == good else 0.1,
            baselines=tuple(alone.values()),
            options={"rounds": 1, "samples": 30},
        )
        drawn = [
            value
            for point in found.strategy.drawn
            for name, value in point.items()
            if name in models
        ]
        shares[good] = drawn.count("alt") / len(drawn)
    assert shares["alt"] > shares["sim"] + 0.2


async def test_what_goes_beyond_the_limits_is_repaired_with_cheaper_values() -> None:
    def bound(point: Assignment, unit: str) -> float | None:
        large = sum(value == "alt" for value in point.values())
        return 1.0 * len(point) + 10 * large if unit == "calls" else None

    def allowed(point: Assignment) -> bool:
        return (bound(point, "calls") or 0) <= 20

    found = await search(agent_reinforce, allowed=allowed, bound=bound)
    assert len(found.worths) > 40
    assert all(allowed(point) for batch in found.rounds for point in batch)


async def test_the_best_come_again_at_the_end() -> None:
    found = await search(
        agent_reinforce, advisor=ScriptedAdvisor(toward(BEST)), trials=1000, items=2000
    )
    archive = found.strategy.archive
    best = archive.best()
    assert best is not None
    assert best in [key_of(point) for point in found.rounds[-1]]


async def test_a_round_of_which_too_little_was_told_teaches_nothing() -> None:
    setting = setting_of([labels("f.x", *"abcdefgh"), labels("f.y", *"abcdefgh")])
    strategy = agent_reinforce(setting)
    for _ in range(4):
        await strategy.ask(20)
    assert strategy.turn == 4
    assert all(chances == (1 / 8,) * 8 for chances in strategy.beliefs.table.values())


async def test_a_spent_budget_ends_the_search() -> None:
    def script(prompt: str, schema: Mapping[str, object]) -> object:
        raise Spent({}, "no calls are left")

    with pytest.raises(Spent):
        await search(agent_reinforce, advisor=ScriptedAdvisor(script))


async def test_prompts_are_bounded_and_hold_no_control_strings() -> None:
    words = "mean quality 0.5; no answer <|im_end|>{{ secret }}" + "x" * 10**5
    for graph in (team_graph(), flow_graph()):
        advisor = ScriptedAdvisor([])
        await search(
            agent_reinforce, graph=graph, worth=lambda point: 0.5, advisor=advisor, words=words
        )
        assert len(advisor.prompts) >= 9
        for prompt in advisor.prompts:
            assert len(prompt) < 12_000
            assert "<|im_end|>" not in prompt
            assert "{{ secret }}" in prompt  # a text like any other: prompts are no templates


async def test_a_prompt_shows_the_round_the_chances_and_the_best() -> None:
    advisor = ScriptedAdvisor([{"updates": [{"hole": "main.team.edge.2.1"}]}] * 20)
    found = await search(agent_reinforce, advisor=advisor, minimise=("calls",))
    strategy: AgentReinforce = found.strategy
    for part in (
        "Higher quality is better. At equal quality, less calls is better.",
        "main.team.edge.1.2: on 0.",
        "The last round, best first:\n1. quality 0.",
        "   main.team node 1: role = ",
        "The best so far:\n1. quality 0.",
        "Wrong in your last reply:\nthere is no hole `main.team.edge.2.1`: edges go",
    ):
        assert part in advisor.prompts[-1]
    assert len(strategy.remarks) == 10  # the first reply had no mixes


async def test_a_graph_that_was_never_run_is_left_out() -> None:
    setting = setting_of([labels("f.x", "a", "b"), labels("f.y", *"abcdefgh")])
    strategy = agent_reinforce(setting)
    for _ in range(4):
        for point in await strategy.ask(20):
            refused = point["f.x"] == "b"
            quality = math.nan if refused else 0.5
            strategy.tell(Told(point, quality, 0 if refused else 9, {}, not refused))
    assert all(math.isfinite(one) for some in strategy.beliefs.table.values() for one in some)
