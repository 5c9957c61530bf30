"""When a failed call is tried again, how long that waits, and how often it may be."""

from __future__ import annotations

import pytest

from graphdsl.errors import BackendError, BrokenReply, Overloaded, RateLimited
from graphdsl.executors.lane import Lane, Served
from graphdsl.executors.retry import BASE, CAP, MOST, PRICE, START, RetryBudget, delay
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


@pytest.mark.parametrize("told", [0.0, None])
def test_an_endpoint_that_names_no_time_gets_jitter(told: float | None) -> None:
    delays = [delay(3, RateLimited("slow down", retry_after=told)) for _ in range(100)]
    assert max(delays) > BASE


def test_what_cannot_succeed_is_not_tried_again() -> None:
    assert lane().pause(BackendError("400"), 1, 0.0, 600.0) is None


def test_a_failure_is_tried_as_often_as_the_block_says() -> None:
    patient = lane(attempts=4)
    assert [patient.pause(BROKEN, n, 0.0, 600.0) is None for n in (1, 2, 3, 4)] == [False] * 3 + [
        True
    ]
    assert lane(attempts=1).pause(BROKEN, 1, 0.0, 600.0) is None


def test_a_rate_limit_is_waited_out_while_there_is_time() -> None:
    limited = RateLimited("slow down", retry_after=10.0)
    assert lane().pause(limited, 30, 0.0, 100.0) is not None
    assert lane().pause(limited, 30, 0.0, 9.0) is None
    assert lane(attempts=1).pause(limited, 1, 0.0, 100.0) is None
    assert lane(timeout=5).patience == 5.0


def test_an_overloaded_server_is_tried_as_often_as_a_broken_one() -> None:
    assert lane().pause(Overloaded("no room"), 2, 0.0, 600.0) is not None
    assert lane().pause(Overloaded("no room"), 3, 0.0, 600.0) is None


def test_no_pause_is_longer_than_there_is_time_for() -> None:
    assert lane().pause(Overloaded("no room", retry_after=3600.0), 1, 0.0, 600.0) is None


def test_a_retry_that_comes_too_late_is_not_taken_from_the_budget() -> None:
    shared = lane()
    for _ in range(100):
        shared.pause(BROKEN, 30, 0.0, -1.0)
    assert shared.pause(BROKEN, 1, 0.0, 600.0) is not None


def test_an_outage_ends_the_retries_and_successes_earn_them_back() -> None:
    budget = RetryBudget()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(PRICE):
        budget.earn()
    assert [budget.spend(), budget.spend()] == [True, False]


def test_retries_are_saved_up_to_a_limit() -> None:
    budget = RetryBudget()
    for _ in range(10 * MOST):
        budget.earn()
    count = MOST // PRICE
    assert [budget.spend() for _ in range(count + 1)] == [True] * count + [False]


def test_many_failures_at_once_use_up_the_retries_of_the_model() -> None:
    shared = lane()
    pauses = [shared.pause(BROKEN, 1, 0.0, 600.0) for _ in range(100)]
    assert sum(pause is not None for pause in pauses) == START // PRICE
