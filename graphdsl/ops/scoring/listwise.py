"""A model sees all candidates at once and gives points, or orders them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphdsl.ir.entities import ModelSpec
from graphdsl.ops.candidates import LOWEST, numbered, question_text
from graphdsl.ops.context import Context, ScoreAsk
from graphdsl.ops.rank import parse_order
from graphdsl.ops.scoring.aggregates import repeated
from graphdsl.ops.scoring.asking import Judge, Judgement, note_unread, values_of
from graphdsl.ops.scoring.points import read_points
from graphdsl.ops.scoring.rating import rating
from graphdsl.ops.together import together
from graphdsl.values import Draft, Messages

Read = Callable[[str, int], Sequence[float] | None]
"""Values of so many candidates, in the order in which they were shown; None for no reading."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Repeated judgements of one list, each of it in another order if `shuffle`."""

    judge: Judge
    read: Read
    shuffle: bool = True

    async def judgements(
        self, context: Context, question: str, drafts: Sequence[Draft]
    ) -> list[Judgement[Sequence[float]]]:
        """All of them; their values are in the order of `drafts`, however they were shown."""
        shuffled = self.shuffle and len(drafts) > 1
        draws = self.judge.draws(prompts=self.judge.repeats if shuffled else 1)
        judged = await together(
            self._judgement(context, question, drafts, draw, shuffled) for draw in draws
        )
        note_unread(context, judged)
        return judged

    async def _judgement(
        self, context: Context, question: str, drafts: Sequence[Draft], draw: int, shuffled: bool
    ) -> Judgement[Sequence[float]]:
        order = list(range(len(drafts)))
        if shuffled:
            context.chance(f"order {draw}").shuffle(order)
        return await self.judge.ask(
            context,
            lambda text: unshuffled(self.read(text, len(order)), order),
            draw,
            0,
            question=question,
            candidates=numbered([drafts[place] for place in order]),
            count=len(order),
        )


@dataclass(frozen=True, slots=True)
class Points:
    """`judge`: points from 1 to 10, several judgements become one (GRM, arXiv 2504.02495).

    Judgements that cannot be parsed are dropped; a `sum` is rescaled to the number of those that
    were asked for. With a `meta` reward model only the `trusted` best judgements count, half of
    them unless told otherwise, and a sum is over these. None for all where no judgement counts.
    """

    panel: Panel
    aggregate: str = "mean"
    meta: ModelSpec | None = None
    trusted: int | None = None

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """One score per draft."""
        if not drafts:
            return []
        judged = await self.panel.judgements(context, question_text(question), drafts)
        kept = [one for one in judged if one.value is not None]
        counted = self.panel.judge.repeats
        if self.meta is not None:
            if self.trusted is not None and self.trusted > counted:
                context.note(f"`trusted: {self.trusted}` of {counted} judgements: all count")
            counted = min(counted, self.trusted or max(1, counted // 2))
            kept = await _trusted(context, self.meta, kept, counted)
        return _columns(values_of(kept), len(drafts), self.aggregate, counted)


@dataclass(frozen=True, slots=True)
class Places:
    """`listwise`: 1 for the first place down to 1/n for the last of n, over all judgements.

    An only candidate has the first place, and nobody is asked.
    """

    panel: Panel
    aggregate: str = "mean"

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """One score per draft; None for all where no order could be read."""
        if len(drafts) < 2:
            return [1.0] * len(drafts)
        judged = await self.panel.judgements(context, question_text(question), drafts)
        repeats = self.panel.judge.repeats
        return _columns(values_of(judged), len(drafts), self.aggregate, repeats)


def points_read(text: str, count: int) -> Sequence[float] | None:
    """Points by place; see `read_points`."""
    return read_points(text, count)


def places_read(text: str, count: int) -> Sequence[float] | None:
    """Shares of the best place by place; see `parse_order`."""
    order = parse_order(text, count)
    return order and [(count - order.index(place)) / count for place in range(count)]


def unshuffled(values: Sequence[float] | None, order: Sequence[int]) -> Sequence[float] | None:
    """The values of what was shown in this order, in the order of the list itself.

    >>> unshuffled([7, 8, 9], [2, 0, 1])
    [8, 9, 7]
    """
    if values is None:
        return None
    by_place = dict(zip(order, values, strict=True))
    return [by_place[place] for place in range(len(order))]


async def _trusted(
    context: Context,
    meta: ModelSpec,
    judged: Sequence[Judgement[Sequence[float]]],
    most: int,
) -> list[Judgement[Sequence[float]]]:
    """The judgements that the reward model rates best, earlier ones first among equals."""
    rated = await together(
        rating(context, ScoreAsk(meta, one.messages, (one.reply.text,), "relevance"))
        for one in judged
    )
    worth = [LOWEST if one is None or math.isnan(one[0]) else one[0] for one in rated]
    if judged and max(worth) == LOWEST:
        context.note("`meta` rated no judgement; all that could be read count")
        return list(judged)
    best = sorted(range(len(judged)), key=lambda place: (-worth[place], place))[:most]
    return [judged[place] for place in sorted(best)]


def _columns(
    rows: Sequence[Sequence[float]], count: int, aggregate: str, repeats: int
) -> list[float | None]:
    return [repeated([row[place] for row in rows], aggregate, repeats) for place in range(count)]
