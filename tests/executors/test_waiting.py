"""Who is let in next, and that nobody waits for ever."""

from __future__ import annotations

from asyncio import Future, new_event_loop
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.executors.prefixes import common_length, marks_of
from graphdsl.executors.share import QUANTUM, Share
from graphdsl.executors.waiting import PATIENCE, Entry, Waiting
from graphdsl.values import Message, Messages

SYSTEM = "You are careful. " * 40


@dataclass
class Call:
    """What a draw is to the queue."""

    share: Share = field(default_factory=Share)
    rank: int = 0
    messages: Messages = field(default_factory=lambda: Messages.user("?"))


class Queue:
    """A queue of named calls."""

    def __init__(self) -> None:
        self.loop = new_event_loop()
        self.waiting = Waiting()
        self.names: dict[int, str] = {}
        self.entries: dict[str, Entry] = {}

    def add(self, name: str, call: Call | None = None) -> None:
        turn: Future[None] = self.loop.create_future()
        self.names[id(turn)] = name
        self.entries[name] = self.waiting.add(turn, call)

    def take(self) -> str | None:
        turn = self.waiting.take()
        if turn is None:
            return None
        turn.set_result(None)
        return self.names[id(turn)]

    def rest(self) -> str:
        found: list[str] = []
        while (name := self.take()) is not None:
            found.append(name)
        return "".join(found)


@pytest.fixture
def queue() -> Iterator[Queue]:
    queue = Queue()
    yield queue
    queue.loop.close()


def chat(*texts: str) -> Messages:
    return Messages(tuple(Message("user", text) for text in texts))


def test_equals_go_in_the_order_of_arrival(queue: Queue) -> None:
    share = Share()
    for name in "abcde":
        queue.add(name, Call(share))
    assert queue.rest() == "abcde"


def test_a_lower_tier_goes_first(queue: Queue) -> None:
    queue.add("a", Call(Share(tier=1)))
    queue.add("b", Call(Share(tier=0)))
    assert queue.rest() == "ba"


def test_who_had_little_service_goes_before_who_had_much(queue: Queue) -> None:
    old, young = Share(), Share()
    old.attained = 4 * QUANTUM
    queue.add("a", Call(old))
    queue.add("b", Call(young))
    assert queue.rest() == "ba"


def test_service_that_grows_while_a_call_waits_counts(queue: Queue) -> None:
    one, two = Share(), Share()
    queue.add("a", Call(one))
    queue.add("b", Call(two))
    one.attained = 4 * QUANTUM
    queue.add("c", Call(one))
    assert queue.rest() == "bac"


def test_a_little_service_makes_no_difference(queue: Queue) -> None:
    old, young = Share(), Share()
    old.attained = QUANTUM - 1
    queue.add("a", Call(old))
    queue.add("b", Call(young))
    assert queue.rest() == "ab"


def test_the_older_run_goes_first_whichever_call_came_first(queue: Queue) -> None:
    older, younger = Share(), Share()
    queue.add("a", Call(younger))
    queue.add("b", Call(older))
    assert queue.rest() == "ba"


def test_within_a_run_the_longest_path_goes_first(queue: Queue) -> None:
    share = Share()
    for name, rank in (("a", 0), ("b", 3), ("c", 1)):
        queue.add(name, Call(share, rank))
    assert queue.rest() == "bca"


def test_equal_beginnings_go_together(queue: Queue) -> None:
    one, two = chat(SYSTEM + "one", "x"), chat(SYSTEM[::-1], "x")
    for name, prompt in (("a", one), ("b", two), ("c", one), ("d", two)):
        queue.add(name, Call(messages=prompt))
    assert queue.rest() == "acbd"


def test_the_longest_common_beginning_wins(queue: Queue) -> None:
    queue.add("a", Call(messages=chat(SYSTEM, "alpha" * 100, "1")))
    queue.add("b", Call(messages=chat(SYSTEM, "beta" * 100, "2")))
    queue.add("c", Call(messages=chat(SYSTEM, "alpha" * 100, "3")))
    queue.add("d", Call(messages=chat("another", "beta" * 100, "4")))
    assert queue.rest() == "acbd"


