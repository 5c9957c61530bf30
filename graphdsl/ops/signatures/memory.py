"""Operators that look into memories, or write them."""

from __future__ import annotations

from typing import Final

from graphdsl.ir.types import DOCS, MEMORY, NUMBER, TEXT
from graphdsl.ops.signature import Operator, Param
from graphdsl.ops.signatures.bounds import asked
from graphdsl.ops.signatures.results import always
from graphdsl.ops.signatures.shared import BY, DEADLINE, MAX_TOKENS, RETRIES, TEMPERATURE, role
from graphdsl.ops.signatures.words import METHODS

MEMORY_OPERATORS: Final = (
    Operator(
        "recall",
        "The entries of a memory that fit a query best, as they were when the run began: by words "
        "(BM25), by meaning (cosine of embeddings), or by both (reciprocal rank fusion).",
        (
            Param("memory", "where to look", (MEMORY,), static=True),
            Param("query", "what to look for", (TEXT,)),
            Param(
                "top",
                "at most so many entries",
                (NUMBER,),
                default=4,
                static=True,
                low=0,
                integer=True,
            ),
            Param("method", "how to rank", default="bm25", static=True, words=METHODS),
        ),
        always(DOCS),
        positional=2,
        source="Robertson & Zaragoza 2009, The Probabilistic Relevance Framework; Cormack et al. "
        "2009, Reciprocal Rank Fusion",
    ),
    Operator(
        "remember",
        "Adds a text to a memory when the run ends well (its status is `ok`); gives the text back.",
        (
            Param("memory", "where to keep it", (MEMORY,), static=True),
            Param("text", "what to keep; an empty text is not kept", (TEXT,)),
            Param("key", "an entry of the same key is replaced", (TEXT,), default=None),
        ),
        always(TEXT),
        positional=2,
        effect=True,
    ),
    Operator(
        "recall_concepts",
        "The concepts of a memory that a model chooses for a problem: it sees all of them in short "
        "and answers with names.",
        (
            Param("memory", "where to look", (MEMORY,), static=True),
            Param("query", "the problem", (TEXT,)),
            Param(
                "top",
                "at most so many concepts",
                (NUMBER,),
                default=5,
                static=True,
                low=0,
                integer=True,
            ),
            Param(
                "shown",
                "at most so many concepts to choose from; of more, those that fit the problem best",
                (NUMBER,),
                default=200,
                static=True,
                low=0,
                integer=True,
            ),
            BY,
            TEMPERATURE,
            MAX_TOKENS,
            RETRIES,
            role("std.roles.select_concepts", "question", "concepts", "count"),
            DEADLINE,
        ),
        always(DOCS),
        positional=2,
        calls=asked,
        source="ArcMemo: Abstract Reasoning Composition with Lifelong LLM Memory, arXiv 2509.04439",
    ),
    Operator(
        "remember_concepts",
        "Has a model name the reusable concepts in a solution, merges them by name into a memory "
        "when the run ends well, and gives them.",
        (
            Param("memory", "where to keep them", (MEMORY,), static=True),
            Param("solution", "a solved problem's solution", (TEXT,)),
            Param("question", "the problem that it solves", (TEXT,)),
            BY,
            TEMPERATURE,
            MAX_TOKENS,
            RETRIES,
            role("std.roles.abstract_concepts", "question", "solution"),
            DEADLINE,
        ),
        always(DOCS),
        positional=2,
        calls=asked,
        effect=True,
        source="ArcMemo: Abstract Reasoning Composition with Lifelong LLM Memory, arXiv 2509.04439",
    ),
)
