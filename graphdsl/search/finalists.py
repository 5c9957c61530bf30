"""Who is certified: the front, at most so many of it, and the baselines that it has to beat."""

from __future__ import annotations

from collections.abc import Sequence

from graphdsl.search.bench import Spent
from graphdsl.search.freeze import Finalist
from graphdsl.search.race import Race
from graphdsl.search.study import Candidate, Study

MOST = 5
"""How many finalists there are at most: each makes the intervals of all a little wider."""

_MORE = 1.1
"""What a baseline may cost in relation to the pick, to be of equal cost."""


async def finish(study: Study, most: int = MOST) -> None:
    """Run those that are most probably finalists on all items of the search and the validation
    part, so that the last word before the certificate is of items that no strategy has learned
    from: half as many on each rung, and at last `most`. Does what the budget allows.
    """
    race = study.race
    left = 4 * most
    try:
        while race.rise():
            left = max(most, left // 2)
            await study.measure(runners(race, left), race.stand)
    except Spent:
        pass
    race.settle()


def runners(race: Race, most: int) -> list[str]:
    """The candidates that most probably are the best, by what is known so far."""
    points = {one: race.estimated(one) for one in race.reached(0)}
    return race.aims.ranked(points, most)


def choose(study: Study, most: int = MOST) -> list[Finalist]:
    """The finalists, the pick first: the member of the front with the best quality, then what
    spreads over the front, then whoever is next where the front is smaller than `most`."""
    race = study.race
    members = race.aims.spread({one: race.estimated(one) for one in race.members}, most)
    more = [one for one in runners(race, 2 * most) if one not in members]
    return [_finalist(study, one) for one in [*members, *more][:most]]


def rivals(study: Study, pick: Finalist, cost: str = "calls") -> list[Finalist]:
    """The baselines of the certificate: of each kind (the first word of their names, such as
    `single` and `vote`) the best that costs no more than the pick. Single models may cost anything;
    where all of a kind cost more, the cheapest is taken.
    """
    kinds: dict[str, list[Candidate]] = {}
    for one in study.candidates.values():
        if one.baseline and study.race.standing(one.identity).items:
            kinds.setdefault(one.baseline.split()[0], []).append(one)
    limit = _cost(study.race, pick.identity, cost) * _MORE
    return [
        _finalist(study, _best(study.race, kind, several, cost, limit).identity)
        for kind, several in kinds.items()
    ]


def _best(
    race: Race, kind: str, several: Sequence[Candidate], cost: str, limit: float
) -> Candidate:
    fits = [one for one in several if kind == "single" or _cost(race, one.identity, cost) <= limit]
    if not fits:
        return min(several, key=lambda one: _cost(race, one.identity, cost))
    return max(fits, key=lambda one: race.estimated(one.identity)["quality"])


def _cost(race: Race, identity: str, cost: str) -> float:
    known = race.standing(identity)
    return known.costs(known.items).get(cost, 0.0)


def _finalist(study: Study, identity: str) -> Finalist:
    one, known = study.candidates[identity], study.race.standing(identity)
    return Finalist(identity, one.assignment, one.baseline, known.mean(known.items))
