"""Programs that compare answers as mathematics: beside the event loop, with the package only."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import Any

import pytest

from graphdsl.errors import ExtraMissing
from graphdsl.executors.frame import STANDARD, Code
from graphdsl.executors.journal.store import MemoryJournal
from graphdsl.ops import required
from graphdsl.ops.maths import equality
from tests.early import answering, cut_off, program, run
from tests.plans import Fake

ANSWERS = ("x+1", "2", "1 + x", "2", "x + 1", "3")

VOTE = """drafts = generate(q, models: m, samples: 6)
return vote(drafts, by: maths)
"""
GROUPS = """drafts = generate(q, models: m, samples: 6)
return group(drafts, by: maths, at_least: 0.3)
"""


def model() -> Fake:
    return answering(lambda index: ANSWERS[index])


def never(keys: object) -> list[int]:
    pytest.fail("nothing was to be compared")


async def test_a_vote_counts_equal_expressions() -> None:
    result = await run(VOTE, "Draft", m=model())
    assert result.output.answer == "x+1"
    assert result.output.confidence == 0.5


async def test_groups_of_equal_expressions() -> None:
    result = await run(GROUPS, "List[List[Draft]]", m=model())
    assert [[draft.answer for draft in members] for members in result.output] == [
        ["x+1"] * 3,
        ["2"] * 2,
    ]


async def test_the_loop_goes_on_while_answers_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison waits here for something that only the loop can do."""
    loop, real = asyncio.get_running_loop(), equality.joined_maths

    async def turn() -> None:
        await asyncio.sleep(0)

    def waiting(keys: Any) -> list[int]:
        asyncio.run_coroutine_threadsafe(turn(), loop).result(30)
        return real(keys)

    monkeypatch.setattr(equality, "joined_maths", waiting)
    assert (await run(VOTE, "Draft", m=model())).output.answer == "x+1"
    assert len((await run(GROUPS, "List[List[Draft]]", m=model())).output) == 2


def test_only_what_may_take_seconds_is_run_beside_the_loop() -> None:
    jobs = {job.step.op: job for job in Code(program(VOTE, "Draft").plan, STANDARD).jobs}
    assert jobs["vote"].pure is None
    assert jobs["vote"].model is not None
    by_number = program(VOTE.replace("maths", "number"), "Draft")
    jobs = {job.step.op: job for job in Code(by_number.plan, STANDARD).jobs}
    assert jobs["vote"].pure is not None


def test_no_vote_by_maths_stops_its_drafts() -> None:
    """A later draft may equal two groups that were different before."""

    def rule(by: str) -> Any:
        steps = program(VOTE.replace("maths", by)).plan.steps  # as a text: nobody sees confidence
        return next(step.attrs.get("until") for step in steps if step.op == "generate")

    assert rule("number") == ("vote", "number", 1)
    assert rule("maths") is None


def test_nothing_is_compared_at_compile_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equality, "joined_maths", never)
    constant = 'return vote([draft("Answer: x+1"), draft("Answer: 1+x")], by: maths)\n'
    assert "vote" in [step.op for step in program(constant, "Draft").plan.steps]


async def test_a_minimum_of_complete_drafts_is_looked_at_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(equality, "joined_maths", never)
    short = VOTE.replace("by: maths", "by: maths, min_success: 5")
    result = await run(short, "Draft", m=Fake(cut_off()))
    assert result.output.error.startswith("0 of 6 drafts are complete, 5 are needed")


async def test_a_resumed_run_compares_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = MemoryJournal()
    first = await run(VOTE, "Draft", journal=journal.run("a"), m=model())
    monkeypatch.setattr(equality, "joined_maths", never)
    again = await run(VOTE, "Draft", journal=journal.run("a"), m=model())
    assert again.output == first.output


async def test_without_the_package_nothing_is_asked_and_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def found_spec(name: str) -> object:
        return None if name in ("math_verify", "scipy") else find_spec(name)

    monkeypatch.setattr(required, "find_spec", found_spec)
    required._installed.cache_clear()  # pyright: ignore[reportPrivateUsage]
    fake = model()
    try:
        for body, result in ((VOTE, "Draft"), (GROUPS, "List[List[Draft]]")):
            with pytest.raises(ExtraMissing, match=r"pip install 'graphdsl-tts\[methods\]'"):
                await run(body, result, m=fake)
    finally:
        required._installed.cache_clear()  # pyright: ignore[reportPrivateUsage]
    assert not fake.asked
