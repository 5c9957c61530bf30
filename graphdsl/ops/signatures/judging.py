"""Operators that have a model judge, criticise, merge or improve drafts."""

from __future__ import annotations

from typing import Final

from graphdsl.ir.types import DRAFT, DRAFTS, NUMBER, TEXT, TEXTS, VERDICT
from graphdsl.ops.signature import Operator, Param
from graphdsl.ops.signatures.bounds import asked, one_call
from graphdsl.ops.signatures.results import always
from graphdsl.ops.signatures.shared import (
    BY,
    DEADLINE,
    MAX_TOKENS,
    MIN_SUCCESS,
    QUESTION,
    RETRIES,
    TEMPERATURE,
    USING,
    role,
)

JUDGING_OPERATORS: Final = (
    Operator(
        "rank",
        "Orders drafts from best to worst by one listwise judgement and keeps the first `keep`.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            USING,
            Param(
                "keep",
                "how many to keep; default: all",
                (NUMBER,),
                default=None,
                static=True,
                low=1,
                integer=True,
            ),
            BY,
            QUESTION,
            TEMPERATURE,
            MAX_TOKENS,
            RETRIES,
            role("std.roles.rank", "question", "candidates", "count"),
            MIN_SUCCESS,
            DEADLINE,
        ),
        always(DRAFTS),
        calls=asked,
        source="Saad-Falcon et al. 2024, Archon, arXiv 2409.15254",
    ),
    Operator(
        "critique",
        "Strengths and weaknesses of every draft by one call: one text per draft, same order.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            BY,
            QUESTION,
            TEMPERATURE,
            MAX_TOKENS,
            RETRIES,
            role("std.roles.critique", "question", "candidates", "count"),
            MIN_SUCCESS,
            DEADLINE,
        ),
        always(TEXTS),
        calls=asked,
        source="Saad-Falcon et al. 2024, Archon, arXiv 2409.15254",
    ),
    Operator(
        "fuse",
        "One new draft made from all complete drafts (and their critiques).",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            USING,
            BY,
            QUESTION,
            TEMPERATURE,
            MAX_TOKENS,
            role("std.roles.fuse", "question", "candidates", "count"),
            MIN_SUCCESS,
            DEADLINE,
        ),
        always(DRAFT),
        calls=one_call,
        source="Saad-Falcon et al. 2024, Archon, arXiv 2409.15254",
    ),
    Operator(
        "verify",
        "Judges one draft: reasons first, then a verdict, or one `[Passed]` or `[Failed]` for each "
        "of several tests.",
        (
            Param("draft", "what to judge", (DRAFT,)),
            BY,
            QUESTION,
            TEMPERATURE,
            MAX_TOKENS,
            RETRIES,
            role("std.roles.verify", "question", "candidate"),
            DEADLINE,
        ),
        always(VERDICT),
        calls=asked,
        source="Saad-Falcon et al. 2024, Archon, arXiv 2409.15254",
    ),
    Operator(
        "revise",
        "A new draft that improves one draft in the light of a text.",
        (
            Param("draft", "what to improve", (DRAFT,)),
            Param(
                "using", "feedback, critiques, or what others answered", (TEXTS, TEXT), default=None
            ),
            BY,
            QUESTION,
            TEMPERATURE,
            MAX_TOKENS,
            role("std.roles.revise", "question", "candidate", "feedback"),
            DEADLINE,
        ),
        always(DRAFT),
        calls=one_call,
        source="Madaan et al. 2023, Self-Refine, arXiv 2303.17651",
    ),
)
