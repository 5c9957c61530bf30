"""Choosing among drafts by what is known about them, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphdsl.ops.candidates import (
    LOWEST,
    complete_drafts,
    mean_logprob_of,
    no_answer,
    score_of,
)
from graphdsl.ops.context import Args
from graphdsl.ops.quorum import decided_after, perfect
from graphdsl.values import Draft, Value, Verdict


def complete(args: Args) -> Value:
    """Only the drafts that ended by themselves, in order."""
    return tuple(complete_drafts(args["drafts"]))


def passing(args: Args) -> Value:
    """Only the drafts whose verdict passed; all of them when none did (Archon's rule).

    A draft without a verdict did not pass. With `enough` the first so many that passed.
    """
    drafts: Sequence[Draft] = args["drafts"]
    verdicts: Sequence[Verdict] = args["verdicts"]
    passed = tuple(
        draft for draft, verdict in zip(drafts, verdicts, strict=False) if verdict.passed
    )
    enough = args.get("enough")
    return passed[: None if enough is None else int(enough)] or tuple(drafts)


def best(args: Args) -> Value:
    """The complete draft with the highest score; ties: mean log-probability, then the earliest.

    `tie` says that another draft has the same score. Without complete drafts: a failed draft. With
    `stop` drafts after the first that has the score 1 do not count.
    """
    drafts: Sequence[Draft] = args["drafts"]
    if args.get("stop") is not None:
        drafts = drafts[: decided_after(drafts, perfect(1))]
    candidates = complete_drafts(drafts)
    if not candidates:
        return no_answer(drafts)
    winner = max(candidates, key=lambda draft: (score_of(draft), mean_logprob_of(draft)))
    top = score_of(winner)
    tie = top > LOWEST and sum(score_of(draft) == top for draft in candidates) > 1
    return replace(winner, tie=tie) if tie != winner.tie else winner


def shortest(args: Args) -> Value:
    """The complete drafts with the fewest completion tokens, shortest first, `keep` of them.

    Of equally long ones the earlier comes first. It is first-finish search where all samples are
    there already, since the shortest would have finished first (arXiv 2505.18149).
    """
    drafts: Sequence[Draft] = args["drafts"]
    ordered = sorted(complete_drafts(drafts), key=lambda draft: draft.usage.completion_tokens)
    keep = args.get("keep")
    return tuple(ordered[: None if keep is None else int(keep)])
