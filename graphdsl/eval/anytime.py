"""Accuracy over thinking budgets (AnytimeReasoner, arXiv 2505.13438), and over tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

Budget = TypeVar("Budget", int, float)


def anytime_score(
    accuracies: Mapping[Budget, float], weights: Mapping[Budget, float] | None = None
) -> float:
    """The mean accuracy over budgets: how good a system is that may be cut off at any of them.

    `accuracies` has one per budget (tokens or anything else). `weights` says how probable each
    budget is; all are equal without. Raises `ValueError` without budgets, for an accuracy outside
    [0, 1], and for weights that are negative, all 0, or of other budgets.

    >>> anytime_score({256: 0.2, 512: 0.5, 1024: 0.8})
    0.5
    """
    if not accuracies:
        raise ValueError("an anytime score needs at least one budget")
    for budget, accuracy in accuracies.items():
        if not 0 <= accuracy <= 1:
            raise ValueError(f"at budget {budget}: an accuracy of {accuracy} is not from 0 to 1")
    weighs = dict.fromkeys(accuracies, 1.0) if weights is None else weights
    if weighs.keys() != accuracies.keys():
        raise ValueError("weights and accuracies are of different budgets")
    total = math.fsum(weighs.values())
    if min(weighs.values()) < 0 or total <= 0:
        raise ValueError("weights are at least 0, and one is above")
    return math.fsum(weighs[budget] * accuracies[budget] for budget in accuracies) / total


def penalised_score(quality: float, tokens: float, price: float) -> float:
    """quality - price · tokens, the objective that Optima (arXiv 2410.08115) trains with, without
    its readability term, whose form is not published in what we could read.

    Raises `ValueError` for negative tokens or a negative price.
    """
    if min(tokens, price) < 0:
        raise ValueError(f"{tokens} tokens at {price} each: neither is below 0")
    return quality - price * tokens
