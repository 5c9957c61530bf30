"""What a reward model says of whole candidates, or of each of their steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from graphdsl.ir.entities import ModelSpec
from graphdsl.ops.context import Context, ScoreAsk
from graphdsl.ops.scoring.aggregates import NO_STEPS, finite, stepped
from graphdsl.ops.scoring.rating import rating
from graphdsl.ops.together import together
from graphdsl.values import Draft, Messages


@dataclass(frozen=True, slots=True)
class Outcome:
    """`outcome`: one reward for each candidate, on the model's own scale."""

    model: ModelSpec

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """The reward of each draft; None where the model failed or gave no number."""
        return await together(self._reward(context, question, draft) for draft in drafts)

    async def _reward(
        self, context: Context, question: Messages | None, draft: Draft
    ) -> float | None:
        ask = ScoreAsk(self.model, conversation(question), (draft.text,), "relevance")
        values = await rating(context, ask)
        return None if values is None else finite(values[0])


Rated = dict[tuple[Messages, str], float]
"""What is known of beginnings of replies to a conversation."""


@dataclass(frozen=True, slots=True)
class Process:
    """`process`: a reward for each beginning of a candidate that ends with a step.

    All beginnings of a candidate are rated in one call; where only the `last` step counts, the
    longest alone. Each is rated once as long as the scorer lives, so that a search rates but the
    new steps. Where the scores are used as probabilities (`product`, the weights of particle
    filters) the model has to give numbers between 0 and 1; they are taken as they are, and a note
    says where they are not. A candidate without steps has the score -1.
    """

    model: ModelSpec
    steps: str = "last"
    separator: str = "\n\n"
    known: Rated = field(default_factory=Rated, compare=False, repr=False)

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """The reward of each draft; None where the model failed or gave no number."""
        asked, rows = conversation(question), [self._beginnings(draft) for draft in drafts]
        if empty := rows.count(()):
            context.note(f"{empty} of {len(rows)} candidates have no steps: scored {NO_STEPS:g}")
        await together(self._rate(context, asked, new) for new in self._new(asked, rows))
        known = [self._known(asked, row) for row in rows]
        if self.steps == "product":
            _note_strange(context, [value for row in known for value in row or ()])
        return [None if row is None else stepped(row, self.steps) for row in known]

    def _beginnings(self, draft: Draft) -> tuple[str, ...]:
        """What is rated of a candidate."""
        found = beginnings(draft.text, self.separator)
        return found[-1:] if self.steps == "last" else found

    def _new(self, asked: Messages, rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """What nobody has rated yet, by the first candidate that begins with it."""
        seen: set[str] = set()
        found: list[tuple[str, ...]] = []
        for row in rows:
            new = tuple(one for one in row if (asked, one) not in self.known and one not in seen)
            seen.update(new)
            found.append(new)
        return [new for new in found if new]

    async def _rate(self, context: Context, asked: Messages, new: tuple[str, ...]) -> None:
        values = await rating(context, ScoreAsk(self.model, asked, new, "relevance"))
        self.known.update(
            ((asked, text), value) for text, value in zip(new, values or (), strict=False)
        )

    def _known(self, asked: Messages, row: tuple[str, ...]) -> tuple[float, ...] | None:
        """The rewards of a candidate; None where one is missing."""
        found = [self.known[asked, one] for one in row if (asked, one) in self.known]
        return tuple(found) if len(found) == len(row) else None


def _note_strange(context: Context, values: Sequence[float]) -> None:
    """Say in the trace how many scores are no probabilities."""
    strange = [value for value in values if not 0.0 <= value <= 1.0]
    if strange:
        context.note(
            f"{len(strange)} of {len(values)} step scores are no probabilities (such as "
            f"{strange[0]:g}); a product of them means nothing"
        )


def beginnings(text: str, separator: str) -> tuple[str, ...]:
    r"""What a candidate says up to the end of each of its steps, without the last separator.

    Empty steps do not count. Without a separator all is one step.

    >>> beginnings("a\n\nb\n\n\n\nc\n\n", "\n\n")
    ('a', 'a\n\nb', 'a\n\nb\n\n\n\nc')
    """
    found: list[str] = []
    at = 0
    for step in text.split(separator) if separator else [text]:
        at += len(step)
        if step.strip():
            found.append(text[:at])
        at += len(separator)
    return tuple(found)


def conversation(question: Messages | None) -> Messages:
    """What candidates reply to; an empty turn where nobody knows."""
    return question if question is not None and question.turns else Messages.user("")
