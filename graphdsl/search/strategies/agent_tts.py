"""`agent_tts`: an agent that writes guidelines and proposes models and samples for each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from graphdsl.compiler.pins import shown
from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.advice import read_guidelines, read_proposals
from graphdsl.search.agents.cells import Cells, cells_of
from graphdsl.search.agents.counsel import Counsel
from graphdsl.search.agents.fitting import Fitting
from graphdsl.search.agents.meaning import meanings
from graphdsl.search.agents.prompts import (
    GUIDELINES_EXAMPLE,
    GUIDELINES_QUESTION,
    PROPOSALS_EXAMPLE,
    Block,
    insights,
    prompt,
    proposals_question,
)
from graphdsl.search.agents.remarks import Remarks
from graphdsl.search.agents.schemas import GUIDELINES, PROPOSALS
from graphdsl.search.agents.showing import best_lines, round_lines
from graphdsl.search.agents.stages import Stage, probes, stages
from graphdsl.search.agents.wording import graph_lines, limited, point_lines
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.options import whole
from graphdsl.search.strategies.points import Key, completed, key_of
from graphdsl.search.strategies.unseen import Unseen
from graphdsl.search.strategy import Setting, Told

_ROUNDS: Final = 5
_SAMPLES: Final = 10
_BEST: Final = 5
_AGAIN: Final = 3
_HOLES: Final = 60
_TRIES: Final = 16


@dataclass(slots=True)
class AgentTts:
    """AgentTTS (arXiv 2508.00890) over the stages that a space has.

    1. Probes: for each stage every model at the budget of one sample of its largest
       (`graphdsl.search.agents.stages`). A space without such stages begins with its defaults.
    2. `rounds` times: the agent writes guidelines from what was measured, and proposes up to
       `samples` graphs as changes to the best one, given the first and the last two of its
       guidelines. Those beyond the limits of one run and those that are known are dropped.
    3. At the end the best of the archive again.

    Where no proposal of a round is left, and where none came, `samples` new points take their
    place: in turn the best with one or two values changed, and drawn evenly. Differences from the
    paper: the history that is shown is bounded (the best and the last round), all holes may be
    changed, not only models and samples, and costs are the bounds of the compiler.
    """

    archive: Archive
    unseen: Unseen
    fitting: Fitting
    counsel: Counsel
    stages: list[Stage]
    cells: dict[str, Cells]
    rounds: int
    samples: int
    turn: int = 0
    guidelines: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    waiting: list[Assignment] = field(default_factory=list[Assignment])
    last: list[Assignment] = field(default_factory=list[Assignment])

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
            self.last = probes(self.fitting, self.stages)
        elif self.turn < self.rounds + 2:
            self.last = await self._proposals() or self._random()
        else:
            aims = self.archive.aims()
            best = sorted(aims, key=lambda key: aims[key], reverse=True)
            points = [dict(key) for key in best]
            return [point for point in points if self.archive.allowed(point)][:_AGAIN]
        return list(self.last)

    # ---- the agent

    async def _proposals(self) -> list[Assignment]:
        """The agent's proposals that are new and fit one run."""
        best = self._best()
        await self._reflect()
        blocks = [
            ("The graph", graph_lines(self.archive.setting.graph)),
            ("Holes and their values", self._values()),
            ("Guidelines", self._shown_guidelines()),
            ("The best graph", point_lines(best)),
            *self._history(),
            ("Wrong in your last reply", self.counsel.mistakes()),
        ]
        question = proposals_question(self.samples)
        asked = prompt(self.archive.setting.minimise, blocks, question, PROPOSALS_EXAMPLE)
        reply = await self.counsel.ask(asked, PROPOSALS)
        if reply is None:
            return []
        space = self.archive.space
        found: dict[Key, Assignment] = {}
        for point in read_proposals(reply, best, space, self.cells, self.remarks):
            if self.archive.known(key_of(point)):
                self.remarks.add("a proposal was known already")
            elif not self.archive.allowed(point):
                self.remarks.add("a proposal can cost more than one run may")
            else:
                found.setdefault(key_of(point), point)
        return list(found.values())[: self.samples]

    async def _reflect(self) -> None:
        """Have the agent write what it has learnt."""
        kinds = list(meanings(self.archive.setting.graph).values())
        blocks = [
            ("The graph", graph_lines(self.archive.setting.graph)),
            ("What usually holds", insights(kinds)),
            *self._history(),
        ]
        asked = prompt(
            self.archive.setting.minimise, blocks, GUIDELINES_QUESTION, GUIDELINES_EXAMPLE
        )
        reply = await self.counsel.ask(asked, GUIDELINES)
        written = () if reply is None else read_guidelines(reply, self.remarks)
        if written:
            self.guidelines.append(written)

    def _history(self) -> list[Block]:
        return [
            ("Measured last", round_lines(self.archive, self.last)),
            ("The best so far", best_lines(self.archive, _BEST)),
        ]

    def _shown_guidelines(self) -> list[str]:
        """The first ones and the last two, each line once."""
        shown = [*self.guidelines[:1], *self.guidelines[1:][-2:]]
        return [f"- {line}" for line in dict.fromkeys(line for some in shown for line in some)]

    def _values(self) -> list[str]:
        holes = self.archive.setting.graph.holes
        free = [hole for hole in holes if len(self.cells[hole.address]) > 1]
        return limited([f"{hole.address}: {shown(hole.domain)}" for hole in free], _HOLES)

    # ---- without it

    def _best(self) -> Assignment:
        key = self.archive.best()
        return completed(self.archive.space, {}) if key is None else dict(key)

    def _random(self) -> list[Assignment]:
        """New points: in turn near the best one, and anywhere."""
        found: dict[Key, Assignment] = {}
        for at in range(self.samples):
            point = self._near() if at % 2 == 0 else self.unseen.draw()
            if point is not None:
                found.setdefault(key_of(point), point)
        return list(found.values())

    def _near(self) -> Assignment | None:
        """The best point with one or two values changed."""
        best, random = self._best(), self.archive.setting.random
        free = [one for one in self.archive.space.parameters if one.size != 1]
        for _ in range(_TRIES):
            changed = [one for one in free if one.address in best]
            some = random.sample(changed, min(len(changed), random.randint(1, 2)))
            changes = {one.address: one.draw(random) for one in some}
            point = completed(self.archive.space, {**best, **changes})
            if not self.archive.known(key_of(point)) and self.archive.allowed(point):
                return point
        return self.unseen.draw()


def agent_tts(setting: Setting) -> AgentTts:
    """Make the strategy; its options are `rounds` (5) and `samples` (10), proposals in a round.

    Raises ValueError for options out of bounds.
    """
    archive = Archive(setting)
    return AgentTts(
        archive,
        Unseen(archive),
        Fitting(archive),
        Counsel(setting.advisor),
        stages(setting.graph, setting.space),
        {one.address: cells_of(one) for one in setting.space.parameters},
        whole(setting, "rounds", _ROUNDS),
        whole(setting, "samples", _SAMPLES),
    )
