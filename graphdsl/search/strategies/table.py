"""Strategies by the name that a program calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from graphdsl.search.strategies.agent_reinforce import agent_reinforce
from graphdsl.search.strategies.agent_reinforce_faithful import agent_reinforce_faithful
from graphdsl.search.strategies.agent_tts import agent_tts
from graphdsl.search.strategies.archon import archon
from graphdsl.search.strategies.evolve import evolve
from graphdsl.search.strategies.greedy import greedy
from graphdsl.search.strategies.grid import grid
from graphdsl.search.strategies.nsga2 import nsga2
from graphdsl.search.strategies.random import random
from graphdsl.search.strategies.reinforce import reinforce
from graphdsl.search.strategies.tpe import tpe
from graphdsl.search.strategy import Setting, Strategy

STRATEGIES: Final[dict[str, Callable[[Setting], Strategy]]] = {
    "grid": grid,
    "random": random,
    "greedy": greedy,
    "tpe": tpe,
    "nsga2": nsga2,
    "archon": archon,
    "reinforce": reinforce,
    "agent_reinforce": agent_reinforce,
    "agent_reinforce_faithful": agent_reinforce_faithful,
    "agent_tts": agent_tts,
    "evolve": evolve,
}
"""Makers of strategies; they raise ValueError for an option that is out of its bounds."""
