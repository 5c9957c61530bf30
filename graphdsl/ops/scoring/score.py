"""Gives drafts a score, for `best`, `select` and `vote`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from graphdsl.ops.candidates import prompt_of
from graphdsl.ops.context import Args, Context
from graphdsl.ops.scoring.scorers import scorer_of
from graphdsl.ops.signatures.bounds import size
from graphdsl.values import Draft, Finish, Value


async def score(context: Context, args: Args) -> Value:
    """The drafts in their order, each with its score by `method`; None where it has none.

    Only complete drafts are scored (rule G1), with `include: truncated` those as well that were cut
    off, and only finite numbers are scores (rule G5). Drafts
    beyond `up_to`, or beyond as many as were bounded for, are left out with a note.
    """
    drafts: Sequence[Draft] = args["drafts"]
    most = size(args)
    if len(drafts) > most:
        context.note(f"looked at {most} of {len(drafts)} drafts; the others are left out")
    looked = drafts[:most]
    cut = args.get("include") == "truncated"
    counts = [draft.complete or (cut and draft.finish is Finish.LENGTH) for draft in looked]
    scored = [draft for draft, count in zip(looked, counts, strict=True) if count]
    scores = iter(await _scores(context, args, scored) if scored else ())
    pairs = zip(looked, counts, strict=True)
    return tuple(replace(draft, score=next(scores) if count else None) for draft, count in pairs)


async def _scores(context: Context, args: Args, drafts: Sequence[Draft]) -> Sequence[float | None]:
    found = await scorer_of(args)(context, prompt_of(args.get("question"), drafts), drafts)
    scores = [None if one is None or not math.isfinite(one) else one for one in found]
    if all(one is None for one in scores):
        context.note("no draft could be scored")
    return scores
