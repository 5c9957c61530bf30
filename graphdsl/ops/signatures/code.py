"""Operators that run code of models."""

from __future__ import annotations

from typing import Final

from graphdsl.ir.types import DRAFT, DRAFTS, TEXT, TEXTS
from graphdsl.ops.signature import Operator, Param
from graphdsl.ops.signatures.results import executed, judged
from graphdsl.ops.signatures.shared import TIMEOUT

CODE_OPERATORS: Final = (
    Operator(
        "exec",
        "Runs the Python code of a reply (its last fenced block) in a sandbox: a draft whose text "
        "is what the code printed, and whose answer is the last line of that. Code that fails "
        "gives a failed draft.",
        (
            Param("of", "drafts, a draft or a text", (DRAFTS, DRAFT, TEXT)),
            Param("stdin", "what the code reads from its standard input", (TEXT,), default=None),
            TIMEOUT,
        ),
        executed,
        outside=True,
        source="Chen et al. 2022, Program of Thoughts, arXiv 2211.12588",
    ),
    Operator(
        "unit_tests",
        "Judges the Python code of each draft by tests that it never sees: one verdict per draft, "
        "in order, with `score` = the share of tests that passed.",
        (
            Param("drafts", "the candidates", (DRAFTS, DRAFT)),
            Param(
                "tests",
                'Python asserts, or JSON such as `{"args": [2], "returns": 4}` or '
                '`{"stdin": "2", "stdout": "4"}`',
                (TEXTS, TEXT),
            ),
            Param("before", "code that is put before each draft's", (TEXT,), default=None),
            Param(
                "entry",
                "the function that `candidate` stands for; default: the last one of the code",
                (TEXT,),
                default=None,
            ),
            TIMEOUT,
        ),
        judged,
        outside=True,
        source="Chen et al. 2022, CodeT, arXiv 2207.10397",
    ),
)
