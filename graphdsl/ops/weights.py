"""What the votes of drafts weigh, and which drafts lose theirs.

Weighted votes are those of Bag of Tricks (arXiv 2502.07191): the sum of scores, or of scores
between 0 and 1, per answer. Probabilities are those of RPC (arXiv 2502.00511): each distinct text
has one vote, which weighs as much as its tokens are probable on average (the geometric mean).

A draft without an answer is in no group, so it never wins, whatever the others weigh; that is what
a weight of -1 for the invalid answer is for in sc-genrm-scaling (arXiv 2504.01005).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from graphdsl.ops.candidates import LOWEST, mean_logprob_of, score_of, summand
from graphdsl.ops.context import Args
from graphdsl.ops.weibull import improbable
from graphdsl.values import Draft

Measures = Sequence[float | None]
"""One number per draft, in order; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Votes:
    """The votes of complete drafts: what each weighs, by the draft's id.

    A draft whose weight is not known, or that was pruned, has no vote. With `once` drafts of the
    same text have one vote together, the heaviest. With `equal` all drafts weigh the same.
    """

    by_id: dict[int, float]
    once: bool = False
    equal: bool = False

    def of(self, draft: Draft) -> float | None:
        """What its vote weighs; None where it has none."""
        return self.by_id.get(id(draft))

    def total(self, drafts: Iterable[Draft]) -> float:
        """What the votes of these drafts weigh together."""
        found = ((draft.text, self.of(draft)) for draft in drafts)
        known = [(text, weight) for text, weight in found if weight is not None]
        if not self.once:
            return math.fsum(weight for _, weight in known)
        heaviest: dict[str, float] = {}
        for text, weight in known:
            heaviest[text] = max(weight, heaviest.get(text, 0.0))
        return math.fsum(heaviest.values())

    def any(self, drafts: Iterable[Draft]) -> bool:
        """True where one of the votes counts."""
        return any(self.of(draft) for draft in drafts)

    @property
    def negative(self) -> bool:
        """True where a vote speaks against an answer: shares of a sum then mean nothing."""
        return any(weight < 0 for weight in self.by_id.values())


def weighted(args: Args) -> bool:
    """True for a vote in which not every draft counts the same."""
    return (args.get("weights") or "one") != "one" or (args.get("prune") or "none") != "none"


def cast(complete: Sequence[Draft], answering: Sequence[Draft], args: Args) -> Votes:
    """The votes of the complete drafts, of which some are `answering`.

    Where no answer would have a vote, none is pruned; where none has one even then, every draft
    has one.
    """
    kind = args.get("weights") or "one"
    measured = weights_of(complete, kind)
    lost = _pruned(complete, measured, args)
    for without in (lost, [False] * len(lost)):
        found = zip(complete, measured, without, strict=True)
        by_id = {id(draft): vote for draft, vote, out in found if vote is not None and not out}
        votes = Votes(by_id, once=kind == "probability", equal=kind == "one")
        if votes.any(answering):
            return votes
    return Votes({id(draft): 1.0 for draft in complete}, equal=True)


def weights_of(drafts: Sequence[Draft], kind: str) -> Measures:
    """What the vote of each draft weighs, before pruning. A weight that is no number is none."""
    match kind:
        case "score":
            return [summand(draft.score) for draft in drafts]
        case "normalised":
            return _normalised([summand(draft.score) for draft in drafts])
        case "probability":
            return [None if log is None else math.exp(log) for log in map(log_of, drafts)]
        case "confidence":
            return [summand(draft.confidence) for draft in drafts]
        case _:
            return [1.0] * len(drafts)


def log_of(draft: Draft) -> float | None:
    """The log of a draft's probability: the mean over its tokens; None where it is not known."""
    log = mean_logprob_of(draft)
    return min(log, 0.0) if math.isfinite(log) else None


def _normalised(measured: Measures) -> Measures:
    """Between 0 for the lowest and 1 for the highest; 1 where all are equal."""
    known = [value for value in measured if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return [
        None if value is None else (value - low) / (high - low) if high > low else 1.0
        for value in measured
    ]


def _pruned(drafts: Sequence[Draft], measured: Measures, args: Args) -> Sequence[bool]:
    """Which drafts lose their vote."""
    match args.get("prune"):
        case "weibull":
            return _improbable(drafts)
        case "quantile":
            share = args.get("share")
            return lowest(_ranking(drafts, measured, args), 0.5 if share is None else share)
        case _:
            return [False] * len(drafts)


def _improbable(drafts: Sequence[Draft]) -> Sequence[bool]:
    """Those whose probability is known and low, beside the others."""
    logs = [log_of(draft) for draft in drafts]
    found = iter(improbable([log for log in logs if log is not None]))
    return [log is not None and next(found) for log in logs]


def _ranking(drafts: Sequence[Draft], measured: Measures, args: Args) -> Sequence[float]:
    """What the lowest are found by: the weights, or the scores where all weigh the same."""
    if (args.get("weights") or "one") == "one":
        return [score_of(draft) for draft in drafts]
    return [LOWEST if value is None else value for value in measured]


def lowest(values: Sequence[float], share: float) -> list[bool]:
    """Which values are among the lowest: that share of them, rounded down.

    A value is not among them if an equal one is not, so the order makes no difference.
    """
    count = int(len(values) * Fraction(str(share)))
    if not count:
        return [False] * len(values)
    bound = sorted(values)[count] if count < len(values) else math.inf
    return [value < bound for value in values]
