"""What a study has shown, in one plain sentence; a number of the search is never the result."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from graphdsl.search.report.certified import Certificate, Difference, Finalist
from graphdsl.search.report.series import drawn_costs
from graphdsl.search.report.study_file import FinishedStudy, usual
from graphdsl.search.report.wording import chosen, label, percent, points, times, unit

ENDINGS: Final = {
    "budget": "the budget was used up",
    "trials": "as many candidates were tried as were asked for",
    "exhausted": "the strategy had nothing left to propose",
    "settled": "no candidate that was left could still be better",
    "interrupted": "it was interrupted",
}

_NOTABLE: Final = 0.005
"""Half a point: what a mean of the search must be too high by to be spoken of."""


def verdict(study: FinishedStudy) -> str:
    """The sentence."""
    if study.certificate is None:
        return _uncertified(study)
    best = study.certificate.pick
    interval = f"{percent(best.quality.low)} to {percent(best.quality.high)}"
    head = f"On {_items(best.items)} {_who(study, best)} scores {percent(best.quality.mean)}"
    return f"{head} ({interval}){_compared(study, study.certificate, best)}."


def remarks(study: FinishedStudy) -> Iterator[str]:
    """What should be read beside the sentence."""
    if study.certificate is None:
        return
    found = study.certificate
    if found.stopped:
        yield (
            f"The certificate is not complete ({found.stopped}): it rests on the "
            f"{found.pick.items} items that all candidates were seen on."
        )
    yield from _luck(study, found.pick)
    best = found.everyone[0]
    if best.quality.mean > found.pick.quality.mean:
        yield (
            f"{_first(name(study, best))} came out higher, at {percent(best.quality.mean)}. The "
            "pick was named before anything was measured; to choose by these numbers now would "
            "make them biased again."
        )


def _luck(study: FinishedStudy, pick: Finalist) -> Iterator[str]:
    """What the search had promised too much."""
    trial = study.by_identity.get(pick.identity)
    if trial is None or not trial.quality - pick.quality.mean >= _NOTABLE:
        return
    measured = sum(1 for one in study.result.trials if one.items)
    yield (
        f"In the search it had scored {percent(trial.quality)} on {trial.items} items, "
        f"{points(trial.quality - pick.quality.mean)} points more: whoever leads {measured} "
        "candidates was also lucky. That number is biased and is no result."
    )


def _first(words: str) -> str:
    return words[:1].upper() + words[1:]


def name(study: FinishedStudy, finalist: Finalist) -> str:
    """What a finalist is called."""
    trial = study.by_identity.get(finalist.identity)
    if trial is not None:
        return label(trial)
    return finalist.baseline or finalist.identity[:12] or "a candidate"


def strongest(finalist: Finalist) -> Difference | None:
    """The difference to the baseline that is hardest to beat."""
    known = [one for one in finalist.differences if one.quality.known]
    return min(known, key=lambda one: one.quality.mean, default=None)


def _items(count: int) -> str:
    return f"{count:,} items that no step of the search had seen," if count else "held-out items"


def _who(study: FinishedStudy, best: Finalist) -> str:
    """The winner by name and, where that says nothing, by what it chose."""
    trial = study.by_identity.get(best.identity)
    if trial is None or trial.baseline or not trial.assignment:
        return name(study, best)
    return f"{name(study, best)} ({chosen(trial.assignment, usual(study), 3)})"


def _compared(study: FinishedStudy, found: Certificate, best: Finalist) -> str:
    trial = study.by_identity.get(best.identity)
    if best.baseline or (trial is not None and trial.baseline):
        return "; it is a baseline, so the search found nothing better"
    difference = strongest(best)
    if difference is None:
        return "; it was compared with no baseline"
    gain = f"{points(difference.quality.mean)} points"
    interval = f"({points(difference.quality.low)} to {points(difference.quality.high)})"
    rival = f"the baseline `{difference.baseline}`" if difference.baseline else "the best baseline"
    if difference.better:
        return f": {gain} {interval} against {rival}{_at_cost(study, found, best, difference)}"
    return f", but it is not shown to be better than {rival}: {gain} {interval}"


def _at_cost(
    study: FinishedStudy, found: Certificate, best: Finalist, difference: Difference
) -> str:
    """What the winner costs, in terms of the baseline, where both are known."""
    rival = found.of(difference.identity) or next(
        (one for one in found.everyone if name(study, one) == difference.baseline), None
    )
    for cost in drawn_costs(study) if rival is not None else ():
        ours, theirs = best.costs.get(cost), rival.costs.get(cost) if rival else None
        if ours and theirs and theirs.mean > 0:
            return f", at {times(ours.mean / theirs.mean)} times its cost in {unit(cost)}"
    return ""


def _uncertified(study: FinishedStudy) -> str:
    result = study.result
    if not result.trials:
        return "Nothing was tried, so there is nothing to report."
    why = ENDINGS.get(result.ending, result.ending)
    seen = [trial for trial in result.trials if math.isfinite(trial.quality)]
    if not seen:
        return f"Nothing is certified, and no candidate was measured: {why}."
    best = max(seen, key=lambda trial: trial.shrunken if math.isfinite(trial.shrunken) else -1.0)
    return (
        f"Nothing is certified, so nothing can be claimed ({why}). The best of "
        f"{len(seen):,} candidates in the search is {label(best)}; its mean there, "
        f"{percent(best.quality)} on {best.items} items, is biased upwards and will not hold."
    )
