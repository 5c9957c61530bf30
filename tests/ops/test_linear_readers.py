"""What models write is read in linear time: long hostile texts, which took cubic time once.

Nothing is timed: with 200,000 characters a reader that is worse than linear would not come back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from graphdsl.ops.json_values import json_values
from graphdsl.ops.parsing import parse_field, parse_list, parse_number
from graphdsl.ops.rank import parse_order
from graphdsl.ops.scoring.points import read_points
from graphdsl.ops.scoring.preferences import read_preference
from graphdsl.ops.scoring.rerank import read_relevance
from graphdsl.ops.scoring.verdicts import before_verdict, read_verdict
from graphdsl.ops.spawn_blocks import result_of
from graphdsl.ops.spawn_tasks import read_tasks
from graphdsl.ops.verify import parse_verdict
from graphdsl.values import Draft

SIZE: Final = 200_000

READERS: Final[dict[str, Callable[[str], object]]] = {
    "verdict": read_verdict,
    "before verdict": before_verdict,
    "preference": read_preference,
    "points": lambda text: read_points(text, 2),
    "relevance": lambda text: read_relevance(text, 2),
    "order": lambda text: parse_order(text, 2),
    "verification": parse_verdict,
    "tasks": read_tasks,
    "result": lambda text: result_of(Draft(text)),
    "json": lambda text: list(json_values(text)),
    "list": lambda text: parse_list({"text": text}),
    "field": lambda text: parse_field({"text": text, "field": "x"}),
    "number": lambda text: parse_number({"text": text}),
}


def around(before: str, again: str, after: str) -> str:
    """A text of `SIZE` characters between the two ends."""
    return before + again * (SIZE // len(again)) + after


def apart(before: str, space: str, middle: str, after: str) -> str:
    """The same with twice as much space as text."""
    return before + space * (SIZE // 2) + middle + space * (SIZE // 2) + after


HOSTILE: Final = {
    "breaks": apart("", "\n", "1", "x"),
    "spaces": apart("Yes/No", " ", "1", "x"),
    "verdict": apart("Verdict", " ", ":", "x"),
    "document": apart("Doc: 1", " ", ",", "x"),
    "stars": apart("", "*", "[1]", "x"),
    "marks": around("", "> *_#|", "x"),
    "chain": around("", "1>", "1."),
    "numbers": around("", "1, ", "x"),
    "digits": around("", "9", "x"),
    "brackets": around("", "[", "]"),
    "references": around("as in ", "[1] ", "x"),
    "candidates": around("", "[1] : 1 ", "x"),
    "labels": around("", "verdict ", "x"),
    "sentences": around("", "not a. ", "x"),
    "clauses": around("", "not the but ", "x"),
    "better": around("[A]", " is better than", "[B"),
    "letters": around("", "[A] ", "and"),
    "tags": around("", "<Outline>", "x"),
    "starts": around("", "<Start Sub Search 1", ">"),
    "bullets": around("", "\n- a", "["),
    "objects": around("", '{"a": ', "1"),
    "strings": around('["', "\\", ""),
    "fences": around("", "```\n", ""),
    "letter": around("", "a", "."),
    "verdicts": around("[correct]", "final verdict: ", "x"),
    "marked": around("", "[correct] ", "x"),
    "before": around("", "verdict:", "[correct]"),
    "unlabelled": around("", "verdict: ", "x [correct]"),
    "far": around("", " ", "x [correct]"),
    "fractions": around("", "1/", "1e"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_hostile_texts_are_read(read: Callable[[str], object], text: str) -> None:
    read(text)
