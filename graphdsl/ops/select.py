"""Takes some of the complete drafts: the best, those that are good enough, or by chance."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from graphdsl.ops.candidates import LOWEST, complete_drafts, mean_logprob_of, score_of
from graphdsl.ops.context import Args, Context
from graphdsl.values import Draft, Value


async def select(context: Context, args: Args) -> Value:
    """Complete drafts, `keep` at most; default: one, with `threshold` all that pass.

    `top`: highest score first; ties: mean log-probability, then the earliest, and `tie` says that
    one with the same score was left out. Unscored drafts come last. `threshold`: the same among
    those with a score of at least `at_least`; unscored drafts never pass. `sample`: drawn one
    after the other without putting back, each time by the softmax of score ÷ `softness` over those
    that are left; unscored drafts are drawn only where none has a score, and then all are equally
    likely. Softness 0 is `top`. `longest`: most completion tokens first, then the earliest.
    `random`: drawn without putting back, all equally likely. What is drawn stands in the order of
    drawing, and a larger `keep` begins with the same drafts.
    """
    drafts = complete_drafts(args["drafts"])
    method, keep = args.get("method") or "top", args.get("keep")
    count = int(keep) if keep is not None else None if method == "threshold" else 1
    match method:
        case "threshold":
            least = float(args["at_least"])
            return _top([draft for draft in drafts if score_of(draft) >= least], count)
        case "longest":
            return tuple(sorted(drafts, key=lambda d: -d.usage.completion_tokens)[:count])
        case "random":
            return _drawn(drafts, [0.0] * len(drafts), context.chance("select"))[:count]
        case "sample" if args.get("softness") != 0:
            softness = 1.0 if args.get("softness") is None else float(args["softness"])
            return _sampled(drafts, softness, context.chance("select"))[:count]
        case _:
            return _top(drafts, count)


def _top(drafts: Sequence[Draft], count: int | None) -> tuple[Draft, ...]:
    """The highest scores first; those that only a tie-break kept say so."""
    ranked = sorted(drafts, key=lambda d: (score_of(d), mean_logprob_of(d)), reverse=True)
    if count is None:
        return tuple(ranked)
    out = score_of(ranked[count]) if count < len(ranked) else LOWEST
    ties = [out > LOWEST and score_of(draft) == out for draft in ranked[:count]]
    return tuple(
        draft if draft.tie == tie else replace(draft, tie=tie)
        for draft, tie in zip(ranked, ties, strict=False)
    )


def _sampled(drafts: Sequence[Draft], softness: float, chance: Random) -> tuple[Draft, ...]:
    """All that have a score, in an order drawn by the softmax; all drafts where none has."""
    scored = [draft for draft in drafts if score_of(draft) > LOWEST]
    if not scored:
        return _drawn(drafts, [0.0] * len(drafts), chance)
    top = max(map(score_of, scored))
    return _drawn(scored, [_below(score_of(draft), top) / softness for draft in scored], chance)


def _below(score: float, top: float) -> float:
    """How far a score is below the highest: softmax does not see what all have in common."""
    return 0.0 if score == top else score - top


def _drawn(drafts: Sequence[Draft], logits: Sequence[float], chance: Random) -> tuple[Draft, ...]:
    """All drafts in an order drawn by the softmax of their logits, without putting back.

    The Gumbel trick: sorting logits with noise of -log(-log u) is the same as drawing one after
    the other (Kool et al. 2019, Stochastic Beams and Where to Find Them, arXiv 1903.06059).
    """
    keys = [(logit + _gumbel(chance), number) for number, logit in enumerate(logits)]
    return tuple(drafts[number] for _, number in sorted(keys, key=lambda key: -key[0]))


def _gumbel(chance: Random) -> float:
    return -math.log(chance.expovariate(1.0) or sys.float_info.min)
