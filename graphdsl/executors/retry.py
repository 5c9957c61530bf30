"""When a failed call is tried again, and after how long.

Full jitter (Brooker 2015, "Exponential Backoff And Jitter"): a random share of a delay that
doubles. A budget of retries (as in Finagle and gRPC) keeps an outage from multiplying the load: a
tenth of the traffic, and a few at the start.
"""

from __future__ import annotations

import random
from typing import Final

from graphdsl.errors import BackendError, CircuitOpen, RateLimited

ATTEMPTS: Final = 3
"""How often a call is tried, unless the model block says otherwise."""

BASE: Final = 0.5
CAP: Final = 30.0
"""Seconds: the first delay, and the longest."""

OUTAGE: Final = 30.0
"""Seconds for which a sample waits for a server that has answered before and is gone."""

PRICE: Final = 10
START: Final = 10 * PRICE
MOST: Final = 100 * PRICE
"""Successes that pay for one retry, those in hand at the start, and those that are saved up."""


def delay(attempt: int, error: BackendError) -> float:
    """Seconds to wait after the failure of attempt 1, 2, …: jitter, or what the endpoint said.

    On top of that comes up to a tenth, so that those who wait do not return all at once.
    """
    known = isinstance(error, RateLimited | CircuitOpen)
    told = (error.retry_after or 0.0) if known else 0.0
    return max(told * (1.0 + 0.1 * random.random()), _jitter(attempt))


def _jitter(attempt: int) -> float:
    return random.random() * min(CAP, BASE * 2.0 ** min(attempt - 1, 10))


class RetryBudget:
    """Retries that a model may still have."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = START

    def earn(self) -> None:
        """A call came back."""
        if self._left < MOST:
            self._left += 1

    def spend(self) -> bool:
        """Take one retry; False when there is none left."""
        if self._left < PRICE:
            return False
        self._left -= PRICE
        return True
