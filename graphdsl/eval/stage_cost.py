"""The cost of a stage in samples of a small model (AgentTTS, arXiv 2508.00890, and its code).

The unit is one sample of 64 tokens of a 3B model after a prompt of 128. Attention is not counted.
"""

from __future__ import annotations

import math
from typing import Final

_PARAMETERS: Final = 3e9
_PROMPT: Final = 128
_ANSWER: Final = 64


def stage_cost(parameters: float, prompt: float, generated: float, samples: int = 1) -> float:
    """2 · ((M / 3e9) · (Np + S·Nd) / 128 - 1), as published: how many samples of the unit the
    FLOPs pay for, after its one prompt.

    Each stage subtracts a constant, so stages do not add up and small ones are not above 0: with
    1B at the unit's lengths it is -1. Limits belong on `additive_stage_cost`. Raises `ValueError`
    for parameters that are not above 0, negative tokens, and samples below 1.

    >>> round(stage_cost(8e9, 1024, 128, samples=5), 3), round(stage_cost(3e9, 128, 64), 3)
    (67.333, 1.0)
    """
    return 2 * (_work(parameters, prompt, generated, samples) / _PROMPT - 1)


def additive_stage_cost(
    parameters: float, prompt: float, generated: float, samples: int = 1
) -> float:
    """(M / 3e9) · (Np + S·Nd) / 192: the same FLOPs in whole units, which add up over stages.

    Ours. Raises as `stage_cost`.
    """
    return _work(parameters, prompt, generated, samples) / (_PROMPT + _ANSWER)


def affordable_samples(cost: float, parameters: float, prompt: float, generated: float) -> int:
    """The most samples whose `stage_cost` is at most `cost`; 0 where not even one is.

    Raises `ValueError` where the tokens of a sample are not above 0, and as `stage_cost`.
    """
    if not generated > 0:
        raise ValueError(f"samples of {generated} tokens: they need more than 0")
    _work(parameters, prompt, generated, 1)
    tokens = _ANSWER * (cost + 2) * _PARAMETERS / parameters
    return max(0, math.floor((tokens - prompt) / generated + 1e-9))


def _work(parameters: float, prompt: float, generated: float, samples: int) -> float:
    """Tokens of the 3B model that cost as much."""
    if not parameters > 0 or min(prompt, generated) < 0 or samples < 1:
        raise ValueError(
            f"{samples} samples of {prompt} + {generated} tokens of a model with {parameters:g}"
            " parameters: parameters are above 0, tokens at least 0, samples at least 1"
        )
    return parameters / _PARAMETERS * (prompt + samples * generated)
