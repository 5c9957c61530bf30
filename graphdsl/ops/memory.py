"""Reading and writing memories; storage and ranking are the engine's."""

from __future__ import annotations

from graphdsl.ops.concept_reading import read_concepts, read_names
from graphdsl.ops.concept_texts import overview, whole
from graphdsl.ops.context import Args, Context
from graphdsl.ops.roles import ask_until
from graphdsl.values import Doc, Value, as_text


async def recall(context: Context, args: Args) -> Value:
    """The entries that fit a query best, best first, as they were when the run began."""
    top, method = args.get("top"), args.get("method")
    context.keep()  # the store will have changed when somebody asks again
    return await context.recall(
        args["memory"],
        as_text(args["query"]),
        4 if top is None else int(top),
        "bm25" if method is None else str(method),
    )


async def remember(context: Context, args: Args) -> Value:
    """Keeps a text once the run has ended well, and gives it back; an empty one is not kept."""
    text = as_text(args["text"])
    key = args.get("key")
    if text.strip():
        context.remember(args["memory"], text, None if key is None else as_text(key))
    return text


async def recall_concepts(context: Context, args: Args) -> Value:
    """The concepts that a model chooses for a problem, in its order (ArcMemo, selection).

    It sees the memory in short and answers with exact names; unknown ones are ignored, and a reply
    that cannot be read chooses none. A memory without concepts costs no call.
    """
    top, most = int(args.get("top") or 0), int(args.get("shown") or 0)
    query = as_text(args["query"])
    context.keep()
    known = await context.concepts(args["memory"], query, most) if top and most else ()
    if not known:
        return ()
    by_name = {concept.name: concept for concept in known}
    _, names = await ask_until(
        context,
        args,
        lambda text: read_names(text, by_name),
        question=query,
        concepts=overview(known),
        count=top,
    )
    if names is None:
        context.note("no choice of concepts could be read")
        return ()
    chosen = [by_name[name] for name in names[:top]]
    return tuple(Doc(one.name, whole(one), 1 / place) for place, one in enumerate(chosen, 1))


async def remember_concepts(context: Context, args: Args) -> Value:
    """Keeps the concepts that a model finds in a solution, and gives them (ArcMemo, abstraction).

    They are merged by name into the memory once the run has ended well. An empty solution has none
    and costs no call.
    """
    solution = as_text(args["solution"])
    if not solution.strip():
        return ()
    _, read = await ask_until(
        context, args, read_concepts, question=as_text(args["question"]), solution=solution
    )
    if read is None:
        context.note("no concepts could be read")
        return ()
    found, skipped = read
    for remark in skipped:
        context.note(remark)
    if found:
        context.remember_concepts(args["memory"], found)
    return tuple(Doc(one.name, whole(one)) for one in found)
