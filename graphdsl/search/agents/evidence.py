"""What is measured before anything is drawn, and what it says: the insights as a beginning.

Agent-REINFORCE (arXiv 2511.00086) tells its agent the results of pilot runs on the benchmark. Here
they are runs of this very study: its baselines, and a few points that differ in one respect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import pstdev
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.beliefs import Beliefs
from graphdsl.search.agents.chances import Chances, clipped, normal
from graphdsl.search.agents.meaning import EDGE, Meaning
from graphdsl.search.agents.mixes import model_group
from graphdsl.search.space import Space
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.points import Key, completed, key_of, levels

LEAST: Final = 0.05
"""Differences of quality are measured in units of their deviation, but of no less than this."""

Seen = Sequence[tuple[Assignment, float]]
"""Points and what they were worth."""


def pilots(archive: Archive, meanings: Mapping[str, Meaning], most: int) -> list[Assignment]:
    """Points that differ from the defaults in one respect, new ones that fit one run only.

    Each model everywhere, all widths and all depths at either end, nodes in a chain.
    """
    space = archive.space
    found: dict[Key, Assignment] = {}
    for changes in [{}, *_models(space, meanings), *_chains(meanings), *_ends(space, meanings)]:
        point = completed(space, changes)
        if not archive.known(key_of(point)) and archive.allowed(point):
            found.setdefault(key_of(point), point)
    return list(found.values())[:most]


def _models(space: Space, meanings: Mapping[str, Meaning]) -> list[Assignment]:
    models = [address for address, meaning in meanings.items() if meaning == "model"]
    group = model_group(space, models)
    labels = group[0].labels if group else ()
    return [{one.address: label for one in group} for label in labels]


def _chains(meanings: Mapping[str, Meaning]) -> list[Assignment]:
    edges = [match for address in meanings if (match := EDGE.fullmatch(address))]
    chain: Assignment = {edge[0]: "on" for edge in edges if int(edge[3]) == int(edge[2]) + 1}
    return [chain] if chain else []


def _ends(space: Space, meanings: Mapping[str, Meaning]) -> list[Assignment]:
    found: list[Assignment] = []
    for kind in ("width", "depth"):
        some = [one for one in space.parameters if meanings.get(one.address) == kind]
        ends = {one.address: (levels(one, 2)[0], levels(one, 2)[-1]) for one in some}
        found += [{address: pair[at] for address, pair in ends.items()} for at in (0, 1)]
    return found


def sparse(beliefs: Beliefs) -> None:
    """Make each node of a graph feed about one other: an edge from i is on with 1/(edges from i).

    Even chances would make nearly all graphs deep and dense.
    """
    edges = [match for address in beliefs.learnt if (match := EDGE.fullmatch(address))]
    sources = [(edge[1], edge[2]) for edge in edges]
    for edge in edges:
        labels = beliefs.cells[edge[0]].labels
        if set(labels) == {"on", "off"}:
            chance = min(0.5, 1 / sources.count((edge[1], edge[2])))
            beliefs.learnt[edge[0]] = clipped(
                tuple(chance if label == "on" else 1 - chance for label in labels)
            )


def learn(beliefs: Beliefs, meanings: Mapping[str, Meaning], seen: Seen) -> None:
    """Move the beliefs towards what points were worth that were not drawn from them.

    p ∝ p · exp(z · n/(n+1)), z the mean worth with a value less the mean worth of all, in units of
    the deviation, n the points with that value. What is learnt of a model in one place holds in all
    places that choose among the same models (insight 1).
    """
    if len(seen) < 2:
        return
    worths = [worth for _, worth in seen]
    mean, unit = math.fsum(worths) / len(worths), max(LEAST, pstdev(worths))
    pools: dict[tuple[str, ...], list[str]] = {}
    for address, cells in beliefs.cells.items():
        pool = cells.labels if meanings.get(address) == "model" else (address,)
        pools.setdefault(pool, []).append(address)
    for addresses in pools.values():
        cells = beliefs.cells[addresses[0]]
        slopes = _slopes(beliefs, addresses, seen, len(cells))
        factors = [math.exp((total - mean * n) / (n + 1) / unit) for n, total in slopes]
        for address in addresses:
            beliefs.learnt[address] = _weighed(beliefs.learnt[address], factors)


def _slopes(
    beliefs: Beliefs, addresses: Sequence[str], seen: Seen, count: int
) -> list[tuple[float, float]]:
    """Of each cell how many points have it, and the sum of their worths; a point in which several
    places decide the same counts in parts."""
    found = [(0.0, 0.0)] * count
    for point, worth in seen:
        there = [address for address in addresses if address in point]
        for address in there:
            cell = beliefs.cells[address].at(point[address])
            n, total = found[cell]
            found[cell] = (n + 1 / len(there), total + worth / len(there))
    return found


def _weighed(chances: Chances, factors: Sequence[float]) -> Chances:
    return clipped(normal([p * factor for p, factor in zip(chances, factors, strict=True)]))
