"""Adam (Kingma and Ba 2015) for logits by address, upwards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_FIRST: Final = 0.9
_SECOND: Final = 0.999
_EPSILON: Final = 1e-8


@dataclass(slots=True)
class _Moments:
    first: list[float]
    second: list[float]
    steps: int = 0


@dataclass(slots=True)
class Adam:
    """Climbs. An address that a step leaves out keeps its logits, its moments and its count of
    steps: momentum alone moves nothing."""

    rate: float
    _moments: dict[str, _Moments] = field(default_factory=dict[str, _Moments])

    def step(self, logits: dict[str, list[float]], gradient: Mapping[str, list[float]]) -> None:
        """Move logits along a gradient, in place."""
        for address, slope in gradient.items():
            zeros = [0.0] * len(slope)
            moments = self._moments.setdefault(address, _Moments(zeros, list(zeros)))
            moments.steps += 1
            for at, part in enumerate(slope):
                moments.first[at] += (1 - _FIRST) * (part - moments.first[at])
                moments.second[at] += (1 - _SECOND) * (part * part - moments.second[at])
                first = moments.first[at] / (1 - _FIRST**moments.steps)
                second = moments.second[at] / (1 - _SECOND**moments.steps)
                logits[address][at] += self.rate * first / (math.sqrt(second) + _EPSILON)
