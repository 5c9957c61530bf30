"""What tests of strategies with agents share: a team of models, what graphs of it are worth, and
searches with noisy tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from graphdsl.ir.nodes import Assignment, Graph
from graphdsl.search.agents.meaning import EDGE
from graphdsl.search.space import Space
from graphdsl.search.strategy import Advisor, Setting, Strategy, Told
from tests.compiler.lowering import graph_of

Make = Callable[[Setting], Strategy]


@cache
def team_graph() -> Graph:
    """A team of two to five nodes, of two roles and two models."""
    return graph_of(
        "flow main(q: Text) -> Draft {\n"
        "  team = collaborate(q, nodes: 4 in 2..5, roles: [assistant, fuser], models: both)\n"
        "  return team\n}"
    )


@cache
def flow_graph() -> Graph:
    """Two stages with models and samples, and a judge."""
    return graph_of(
        "flow main(q: Text) -> Draft {\n"
        "  tune judge = sim in both\n"
        "  drafts = generate(q, models: sim in both, samples: 4 in 1..16)\n"
        "  optional best = rank(drafts, by: judge, keep: 3 in 1..5) else drafts\n"
        "  more = generate(q, models: alt in both, samples: 3 in [1, 3, 5])\n"
        "  all = concat(best, more)\n"
        "  return vote(all)\n}"
    )


BEST: Assignment = {
    "main.team.nodes": "4",
    **{f"main.team.model.{node}": "alt" for node in (1, 2, 3, 5)},
    **{f"main.team.role.{node}": "assistant" for node in (1, 2)},
    "main.team.role.3": "fuser",
    "main.team.role.5": "fuser",
    "main.team.edge.1.2": "off",
    "main.team.edge.1.3": "on",
    "main.team.edge.2.3": "on",
    "main.team.edge.1.5": "off",
    "main.team.edge.2.5": "off",
    "main.team.edge.3.5": "on",
}
"""The best point of the team by `team_worth`, and the only one."""

WORST: Assignment = {
    "main.team.nodes": "2",
    "main.team.model.1": "sim",
    "main.team.model.5": "sim",
    "main.team.role.1": "fuser",
    "main.team.role.5": "assistant",
    "main.team.edge.1.5": "on",
}


def team_worth(point: Assignment) -> float:
    """From 0.2 to 0.9: the share of the values of `BEST` that a point has, less edges beyond."""
    same = sum(point.get(address) == value for address, value in BEST.items())
    extra = sum(
        EDGE.fullmatch(one) is not None and point[one] == "on" for one in point.keys() - BEST
    )
    return 0.2 + 0.7 * max(0, same - extra) / len(BEST)


@dataclass(slots=True)
class Searched:
    """A search that ended: the points in order, their true worths, and the strategy."""

    strategy: Any
    rounds: list[list[Assignment]] = field(default_factory=list[list[Assignment]])
    worths: list[float] = field(default_factory=list[float])

    @property
    def best(self) -> float:
        """The true worth of the best point that was proposed."""
        return max(self.worths)


async def search(
    make: Make,
    *,
    graph: Graph | None = None,
    worth: Callable[[Assignment], float] = team_worth,
    advisor: Advisor | None = None,
    seed: int = 1,
    trials: int = 80,
    items: int = 50,
    baselines: tuple[Assignment, ...] = (),
    words: str = "",
    **setting: Any,
) -> Searched:
    """Ask and tell: each point is seen on so many items, which it solves by its worth."""
    graph = graph or team_graph()
    space = Space.of(graph)
    random = Random(seed + 10_000)
    found = Searched(make(Setting(graph, space, Random(seed), advisor=advisor, **setting)))

    def tell(point: Assignment) -> None:
        true = worth(point)
        solved = sum(random.random() < true for _ in range(items))
        quality = (solved + 10) / (items + 20)
        found.strategy.tell(Told(point, quality, items, {"calls": float(len(point))}, True, words))

    for point in baselines:
        tell(point)
    while len(found.worths) < trials and (batch := list(await found.strategy.ask(8))):
        found.rounds.append(batch)
        for point in batch:
            found.worths.append(worth(point))
            tell(point)
    return found
