"""Every strategy with an agent keeps what the suite of strategies promises, whatever the agent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from graphdsl.search.strategies.agent_reinforce import agent_reinforce
from graphdsl.search.strategies.agent_reinforce_faithful import agent_reinforce_faithful
from graphdsl.search.strategies.agent_tts import agent_tts
from graphdsl.search.strategy import Setting, Strategy
from graphdsl.testing import StrategySuite
from graphdsl.testing.scripted_advisor import ScriptedAdvisor


def _confused(prompt: str, schema: Mapping[str, object]) -> object | None:
    """Something wrong of every kind, and a little that is right."""
    return {
        "updates": [
            {"hole": "f.x", "value": "b", "probability": 0.9},
            {"hole": "f.x", "value": "nonsense", "probability": math.nan},
            {"hole": "f.g.edge.2.1", "value": "on", "probability": "high"},
            {"hole": 7},
            "{{ 7 * 7 }}",
        ],
        "mixes": [9, "1", None],
        "guidelines": ["", 3, "less is more"],
        "proposals": [{"changes": [{"hole": "f.x", "value": "c"}]}, {"changes": "f.x"}, 5],
        "roles": [{"node": 1, "role": "king"}, {"node": 10**9, "role": "fuser"}],
        "edges": [{"source": 3, "target": 1}, {"source": 1, "target": 3}, "1 -> 2"],
        "table": [{"source": 1, "target": 3, "probability": -1}],
    }


class TestAgentReinforce(StrategySuite):
    complete = False

    def strategy(self, setting: Setting) -> Strategy:
        return agent_reinforce(setting)


class TestAgentReinforceWithAConfusedAgent(StrategySuite):
    complete = False

    def strategy(self, setting: Setting) -> Strategy:
        return agent_reinforce(replace(setting, advisor=ScriptedAdvisor(_confused)))


class TestAgentTts(StrategySuite):
    complete = False

    def strategy(self, setting: Setting) -> Strategy:
        return agent_tts(setting)


class TestAgentTtsWithAConfusedAgent(StrategySuite):
    complete = False

    def strategy(self, setting: Setting) -> Strategy:
        return agent_tts(replace(setting, advisor=ScriptedAdvisor(_confused)))


class TestAgentReinforceFaithful(StrategySuite):
    complete = False

    def strategy(self, setting: Setting) -> Strategy:
        return agent_reinforce_faithful(setting)


class TestAgentReinforceFaithfulWithAConfusedAgent(StrategySuite):
    complete = False

    def strategy(self, setting: Setting) -> Strategy:
        return agent_reinforce_faithful(replace(setting, advisor=ScriptedAdvisor(_confused)))
