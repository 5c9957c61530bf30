"""`agent_reinforce_faithful`: mixes, variants, the agent's next graph, within the limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random

import pytest

from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.fitting import Fitting
from graphdsl.search.agents.meaning import meanings
from graphdsl.search.agents.mixes import mixes, model_group
from graphdsl.search.agents.team import FUSER, Team, graph_text
from graphdsl.search.space import Space
from graphdsl.search.strategies.agent_reinforce import AgentReinforce
from graphdsl.search.strategies.agent_reinforce_faithful import agent_reinforce_faithful
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.points import completed, key_of
from graphdsl.search.strategy import Setting
from graphdsl.testing.scripted_advisor import ScriptedAdvisor, toward
from graphdsl.testing.strategy_spaces import SPACES, setting_of
from tests.search.agents.agent_searches import BEST, search, team_graph

_SPACE = Space.of(team_graph())


def team() -> Team:
    """The team of the graph."""
    found = Team.of(_SPACE)
    assert found is not None
    return found


def priced(point: Assignment, unit: str) -> float | None:
    """A node costs 1 or, of the larger model, 3, and half as much for each node it reads."""
    own = team()
    nodes = own.members(point)
    reads = {node: sum(edge[1] == node for edge in own.edges(point)) for node in nodes}
    price = {node: 3.0 if own.at(point, "model", node) == "alt" else 1.0 for node in nodes}
    cost = sum(price[node] * (1 + reads[node] / 2) for node in nodes)
    return cost if unit == "flops" else None


def within(most: float) -> Callable[[Assignment], bool]:
    """Whether one run costs at most so much."""
    return lambda point: (priced(point, "flops") or 0) <= most


def test_mixes_leave_the_least_of_the_budget() -> None:
    setting = Setting(team_graph(), _SPACE, Random(1), bound=priced, allowed=within(10))
    kinds = meanings(setting.graph)
    group = model_group(_SPACE, [hole for hole, kind in kinds.items() if kind == "model"])
    some = mixes(Fitting(Archive(setting)), group)
    assert [mix.spent for mix in some] == sorted([mix.spent or 0 for mix in some], reverse=True)
    # Of four nodes three may be large, 1 + 3·3 = 10, of five two, 3 + 2·3 = 9.
    assert [(mix.line, mix.spent) for mix in some[:2]] == [
        ("1 × sim, 3 × alt", 10),
        ("3 × sim, 2 × alt", 9),
    ]
    assert all(within(10)(mix.point(_SPACE, group)) for mix in some)


def test_a_team_reads_and_writes_its_graph() -> None:
    own = team()
    point = own.wired(completed(_SPACE, {"main.team.nodes": "3"}), [(1, 2), (2, 5), (4, 5), (2, 9)])
    assert own.members(point) == [1, 2, 5]
    assert own.edges(point) == [(1, 2), (2, 5)]
    assert graph_text(own, point) == [
        "node 1: sim, assistant, feeds 2",
        "node 2: alt, assistant, reads 1, feeds 5",
        "node 5 (last): sim, fuser, reads 2",
    ]


def test_roles_follow_the_rules_of_the_code() -> None:
    own = team()
    point = own.wired(completed(_SPACE, {"main.team.nodes": "5"}), [(1, 2), (2, 3), (1, 4)])
    assert own.roles(point) == {1: "assistant", 2: FUSER, 3: "assistant", 4: FUSER}


def test_a_smaller_graph_loses_a_node_of_its_smallest_model() -> None:
    own = team()
    start: Assignment = {
        "main.team.nodes": "4",
        **{f"main.team.model.{node}": "alt" for node in (1, 3, 5)},
        "main.team.model.2": "sim",
        "main.team.role.3": FUSER,
    }
    point = own.wired(completed(_SPACE, start), [(1, 2), (1, 3), (3, 5)])
    less = own.smaller(point, lambda model: {"sim": 1.0, "alt": 3.0}[model], Random(1))
    assert less is not None
    assert own.members(less) == [1, 2, 5]
    assert [own.at(less, "model", node) for node in (1, 2, 5)] == ["alt"] * 3
    assert own.at(less, "role", 2) == FUSER
    assert own.edges(less) == [(1, 2), (2, 5)]


def test_the_smallest_graph_has_none_that_is_smaller() -> None:
    point = completed(_SPACE, {"main.team.nodes": "2"})
    assert team().smaller(point, lambda model: 1.0, Random(1)) is None


async def test_variants_come_first_then_one_graph_a_round_and_the_best_again() -> None:
    advisor = ScriptedAdvisor(toward(BEST))
    found = await search(
        agent_reinforce_faithful, advisor=advisor, options={"rounds": 4}, bound=priced
    )
    variants = found.rounds[0] + found.rounds[1] if len(found.rounds) == 7 else found.rounds[0]
    assert 2 <= len(variants) <= 10
    assert [len(batch) for batch in found.rounds[-5:-1]] == [1, 1, 1, 1]
    own, kept = team(), found.strategy.history
    models = [[own.at(point, "model", node) for node in own.members(point)] for point in kept]
    assert all(some == models[0] for some in models)
    assert list(await found.strategy.ask(8)) == []


async def test_the_agent_gives_edges_roles_and_the_table() -> None:
    replies: list[object] = [
        {"mixes": [1]},
        {
            "edges": [{"source": 1, "target": 2}, {"source": 2, "target": 1}],
            "roles": [{"node": 2, "role": "Fuser"}, {"node": 1, "role": "king"}],
            "table": [{"source": 1, "target": 2, "probability": 0.7}],
        },
    ]
    found = await search(
        agent_reinforce_faithful,
        worth=lambda point: 0.2 + 0.1 * int(point["main.team.nodes"]),
        advisor=ScriptedAdvisor(replies),
        options={"rounds": 2},
    )
    point, own = found.strategy.history[1], team()
    assert own.edges(point) == [(1, 2)]
    assert own.at(point, "role", 2) == FUSER
    assert own.at(point, "role", 1) == "assistant"
    assert found.strategy.table[1, 2] == 0.7
    assert found.strategy.remarks.lines == ["there is no edge from `2` to `1`"]


@pytest.mark.parametrize(
    "reply",
    [
        "null",
        "7",
        "[]",
        '{"edges": [1, 2, 3], "table": [{"source": 1}]}',
        '{"edges": "1 -> 2", "roles": [{}]}',
    ],
)
async def test_a_graph_is_drawn_from_the_table_where_no_reply_can_be_used(reply: str) -> None:
    found = await search(
        agent_reinforce_faithful,
        advisor=ScriptedAdvisor([json.loads(reply)] * 30),
        options={"rounds": 6},
    )
    assert len(found.strategy.history) == 6
    assert len({key_of(point) for point in found.strategy.history}) > 1
    assert found.strategy.remarks.lines


async def test_a_million_edges_are_not_read() -> None:
    endless = {"edges": [{"source": 2, "target": 1}] * 10**6, "roles": [], "table": []}
    found = await search(
        agent_reinforce_faithful, advisor=ScriptedAdvisor([endless] * 30), options={"rounds": 4}
    )
    assert len({key_of(point) for point in found.strategy.history}) > 1
    assert len(found.strategy.remarks.lines) == 200


async def test_a_graph_beyond_the_limits_loses_nodes_and_the_agent_is_asked_once_more() -> None:
    asked: list[str] = []

    def script(prompt: str, schema: Mapping[str, object]) -> object:
        if "mixes" in str(schema):
            return {"mixes": [1, 2]}
        asked.append(prompt)
        everywhere = [{"source": a, "target": b} for a in range(1, 5) for b in range(a + 1, 6)]
        return {"edges": everywhere, "roles": [], "table": []}

    found = await search(
        agent_reinforce_faithful,
        advisor=ScriptedAdvisor(script),
        options={"rounds": 3},
        bound=priced,
        allowed=within(12),
    )
    assert all(within(12)(point) for batch in found.rounds for point in batch)
    assert len(found.strategy.history) == 3
    assert any("Your graph could cost more than one run may" in prompt for prompt in asked)
    assert len(asked) <= 2 * 2  # two rounds with a next graph, each with one more question at most


async def test_without_a_team_it_is_agent_reinforce_and_says_so() -> None:
    strategy = agent_reinforce_faithful(setting_of(SPACES["labels"]))
    assert isinstance(strategy, AgentReinforce)
    assert strategy.remarks.lines == [
        "the space has no `collaborate`, so this is `agent_reinforce`"
    ]


async def test_a_study_that_is_told_again_goes_on_as_before() -> None:
    first, again = [
        await search(agent_reinforce_faithful, advisor=ScriptedAdvisor(toward(BEST)))
        for _ in range(2)
    ]
    assert first.rounds == again.rounds
