"""`min_success`: a join of too few complete drafts is a failure that says so, not a weak result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graphdsl.ops.candidates import complete_drafts, no_answer, told
from graphdsl.ops.context import Args, Context, ModelKernel, PureKernel
from graphdsl.values import Draft, Value


def guarded(kernel: PureKernel, type_name: str) -> PureKernel:
    """A pure kernel behind its `min_success`; `type_name` is the type of its result."""

    def guard(args: Args) -> Value:
        short = _shortfall(args)
        return kernel(args) if short is None else _as(type_name, short, args["drafts"])

    return guard


def guarded_model(kernel: ModelKernel, type_name: str) -> ModelKernel:
    """The same for a kernel that asks models: nobody is asked where drafts are missing."""

    async def guard(context: Context, args: Args) -> Any:
        short = _shortfall(args)
        if short is None:
            return await kernel(context, args)
        context.note(str(short.error))
        return _as(type_name, short, args["drafts"])

    return guard


def _shortfall(args: Args) -> Draft | None:
    """The failed draft that stands for the result when too few of the drafts are complete."""
    drafts: Sequence[Draft] = args["drafts"]
    wanted = args.get("min_success")
    count = len(complete_drafts(drafts))
    if wanted is None or count >= wanted:
        return None
    ends = told([(draft.finish, draft.error) for draft in drafts])
    needed = f"{int(wanted)} {'is' if wanted == 1 else 'are'} needed"
    complete = f"{count} of {len(drafts)} drafts {'is' if count == 1 else 'are'} complete"
    return replace(no_answer(drafts), error=f"{complete}, {needed}{ends}")


def _as(type_name: str, short: Draft, drafts: Sequence[Draft]) -> Value:
    """It as the operator's result: a draft, a list of one, or an empty text for each draft."""
    match type_name:
        case "Draft":
            return short
        case "List[Draft]":
            return (short,)
        case _:
            return ("",) * len(drafts)
