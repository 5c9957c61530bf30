"""When a failed call is tried again, and after how long.

Full jitter (Brooker 2015, "Exponential Backoff And Jitter"): a random share of a delay that
doubles. A budget of retries (as in Finagle and gRPC) keeps an outage from multiplying the load: a
tenth of the traffic, and a few at the start.
"""

from __future__ import annotations

import random
from typing import Final

from graphdsl.errors import BackendError, RateLimited

ATTEMPTS: Final = 3
"""How often a call is tried, unless the model block says otherwise."""

BASE: Final = 0.5
CAP: Final = 30.0
"""Seconds: the first delay, and the longest."""

PRICE: Final = 10
RESERVE: Final = 10 * PRICE
"""Successes that pay for one retry, and those in hand at the start, which is also the most."""


def delay(attempt: int, error: BackendError) -> float:
    """Seconds to wait after the failure of attempt 1, 2, …: what the endpoint said, or jitter.

    On top of what it said comes up to a tenth, so that those who wait do not return all at once.
    """
    told = error.retry_after if isinstance(error, RateLimited) else None
    if told is not None:
        return told * (1.0 + 0.1 * random.random())
    return random.random() * min(CAP, BASE * 2.0 ** min(attempt - 1, 10))


class RetryBudget:
    """Retries that a model may still have."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = RESERVE

    def earn(self) -> None:
        """A call came back."""
        if self._left < RESERVE:
            self._left += 1

    def spend(self) -> bool:
        """Take one retry; False when there is none left."""
        if self._left < PRICE:
            return False
        self._left -= PRICE
        return True
