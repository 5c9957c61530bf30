"""PUCT, the rule of AlphaZero (Silver et al. 2017), as OpenR uses it."""

from __future__ import annotations

import math
from typing import Final

BASE: Final = 19652
INIT: Final = 1.25


def puct(mean: float, prior: float, parent: int, visits: int) -> float:
    """Mean value + prior · (ln((V + 19652 + 1) / 19652) + 1.25) · √V / (v + 1).

    V are the visits of the parent, v its own; it is a rule for `graphdsl.ops.trees.mcts.Mcts`.

    >>> round(puct(0.5, 0.6, 4, 1), 4)
    1.2502
    """
    weight = math.log((parent + BASE + 1) / BASE) + INIT
    return mean + prior * weight * math.sqrt(parent) / (visits + 1)
