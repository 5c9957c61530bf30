"""One draft from many (Archon's fuser, arXiv 2409.15254)."""

from __future__ import annotations

from collections.abc import Sequence

from graphdsl.ops.candidates import (
    complete_drafts,
    no_answer,
    notes_for,
    numbered,
    prompt_of,
    question_text,
)
from graphdsl.ops.context import Args, Context
from graphdsl.ops.roles import ask_role, with_answer
from graphdsl.values import Draft, Value


async def fuse(context: Context, args: Args) -> Value:
    """A new draft from all complete drafts and their critiques; without any, a failed draft.

    The result answers the question of the drafts: its `prompt` is theirs, not the fuser's.
    """
    drafts: Sequence[Draft] = args["drafts"]
    complete = complete_drafts(drafts)
    if not complete:
        return no_answer(drafts)
    notes = notes_for(drafts, args.get("using"))
    if notes is None:
        context.note("`using` has not one critique per draft; fused without critiques")
    prompt = prompt_of(args.get("question"), complete)
    reply = await ask_role(
        context,
        args,
        question=question_text(prompt),
        candidates=numbered(complete, notes or ()),
        count=len(complete),
    )
    return with_answer(reply, prompt)
