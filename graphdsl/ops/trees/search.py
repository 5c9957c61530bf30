"""The interface of tree policies: `ask` what to expand, `tell` what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple, Protocol

from graphdsl.ops.trees.tree import Node, Outcome, Tree


class Want(NamedTuple):
    """One expansion that a policy wants: of node `parent`, by model number `model`.

    Without a model they take turns: over the copies of one node, over the nodes of one ask, and
    over the asks, so that a path gets steps of all. `whole` ones are written to the end instead of
    by a step. A node that is wanted several times is expanded so often.
    """

    parent: int
    model: int | None = None
    whole: bool = False


class Trial(NamedTuple):
    """One expansion to be made; `id` is the number of the node that it will become."""

    id: int
    parent: int
    model: int
    whole: bool = False


class Policy(Protocol):
    """Decides which nodes are expanded next.

    It does no I/O, and what it decides follows from the nodes and from `random` alone. It may keep
    a state of its own, so that one policy serves one search.
    """

    def next(self, tree: Tree, made: Sequence[Node], random: Random) -> Sequence[Want]:
        """The expansions to make now; none when the search is over.

        `made` are the nodes that came of the wants before, in their order, and are in `tree`
        already; none at the first call.
        """
        ...


class Search:
    """One search. Everything that it knows follows from its seed and from what it was told.

    >>> from random import Random
    >>> from graphdsl.ops.trees.beam import Beam
    >>> search = Search(Beam(width=2, branch=2, depth=2), Random(0))
    >>> [trial.id for trial in search.ask()]
    [1, 2]
    >>> search.tell(2, Outcome(0.9, open=True))
    >>> search.tell(1, Outcome(0.4, open=True))
    >>> [(trial.id, trial.parent) for trial in search.ask()]
    [(3, 2), (4, 2)]
    """

    __slots__ = (
        "_asked",
        "_missing",
        "_over",
        "_policy",
        "_random",
        "_round",
        "_told",
        "models",
        "tree",
    )

    def __init__(self, policy: Policy, random: Random, models: int = 1) -> None:
        self.tree = Tree()
        self.models = models
        self._policy = policy
        self._random = random
        self._asked: tuple[Trial, ...] = ()
        self._told: dict[int, Outcome] = {}
        self._missing = 0
        self._round = 0
        self._over = False

    def ask(self) -> tuple[Trial, ...]:
        """The trials to make, all at once if one likes; none when the search is over.

        As long as one of them has not been told, those that have not are given again.
        """
        if self._missing or self._over:
            return tuple(trial for trial in self._asked if trial.id not in self._told)
        first = len(self.tree)
        self._add()
        wants = self._policy.next(self.tree, self.tree.nodes[first:], self._random)
        self._asked = tuple(self._trials(wants))
        self._round += 1
        self._missing = len(self._asked)
        self._over = not self._missing
        return self._asked

    def tell(self, trial: int, outcome: Outcome) -> None:
        """What came of a trial. The order does not matter, and a second time changes nothing.

        Raises `ValueError` for a trial that was never asked for.
        """
        if trial in self._told:
            return
        if not (self._asked and self._asked[0].id <= trial <= self._asked[-1].id):
            raise ValueError(f"trial {trial} was not asked for")
        self._told[trial] = outcome
        self._missing -= 1

    def checkpoint(self) -> list[list[Any]]:
        """All that was told, as plain data: `restored` makes the same search of it."""
        return [
            [number, one.score, one.open, one.failed, one.ahead, one.step, one.vector]
            for number, one in sorted(self._told.items())
        ]

    def _add(self) -> None:
        """What was told becomes nodes, in the order in which it was asked for."""
        nodes, told = self.tree.nodes, self._told
        for number, parent, model, _ in self._asked:
            nodes.append(Node(number, parent, nodes[parent].depth + 1, model, told[number]))

    def _trials(self, wants: Sequence[Want]) -> Iterator[Trial]:
        models, turns = self.models, dict[int, int]()
        for number, (parent, model, whole) in enumerate(wants, len(self.tree)):
            if model is None and models > 1:
                turn = turns.get(parent, self._round + len(turns))
                turns[parent] = turn + 1
                model = turn % models
            yield Trial(number, parent, model or 0, whole)


def restored(
    told: Iterable[Sequence[Any]], policy: Policy, random: Random, models: int = 1
) -> Search:
    """The search that a checkpoint was made of.

    `policy` is a new one with the same settings and `random` as it was at the beginning.
    """
    search = Search(policy, random, models)
    known = {row[0]: _outcome(row) for row in told}
    while trials := [trial.id for trial in search.ask() if trial.id in known]:
        for trial in trials:
            search.tell(trial, known[trial])
    return search


def _outcome(row: Sequence[Any]) -> Outcome:
    _, score, is_open, failed, ahead, step, vector = row
    return Outcome(score, is_open, failed, ahead, step, None if vector is None else tuple(vector))
