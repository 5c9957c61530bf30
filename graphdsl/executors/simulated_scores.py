"""How a simulated model scores texts: it knows the right answer as often as it is accurate.

The noise of a text depends on the model's seed, the prompt and that text alone: not on its
neighbours, nor on the order of calls.
"""

from __future__ import annotations

from typing import Final

from graphdsl.executors.abc import ScoreRequest
from graphdsl.executors.simulated_behaviour import Behaviour, key, logprobs, tokens_of
from graphdsl.executors.splitmix import Draws
from graphdsl.values import LogprobStats

_NOISE: Final = 0.2
"""Standard deviation of a relevance; right texts lie about 1, wrong ones about 0."""


def label_scores(does: Behaviour, request: ScoreRequest) -> tuple[float, ...]:
    """Probabilities that sum to 1: the right answer has the accuracy, the others share the rest.

    Where no text is the right answer, or all are, they share everything. Shares are uneven by
    chance.
    """
    right = _right(does, request)
    weights = [0.5 + draws.uniform() for draws in _noise(does, request)]
    good = sum(weight for weight, known in zip(weights, right, strict=True) if known)
    bad = sum(weights) - good
    if not good or not bad:
        return tuple(weight / (good + bad) for weight in weights)
    return tuple(
        does.accuracy * weight / good if known else (1.0 - does.accuracy) * weight / bad
        for weight, known in zip(weights, right, strict=True)
    )


def text_scores(does: Behaviour, request: ScoreRequest) -> tuple[LogprobStats, ...]:
    """Log-probabilities of the texts: tokens of a right one are likelier."""
    pairs = zip(request.texts, _right(does, request), _noise(does, request), strict=True)
    return tuple(logprobs(max(1, tokens_of(text)), known, draws) for text, known, draws in pairs)


def relevance_scores(does: Behaviour, request: ScoreRequest) -> tuple[float, ...]:
    """About 1 for a right text, about 0 for a wrong one."""
    pairs = zip(_right(does, request), _noise(does, request), strict=True)
    return tuple(float(known) + _NOISE * draws.normal() for known, draws in pairs)


def _right(does: Behaviour, request: ScoreRequest) -> list[bool]:
    """Which texts are the right answer, or end with it."""
    truth = does.truth(request.messages.turns).strip().casefold()
    return [text.rpartition("Answer:")[2].strip().casefold() == truth for text in request.texts]


def _noise(does: Behaviour, request: ScoreRequest) -> list[Draws]:
    turns = request.messages.turns
    return [Draws(key(does.seed, None, turns, request.kind, text)) for text in request.texts]
