"""Operators that draw samples."""

from __future__ import annotations

from typing import Final

from graphdsl.ir.types import DRAFT, DRAFTS, MESSAGES, MODEL, MODELS, NUMBER, TEXT, TEXTS
from graphdsl.ops.signature import Asks, Operator, Param
from graphdsl.ops.signatures.bounds import collaborated, continued, generated
from graphdsl.ops.signatures.results import always
from graphdsl.ops.signatures.shared import DEADLINE, MAX_TOKENS, TEMPERATURE, UP_TO, enough, role_of

SAMPLING_OPERATORS: Final = (
    Operator(
        "generate",
        "Draws samples of one prompt from every model, in order: model, then temperature, then "
        "sample. A sample that fails is a draft whose `finish` says so.",
        (
            Param("prompt", "what to ask: a prompt call or a text", (MESSAGES,)),
            Param(
                "context",
                "texts put before the question, in order; empty ones are left out",
                (TEXTS, TEXT),
                default=None,
            ),
            Param("models", "the models to ask", (MODELS,), static=True),
            Param(
                "samples",
                "samples per model and temperature",
                (NUMBER,),
                default=1,
                static=True,
                low=1,
                high=100_000,
                integer=True,
            ),
            Param(
                "temperature",
                "sampling temperature, or a list of them; default: the model's own, else 0.7",
                (NUMBER,),
                default=None,
                static=True,
                low=0,
                high=5,
                many=True,
            ),
            MAX_TOKENS,
            Param(
                "stop",
                "strings that end a generation",
                (TEXT,),
                default=None,
                static=True,
                many=True,
                needs="stop_strings",
            ),
            Param(
                "seed",
                "fixes the seeds of this node; default: from the run's seed and the node's address",
                (NUMBER,),
                default=None,
                static=True,
                low=0,
                high=2**31 - 1,
                integer=True,
                needs="seeds",
            ),
            enough(
                "return when so many drafts are complete, whichever they are, and cancel the "
                "others (first-finish search); default: wait for all"
            ),
            DEADLINE,
        ),
        always(DRAFTS),
        calls=generated,
        attached=frozenset({"until"}),
        source="Brown et al. 2024, Large Language Monkeys, arXiv 2407.21787",
    ),
    Operator(
        "collaborate",
        "A whole graph of roles and models that a search may change: every edge, role and model "
        "is a hole. The last node merges what the others answered.",
        (
            Param("question", "what all nodes work on: a prompt call or a text", (MESSAGES,)),
            Param(
                "nodes",
                "how many nodes, the last one included",
                (NUMBER,),
                static=True,
                low=2,
                high=64,
                integer=True,
            ),
            Param(
                "roles",
                "what a node may be",
                static=True,
                words=("assistant", "fuser"),
                many=True,
            ),
            Param("models", "the models that a node may use", (MODELS,), static=True),
            TEMPERATURE,
            MAX_TOKENS,
            role_of("refine", "std.roles.revise", "question", "candidate", "feedback"),
            role_of("fuse", "std.roles.fuse", "question", "candidates", "count"),
        ),
        always(DRAFT),
        calls=collaborated,
        source="Agent-REINFORCE, arXiv 2511.00086",
    ),
    Operator(
        "continue",
        "Every draft with more text: its own, then `suffix`, then what the model writes after "
        "that. Also drafts that were cut off go on. Failed and cancelled ones stay as they are, as "
        "do those without a prompt (a text needs its `question`: `draft(text, question: …)`), and "
        "one whose continuation fails.",
        (
            Param("drafts", "what to continue", (DRAFTS, DRAFT)),
            Param("by", "the model that continues", (MODEL,), static=True),
            Param(
                "suffix",
                "a text that is put after the draft before it goes on, such as `Wait`",
                (TEXT,),
                default="",
            ),
            Param(
                "truncated_suffix",
                "the same for drafts that were cut off; default: `suffix`",
                (TEXT,),
                default=None,
            ),
            Param(
                "samples",
                "continuations of each draft",
                (NUMBER,),
                default=1,
                static=True,
                low=1,
                high=10_000,
                integer=True,
            ),
            Param(
                "only",
                "`all` drafts, or those that were cut off (`truncated`); others stay as they are",
                default="all",
                static=True,
                words=("all", "truncated"),
            ),
            Param(
                "temperature",
                "sampling temperature; default: the model's own, else 0.7",
                (NUMBER,),
                default=None,
                static=True,
                low=0,
                high=5,
            ),
            MAX_TOKENS,
            Param(
                "total",
                "most tokens that models write for a draft altogether; one that has used them "
                "stays as it is (a thinking budget); `max_tokens` may be more",
                (NUMBER,),
                default=None,
                static=True,
                low=1,
                integer=True,
            ),
            Param(
                "stop",
                "strings that end a generation",
                (TEXT,),
                default=None,
                static=True,
                many=True,
                needs="stop_strings",
                nonempty=True,
            ),
            UP_TO,
            DEADLINE,
        ),
        always(DRAFTS),
        calls=continued,
        attached=frozenset({"most"}),
        asks=(Asks("prefix_continuation", "by"),),
        sized="drafts",
        source="Muennighoff et al. 2025, s1: Simple Test-Time Scaling, arXiv 2501.19393",
    ),
)
