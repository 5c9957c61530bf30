"""Documents in the order in which they help with a query (REBEL, arXiv 2504.07104)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from graphdsl.ops.context import Args, Context, ScoreAsk
from graphdsl.ops.roles import ask_until
from graphdsl.ops.scoring.plain import plain
from graphdsl.ops.scoring.rating import rating
from graphdsl.values import Doc, Messages, Value, as_text

MOST: Final = 10.0
"""The relevance of a document that could not be more useful."""

_LINE: Final = re.compile(
    r"""^(?:[-+•][ ]?)?(?P<word>\[?doc(?:ument)?\b[ .:]{0,3})?\[?(?P<number>\d{1,9})(?!\d)\]?
        (?:[ ]?[,:;=–—-][ ]?|[.)]?[ ](?:[–—-][ ])?|[ ]?[,:;]?\n(?=relevance|score|points))
        \(?(?:(?:relevance|score|points)\b[ :=]{0,3})?
        \[?(?P<points>\d{1,9}(?:\.\d{1,9})?)(?:[ ]?/[ ]?10)?(?!\d|[ ]?/)(?P<rest>.*)$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


async def rerank(context: Context, args: Args) -> Value:
    """The documents with what they scored, best first; equal ones in the order in which they came.

    One that the reply does not list is left out, as is one below `at_least`. Where none is left,
    or nothing could be read, the first `keep` stay as they came, and a note says so. No documents
    need no call.
    """
    docs = [_doc(item, number) for number, item in enumerate(args["docs"] or (), 1)]
    if not docs:
        return ()
    keep = None if args.get("keep") is None else int(args["keep"])
    relevance = args.get("method") == "relevance"
    values = await (_rated(context, args, docs) if relevance else _pointed(context, args, docs))
    if values is None:
        context.note("no relevance could be read; the documents stay as they came")
        return tuple(docs[:keep])
    ordered = by_relevance(values, args.get("at_least"))
    if not ordered:
        context.note("no document qualifies; the documents stay as they came")
        return tuple(docs[:keep])
    return tuple(replace(docs[place], score=float(values[place])) for place in ordered[:keep])


def by_relevance(values: dict[int, float], at_least: float | None) -> list[int]:
    """The places with a number of at least so much, the highest first, else in order.

    >>> by_relevance({0: 2, 1: 7, 2: 7, 3: 9}, 3)
    [3, 1, 2]
    """
    least = -math.inf if at_least is None else float(at_least)
    kept = [place for place, value in sorted(values.items()) if value >= least]  # NaN is not
    return sorted(kept, key=lambda place: -values[place])


def read_relevance(text: str, count: int) -> dict[int, float] | None:
    r"""Points from 0 to 10 by place (from 0); None where no line gives any.

    Reads `Doc: 1, Relevance: 7`, `Document 2: 8/10`, `[3] 4.5` or `3. 4`, one per line; the first
    line of a document counts, and one with a number or points out of range does not.

    >>> read_relevance("Doc: 2, Relevance: 9\nDoc: 7, Relevance: 3\nDoc: 1, Relevance: 4.5", 3)
    {1: 9.0, 0: 4.5}
    """
    found: dict[int, float] = {}
    for match in _LINE.finditer(plain(text)):
        place, points = int(match["number"]) - 1, float(match["points"])
        if match["word"] is None and re.search(r"\w", match["rest"]):
            continue  # a sentence that begins with two numbers
        if 0 <= place < count and points <= MOST:
            found.setdefault(place, points)
    return found or None


def shown(docs: Sequence[Doc]) -> str:
    """Documents for the role prompt, numbered from 1."""
    return "\n\n".join(
        f"Document {number}:\n{doc.text.strip()}" for number, doc in enumerate(docs, 1)
    )


def _doc(item: Value, number: int) -> Doc:
    return item if isinstance(item, Doc) else Doc(str(number), as_text(item))


async def _pointed(context: Context, args: Args, docs: Sequence[Doc]) -> dict[int, float] | None:
    _, values = await ask_until(
        context,
        args,
        lambda text: read_relevance(text, len(docs)),
        query=as_text(args["query"]),
        documents=shown(docs),
        count=len(docs),
        criteria=as_text(args.get("criteria")).strip(),
    )
    if values is not None and len(values) < len(docs):
        context.note(f"{len(docs) - len(values)} of {len(docs)} documents are not listed; left out")
    return values


async def _rated(context: Context, args: Args, docs: Sequence[Doc]) -> dict[int, float] | None:
    texts = tuple(doc.text for doc in docs)
    ask = ScoreAsk(args["by"], Messages.user(as_text(args["query"])), texts, "relevance")
    values = await rating(context, ask) or ()
    numbers = {place: value for place, value in enumerate(values) if math.isfinite(value)}
    return numbers or None
