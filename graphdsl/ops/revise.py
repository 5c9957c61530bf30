"""Improving one draft (Madaan et al. 2023, Self-Refine, arXiv 2303.17651)."""

from __future__ import annotations

from graphdsl.ops.candidates import prompt_of, question_text
from graphdsl.ops.context import Args, Context
from graphdsl.ops.roles import ask_role, with_answer
from graphdsl.values import Draft, Value, as_text


async def revise(context: Context, args: Args) -> Value:
    """A new draft in the light of `using`; a draft that is not complete is given back as it is."""
    draft: Draft = args["draft"]
    if not draft.complete:
        context.note(f"the draft is not complete ({draft.finish}); it was not revised")
        return draft
    prompt = prompt_of(args.get("question"), [draft])
    reply = await ask_role(
        context,
        args,
        question=question_text(prompt),
        candidate=draft.text.strip(),
        feedback=as_text(args.get("using")),
    )
    return with_answer(reply, prompt)
