"""Several models score the same candidates (Replacing Judges with Juries, arXiv 2404.18796)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from graphdsl.ops.context import Context
from graphdsl.ops.scoring.scorer import Scorer
from graphdsl.ops.together import together
from graphdsl.values import Draft, Messages


@dataclass(frozen=True, slots=True)
class Jury:
    """The mean of what the members give, each by itself; of `listwise` that is the mean place.

    A member that gives a candidate no score does not count for it.
    """

    members: tuple[Scorer, ...]

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """One score per draft; None for one that no member has scored."""
        rows = await together(_list(member, context, question, drafts) for member in self.members)
        return [
            _mean([one for one in column if one is not None]) for column in zip(*rows, strict=True)
        ]


async def _list(
    member: Scorer, context: Context, question: Messages | None, drafts: Sequence[Draft]
) -> list[float | None]:
    return list(await member(context, question, drafts))


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
