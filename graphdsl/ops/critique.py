"""Strengths and weaknesses of all drafts by one call (Archon, arXiv 2409.15254)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from graphdsl.ops.candidates import complete_drafts, numbered, prompt_of, question_text
from graphdsl.ops.context import Args, Context
from graphdsl.ops.roles import ask_until
from graphdsl.values import Draft, Value

_BLOCK: Final = re.compile(r"^[\s*#_>-]*\[(\d{1,9})\][\s*_:]*", re.MULTILINE)
_ITEM: Final = re.compile(r"^[\s*#_>-]*(\d{1,9})[.)][\s*_:]+", re.MULTILINE)


async def critique(context: Context, args: Args) -> Value:
    """One text per draft, in order; empty for drafts that are not complete.

    A reply counts as parsed when it has a block for every draft that was shown. After the last
    attempt the blocks that are there are used and the others are empty.
    """
    drafts: Sequence[Draft] = args["drafts"]
    complete = complete_drafts(drafts)
    if not complete:
        return ("",) * len(drafts)
    count = len(complete)
    reply, blocks = await ask_until(
        context,
        args,
        lambda text: _all_blocks(text, count),
        question=question_text(prompt_of(args.get("question"), complete)),
        candidates=numbered(complete),
        count=count,
    )
    if blocks is None:
        blocks = parse_blocks(reply.text, count)
        missing = [f"[{number}]" for number, text in enumerate(blocks, 1) if not text]
        context.note(f"no critique of {', '.join(missing)} could be read")
    found = iter(blocks)
    return tuple(next(found) if draft.complete else "" for draft in drafts)


def parse_blocks(text: str, count: int) -> list[str]:
    r"""The texts after `[1]` … `[count]` at the start of lines; the first of each number counts.

    A reply without brackets may number them `1.` or `1)`. An only draft needs no number. Missing
    ones are empty.

    >>> parse_blocks("[1] good\n[3] bad", 3)
    ['good', '', 'bad']
    """
    marks = list(_BLOCK.finditer(text)) or list(_ITEM.finditer(text))
    if not marks and count == 1:
        return [text.strip()]
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    blocks = [""] * count
    for mark, end in zip(marks, ends, strict=False):
        at = int(mark.group(1)) - 1
        if 0 <= at < count and not blocks[at]:
            blocks[at] = text[mark.end() : end].strip()
    return blocks


def _all_blocks(text: str, count: int) -> list[str] | None:
    blocks = parse_blocks(text, count)
    return blocks if all(blocks) else None
