"""The right answer as a scorer: an upper bound for all others, to be named as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphdsl.ops.context import Context
from graphdsl.ops.extract import Found, find_answer
from graphdsl.ops.grouping import equal_answers
from graphdsl.ops.quorum_ballots import ballot
from graphdsl.values import Draft, Messages


@dataclass(frozen=True, slots=True)
class Oracle:
    """`oracle`: 1 for a candidate with the right answer, 0 for any other, by a kind of equality."""

    answer: str
    equal: str = "text"

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """One score per draft; None for all where the right answer cannot be read.

        Raises `ExtraMissing` for `maths` where the package that compares is not installed.
        """
        right = find_answer(self.answer, self.equal)
        if right is None:
            context.note(f"the right answer cannot be read as `{self.equal}`; nothing is scored")
            return [None] * len(drafts)
        found = [ballot(draft, self.equal) for draft in drafts]
        answers = [one for one in found if one is not None]
        equal = iter(await self._equal(right, answers))
        return [float(one is not None and next(equal)) for one in found]

    async def _equal(self, right: Found, answers: Sequence[Found]) -> list[bool]:
        pairs = [(answer, right) for answer in answers]
        if self.equal != "maths":
            return equal_answers(pairs, self.equal)
        from graphdsl.ops.maths.aside import aside  # it may take seconds

        return await aside(lambda: equal_answers(pairs, self.equal))
