"""Parts of texts, and texts as drafts."""

from __future__ import annotations

from typing import Final

from graphdsl.ops.context import Args
from graphdsl.ops.convert import to_messages
from graphdsl.ops.limits import bounded
from graphdsl.ops.roles import with_answer
from graphdsl.values import Draft, Finish, Value, as_text

EMPTY: Final = "the text is empty"


def part(args: Args) -> Value:
    """What stands after the last `after`, up to the first `before` from there, without space
    around it; absent where one of them is missing. An empty mark is the text's begin, or its end.
    """
    text, after, before = (as_text(args.get(name)) for name in ("text", "after", "before"))
    start = text.rfind(after) if after else 0
    if start < 0:
        return None
    start += len(after)
    end = text.find(before, start) if before else len(text)
    return None if end < 0 else text[start:end].strip()


def split(args: Args) -> Value:
    """The parts between marks, without space around them; empty ones are left out.

    Without a mark the text is the only part. Raises `PromptError` when there are too many.
    """
    text, mark = as_text(args["text"]), args.get("at")
    parts = text.split("\n" if mark is None else mark) if mark != "" else [text]
    return bounded(tuple(stripped for one in parts if (stripped := one.strip())))


def draft(args: Args) -> Value:
    """A text as a complete draft with its answer read; of an empty text a failed one.

    The question, if given, becomes its prompt: what judges see, and what `continue` goes on from.
    """
    text, question = as_text(args["text"]), args.get("question")
    prompt = None if question is None else to_messages(question)
    if not text.strip():
        return Draft("", finish=Finish.ERROR, error=EMPTY, prompt=prompt)
    return with_answer(Draft(text, prompt=prompt))
