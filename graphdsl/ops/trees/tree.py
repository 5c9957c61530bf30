"""What a policy sees of a search: its nodes, without their texts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

ROOT: Final = 0
"""The node of the bare prompt. Every other node has the number of the trial that made it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one trial.

    `score` is higher for better ones, and None where there is none; policies that say so expect it
    in [0, 1]. `open` ones can be expanded; of the others those that are not `failed` have come to
    an end. `ahead` is the score of the node with its look-ahead, where the policy wants both.
    `step` is the newest step, and `vector` its embedding; only `ets` reads them.
    """

    score: float | None = None
    open: bool = False
    failed: bool = False
    ahead: float | None = None
    step: str = ""
    vector: tuple[float, ...] | None = None


class Node(NamedTuple):  # made for every candidate, and three times as fast as a frozen dataclass
    """A candidate, written by model number `model`, at `depth` expansions from the root."""

    id: int
    parent: int
    depth: int
    model: int
    outcome: Outcome

    @property
    def open(self) -> bool:
        """Whether it can be expanded."""
        return self.outcome.open

    @property
    def failed(self) -> bool:
        """Whether there is no candidate, since its model or the budget failed."""
        return self.outcome.failed

    @property
    def rank(self) -> float:
        """Its score where the highest wins: a missing one is below all others (rule G5)."""
        return ranked(self.outcome.score)

    @property
    def value(self) -> float:
        """Its score where it is averaged or weighed: a missing one is 0 (rule G5)."""
        return weighed(self.outcome.score)


class Tree:
    """All nodes by number. `chosen` is the one that is the answer, where a policy says so.

    `notes` are a policy's remarks; `fell_back` says that a result depended on the time it took.
    """

    __slots__ = ("chosen", "fell_back", "nodes", "notes")

    def __init__(self) -> None:
        self.nodes: list[Node] = [Node(ROOT, ROOT, 0, 0, Outcome(open=True))]
        self.chosen: int | None = None
        self.notes: list[str] = []
        self.fell_back = False

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, number: int) -> Node:
        return self.nodes[number]

    @property
    def made(self) -> int:
        """How many candidates there are: all nodes but the root."""
        return len(self.nodes) - 1

    def path(self, number: int) -> list[int]:
        """The nodes from the first below the root to that one."""
        found: list[int] = []
        while number != ROOT:
            found.append(number)
            number = self.nodes[number].parent
        return found[::-1]


def ranked(score: float | None) -> float:
    """A score for comparisons: minus infinity where there is none, or it is no number."""
    return -math.inf if score is None or math.isnan(score) else score


def weighed(score: float | None) -> float:
    """A score for sums: 0 where there is none, or it is not finite."""
    return score if score is not None and math.isfinite(score) else 0.0


def best_first(nodes: Iterable[Node]) -> list[Node]:
    """By falling score; equal ones stay in their order (rule G3)."""
    return sorted(nodes, key=lambda node: -node.rank)
