"""Reading and writing memories; storage and ranking are the engine's."""

from __future__ import annotations

from graphdsl.ops.context import Args, Context
from graphdsl.values import Value, as_text


async def recall(context: Context, args: Args) -> Value:
    """The entries that fit a query best, best first, as they were when the run began."""
    top = args.get("top")
    return context.recall(args["memory"], as_text(args["query"]), 4 if top is None else int(top))


async def remember(context: Context, args: Args) -> Value:
    """Keeps a text once the run has ended well, and gives it back; an empty one is not kept."""
    text = as_text(args["text"])
    key = args.get("key")
    if text.strip():
        context.remember(args["memory"], text, None if key is None else as_text(key))
    return text
