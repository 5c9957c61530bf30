"""Operators on texts."""

from __future__ import annotations

from typing import Final

from graphdsl.ir.types import ANSWER, BOOL, DRAFT, NUMBER, TEXT, TEXTS, OptionalOf
from graphdsl.ops.signature import Operator, Param
from graphdsl.ops.signatures.results import always
from graphdsl.ops.signatures.shared import ITEMS, by_word

TEXTS_OPERATORS: Final = (
    Operator(
        "extract",
        "The answer within a text: after `Answer:`, `####` or in `\\boxed{}`; else by kind.",
        (
            Param("of", "a draft or a text", (DRAFT, TEXT)),
            by_word("what kind of answer to look for"),
        ),
        always(ANSWER),
    ),
    Operator(
        "texts",
        "The text of every item.",
        (Param("items", "drafts, answers or documents", (ITEMS,)),),
        always(TEXTS),
    ),
    Operator(
        "join",
        "Texts as one text.",
        (
            Param("texts", "the texts, in order; empty ones are left out", (TEXTS,)),
            Param("separator", "what stands between two", (TEXT,), default="\n\n", static=True),
        ),
        always(TEXT),
    ),
    Operator(
        "contains",
        "Whether a text holds another, ignoring case.",
        (
            Param("text", "where to look", (TEXT,)),
            Param("part", "what to look for", (TEXT,)),
        ),
        always(BOOL),
        positional=2,
    ),
    Operator(
        "part",
        "The part of a text after one mark and before another, without space around it; absent "
        "where a mark is missing.",
        (
            Param("text", "where to look", (TEXT,)),
            Param(
                "after",
                "what stands before it, the last one in the text; default: the text's begin",
                (TEXT,),
                default="",
                static=True,
            ),
            Param(
                "before",
                "what stands after it, the first one from there; default: the text's end",
                (TEXT,),
                default="",
                static=True,
            ),
        ),
        always(OptionalOf(TEXT)),
    ),
    Operator(
        "split",
        "The parts of a text between marks, without space around them; empty ones are left out.",
        (
            Param("text", "what to split", (TEXT,)),
            Param("at", "the mark", (TEXT,), default="\n", static=True),
        ),
        always(TEXTS),
    ),
    Operator(
        "parse_list",
        "The items of a list that a model wrote: a JSON list, or lines with numbers or bullets; "
        "empty where there is none.",
        (Param("text", "what the model wrote", (TEXT,)),),
        always(TEXTS),
    ),
    Operator(
        "parse_field",
        "The value of a field in the last JSON object of a text; absent where there is none.",
        (
            Param("text", "what the model wrote", (TEXT,)),
            Param("field", "the name of the field", (TEXT,), static=True),
        ),
        always(OptionalOf(TEXT)),
        positional=2,
    ),
    Operator(
        "parse_number",
        "The last number of a text; absent where there is none.",
        (Param("text", "what the model wrote", (TEXT,)),),
        always(OptionalOf(NUMBER)),
    ),
    Operator(
        "draft",
        "A text as a draft, for operators that want drafts; an empty text is a failed one.",
        (
            Param("text", "its text", (TEXT,)),
            Param("question", "what it answers", (TEXT,), default=None),
        ),
        always(DRAFT),
    ),
)
