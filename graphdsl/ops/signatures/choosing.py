"""Operators that choose among drafts without a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from graphdsl.ir.types import DRAFT, DRAFTS, MODEL, NUMBER, VERDICT, ListOf
from graphdsl.ops.signature import Asks, Operator, Param, When
from graphdsl.ops.signatures.bounds import grouped
from graphdsl.ops.signatures.results import always
from graphdsl.ops.signatures.shared import (
    DRAFTS_PARAM,
    MIN_SUCCESS,
    by_word,
    enough,
    role_of,
)
from graphdsl.ops.signatures.words import GROUPINGS, PRUNINGS, SELECTIONS, WEIGHTS

CHOOSING_OPERATORS: Final = (
    Operator(
        "vote",
        "The most frequent answer among complete drafts (self-consistency): the first draft of the "
        "largest group, with `confidence` = its share of all complete drafts. With `weights` the "
        "answer whose votes weigh most: its heaviest draft, and its share of all votes.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            by_word("what makes two answers equal"),
            Param(
                "weights",
                "what a draft's vote weighs: `one`; its `score` (with negative ones, such as "
                "log-probabilities, the rarest answer wins: use `normalised`); its score between 0 "
                "for the worst and 1 for the best (`normalised`); the `probability` of its text, "
                "each text counted once; its `confidence`",
                default="one",
                static=True,
                words=WEIGHTS,
            ),
            Param(
                "prune",
                "which drafts lose their vote: those that a mixture of two Weibull distributions "
                "of probabilities calls improbable (`weibull`), or those with the lowest weights "
                "(`quantile`; with `weights: one` the lowest scores)",
                default="none",
                static=True,
                words=PRUNINGS,
            ),
            Param(
                "share",
                "what share of the drafts `prune: quantile` takes the vote from",
                (NUMBER,),
                default=0.5,
                static=True,
                low=0,
                high=1,
                when=When("prune", ("quantile",)),
            ),
            Param(
                "stop",
                "when further drafts are not needed: `decided`, no draft left can change the "
                "winner; `posterior`, the winner probably stays ahead; default: all count, as "
                "always where `prune` takes votes away",
                default=None,
                static=True,
                words=("decided", "posterior"),
                when=When("weights", ("one",)),
            ),
            Param(
                "level",
                "how probably the winner must stay ahead with `stop: posterior`; default: 0.95",
                (NUMBER,),
                default=None,
                static=True,
                low=0.5,
                high=0.999999,
            ),
            MIN_SUCCESS,
        ),
        always(DRAFT),
        unordered=frozenset({"drafts"}),
        source="Wang et al. 2022, Self-Consistency, arXiv 2203.11171; weights: Bag of Tricks, "
        "arXiv 2502.07191; `probability` and `weibull`: RPC, arXiv 2502.00511",
    ),
    Operator(
        "complete",
        "Only the drafts that ended by themselves: not truncated, failed or cancelled.",
        (Param("drafts", "the candidates", (DRAFTS,)),),
        always(DRAFTS),
    ),
    Operator(
        "passing",
        "Only the drafts whose verdict passed; all of them when none did.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            Param("verdicts", "one verdict per draft, in order", (ListOf(VERDICT),)),
            enough(
                "as soon as so many have passed, whichever they are, judge no more; default: "
                "judge all"
            ),
        ),
        always(DRAFTS),
        positional=2,
    ),
    Operator(
        "best",
        "The complete draft with the highest score; ties: mean log-probability, then the earliest.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            Param(
                "stop",
                "`decided`: drafts after the first with the score 1 do not count, and need not be "
                "judged; default: all count",
                default=None,
                static=True,
                words=("decided",),
            ),
            MIN_SUCCESS,
        ),
        always(DRAFT),
    ),
    Operator(
        "shortest",
        "The complete drafts with the fewest tokens, shortest first: those that would have "
        "finished first.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            Param(
                "keep",
                "how many to keep; default: all",
                (NUMBER,),
                default=None,
                static=True,
                low=1,
                integer=True,
            ),
            MIN_SUCCESS,
        ),
        always(DRAFTS),
        source="Agarwal et al. 2025, First Finish Search, arXiv 2505.18149",
    ),
    Operator(
        "scored",
        "The drafts, each with the score of its verdict, for `best` and `vote`.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            Param("verdicts", "one verdict per draft, in order", (ListOf(VERDICT),)),
        ),
        always(DRAFTS),
        positional=2,
    ),
    Operator(
        "group",
        "The complete drafts in groups of equal answers, by first occurrence; drafts without an "
        "answer are in none. Each draft has the answer of its group, but by `model` and "
        "`temperature`, where all drafts are grouped and keep their own.",
        (
            DRAFTS_PARAM,
            Param(
                "by",
                "what puts two drafts together: equal answers, near `embedding`s, a `judge` that "
                "says that they mean the same, the `model` or the `temperature` they were drawn "
                "with",
                default="text",
                static=True,
                words=GROUPINGS,
            ),
            Param(
                "using",
                "the model that embeds or judges",
                (MODEL,),
                static=True,
                when=When("by", ("embedding", "judge")),
            ),
            Param(
                "at_least",
                "leave out groups with a smaller share of the complete drafts; where none is left, "
                "the largest stay",
                (NUMBER,),
                default=0,
                static=True,
                low=0,
                high=1,
            ),
            Param(
                "distance",
                "most cosine distance between two drafts of one group, on average",
                (NUMBER,),
                default=0.05,
                static=True,
                low=0,
                high=2,
                when=When("by", ("embedding",)),
            ),
            Param(
                "up_to",
                "look at so many complete drafts at most and leave the others out; default: at "
                "all, but with a model at no more than there can be, or 64 where the program does "
                "not tell",
                (NUMBER,),
                default=None,
                static=True,
                low=1,
                high=100_000,
                integer=True,
            ),
            role_of(
                "comparing",
                "std.roles.same",
                "question",
                "first",
                "second",
                when=When("by", ("judge",)),
            ),
        ),
        always(ListOf(DRAFTS)),
        calls=grouped,
        attached=frozenset({"most"}),
        asks=(Asks("embeddings", "using", When("by", ("embedding",))),),
        sized="drafts",
        source="Wang et al. 2022, Self-Consistency, arXiv 2203.11171; Kuhn et al. 2023, Semantic "
        "Uncertainty, arXiv 2302.09664",
    ),
    Operator(
        "select",
        "Some of the complete drafts: those with the highest scores (`top`), with a score of at "
        "least `at_least` (`threshold`), drawn by the softmax of their scores (`sample`), those "
        "with most tokens (`longest`), or any (`random`).",
        (
            DRAFTS_PARAM,
            Param("method", "which", default="top", static=True, words=SELECTIONS),
            Param(
                "keep",
                "how many at most; default: one, or all that pass with `threshold`",
                (NUMBER,),
                default=None,
                static=True,
                low=1,
                integer=True,
            ),
            Param(
                "at_least",
                "the lowest score that passes; where none does, nothing is left",
                (NUMBER,),
                static=True,
                when=When("method", ("threshold",)),
            ),
            Param(
                "softness",
                "temperature of the softmax",
                (NUMBER,),
                default=1,
                static=True,
                low=0,
                high=1000,
                when=When("method", ("sample",)),
            ),
        ),
        always(DRAFTS),
        chance=True,
    ),
    Operator(
        "race",
        "The drafts that are accepted first, in the order of the list; none where none is. Where "
        "nothing else reads the list of a `generate` or `each`, those that arrive first, and the "
        "others are cancelled.",
        (
            DRAFTS_PARAM,
            Param(
                "take",
                "how many",
                (NUMBER,),
                default=1,
                static=True,
                low=1,
                high=100_000,
                integer=True,
            ),
            Param(
                "accept",
                "which: any that is `complete`, one with an answer (`answered`), one with a score "
                "of at least `at_least` (`scored`)",
                default="complete",
                static=True,
                words=("complete", "answered", "scored"),
            ),
            replace(
                by_word("what kind of answer it looks for"), when=When("accept", ("answered",))
            ),
            Param(
                "at_least",
                "the lowest score that is accepted",
                (NUMBER,),
                default=1,
                static=True,
                when=When("accept", ("scored",)),
            ),
        ),
        always(DRAFTS),
        source="Agarwal et al. 2025, First Finish Search, arXiv 2505.18149",
    ),
    Operator(
        "conformal",
        "The drafts, each with its conformal p-value as `confidence`: the share of the calibration "
        "scores, itself included, that are not better than its own. Those at or below `level` are "
        "unusually bad.",
        (
            DRAFTS_PARAM,
            Param(
                "level",
                "how often an ordinary draft is rejected",
                (NUMBER,),
                static=True,
                low=0,
                high=1,
            ),
            Param(
                "calibration",
                "scores of ordinary drafts; default: those of the other drafts",
                (ListOf(NUMBER),),
                default=None,
            ),
            Param(
                "keep",
                "`all` drafts, only the `accepted`, or only the `rejected` ones",
                default="all",
                static=True,
                words=("all", "accepted", "rejected"),
            ),
        ),
        always(DRAFTS),
        source="Asynchronous Test-Time Scaling via Conformal Prediction, arXiv 2509.15148",
    ),
)
