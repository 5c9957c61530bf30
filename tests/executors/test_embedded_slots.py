"""Calls that begin alike are read once on the embedded engine, whatever becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from graphdsl.executors.abc import ChatRequest, Completion, ScoreRequest, TextRequest
from graphdsl.executors.catalogue import pull
from graphdsl.executors.embedded import EmbeddedBackend
from graphdsl.plan import ModelSpec
from graphdsl.values import Message, Messages

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend() -> AsyncIterator[EmbeddedBackend]:
    pytest.importorskip("xllamacpp")
    block = {"threads": 1, "slots": 4, "context": 1024}
    backend = await EmbeddedBackend.open(
        ModelSpec("tiny", "embedded", str(pull("smollm2-135m")), block)
    )
    yield backend
    await backend.aclose()


def asked(topic: str, question: str, **more: object) -> ChatRequest:
    system = f"You know all about {topic}. " + f"Remember what {topic} means. " * 25
    turns = (Message("system", system), Message("user", question))
    return ChatRequest(Messages(turns), max_tokens=4, seed=1, **more)  # pyright: ignore[reportArgumentType]


def read(replies: list[Completion]) -> list[int]:
    return [reply.usage.prompt_tokens - reply.usage.cached_tokens for reply in replies]


async def test_cold_calls_that_come_together_read_their_beginning_once(
    backend: EmbeddedBackend,
) -> None:
    calls = [
        backend.chat(asked("birds", f"Which is the {word}?")) for word in ("1st", "2nd", "3rd")
    ]
    first, *others = read(await asyncio.gather(*calls))
    assert first > 150
    assert all(tokens < 40 for tokens in others)


async def test_raw_texts_share_as_well(backend: EmbeddedBackend) -> None:
    text = "Once upon a time there was a fox. " * 30
    calls = [backend.complete(TextRequest(text + end, max_tokens=2, seed=1)) for end in "ab"]
    first, other = read(await asyncio.gather(*calls))
    assert first > 200
    assert other < 20


async def test_when_the_first_is_cancelled_the_others_still_answer(
    backend: EmbeddedBackend,
) -> None:
    tasks = [asyncio.create_task(backend.chat(asked("stones", "What?"))) for _ in range(3)]
    await asyncio.sleep(0.2)
    tasks[0].cancel()
    _, *others = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(other, Completion) for other in others)


async def test_labels_are_scored_with_what_a_slot_knows(backend: EmbeddedBackend) -> None:
    request = asked("rivers", "Yes or no?")
    await backend.chat(request)
    scores = await backend.score(ScoreRequest(request.messages, ("Yes", "No")))
    assert sum(scores.values) == pytest.approx(1)
    assert scores.usage.cached_tokens > 0.8 * scores.usage.prompt_tokens


async def test_a_prompt_that_was_replaced_need_not_be_read_again(
    backend: EmbeddedBackend,
) -> None:
    if not backend.keeps_states:
        pytest.skip("this machine has no /dev/shm with enough room")
    for number in range(6):
        await backend.chat(asked(f"topic {number}", "What?"))
    (again,) = read([await backend.chat(asked("topic 0", "What else?"))])
    assert again < 40
