"""A model says of each candidate by itself whether it is right (GenRM, arXiv 2504.01005)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphdsl.ops.candidates import question_text
from graphdsl.ops.context import Context, ScoreAsk
from graphdsl.ops.neutral import neutralise
from graphdsl.ops.scoring.aggregates import finite, repeated
from graphdsl.ops.scoring.asking import Judge, Judgement, note_unread, values_of
from graphdsl.ops.scoring.rating import rating
from graphdsl.ops.scoring.verdicts import before_verdict, read_verdict
from graphdsl.ops.templates import render
from graphdsl.ops.together import together
from graphdsl.values import Draft, Message, Messages

LABELS: Final = ("Yes", "No")
"""What the probability of a right answer is read from."""

REASONED: Final = "yes"
"""The value of `reasoning` in a grading prompt where reasons are to come before the verdict."""

FINALLY: Final = "Is this answer correct? Reply with Yes or No."
"""What is asked after the reasons."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """`verdict`: reasons, then yes (1) or no (0), read from the text; several become one.

    Replies that cannot be parsed are dropped; where none can the score is 0. None where every
    call failed.
    """

    judge: Judge
    aggregate: str = "mean"

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """One score in [0, 1] per draft, for `sum` up to the number of repeats."""
        asked = question_text(question)
        rows = await together(
            self._row(context, asked, draft, place) for place, draft in enumerate(drafts)
        )
        note_unread(context, [one for row in rows for one in row])
        return [_graded(row, self.aggregate, self.judge.repeats) for row in rows]

    async def _row(
        self, context: Context, asked: str, draft: Draft, place: int
    ) -> list[Judgement[bool]]:
        values = _values(asked, draft, REASONED)
        return await together(
            self.judge.ask(context, read_verdict, draw, place, **values)
            for draw in self.judge.draws()
        )


@dataclass(frozen=True, slots=True)
class Probability:
    """`probability`: how probably the model's next word is Yes rather than No.

    Works on partial answers as well (arXiv 2410.02725); a model that was not trained for it is not
    calibrated. Nothing is drawn, so one question for each candidate is enough.
    """

    judge: Judge

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """One probability in [0, 1] per draft; None where the model failed."""
        asked = question_text(question)
        return await together(
            probability(context, self.judge, render(self.judge.prompt, _values(asked, draft, "")))
            for draft in drafts
        )


@dataclass(frozen=True, slots=True)
class Hybrid:
    """`hybrid`: reasons, then how probably the verdict is Yes; where that fails, what they say.

    The verdict that ends the reasons is left out before the probability is asked for: it would
    decide it. Without reasons it is `Probability`.
    """

    judge: Judge
    aggregate: str = "mean"

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """Like `Verdicts`, from probabilities."""
        asked = question_text(question)
        rows = await together(
            self._row(context, asked, draft, place) for place, draft in enumerate(drafts)
        )
        note_unread(context, [one for row in rows for one in row])
        return [_graded(row, self.aggregate, self.judge.repeats) for row in rows]

    async def _row(
        self, context: Context, asked: str, draft: Draft, place: int
    ) -> list[Judgement[float]]:
        return await together(
            self._judgement(context, asked, draft, draw, place) for draw in self.judge.draws()
        )

    async def _judgement(
        self, context: Context, asked: str, draft: Draft, draw: int, place: int
    ) -> Judgement[float]:
        values = _values(asked, draft, REASONED)
        said = await self.judge.ask(context, lambda text: text, draw, place, **values)
        if not said.answered:
            return Judgement(said.messages, said.reply, None)
        if reasons := before_verdict(said.reply.text):
            asking = _after(said.messages, reasons)
        else:
            asking = render(self.judge.prompt, _values(asked, draft, ""))
        value = await probability(context, self.judge, asking)
        if value is None and (verdict := read_verdict(said.reply.text)) is not None:
            value = float(verdict)
        return Judgement(said.messages, said.reply, value)


async def probability(context: Context, judge: Judge, messages: Messages) -> float | None:
    """How probably a reply begins with Yes rather than No; None where the model failed."""
    values = await rating(context, ScoreAsk(judge.model, messages, LABELS, "label"))
    return None if values is None else finite(values[0])


def _graded(row: Sequence[Judgement[Any]], aggregate: str, repeats: int) -> float | None:
    """The score of one candidate; 0 where its judge said nothing that can be read."""
    values = [float(value) for value in values_of(row)]
    if not values and any(one.answered for one in row):
        return 0.0
    return repeated(values, aggregate, repeats)


def _after(asked: Messages, reasons: str) -> Messages:
    """The conversation that goes on after these reasons."""
    turns = (Message("assistant", neutralise(reasons)), Message("user", FINALLY))
    return Messages((*asked.turns, *turns))


def _values(question: str, draft: Draft, reasoning: str) -> dict[str, str]:
    return {"question": question, "candidate": draft.text.strip(), "reasoning": reasoning}
