"""When a failed call is tried again, how long that waits, and how often it may be."""

from __future__ import annotations

import pytest

from graphdsl.errors import BackendError, BrokenReply, Overloaded, RateLimited
from graphdsl.executors.lane import TIMEOUT, Lane, Served
from graphdsl.executors.retry import BASE, CAP, PRICE, RESERVE, RetryBudget, delay
from tests.plans import Fake, model

BROKEN = BrokenReply("cut off")


def lane(**options: object) -> Lane:
    return Lane(model("m", **options), Served(Fake("x")), None)


@pytest.mark.parametrize("attempt", [1, 2, 5, 50])
def test_a_delay_is_jitter_below_a_bound_that_doubles(attempt: int) -> None:
    delays = [delay(attempt, BROKEN) for _ in range(400)]
    bound = min(CAP, BASE * 2 ** (attempt - 1))
    assert 0 <= min(delays) < 0.1 * bound
    assert 0.9 * bound < max(delays) <= bound


def test_what_the_endpoint_said_is_the_least_that_is_waited() -> None:
    delays = [delay(1, RateLimited("slow down", retry_after=7.0)) for _ in range(100)]
    assert 7.0 <= min(delays) < max(delays) <= 7.7


def test_what_cannot_succeed_is_not_tried_again() -> None:
    assert lane().pause(BackendError("400"), 1, 0.0) is None


def test_a_failure_is_tried_as_often_as_the_block_says() -> None:
    patient = lane(attempts=4)
    assert [patient.pause(BROKEN, n, 0.0) is None for n in (1, 2, 3, 4)] == [False] * 3 + [True]
    assert lane(attempts=1).pause(BROKEN, 1, 0.0) is None


def test_a_rate_limit_is_waited_out_while_a_call_may_take() -> None:
    limited = RateLimited("slow down", retry_after=10.0)
    assert lane().pause(limited, 30, 500.0) is not None
    assert lane().pause(limited, 30, TIMEOUT) is None
    assert lane(timeout=5).pause(limited, 1, 0.0) is None
    assert lane(attempts=1).pause(limited, 1, 0.0) is None


def test_an_overloaded_server_is_tried_as_often_as_a_broken_one() -> None:
    assert lane().pause(Overloaded("no room"), 2, 0.0) is not None
    assert lane().pause(Overloaded("no room"), 3, 0.0) is None


def test_an_outage_ends_the_retries_and_successes_earn_them_back() -> None:
    budget = RetryBudget()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(PRICE):
        budget.earn()
    assert [budget.spend(), budget.spend()] == [True, False]


def test_no_more_retries_are_saved_up_than_there_were_at_the_start() -> None:
    budget = RetryBudget()
    for _ in range(10 * RESERVE):
        budget.earn()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]


def test_many_failures_at_once_use_up_the_retries_of_the_model() -> None:
    shared = lane()
    pauses = [shared.pause(BROKEN, 1, 0.0) for _ in range(100)]
    assert sum(pause is not None for pause in pauses) == RESERVE // PRICE
