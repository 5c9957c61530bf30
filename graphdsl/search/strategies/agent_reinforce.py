"""`agent_reinforce`: distributions that an agent and a policy gradient move together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.advice import read_mixes, read_updates
from graphdsl.search.agents.beliefs import Beliefs, Table
from graphdsl.search.agents.chances import blended, clipped, scaled
from graphdsl.search.agents.counsel import Counsel
from graphdsl.search.agents.evidence import LEAST, learn, pilots, sparse
from graphdsl.search.agents.fitting import Fitting
from graphdsl.search.agents.meaning import Meaning, meanings
from graphdsl.search.agents.mixes import Mix, mix_lines, mixes, model_group
from graphdsl.search.agents.prompts import (
    MIXES_EXAMPLE,
    MIXES_QUESTION,
    UPDATES_EXAMPLE,
    UPDATES_QUESTION,
    insights,
    prompt,
)
from graphdsl.search.agents.remarks import Remarks
from graphdsl.search.agents.schemas import MIXES, UPDATES
from graphdsl.search.agents.showing import best_lines, round_lines
from graphdsl.search.agents.trust import trust
from graphdsl.search.agents.wording import chances_lines, graph_lines
from graphdsl.search.space import Parameter
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.options import share, whole
from graphdsl.search.strategies.points import Key, key_of
from graphdsl.search.strategies.policy import leave_one_out
from graphdsl.search.strategy import Setting, Told

_ROUNDS: Final = 10
_SAMPLES: Final = 8
_RATE: Final = 1.0
_STEP: Final = 3.0
"""The size of a step at rate 1; from 1 to 5 was tried on synthetic spaces."""

_DEARNESS: Final = 0.1
"""How much quality the dearest graph has to bring more than the cheapest one."""

_TRIES: Final = 16
"""Draws for one sample that is new and fits one run."""

_BEST: Final = 3
"""Members of the archive that are shown, and proposed again at the end."""

_SHOWN: Final = 40
"""Distributions that an agent is shown."""

_MIX: Final = 0.5
"""Weight of the chosen mixes in the first distributions of models."""


@dataclass(slots=True)
class AgentReinforce:
    """Agent-REINFORCE (arXiv 2511.00086) for any space: sample, run, reflect, update.

    1. *Pilots*: each model everywhere, widths and depths at either end, a chain. With the baselines
       they are the evidence for the first distributions (`graphdsl.search.agents.evidence`); the
       agent chooses two mixes of models among those that spend the most of what one run may cost,
       and half of the first chances of models follow them. Without a reply the evidence chooses.
    2. `rounds` times: `samples` graphs are drawn, new ones where there are any; one beyond the
       limits of a run is drawn again, at last repaired with cheaper values. Then, with p the
       chances of a parameter, u what the graphs were worth and A_i = u_i - mean of the other u in
       units of their root mean square (at least 0.05),

           learnt ∝ learnt · exp(3 · rate · (1/M) Σ_i A_i (e_i - p))   over the round's M graphs,
           p      = (1 - w) · learnt + w · what the agent advises,

       both parts clipped away from 0 and 1. A parameter counts only in graphs in which it is
       active. Advice on a parameter holds until there is new advice on it. w says how well all
       advice agrees with all that was measured (`graphdsl.search.agents.trust`): next to nothing
       for hostile advice, which leaves no trace in what is learnt. A graph of which nothing was
       told, or which was never run, is left out; with fewer than two the round teaches nothing.
    3. At the end the best of the archive again, and the most likely graph.

    The worth of a graph is its quality, less up to 0.1 where costs count. Differences from the
    paper: the table of probabilities is what is drawn from; there is a baseline; the archive's best
    counts, not the last graph; the pilot results are those of this study.
    """

    archive: Archive
    beliefs: Beliefs
    fitting: Fitting
    counsel: Counsel
    meanings: Mapping[str, Meaning]
    rounds: int
    samples: int
    rate: float
    trust: float = 0.5
    turn: int = 0
    waiting: list[Assignment] = field(default_factory=list[Assignment])
    drawn: list[Assignment] = field(default_factory=list[Assignment])

    @property
    def remarks(self) -> Remarks:
        """What was dropped or mended in the agent's replies."""
        return self.counsel.remarks

    async def ask(self, count: int) -> Sequence[Assignment]:
        """What is left of the round, or the next one; none after the last."""
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
            return pilots(self.archive, self.meanings, 2 * self.samples)
        if self.turn == 2:
            await self._begin()
        else:
            await self._update(asking=self.turn < self.rounds + 2)
        if self.turn == self.rounds + 2:
            return self._last()
        self.drawn = self._draw()
        return list(self.drawn)

    # ---- the beginning

    async def _begin(self) -> None:
        worths = self.archive.worths(_DEARNESS)
        sparse(self.beliefs)
        learn(self.beliefs, self.meanings, [(dict(key), worth) for key, worth in worths.items()])
        models = [address for address, kind in self.meanings.items() if kind == "model"]
        group = model_group(self.archive.space, models)
        some = mixes(self.fitting, group)
        if some:
            self._favour(group, await self._chosen(group, some))
        self.beliefs.blend(0.0)

    async def _chosen(self, group: Sequence[Parameter], some: Sequence[Mix]) -> list[Mix]:
        """Two mixes: the agent's, or those whose models did best."""
        if len(some) > 2:
            asked = prompt(
                self.archive.setting.minimise,
                [
                    ("What usually holds", insights(list(self.meanings.values()))),
                    ("Measured so far", best_lines(self.archive, 2 * self.samples)),
                    ("Mixes of models", mix_lines(some)),
                ],
                MIXES_QUESTION,
                MIXES_EXAMPLE,
            )
            reply = await self.counsel.ask(asked, MIXES)
            chosen = [] if reply is None else read_mixes(reply, len(some), self.remarks)
            if chosen:
                return [some[at] for at in chosen]
        chances = self.beliefs.learnt[group[0].address]
        known = dict(zip(group[0].labels, chances, strict=True))
        promise = [sum(known[label] for label in mix.labels) / len(mix.labels) for mix in some]
        order = sorted(range(len(some)), key=lambda at: -promise[at])
        return [some[at] for at in order[:2]]

    def _favour(self, group: Sequence[Parameter], chosen: Sequence[Mix]) -> None:
        """Draw models as often as the mixes have them."""
        counts = Counter(label for mix in chosen for label in mix.labels)
        total = sum(counts.values())
        mixed = tuple(counts[label] / total for label in group[0].labels)
        for one in group:
            before = self.beliefs.learnt[one.address]
            self.beliefs.learnt[one.address] = clipped(blended(before, mixed, _MIX))

    # ---- a round

    def _draw(self) -> list[Assignment]:
        """A round of samples, those that are new first of all."""
        found: dict[Key, Assignment] = {}
        for _ in range(self.samples):
            point = self._sample()
            if point is not None:
                found.setdefault(key_of(point), point)
        return list(found.values())

    def _sample(self) -> Assignment | None:
        random, known = self.archive.setting.random, None
        point = self.beliefs.draw(random)
        for _ in range(_TRIES):
            if self.archive.allowed(point):
                if not self.archive.known(key_of(point)):
                    return point
                known = known or point
            point = self.beliefs.draw(random)
        return known or self.fitting.repaired(point)

    async def _update(self, asking: bool) -> None:
        worths = self.archive.worths(_DEARNESS)
        points = [point for point in self.drawn if key_of(point) in worths]
        if len(points) < 2:
            return
        advantages = scaled(leave_one_out([worths[key_of(one)] for one in points]), LEAST)
        self.beliefs.learn(points, advantages, _STEP * self.rate)
        if asking:
            self.beliefs.advised |= await self._advice(points, worths)
        if self.beliefs.advised:
            preferences = [self.beliefs.preference(dict(key)) for key in worths]
            self.trust = trust(preferences, list(worths.values()))
        self.beliefs.blend(self.trust)

    async def _advice(
        self,
        points: Sequence[Assignment],
        worths: Mapping[Key, float],
    ) -> Table:
        ordered = sorted(points, key=lambda point: -worths[key_of(point)])
        named = [
            address
            for address, cells in self.beliefs.cells.items()
            if len(cells) > 1 and any(address in point for point in points)
        ]
        asked = prompt(
            self.archive.setting.minimise,
            [
                ("The graph", graph_lines(self.archive.setting.graph)),
                ("What usually holds", insights(list(self.meanings.values()))),
                ("Chances of values now", chances_lines(self.beliefs, named, _SHOWN)),
                ("The last round, best first", round_lines(self.archive, ordered)),
                ("The best so far", best_lines(self.archive, _BEST)),
                ("Wrong in your last reply", self.counsel.mistakes()),
            ],
            UPDATES_QUESTION,
            UPDATES_EXAMPLE,
        )
        reply = await self.counsel.ask(asked, UPDATES)
        return {} if reply is None else read_updates(reply, self.beliefs, self.remarks)

    def _last(self) -> list[Assignment]:
        """The most likely graph and the best ones again: more items for them."""
        worths = self.archive.worths(_DEARNESS)
        best = [dict(key) for key in sorted(worths, key=lambda key: -worths[key])[:_BEST]]
        likeliest = [self.beliefs.likeliest(self.beliefs.learnt)]
        if self.beliefs.advised:
            likeliest.insert(0, self.beliefs.likeliest(self.beliefs.table))
        found = [self.fitting.repaired(point) for point in likeliest]
        found += [point for point in best if self.archive.allowed(point)]
        return list({key_of(point): point for point in found if point is not None}.values())


def agent_reinforce(setting: Setting) -> AgentReinforce:
    """Make the strategy; its options are `rounds` (10), `samples` (8) and `rate` (1).

    Raises ValueError for options out of bounds.
    """
    archive = Archive(setting)
    return AgentReinforce(
        archive,
        Beliefs.of(setting.space),
        Fitting(archive),
        Counsel(setting.advisor),
        meanings(setting.graph),
        whole(setting, "rounds", _ROUNDS),
        whole(setting, "samples", _SAMPLES),
        share(setting, "rate", _RATE),
    )
