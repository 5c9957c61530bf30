"""Operators that search trees of partial or whole drafts, and that spawn threads of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from graphdsl.ir.types import DRAFT, DRAFTS, MESSAGES, MODEL, MODELS, NUMBER, TEXT
from graphdsl.ops.signature import Asks, Operator, Param, When
from graphdsl.ops.signatures.bounds import searched, spawned
from graphdsl.ops.signatures.results import always
from graphdsl.ops.signatures.scoring import (
    AGGREGATE,
    GRADING,
    REPEATS,
    SCORER_ASKS,
    STEP_AGGREGATE,
)
from graphdsl.ops.signatures.shared import (
    DEADLINE,
    MAX_TOKENS,
    TEMPERATURE,
    role_of,
)
from graphdsl.ops.signatures.words import BY_NODE, POLICIES, STEP_SCORES, STEPWISE

_STEPS: Final = When("unit", ("step",))


def _count(
    name: str,
    doc: str,
    default: int,
    *,
    low: int = 1,
    high: int = 100_000,
    when: When | None = None,
) -> Param:
    return Param(
        name,
        doc,
        (NUMBER,),
        default=default,
        static=True,
        low=low,
        high=high,
        integer=True,
        when=when,
    )


def _number(
    name: str,
    doc: str,
    default: float | None,
    *,
    low: float,
    high: float,
    when: When | None = None,
) -> Param:
    return Param(name, doc, (NUMBER,), default=default, static=True, low=low, high=high, when=when)


TREES_OPERATORS: Final = (
    Operator(
        "tree_search",
        "Drafts found by searching a tree of steps, or of whole answers: finished ones in the "
        "order in which they were found, each once, with their scores; for `astar` the first that "
        "its queue gives, where there is one. The last of `depth` steps is written to the end, and "
        "the last of `nodes` where nothing has ended before; where that is cut off as well, the "
        "partial ones come, truncated. "
        "`ucb` writes whole answers only, by the model that its bandit chooses; `smc` and "
        "`ab_mcts` expect scores in [0, 1].",
        (
            Param("prompt", "what to ask: a prompt call or a text", (MESSAGES,), reader="models"),
            Param("models", "the models that write", (MODELS,), static=True),
            Param("policy", "which candidates go on", default="beam", static=True, words=POLICIES),
            Param(
                "method",
                "how candidates are scored: see `score`",
                default="probability",
                static=True,
                words=STEP_SCORES,
            ),
            Param(
                "by",
                "the model that scores",
                (MODEL,),
                static=True,
                when=When("method", tuple(word for word in STEP_SCORES if word != "likelihood")),
            ),
            Param(
                "unit",
                "what one expansion writes: a `step`, which continues a partial answer, or a whole "
                "`answer`, new or revised",
                default="step",
                static=True,
                words=("step", "answer"),
            ),
            _count(
                "width",
                "candidates per round: beams, particles or leaves",
                4,
                when=When("policy", STEPWISE),
            ),
            _count(
                "branch",
                "continuations of one candidate; for `best_first`, `mcts` and `puct` by each model",
                2,
                when=When("policy", ("beam", "dvts", "best_first", "astar", "mcts", "puct")),
            ),
            _count("depth", "most steps of one candidate; the last one is written to the end", 16),
            _count(
                "nodes",
                "how many candidates are made altogether",
                32,
                when=When("policy", BY_NODE),
            ),
            Param(
                "separator",
                "what ends a step; it stays in the text. Where a server says of a stop string what "
                "it says of the model's own end, as some do, every step is the last one",
                (TEXT,),
                default="\n\n",
                static=True,
                when=_STEPS,
                nonempty=True,
            ),
            _count(
                "step_tokens",
                "most tokens of one step that is not written to the end, whatever the model's own",
                256,
                when=_STEPS,
            ),
            _count(
                "lookahead",
                "greedy steps beyond a candidate, which only its score sees",
                0,
                low=0,
                when=_STEPS,
            ),
            _number(
                "exploration",
                "how much visits count against values; default: the square root of 2",
                2**0.5,
                low=0,
                high=100,
                when=When("policy", ("mcts", "ucb")),
            ),
            Param(
                "prior",
                "what AB-MCTS believes of scores before it has seen any",
                default="gaussian",
                static=True,
                words=("gaussian", "beta"),
                when=When("policy", ("ab_mcts",)),
            ),
            Param(
                "resample",
                "how particles are drawn by weight; default: `systematic` with `anneal`, else "
                "`multinomial`",
                default=None,
                static=True,
                words=("multinomial", "systematic"),
                when=When("policy", ("smc",)),
            ),
            Param(
                "anneal",
                "how resampling is flattened early: by the effective sample size, by entropy, or "
                "by time (`base`)",
                default="none",
                static=True,
                words=("none", "ess", "entropy", "base"),
                when=When("policy", ("smc",)),
            ),
            _number(
                "softness",
                "temperature of the softmax over scores; default: 1 for smc, 0.2 for rebase and "
                "ets",
                None,
                low=0.001,
                high=100,
                when=When("policy", ("smc", "rebase", "ets")),
            ),
            _count(
                "sweeps",
                "particle Gibbs: as many filters one after another, each with a particle kept from "
                "the one before",
                1,
                high=1024,
                when=When("policy", ("smc",)),
            ),
            _number(
                "prefix_cost",
                "how much distinct prefixes count against leaves (lambda c)",
                1.0,
                low=0,
                high=1000,
                when=When("policy", ("ets",)),
            ),
            _number(
                "variety",
                "how much different meanings count for leaves (lambda s)",
                1.5,
                low=0,
                high=1000,
                when=When("policy", ("ets",)),
            ),
            Param(
                "embed",
                "the model that turns steps into vectors; default: all steps differ",
                (MODEL,),
                default=None,
                static=True,
                when=When("policy", ("ets",)),
            ),
            REPEATS,
            AGGREGATE,
            STEP_AGGREGATE,
            GRADING,
            role_of(
                "revising",
                "std.roles.revise",
                "question",
                "candidate",
                "feedback",
                when=When("unit", ("answer",)),
                reader="models",
            ),
            replace(TEMPERATURE, doc="sampling temperature; default: the model's own, else 0.8"),
            replace(
                MAX_TOKENS,
                doc="most tokens of one candidate, with all its steps; default: for each step "
                "`step_tokens`, for what is written to the end the model's own",
            ),
            DEADLINE,
        ),
        always(DRAFTS),
        calls=searched,
        asks=(
            *SCORER_ASKS,
            Asks("prefix_continuation", "models", _STEPS),
            Asks("stop_strings", "models", _STEPS),
            Asks("embeddings", "embed"),
        ),
        chance=True,
        source="Snell et al. 2024, arXiv 2408.03314 (beam); A*-Decoding, arXiv 2505.13672; Puri et "
        "al. 2025, arXiv 2502.01618 (smc); arXiv 2510.05825 (annealed smc); REBASE, arXiv "
        "2408.00724; ETS, arXiv 2502.13575; AB-MCTS, arXiv 2503.04412",
    ),
    Operator(
        "spawn_join",
        "A draft whose writer may open threads: they run side by side, their results are put into "
        "its text, and it goes on.",
        (
            Param("prompt", "what to ask: a prompt call or a text", (MESSAGES,)),
            Param("by", "the model that writes", (MODEL,), static=True),
            Param(
                "open",
                "what opens a list of threads in the text",
                (TEXT,),
                default="<Outlines>",
                static=True,
                visible=True,
            ),
            Param(
                "close",
                "what closes it",
                (TEXT,),
                default="</Outlines>",
                static=True,
                visible=True,
                unlike="open",
            ),
            Param(
                "join",
                "what goes back into the text: all that the threads wrote (`append_full`), which "
                "see the whole text (ThreadWeaver), or only their results (`results_only`), which "
                "see nothing but their own task (APR)",
                default="append_full",
                static=True,
                words=("append_full", "results_only"),
            ),
            Param(
                "thread",
                "what opens the text of one thread, which `</…>` closes",
                (TEXT,),
                default="<Thread>",
                static=True,
                visible=True,
                when=When("join", ("append_full",)),
            ),
            Param(
                "results",
                "what opens the results; where the writer writes it, `open` takes its place",
                (TEXT,),
                default="<Results>",
                static=True,
                visible=True,
                when=When("join", ("results_only",)),
            ),
            Param(
                "end",
                "what is put after the threads or results; default: `</Parallel>` after threads, "
                "and what closes `results`",
                (TEXT,),
                default=None,
                static=True,
            ),
            _count("children", "most threads of one round", 8, high=1024),
            _count("rounds", "how often threads may be opened", 2, high=1024),
            _count("child_tokens", "most tokens of one thread", 256),
            replace(TEMPERATURE, doc="sampling temperature; default: the model's own, else 0.6"),
            MAX_TOKENS,
            role_of(
                "child",
                "std.roles.thread",
                "question",
                "task",
                when=When("join", ("results_only",)),
            ),
            DEADLINE,
        ),
        always(DRAFT),
        calls=spawned,
        asks=(Asks("prefix_continuation", "by"), Asks("stop_strings", "by")),
        source="Learning Adaptive Parallel Reasoning (APR), arXiv 2504.15466; ThreadWeaver, arXiv "
        "2512.07843",
    ),
)
