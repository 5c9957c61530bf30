"""A model compares candidates two by two (PairRM of LLM-Blender, arXiv 2306.02561)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from graphdsl.ops.candidates import question_text
from graphdsl.ops.context import Context
from graphdsl.ops.scoring.asking import Judge, Judgement, note_unread, values_of
from graphdsl.ops.scoring.preferences import read_preference
from graphdsl.ops.together import together
from graphdsl.values import Draft, Messages

BOTH_ORDERS = 2
"""How many prompts ask which of two is better."""


@dataclass(frozen=True, slots=True)
class Full:
    """`full`: every pair in both orders, since judges like the first or the second place.

    The score is the share of comparisons won; a tie is half a win. An only candidate scores 1.
    """

    judge: Judge

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """One share per draft; None for one of which no comparison could be read."""
        count = len(drafts)
        if count < 2:
            return [1.0] * count
        pairs = list(permutations(range(count), 2))
        asked, texts = question_text(question), [draft.text.strip() for draft in drafts]
        rows = await together(
            _compared(context, self.judge, asked, (texts[one], texts[other]), paired(one, other))
            for one, other in pairs
        )
        note_unread(context, [judgement for row in rows for judgement in row])
        won: list[list[float]] = [[] for _ in drafts]
        for (one, other), row in zip(pairs, rows, strict=True):
            for value in values_of(row):
                won[one].append(value)
                won[other].append(1.0 - value)
        return [share(values) for values in won]


@dataclass(frozen=True, slots=True)
class Bubble:
    """`bubble`: one pass of n - 1 comparisons, in which the better one goes on to the next.

    For the best of n only: the last one standing scores 1, each other the share of its comparisons
    that it won, which is less. It stays standing in a tie, or where the reply cannot be read. With
    `repeats` the two change places from one comparison to the next. An only candidate scores 1.
    """

    judge: Judge

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """One score per draft; None for one of which no comparison could be read."""
        if len(drafts) < 2:
            return [1.0] * len(drafts)
        asked, texts = question_text(question), [draft.text.strip() for draft in drafts]
        won: list[list[float]] = [[] for _ in drafts]
        read: list[Judgement[float]] = []
        best = 0
        for place in range(1, len(drafts)):
            row = await _alternating(context, self.judge, asked, texts[best], texts[place], place)
            read += row
            values = values_of(row)
            won[best] += values
            won[place] += [1.0 - value for value in values]
            if (outcome := share(values)) is not None and outcome < 0.5:
                best = place
        note_unread(context, read)
        scores = [share(values) for values in won]
        return [
            1.0 if at == best and score is not None else score for at, score in enumerate(scores)
        ]


@dataclass(frozen=True, slots=True)
class AgainstReference:
    """`reference`: each candidate against one text, by default the first candidate.

    The score is the share of comparisons won, so 0.5 is as good as the reference; that is what the
    first candidate has where it is the reference itself. With `repeats` the two change places from
    one comparison to the next.
    """

    judge: Judge
    reference: str | None = None

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """One share per draft; None for one of which no comparison could be read."""
        asked, texts = question_text(question), [draft.text.strip() for draft in drafts]
        own = self.reference is None
        others = texts[1:] if own else texts
        against = texts[0] if own and texts else self.reference or ""
        rows = await together(
            _alternating(context, self.judge, asked, text, against, place)
            for place, text in enumerate(others)
        )
        note_unread(context, [judgement for row in rows for judgement in row])
        scores = [share(values_of(row)) for row in rows]
        return [0.5, *scores] if own and texts else scores


def paired(one: int, other: int) -> int:
    """A number of their own for two places, whatever the number of places (Szudzik's pairing), so
    that with more candidates the first ones are compared with the same seeds (rule G6).

    >>> [paired(*places) for places in ((0, 1), (1, 0), (0, 2), (1, 2), (2, 0), (2, 1))]
    [1, 2, 4, 5, 6, 7]
    """
    return other * other + one if one < other else one * one + one + other


def share(values: Sequence[float]) -> float | None:
    """The share of comparisons won; None where there is none."""
    return math.fsum(values) / len(values) if values else None


async def _compared(
    context: Context, judge: Judge, question: str, pair: tuple[str, str], stream: int
) -> list[Judgement[float]]:
    """All judgements of one pair in this order: how good the first of it is."""
    return await together(
        judge.ask(
            context,
            read_preference,
            draw,
            stream,
            question=question,
            first=pair[0],
            second=pair[1],
        )
        for draw in judge.draws()
    )


async def _alternating(
    context: Context, judge: Judge, question: str, one: str, other: str, stream: int
) -> list[Judgement[float]]:
    """All judgements of one pair in turning order: how good `one` is."""
    return await together(
        _turned(context, judge, question, (one, other), draw, stream)
        for draw in judge.draws(BOTH_ORDERS)
    )


async def _turned(
    context: Context, judge: Judge, question: str, pair: tuple[str, str], draw: int, stream: int
) -> Judgement[float]:
    turned = draw % 2 == 1
    first, second = pair[::-1] if turned else pair
    found = await judge.ask(
        context, read_preference, draw, stream, question=question, first=first, second=second
    )
    if found.value is None or not turned:
        return found
    return Judgement(found.messages, found.reply, 1.0 - found.value)
