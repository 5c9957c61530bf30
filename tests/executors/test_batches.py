"""The thread that writes for others lives, and if it cannot, nobody waits for it."""

from __future__ import annotations

import threading

import pytest

from graphdsl.executors.batches import Batches


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_wakes_everybody_who_waits_and_nothing_more_is_taken() -> None:
    entered, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def write(_: list[str]) -> None:
        entered.set()
        go_on.wait(5)
        raise RuntimeError("a defect")

    batches = Batches("defective", write, ended.set)
    assert batches.put("first")
    assert entered.wait(5)
    waiting = [threading.Thread(target=batches.flush) for _ in range(3)]
    for thread in waiting:
        thread.start()
    assert batches.put("second")
    go_on.set()
    for thread in waiting:
        thread.join(5)
        assert not thread.is_alive()
    assert ended.wait(5)
    assert batches.closed
    assert not batches.put("third")
    batches.flush()
    assert not batches.close()


def test_what_was_put_is_written_before_it_is_closed() -> None:
    written: list[int] = []
    batches = Batches("sound", written.extend, lambda: None)
    for number in range(5):
        batches.put(number)
    batches.flush()
    assert written == [0, 1, 2, 3, 4]
    batches.put(5)
    assert batches.close()
    assert written[-1] == 5
