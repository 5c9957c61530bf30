"""What scores candidates: the one interface of `score` and of tree searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from graphdsl.ops.context import Context
from graphdsl.values import Draft, Messages


class Scorer(Protocol):
    """One way to score, with all its settings."""

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> Sequence[float | None]:
        """One score per draft, in order, higher is better; None where there is none (rule G5).

        Drafts may be partial. Never raises because a model failed.
        """
        ...
