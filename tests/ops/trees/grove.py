"""What tests of tree searches share: playing policies, and a context whose models write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphdsl.ops.context import Ask, Context, Vectors
from graphdsl.ops.trees.ab_mcts import AbMcts
from graphdsl.ops.trees.annealing import ess
from graphdsl.ops.trees.astar import AStar
from graphdsl.ops.trees.beam import Beam
from graphdsl.ops.trees.best_first import BestFirst
from graphdsl.ops.trees.dvts import Dvts
from graphdsl.ops.trees.ets import Ets
from graphdsl.ops.trees.mcts import Mcts, uct
from graphdsl.ops.trees.puct import puct
from graphdsl.ops.trees.rebase import Rebase
from graphdsl.ops.trees.resampling import systematic
from graphdsl.ops.trees.search import Policy, Search, Trial
from graphdsl.ops.trees.smc import Smc
from graphdsl.ops.trees.tree import Outcome, Tree
from graphdsl.ops.trees.ucb import Ucb
from graphdsl.plan import ModelSpec
from graphdsl.values import Draft, Finish, LogprobStats, Messages, Usage
from tests.ops.scoring.bench import Bench, role
from tests.plans import model, question

DEPTH = 5

POLICIES: dict[str, Callable[[], Policy]] = {
    "beam": lambda: Beam(4, 2, DEPTH),
    "dvts": lambda: Dvts(4, 2, DEPTH),
    "best_first": lambda: BestFirst(20, 2, 2),
    "astar": lambda: AStar(20, 2),
    "mcts": lambda: Mcts(20, 2, uct(2**0.5), 2),
    "puct": lambda: Mcts(20, 2, puct, 2),
    "ucb": lambda: Ucb(20, 2**0.5, 2),
    "ab_mcts": lambda: AbMcts(20, models=2),
    "smc": lambda: Smc(4, DEPTH, resampling=systematic, annealing=ess, sweeps=3),
    "rebase": lambda: Rebase(8),
    "ets": lambda: Ets(8),
}
"""New policies of every kind, for searches of two models and `DEPTH` steps."""

Script = Callable[[Trial, Tree], Outcome]
"""What comes of a trial."""


def by_chance(seed: int = 0) -> Script:
    """Outcomes at random, the same for the same trial: some end, some fail, some have no score."""

    def outcome(trial: Trial, tree: Tree) -> Outcome:
        random = Random(f"{seed} {trial.id}")
        depth = tree[trial.parent].depth + 1
        score = None if random.random() < 0.1 else random.random()
        if random.random() < 0.1:
            return Outcome(failed=True)
        goes_on = depth < DEPTH and not trial.whole and random.random() < 0.8
        return Outcome(score, open=goes_on, step=f"step {random.randrange(4)}")

    return outcome


def play(search: Search, script: Script, most: int = 10_000) -> list[list[Trial]]:
    """The asks of a search to its end, or up to so many of them."""
    asked: list[list[Trial]] = []
    while len(asked) < most and (trials := search.ask()):
        asked.append(list(trials))
        for trial in trials:
            search.tell(trial.id, script(trial, search.tree))
    return asked


def told(*scores: float | None) -> Script:
    """Open outcomes with these scores, by the number of the trial."""
    return lambda trial, tree: Outcome(scores[trial.id - 1], open=True)


def parents(asked: Sequence[Sequence[Trial]]) -> list[list[int]]:
    """Which nodes were expanded, ask by ask."""
    return [[trial.parent for trial in trials] for trials in asked]


@dataclass
class Grove(Bench):
    """A `Bench` that also embeds; `kept` says that the journal was to keep the value whole."""

    vectors: Callable[[str], Sequence[float]] | None = None
    embedded: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    kept: bool = False

    @property
    def calls(self) -> int:
        """All that was asked for."""
        return len(self.asks) + len(self.rated) + len(self.embedded)

    async def embed(self, model: ModelSpec, texts: Sequence[str]) -> Vectors | None:
        self.embedded.append(tuple(texts))
        return None if self.vectors is None else [self.vectors(text) for text in texts]

    def keep(self) -> None:
        self.kept = True


@dataclass
class Judge:
    """A scorer from a function of the text; keeps what it was asked."""

    score: Callable[[str], float | None]
    asked: list[list[str]] = field(default_factory=list[list[str]])

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        self.asked.append([draft.text for draft in drafts])
        return [self.score(draft.text) for draft in drafts]


def arbitrary(text: str) -> float:
    """A score in [0, 1) for any text."""
    return Random(f"score {text}").random()


def so_far(ask: Ask) -> str:
    """The partial reply that is to be continued."""
    last = ask.messages.turns[-1]
    return last.content if last.role == "assistant" else ""


def written(
    ask: Ask,
    text: str,
    finish: Finish = Finish.STOP_SEQ,
    tokens: int = 2,
    logprobs: LogprobStats | None = None,
) -> Draft:
    """A reply to that ask."""
    return Draft(
        text,
        finish=finish,
        usage=Usage(1, 10, 0, tokens),
        model=ask.model.name,
        sample=ask.index,
        seed=ask.index,
        logprobs=logprobs,
        error="no route" if finish is Finish.ERROR else None,
        prompt=ask.messages,
        temperature=ask.temperature,
    )


def writer(seed: int = 0, *, stops: float = 0.2, fails: float = 0.0) -> Callable[[Ask], Draft]:
    """Writes steps of one letter; a reply depends on what it goes on from, model and index."""

    def reply(ask: Ask) -> Draft:
        random = Random(f"{seed} {so_far(ask)} {ask.model.name} {ask.stream} {ask.index}")
        if random.random() < fails:
            return written(ask, "", Finish.ERROR)
        letter = random.choice("abcdefgh")
        if not ask.stop or random.random() < stops:
            return written(ask, f"{letter} Answer: {random.randrange(9)}", Finish.STOP)
        return written(ask, letter)

    return reply


WRITER = model("writer")
SECOND = model("second")
ASKED = question("Why?")


def arguments(policy: str, **given: Any) -> dict[str, Any]:
    """Arguments of `tree_search` as the engine gives them; those that do not apply are absent."""
    usual = {
        "prompt": ASKED,
        "models": (WRITER,),
        "policy": policy,
        "method": "outcome",
        "by": model("judge"),
        "unit": "step",
        "depth": 4,
        "separator": "\n\n",
        "step_tokens": 8,
        "lookahead": 0,
        "revising": role("question", "candidate", "feedback"),
    }
    return {**usual, **given}
