"""Operators that score drafts and documents."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from graphdsl.ir.types import ANSWER, DOCS, DRAFTS, MODEL, MODELS, NUMBER, TEXT, TEXTS
from graphdsl.ops.signature import Asks, Operator, Param, When
from graphdsl.ops.signatures.bounds import reranked, scored
from graphdsl.ops.signatures.results import always
from graphdsl.ops.signatures.shared import (
    DEADLINE,
    DRAFTS_PARAM,
    MAX_TOKENS,
    QUESTION,
    RETRIES,
    TEMPERATURE,
    UP_TO,
    role_of,
)
from graphdsl.ops.signatures.words import (
    AGGREGATES,
    LISTWISE,
    MEASURES,
    PAIRWISE,
    POINTWISE,
    REWARDS,
    SCORES,
    STEPS,
    WORDS,
)

_CHATTING: Final = When("method", (*LISTWISE, "verdict", "hybrid", *PAIRWISE))
_PARSED: Final = When("method", (*LISTWISE, "verdict", *PAIRWISE))
_POINTED: Final = When("method", ("points",))
_MODELS: Final = tuple(word for word in SCORES if word not in MEASURES)

BY_SCORER: Final = Param(
    "by",
    "the model that scores; of several the mean counts",
    (MODELS,),
    static=True,
    when=When("method", _MODELS),
)
REPEATS: Final = Param(
    "repeats",
    "how often each judgement is made, with other seeds",
    (NUMBER,),
    default=1,
    static=True,
    low=1,
    high=1024,
    integer=True,
    when=_CHATTING,
)
AGGREGATE: Final = Param(
    "aggregate",
    "how repeated judgements become one score",
    default="mean",
    static=True,
    words=AGGREGATES,
    when=When("method", (*LISTWISE, "verdict", "hybrid")),
)
STEP_AGGREGATE: Final = Param(
    "steps",
    "how the scores of a candidate's steps become one",
    default="last",
    static=True,
    words=STEPS,
    when=When("method", ("process",)),
)
SEPARATOR: Final = Param(
    "separator",
    "what ends a step of a candidate",
    (TEXT,),
    default="\n\n",
    static=True,
    nonempty=True,
    when=When("method", ("process",)),
)
GRADING: Final = role_of(
    "grading",
    "std.roles.grade",
    "question",
    "candidate",
    "reasoning",
    when=When("method", POINTWISE),
    reader="by",
)
_JUDGE_TEMPERATURE: Final = replace(
    TEMPERATURE,
    doc="sampling temperature of the judge; default: the model's own, else 0, or 0.7 with "
    "`repeats`; at 0 equal questions are asked once",
    when=_CHATTING,
)
SCORER_ASKS: Final = (
    Asks("label_scores", "by", When("method", ("probability", "hybrid"))),
    Asks("relevance_scores", "by", When("method", REWARDS)),
    Asks("text_scores", "by", When("method", ("perplexity",))),
)

SCORING_OPERATORS: Final = (
    Operator(
        "score",
        "The drafts, each with a score (higher is better), for `best`, `select` and `vote`. One "
        "that is not complete, unless included, or that could not be scored, has none.",
        (
            DRAFTS_PARAM,
            Param(
                "method",
                "how: a judge gives points to all (`judge`) or orders them (`listwise`), says of "
                "each whether it is right (`verdict`), how probably (`probability`), or after "
                "reasoning how probably (`hybrid`); compares all pairs (`full`), neighbours "
                "(`bubble`) or each with a `reference`; a reward model rates the whole (`outcome`) "
                "or the steps (`process`); how well a model predicts it (`perplexity`) or its own "
                "did (`likelihood`); few tokens (`length`), few `markers`, the right answer "
                "(`oracle`)",
                static=True,
                words=SCORES,
            ),
            BY_SCORER,
            QUESTION,
            REPEATS,
            AGGREGATE,
            Param(
                "shuffle",
                "show the candidates in another order in each judgement: `yes` or `no`",
                default="yes",
                static=True,
                words=("yes", "no"),
                when=When("method", LISTWISE),
            ),
            Param(
                "meta",
                "a reward model that says which judgements count; default: all",
                (MODEL,),
                default=None,
                static=True,
                when=When("method", ("judge",)),
            ),
            Param(
                "trusted",
                "how many judgements count, the best by `meta`; default: half of them; all where "
                "there are fewer",
                (NUMBER,),
                default=None,
                static=True,
                low=1,
                integer=True,
                when=When("meta"),
            ),
            STEP_AGGREGATE,
            SEPARATOR,
            Param(
                "reference",
                "what each candidate is compared with; default: the first of them",
                (TEXT,),
                default=None,
                when=When("method", ("reference",)),
            ),
            Param(
                "answer",
                "the right answer",
                (ANSWER, TEXT, NUMBER),
                when=When("method", ("oracle",)),
            ),
            Param(
                "equal",
                "what makes two answers equal",
                default="text",
                static=True,
                words=WORDS,
                when=When("method", ("oracle",)),
            ),
            Param(
                "markers",
                "words that speak against a candidate, such as `wait` and `hmm`; default: those of "
                "hedging and of thinking",
                (TEXT,),
                default=None,
                static=True,
                many=True,
                visible=True,
                when=When("method", ("markers",)),
            ),
            Param(
                "include",
                "which drafts are scored: those that are `complete`, or `truncated` ones as well, "
                "such as beginnings that are to go on",
                default="complete",
                static=True,
                words=("complete", "truncated"),
            ),
            UP_TO,
            _JUDGE_TEMPERATURE,
            replace(MAX_TOKENS, when=_CHATTING),
            replace(RETRIES, when=_PARSED),
            role_of(
                "judging",
                "std.roles.judge",
                "question",
                "candidates",
                "count",
                when=When("method", ("judge",)),
                reader="by",
            ),
            role_of(
                "ranking",
                "std.roles.rank",
                "question",
                "candidates",
                "count",
                when=When("method", ("listwise",)),
                reader="by",
            ),
            GRADING,
            role_of(
                "comparing",
                "std.roles.compare",
                "question",
                "first",
                "second",
                when=When("method", PAIRWISE),
                reader="by",
            ),
            DEADLINE,
        ),
        always(DRAFTS),
        calls=scored,
        attached=frozenset({"most"}),
        asks=(*SCORER_ASKS, Asks("relevance_scores", "meta")),
        sized="drafts",
        chance=True,
        source="Liu et al. 2025, Inference-Time Scaling for Generalist Reward Modeling, arXiv "
        "2504.02495; Singhi et al. 2025, When To Solve, When To Verify, arXiv 2504.01005; Jiang et "
        "al. 2023, LLM-Blender, arXiv 2306.02561; Manvi et al. 2024, arXiv 2410.02725",
    ),
    Operator(
        "rerank",
        "Documents in the order in which a model, or a reranker, finds them useful for a query.",
        (
            Param("docs", "the documents", (DOCS, TEXTS)),
            Param("query", "what they are to help with", (TEXT,)),
            Param(
                "by",
                "the model that judges: it gives each document points from 0 to 10, or is a "
                "reranker (`method: relevance`)",
                (MODEL,),
                static=True,
            ),
            Param(
                "method",
                "whether it is asked for points, or for its relevance score",
                default="points",
                static=True,
                words=("points", "relevance"),
            ),
            Param(
                "criteria",
                "what counts beside relevance, as a text; may be written by a model",
                (TEXT,),
                default="",
                when=_POINTED,
            ),
            Param(
                "keep",
                "how many to keep; default: all",
                (NUMBER,),
                default=None,
                static=True,
                low=1,
                integer=True,
            ),
            Param(
                "at_least",
                "leave out documents with a lower score; where none is left, the first `keep` stay "
                "in the order in which they came",
                (NUMBER,),
                default=None,
                static=True,
            ),
            replace(TEMPERATURE, when=_POINTED),
            replace(MAX_TOKENS, when=_POINTED),
            replace(RETRIES, when=_POINTED),
            role_of(
                "prompt",
                "std.roles.rerank",
                "query",
                "documents",
                "count",
                "criteria",
                when=_POINTED,
            ),
            DEADLINE,
        ),
        always(DOCS),
        positional=2,
        calls=reranked,
        asks=(Asks("relevance_scores", "by", When("method", ("relevance",))),),
        source="REBEL: Relevance Isn't All You Need, arXiv 2504.07104",
    ),
)
