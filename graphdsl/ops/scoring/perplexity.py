"""How well another model predicts a candidate (as ATTS judges its drafts)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphdsl.ir.entities import ModelSpec
from graphdsl.ops.context import Context, ScoreAsk
from graphdsl.ops.scoring.aggregates import finite
from graphdsl.ops.scoring.rewards import conversation
from graphdsl.ops.together import together
from graphdsl.values import Draft, Messages


@dataclass(frozen=True, slots=True)
class Perplexity:
    """`perplexity`: the mean log-probability of a candidate's tokens under the model.

    So higher is better, and the perplexity is exp(-score). Candidates without text have none.
    """

    model: ModelSpec

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """A score of at most 0 per draft; None where the model failed or there are no tokens."""
        return await together(self._mean(context, question, draft) for draft in drafts)

    async def _mean(
        self, context: Context, question: Messages | None, draft: Draft
    ) -> float | None:
        if not draft.text:
            return None
        rated = await context.score(
            ScoreAsk(self.model, conversation(question), (draft.text,), "text")
        )
        if rated is None or len(rated.logprobs) != 1 or not rated.logprobs[0].tokens:
            return None
        return finite(rated.logprobs[0].mean)
