"""Expansion by an answer: a new one from the prompt, or a revision of one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphdsl.ir.entities import ModelSpec
from graphdsl.ops.candidates import question_text
from graphdsl.ops.context import Args, Ask, Context
from graphdsl.ops.roles import with_answer
from graphdsl.ops.templates import render
from graphdsl.ops.trees.expansion import graded, setting, temperature_of
from graphdsl.ops.trees.path import Path
from graphdsl.values import Messages


@dataclass(frozen=True, slots=True)
class Revisions:
    """Below the root every answer revises the one above it, up to `depth` answers in a row.

    All complete answers are results. One that is not complete has ended: it is not revised.
    """

    context: Context
    args: Args
    prompt: Messages
    depth: int

    async def expand(self, path: Path, model: ModelSpec, index: int, *, whole: bool) -> Path:
        """An answer; all are whole."""
        messages = self.prompt if path.depth == 0 else self._revising(path)
        reply = await self.context.sample(
            Ask(
                model,
                messages,
                index,
                temperature=temperature_of(self.args, model),
                max_tokens=self.args.get("max_tokens"),
            )
        )
        draft, depth = with_answer(reply, self.prompt), path.depth + 1
        return Path(draft, depth, draft.complete and depth < self.depth, draft.complete, draft.text)

    async def look_ahead(self, path: Path, model: ModelSpec, index: int) -> Path | None:
        """There is nothing beyond a whole answer."""
        return None

    def _revising(self, path: Path) -> Messages:
        values: Mapping[str, object] = {
            "question": question_text(self.prompt),
            "candidate": path.draft.text.strip(),
            "feedback": feedback(graded(self.args, path.draft.score)),
        }
        return render(self.args["revising"], values)


def feedback(score: float | None) -> str:
    """What a reviser is told of a score.

    >>> feedback(0.25), feedback(None)
    ('This answer was given a score of 0.25; higher is better.', '')
    """
    if score is None:
        return ""
    return f"This answer was given a score of {score:.3g}; higher is better."


def revisions_of(context: Context, args: Args, prompt: Messages) -> Revisions:
    """Revisions with the operator's settings."""
    return Revisions(context, args, prompt, int(setting(args, "depth", 16)))
