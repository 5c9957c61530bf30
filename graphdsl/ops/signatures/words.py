"""The words that parameters of operators take."""

from __future__ import annotations

from typing import Final

WORDS: Final = ("text", "number", "choice", "maths")
"""How answers are compared: as normalised text, as a number, as a letter of a multiple choice, or
as mathematics (`1/2` is `0.5`, `x + x` is `2x`)."""

METHODS: Final = ("bm25", "embedding", "hybrid")
"""How a memory ranks its entries: by shared words, by meaning, or by both."""

GROUPINGS: Final = (*WORDS, "embedding", "judge", "model", "temperature")
"""What puts drafts into one group: equal answers, near embeddings, a model that says that they are
the same, or what they were drawn with."""

LISTWISE: Final = ("judge", "listwise")
"""Scores for which a model sees all candidates at once."""

POINTWISE: Final = ("verdict", "probability", "hybrid")
"""Scores for which a model says of one candidate whether it is right."""

PAIRWISE: Final = ("full", "bubble", "reference")
"""Scores for which a model compares two candidates."""

REWARDS: Final = ("outcome", "process")
"""Scores of a reward model: of the whole candidate, or of each of its steps."""

MEASURES: Final = ("likelihood", "length", "markers", "oracle")
"""Scores that are computed from the candidate itself."""

SCORES: Final = (*LISTWISE, *POINTWISE, *PAIRWISE, *REWARDS, "perplexity", *MEASURES)
"""How candidates are scored; see `graphdsl.ops.scoring`."""

STEP_SCORES: Final = (*POINTWISE, *REWARDS, "likelihood")
"""How the partial candidates of a tree search are scored."""

AGGREGATES: Final = ("mean", "sum", "median")
"""How repeated scores of one candidate become one."""

STEPS: Final = ("last", "min", "mean", "product")
"""How the scores of a candidate's steps become one."""

SELECTIONS: Final = ("top", "threshold", "sample", "longest", "random")
"""How some of several drafts are selected."""

WEIGHTS: Final = ("one", "score", "normalised", "probability", "confidence")
"""What a draft's vote weighs."""

PRUNINGS: Final = ("none", "weibull", "quantile")
"""Which drafts lose their vote."""

POLICIES: Final = (
    "beam",
    "dvts",
    "best_first",
    "astar",
    "mcts",
    "puct",
    "ucb",
    "ab_mcts",
    "smc",
    "rebase",
    "ets",
)
"""Which nodes of a tree are expanded next; see `graphdsl.ops.trees`."""

STEPWISE: Final = ("beam", "dvts", "smc", "rebase", "ets")
"""Policies that go forward in rounds, all candidates at once."""

BY_NODE: Final = ("best_first", "astar", "mcts", "puct", "ucb", "ab_mcts")
"""Policies that choose one node after the other, up to a number of expansions."""
