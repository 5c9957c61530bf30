"""Listwise ranking by a judge (Saad-Falcon et al. 2024, Archon, arXiv 2409.15254)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from graphdsl.ops.candidates import (
    complete_drafts,
    notes_for,
    numbered,
    prompt_of,
    question_text,
)
from graphdsl.ops.context import Args, Context
from graphdsl.ops.roles import ask_until
from graphdsl.values import Draft, Value

_CHAINS: Final = (
    re.compile(r"\[\d+\](?:\s*[>,=]\s*\[\d+\])+"),
    re.compile(r"(?<![\d.])\d+(?:\s*>\s*\d+)+(?![\d.])"),
    re.compile(r"^[^\w\n]*\d+(?:\s*,\s*\d+)+[^\w\n]*$", re.MULTILINE),
)
_BRACKETS: Final = re.compile(r"\[(\d+)\]")
_ONLY: Final = re.compile(r"\W*(\d+)\W*")


async def rank(context: Context, args: Args) -> Value:
    """The complete drafts from best to worst, the first `keep` of them.

    `score` becomes 1 for the best down to 1/n for the last of n. A reply that cannot be parsed
    leaves order and scores as they were. One draft or none needs no call.
    """
    drafts: Sequence[Draft] = args["drafts"]
    complete = complete_drafts(drafts)
    keep: int | None = args.get("keep")
    ordered = await _judged(context, args, complete) if len(complete) > 1 else complete
    return tuple(ordered[: None if keep is None else int(keep)])


async def _judged(context: Context, args: Args, complete: list[Draft]) -> list[Draft]:
    notes = notes_for(args["drafts"], args.get("using"))
    if notes is None:
        context.note("`using` has not one critique per draft; judged without critiques")
    count = len(complete)
    _, order = await ask_until(
        context,
        args,
        lambda text: parse_order(text, count),
        question=question_text(prompt_of(args.get("question"), complete)),
        candidates=numbered(complete, notes or ()),
        count=count,
    )
    if order is None:
        context.note("no ranking could be read; the drafts keep their order")
        return complete
    return [replace(complete[at], score=(count - i) / count) for i, at in enumerate(order)]


def parse_order(text: str, count: int) -> list[int] | None:
    """Positions (from 0) in the order that a reply gives, all `count` of them; None if it has none.

    Reads `[4] > [2]`, `4 > 2`, `4, 2, 1` or brackets alone; numbers that are repeated or out of
    range are dropped, missing ones follow in their original order.

    >>> parse_order("[3] > [1] > [1] > [9]", 3)
    [2, 0, 1]
    """
    named = [number - 1 for number in _numbers(text) if 1 <= number <= count]
    if not named:
        return None
    return list(dict.fromkeys([*named, *range(count)]))


def _numbers(text: str) -> list[int]:
    for chain in _CHAINS:
        if match := chain.search(text):
            return [_small(digits) for digits in re.findall(r"\d+", match.group())]
    if found := _BRACKETS.findall(text):
        return [_small(digits) for digits in found]
    only = _ONLY.fullmatch(text.strip())
    return [_small(only.group(1))] if only else []


def _small(digits: str) -> int:
    """A candidate's number; a run of digits too long to be one is 0, which is out of range."""
    return int(digits) if len(digits) < 10 else 0
