"""Scores of texts, of which there are as many as there are texts, or none."""

from __future__ import annotations

from graphdsl.ops.context import Context, ScoreAsk


async def rating(context: Context, ask: ScoreAsk) -> tuple[float, ...] | None:
    """One value per text; None where the model failed, or gave another number of them."""
    rated = await context.score(ask)
    if rated is None:
        return None
    if len(rated.values) != len(ask.texts):
        context.note(f"{len(rated.values)} scores of {len(ask.texts)} texts; they do not count")
        return None
    return rated.values
