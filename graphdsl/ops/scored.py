"""Gives drafts the scores of their verdicts, for `best` and for votes among equals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphdsl.ops.context import Args
from graphdsl.values import Draft, Value, Verdict


def scored(args: Args) -> Value:
    """The drafts, each with the score of its verdict; one without a verdict or score has none."""
    drafts: Sequence[Draft] = args["drafts"]
    verdicts: Sequence[Verdict | None] = args["verdicts"]
    padded = (*verdicts, *[None] * (len(drafts) - len(verdicts)))
    return tuple(
        replace(draft, score=None if verdict is None else verdict.score)
        for draft, verdict in zip(drafts, padded, strict=False)
    )
