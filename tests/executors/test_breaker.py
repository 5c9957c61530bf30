"""A model that fails again and again is left alone, probed, and taken back."""

from __future__ import annotations

import pytest

from graphdsl.errors import BackendError, CircuitOpen
from graphdsl.executors.breaker import FIRST, LEAST, LONGEST, Breaker

BROKEN = BackendError("no route to host", retryable=True)


class Clock:
    """A time that tests move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def fail(breaker: Breaker) -> None:
    """A call that begins now and fails."""
    breaker.failed(breaker.check("m"), breaker.now(), BROKEN)


def open_breaker() -> tuple[Breaker, Clock]:
    """One that has just opened."""
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(LEAST):
        fail(breaker)
    return breaker, clock


def test_a_few_failures_conclude_nothing() -> None:
    breaker = Breaker(Clock())
    for _ in range(LEAST - 1):
        fail(breaker)
    assert breaker.check("m") is False


def test_failures_among_more_successes_conclude_nothing() -> None:
    breaker = Breaker(Clock())
    for turn in range(60):
        probe = breaker.check("m")
        breaker.failed(probe, breaker.now(), BROKEN) if turn % 3 == 0 else breaker.succeeded(probe)
    assert breaker.check("m") is False


def test_calls_that_fail_together_are_one_failure() -> None:
    """A hundred calls in flight when a server dies say no more than one."""
    clock = Clock()
    breaker = Breaker(clock)
    clock.now = 1.0
    for _ in range(100):
        breaker.failed(False, 0.5, BROKEN)
    assert breaker.check("m") is False
    for _ in range(LEAST - 1):
        clock.now += 1.0
        fail(breaker)
    with pytest.raises(CircuitOpen):
        breaker.check("m")


def test_an_open_breaker_says_why_and_for_how_long() -> None:
    breaker, clock = open_breaker()
    clock.now = 5.0
    with pytest.raises(CircuitOpen, match="`m` has failed too often") as caught:
        breaker.check("m")
    assert "no route to host" in str(caught.value)
    assert caught.value.retry_after == FIRST - 5.0


def test_after_the_pause_one_call_probes_and_closes_it() -> None:
    breaker, clock = open_breaker()
    clock.now = FIRST
    assert breaker.check("m") is True
    with pytest.raises(CircuitOpen):
        breaker.check("m")
    breaker.succeeded(True)
    assert breaker.check("m") is False


def test_a_probe_that_fails_doubles_the_pause_up_to_a_limit() -> None:
    breaker, clock = open_breaker()
    pauses: list[float] = []
    for _ in range(6):
        clock.now += LONGEST
        fail(breaker)
        with pytest.raises(CircuitOpen) as caught:
            breaker.check("m")
        pauses.append(caught.value.retry_after)
    assert pauses == [30.0, 60.0, 120.0, 120.0, 120.0, 120.0]


def test_a_probe_that_was_cancelled_lets_another_try() -> None:
    breaker, clock = open_breaker()
    clock.now = FIRST
    breaker.abandoned(breaker.check("m"))
    assert breaker.check("m") is True


def test_late_ends_of_calls_from_before_do_not_disturb_an_open_breaker() -> None:
    breaker, clock = open_breaker()
    breaker.succeeded(False)
    breaker.failed(False, breaker.now(), BROKEN)
    clock.now = FIRST - 0.1
    with pytest.raises(CircuitOpen):
        breaker.check("m")
    clock.now = FIRST
    assert breaker.check("m") is True