def test_a_call_that_left_makes_its_like_the_next(queue: Queue) -> None:
    queue.add("a", Call(messages=chat("alpha" * 100)))
    queue.add("b", Call(messages=chat("beta" * 100)))
    queue.waiting.warmed(chat("beta" * 100))
    assert queue.rest() == "ba"


def test_one_without_a_claim_has_its_turn(queue: Queue) -> None:
    queue.add("a")
    queue.add("b", Call())
    assert queue.rest() == "ab"


def test_the_dropped_and_the_cancelled_have_no_turn(queue: Queue) -> None:
    for name in "abcd":
        queue.add(name, Call())
    queue.waiting.drop(queue.entries["a"])
    queue.entries["c"].turn.cancel()
    assert queue.rest() == "bd"
    assert queue.waiting.live == 0


def test_dropping_twice_counts_once(queue: Queue) -> None:
    queue.add("a", Call())
    queue.add("b", Call())
    queue.waiting.drop(queue.entries["a"])
    queue.waiting.drop(queue.entries["a"])
    assert queue.waiting.live == 1


def test_clearing_gives_the_turns_in_the_order_of_arrival(queue: Queue) -> None:
    for name, tier in (("a", 1), ("b", 0), ("c", 2)):
        queue.add(name, Call(Share(tier=tier)))
    assert [queue.names[id(turn)] for turn in queue.waiting.clear()] == ["a", "b", "c"]
    assert queue.take() is None


def test_calls_that_were_dropped_leave_nothing_behind(queue: Queue) -> None:
    kept = Call(Share(), messages=chat(SYSTEM))
    queue.add("kept", kept)
    for number in range(5000):
        queue.add(str(number), Call(messages=chat(SYSTEM, str(number))))
        queue.waiting.drop(queue.entries.pop(str(number)))
    assert len(queue.waiting._arrivals) < 200  # pyright: ignore[reportPrivateUsage]
    assert queue.rest() == "kept"


PROMPTS = [chat(SYSTEM, "a" * 300, "1"), chat(SYSTEM, "b" * 300), chat("c"), chat("d" * 2000)]
STEPS = st.one_of(
    st.just("take"),
    st.tuples(st.integers(0, 3), st.integers(0, 5), st.sampled_from(PROMPTS)),
)


@given(st.lists(STEPS, max_size=300), st.integers(0, 200))
def test_nobody_is_overtaken_more_often_than_the_bound(
    steps: list[str | tuple[int, int, Messages]], more: int
) -> None:
    """Whatever comes: with n before it, a call has its turn among the next 16 (n + 1)."""
    queue = Queue()
    shares = [Share(tier=number % 2) for number in range(4)]
    due: dict[str, int] = {}
    taken = 0
    whole = [*steps, *["take"] * more]
    for number, step in enumerate(whole):
        if isinstance(step, tuple):
            run, rank, prompt = step
            due[str(number)] = taken + PATIENCE * (queue.waiting.live + 1)
            queue.add(str(number), Call(shares[run], rank, prompt))
            shares[run].attained += 1000
        elif (name := queue.take()) is not None:
            taken += 1
            assert taken <= due.pop(name)
    assert all(taken <= last for last in due.values())
    assert queue.waiting.live == len(due)
    queue.loop.close()


@given(st.text("ab", max_size=40), st.text("ab", max_size=40))
def test_the_common_length_is_that_of_the_common_beginning(one: str, other: str) -> None:
    length = common_length(one, other)
    assert one[:length] == other[:length]
    assert length == min(len(one), len(other)) or one[length] != other[length]


@given(st.text("ab", max_size=3000), st.text("ab", max_size=600), st.text("cd", max_size=600))
def test_marks_in_common_mean_a_beginning_in_common(shared: str, one: str, other: str) -> None:
    first, second = marks_of(chat(shared + one)), marks_of(chat(shared + other))
    same = [a for a, b in zip(first, second, strict=False) if a == b]
    reach = len("user\x1f" + shared)
    assert len(same) >= sum(256 * 2**step <= reach for step in range(4)) - 1
    if one[:1] != other[:1]:
        assert first[-1] != second[-1]
