"""`agent_reinforce_faithful`: Agent-REINFORCE as its code has it, for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.advice import entries, field_of, probability_of, read_mixes, shown
from graphdsl.search.agents.counsel import Counsel
from graphdsl.search.agents.fitting import Fitting
from graphdsl.search.agents.meaning import meanings
from graphdsl.search.agents.mixes import Mix, mix_lines, mixes, model_group, widths
from graphdsl.search.agents.prompts import (
    MIXES_EXAMPLE,
    MIXES_QUESTION,
    NEXT_GRAPH_EXAMPLE,
    NEXT_GRAPH_QUESTION,
    Block,
    insights,
    prompt,
)
from graphdsl.search.agents.remarks import Remarks
from graphdsl.search.agents.schemas import MIXES, NEXT_GRAPH
from graphdsl.search.agents.showing import best_lines
from graphdsl.search.agents.team import Edge, Team, edges_of, graph_text
from graphdsl.search.agents.wording import limited, told_line
from graphdsl.search.space import Parameter
from graphdsl.search.strategies.agent_reinforce import AgentReinforce, agent_reinforce
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.options import whole
from graphdsl.search.strategies.points import Key, completed, key_of
from graphdsl.search.strategy import Setting, Told

_ROUNDS: Final = 10
_VARIANTS: Final = 5
_PRETEST: Final = 0.5
"""Chance of an edge in the graphs of the first test: σ(0)."""
_START: Final = 0.12
"""Chance of an edge when a graph is sampled: σ(θ - 2) at θ = 0."""
_SMALL: Final = 5
"""Earlier rounds are shown only of teams of at most so many nodes before the last."""
_AGAIN: Final = 3
_LINES: Final = 60


@dataclass(slots=True)
class AgentReinforceFaithful:
    """The released algorithm (`FairyFali/AgentRE`, mode OptimizedLLMSwarm), its bugs removed.

    1. The agent chooses two of the mixes of models that leave the least of what one run may cost;
       without a reply the first two.
    2. Each becomes up to five variants, by removing its smallest model one at a time. Each variant
       gets one random graph; the models of the best are kept for good.
    3. `rounds` graphs, one after the other: the first is sampled with sparse edges, then the agent
       gives the next graph and a table of edge probabilities, shown the last graph, its quality,
       the table, and up to two earlier rounds. Without a usable reply the graph is drawn from the
       table. A graph beyond the limits of one run loses a random node of its smallest model until
       it fits, and the agent is asked once more.
    4. At the end the best of the archive again.

    What is not as released: prices are the bounds of the compiler; a re-asked graph is checked too;
    the allocator decides on how many items graphs are compared, the same for all; pilot results are
    those of this study; the best graph counts, not the last. Holes outside of the first
    `collaborate` of the space keep their defaults.
    """

    archive: Archive
    team: Team
    fitting: Fitting
    counsel: Counsel
    rounds: int
    turn: int = 0
    waiting: list[Assignment] = field(default_factory=list[Assignment])
    table: dict[Edge, float] = field(default_factory=dict[Edge, float])
    variants: list[Assignment] = field(default_factory=list[Assignment])
    history: list[Assignment] = field(default_factory=list[Assignment])

    @property
    def remarks(self) -> Remarks:
        """What was dropped or mended in the agent's replies."""
        return self.counsel.remarks

    async def ask(self, count: int) -> Sequence[Assignment]:
        """The variants, then one graph at a time; none after the last."""
        self.archive.settle()
        while count > 0 and not self.waiting and self.turn < self.rounds + 2:
            self.turn += 1
            self.waiting = await self._turn()
        found, self.waiting = self.waiting[: max(0, count)], self.waiting[max(0, count) :]
        return [self.archive.propose(point) for point in found]

    def tell(self, told: Told) -> None:
        """Learn what a point was worth, whoever proposed it."""
        self.archive.tell(told)

    async def _turn(self) -> list[Assignment]:
        if self.turn == 1:
            self.variants = await self._variants()
            return list(self.variants)
        if self.turn == self.rounds + 2:
            aims = self.archive.aims()
            best = sorted(aims, key=lambda key: aims[key], reverse=True)
            points = [dict(key) for key in best]
            return [point for point in points if self.archive.allowed(point)][:_AGAIN]
        point = self._first() if not self.history else await self._next()
        if point is None:
            return []
        self.history.append(point)
        return [point]

    # ---- models

    async def _variants(self) -> list[Assignment]:
        space, setting = self.archive.space, self.archive.setting
        kinds = meanings(setting.graph)
        group = model_group(space, [hole for hole, kind in kinds.items() if kind == "model"])
        some = mixes(self.fitting, group) if group else []
        starts = [mix.point(space, group) for mix in await self._chosen(some)]
        found: dict[Key, Assignment] = {}
        for start in starts or self._sizes(group):
            for point in self._smaller(start):
                drawn = self.team.drawn(point, lambda edge: _PRETEST, setting.random)
                fitting = self._fitted(drawn)
                if fitting is not None:
                    found.setdefault(key_of(fitting), fitting)
        return list(found.values())

    async def _chosen(self, some: Sequence[Mix]) -> list[Mix]:
        if len(some) <= 2:
            return list(some)
        kinds = list(meanings(self.archive.setting.graph).values())
        asked = prompt(
            self.archive.setting.minimise,
            [
                ("What usually holds", insights(kinds)),
                ("Measured so far", best_lines(self.archive, 8)),
                ("Mixes of models", mix_lines(some)),
            ],
            MIXES_QUESTION,
            MIXES_EXAMPLE,
        )
        reply = await self.counsel.ask(asked, MIXES)
        chosen = [] if reply is None else read_mixes(reply, len(some), self.remarks)
        return [some[at] for at in chosen or (0, 1)]

    def _sizes(self, group: Sequence[Parameter]) -> list[Assignment]:
        """Where there are no mixes: the widest graph."""
        edges = [
            one
            for address, one in self.team.by_address.items()
            if f"{self.team.address}.edge." in address
        ]
        width = widths(self.archive.space, group or edges)[-1]
        return [completed(self.archive.space, dict([width] if width else []))]

    def _smaller(self, point: Assignment) -> list[Assignment]:
        """A graph, and those that lose their smallest model again and again; five in all."""
        found = [point]
        while len(found) < _VARIANTS:
            less = self.team.smaller(found[-1], self._rank, self.archive.setting.random)
            if less is None:
                break
            found.append(less)
        return found

    def _rank(self, model: str) -> float:
        """The size of a model: what a run with it alone can cost, else its place in the pool."""
        models = [
            one
            for address, one in self.team.by_address.items()
            if address.startswith(f"{self.team.address}.model.")
        ]
        if not models or model not in models[0].labels:
            return 0.0
        everywhere = {one.address: model for one in models if model in one.labels}
        spent = self.fitting.spent(completed(self.archive.space, {**everywhere}))
        return float(models[0].labels.index(model)) if spent is None else spent

    def _fitted(self, point: Assignment) -> Assignment | None:
        """A graph without those nodes of its smallest model that are too many for one run."""
        while not self.archive.allowed(point):
            less = self.team.smaller(point, self._rank, self.archive.setting.random)
            if less is None:
                return self.fitting.repaired(point)
            point = less
        return point

    # ---- edges and roles

    def _first(self) -> Assignment | None:
        """A graph with the models of the best variant, sampled."""
        aims = self.archive.aims()
        seen = [point for point in self.variants if key_of(point) in aims]
        if not self.variants:
            return None
        best = max(seen, key=lambda point: aims[key_of(point)]) if seen else self.variants[0]
        self.table = dict.fromkeys(self.team.possible(best), _START)
        return self._fitted(self._sampled(best))

    def _sampled(self, point: Assignment) -> Assignment:
        random = self.archive.setting.random
        return self.team.drawn(point, lambda edge: self.table.get(edge, _START), random)

    async def _next(self) -> Assignment | None:
        """The agent's next graph, within the limits."""
        last = self.history[-1]
        point = await self._asked(last, [])
        if point is None:
            return self._fitted(self._sampled(last))
        fitting = self._fitted(point)
        if fitting is None or fitting == point:
            return fitting
        block = (
            "Your graph could cost more than one run may; this one fits",
            graph_text(self.team, fitting),
        )
        again = await self._asked(fitting, [block])
        return fitting if again is None or not self.archive.allowed(again) else again

    async def _asked(self, last: Assignment, more: Sequence[Block]) -> Assignment | None:
        """The graph that the agent replies with, on the nodes of `last`; None without one."""
        setting = self.archive.setting
        table = [f"{a} -> {b}: {chance:.2f}" for (a, b), chance in self.table.items()]
        kinds = list(meanings(setting.graph).values())
        blocks: list[Block] = [
            ("What usually holds", insights(kinds)),
            *self._earlier(),
            (f"The last graph, {self._worth(last)}", graph_text(self.team, last)),
            ("Edge probabilities", limited(table, _LINES)),
            *more,
            ("Wrong in your last reply", self.counsel.mistakes()),
        ]
        asked = prompt(setting.minimise, blocks, NEXT_GRAPH_QUESTION, NEXT_GRAPH_EXAMPLE)
        reply = await self.counsel.ask(asked, NEXT_GRAPH)
        return None if reply is None else self._read(reply, last)

    def _read(self, reply: object, last: Assignment) -> Assignment | None:
        possible = set(self.team.possible(last))
        if not isinstance(field_of(reply, "edges"), list):
            self.remarks.add("the reply has no list `edges`")
            return None
        for item in entries(reply, "table", self.remarks):
            chance = probability_of(field_of(item, "probability"))
            for edge in self._edges([item], possible):
                if chance is None:
                    self.remarks.add(f"no probability: {shown(field_of(item, 'probability'))}")
                else:
                    self.table[edge] = min(0.98, max(0.02, chance))
        before = len(self.remarks)
        edges = self._edges(list(entries(reply, "edges", self.remarks)), possible)
        if not edges and len(self.remarks) > before:
            return None  # all that it said of edges was wrong
        roles: dict[int, str] = {}
        *members, sink = self.team.members(last)
        for item in entries(reply, "roles", self.remarks):
            node, role = field_of(item, "node"), field_of(item, "role")
            if node in members and isinstance(node, int) and isinstance(role, str):
                roles[node] = role.strip().lower()
            elif node != sink:  # whose role is not to be changed
                self.remarks.add(f"no role of a node: {shown(node)}, {shown(role)}")
        return self.team.cast(self.team.wired(last, edges), roles)

    def _edges(self, items: Sequence[object], possible: set[Edge]) -> list[Edge]:
        found: list[Edge] = []
        for item in items:
            source, target = field_of(item, "source"), field_of(item, "target")
            pairs = [edge for edge in edges_of([(source, target)]) if edge in possible]
            if not pairs:
                self.remarks.add(f"there is no edge from {shown(source)} to {shown(target)}")
            found += pairs
        return found

    def _earlier(self) -> list[Block]:
        """Up to two rounds before the last, of small teams."""
        rounds = self.history[:-1][-2:]
        if len(self.team.members(self.history[-1])) - 1 > _SMALL:
            return []
        return [
            (f"An earlier graph, {self._worth(point)}", graph_text(self.team, point))
            for point in rounds
        ]

    def _worth(self, point: Assignment) -> str:
        told = self.archive.of(key_of(point))
        return "not run" if told is None else told_line(told, self.archive.setting.minimise)


def agent_reinforce_faithful(setting: Setting) -> AgentReinforceFaithful | AgentReinforce:
    """Make the strategy; its option is `rounds` (10).

    A space without `collaborate` has no edges to choose: there it is `agent_reinforce`, and its
    first remark says so. Raises ValueError for options out of bounds.
    """
    team = Team.of(setting.space)
    if team is None:
        other = agent_reinforce(setting)
        other.remarks.add("the space has no `collaborate`, so this is `agent_reinforce`")
        return other
    archive = Archive(setting)
    return AgentReinforceFaithful(
        archive, team, Fitting(archive), Counsel(setting.advisor), whole(setting, "rounds", _ROUNDS)
    )
