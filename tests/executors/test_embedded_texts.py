"""What the embedded engine does beside chat: raw texts, JSON, scores, vectors, and pieces."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from graphdsl.errors import BackendError, ContextOverflow, Unsupported
from graphdsl.executors.abc import ChatRequest, EmbedRequest, ScoreRequest, TextRequest
from graphdsl.executors.catalogue import pull
from graphdsl.executors.embedded import EmbeddedBackend
from graphdsl.plan import ModelSpec
from graphdsl.values import Finish, Message, Messages

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]
ASKED = Messages.user("Is 2 + 2 = 4? Answer yes or no.")


async def opened(**options: Any) -> EmbeddedBackend:
    pytest.importorskip("xllamacpp")
    small = {"threads": 1, "slots": 2, "context": 256} | options
    return await EmbeddedBackend.open(
        ModelSpec("tiny", "embedded", str(pull("smollm2-135m")), small)
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tiny() -> AsyncIterator[EmbeddedBackend]:
    backend = await opened()
    yield backend
    await backend.aclose()


async def test_a_raw_text_is_a_prompt_with_its_own_template(tiny: EmbeddedBackend) -> None:
    question = "What is 2 + 2? Answer shortly."
    system = Message("system", "You answer shortly.")
    messages = Messages((system, *Messages.user(question).turns))
    written = (
        f"<|im_start|>system\n{system.content}<|im_end|>\n"
        f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    )
    same = await tiny.complete(TextRequest(written, temperature=0, max_tokens=12))
    chat = await tiny.chat(ChatRequest(messages, temperature=0, max_tokens=12))
    assert (same.text, same.usage.prompt_tokens) == (chat.text, chat.usage.prompt_tokens)


async def test_the_end_of_a_raw_text_is_told(tiny: EmbeddedBackend) -> None:
    cut = await tiny.complete(TextRequest("One, two,", temperature=0, max_tokens=3))
    stop = cut.text[1:3]
    stopped = await tiny.complete(TextRequest("One, two,", temperature=0, stop=(stop,)))
    assert (cut.finish, cut.usage.completion_tokens) == (Finish.LENGTH, 3)
    assert (stopped.finish, stopped.text) == (Finish.STOP_SEQ, cut.text[:1])


async def test_a_raw_text_can_be_held_to_a_schema(tiny: EmbeddedBackend) -> None:
    request = TextRequest("The sky is blue:", temperature=0, schema={"type": "boolean"})
    assert (await tiny.complete(request)).text in ("true", "false")


async def test_a_schema_that_is_none_is_refused(tiny: EmbeddedBackend) -> None:
    request = ChatRequest(ASKED, max_tokens=4, schema={"type": "what"})
    with pytest.raises(BackendError, match="unrecognized type what") as caught:
        await tiny.chat(request)
    assert not caught.value.retryable


async def test_samples_of_a_schema_differ_and_match_it(tiny: EmbeddedBackend) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "green", "blue"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    ask = Messages.user("Name any colour.")
    replies = [
        await tiny.chat(ChatRequest(ask, temperature=2.0, seed=seed, max_tokens=40, schema=schema))
        for seed in range(6)
    ]
    colours = {json.loads(reply.text)["colour"] for reply in replies}
    assert len(colours) > 1
    assert colours <= {"red", "green", "blue"}


async def test_a_text_scores_what_its_generation_was_worth(tiny: EmbeddedBackend) -> None:
    ask = Messages.user("Tell a short story.")
    reply = await tiny.chat(ChatRequest(ask, temperature=0, max_tokens=6, logprobs=True))
    assert reply.logprobs is not None
    texts = (reply.text, "Bananas, bananas, bananas")
    scores = await tiny.score(ScoreRequest(ask, texts, "text"))
    assert scores.values[0] == pytest.approx(reply.logprobs.total, abs=0.01)
    assert scores.values[0] > scores.values[1]
    assert [stats.total for stats in scores.logprobs] == list(scores.values)
    assert scores.logprobs[0].tokens == 6


async def test_labels_are_weighed_by_their_probabilities(tiny: EmbeddedBackend) -> None:
    texts = ("Yes", "No")
    labels = (await tiny.score(ScoreRequest(ASKED, texts))).values
    logprobs = (await tiny.score(ScoreRequest(ASKED, texts, "text"))).values
    assert math.log(labels[0] / labels[1]) == pytest.approx(logprobs[0] - logprobs[1], abs=0.01)


async def test_labels_may_begin_alike(tiny: EmbeddedBackend) -> None:
    scores = await tiny.score(ScoreRequest(ASKED, ("not sure", "not at all", "not")))
    assert sum(scores.values) == pytest.approx(1.0)
    assert min(scores.values) > 0
    assert scores.values[2] > max(scores.values[:2])  # a beginning is likelier than the whole


async def test_the_prompt_of_labels_is_read_once(tiny: EmbeddedBackend) -> None:
    usage = (await tiny.score(ScoreRequest(ASKED, ("Yes", "No", "Maybe")))).usage
    assert usage.calls == 1
    assert usage.cached_tokens >= usage.prompt_tokens * 2 // 3 - 3


@pytest.mark.parametrize(
    ("text", "reason"), [("", "an empty text"), ("\U0001f98a", "splits a character")]
)
async def test_texts_without_a_probability_are_refused(
    tiny: EmbeddedBackend, text: str, reason: str
) -> None:
    with pytest.raises(BackendError, match=reason) as caught:
        await tiny.score(ScoreRequest(ASKED, ("Yes", text)))
    assert not caught.value.retryable
    assert (await tiny.chat(ChatRequest(ASKED, max_tokens=1))).usage.completion_tokens == 1


async def test_a_text_beyond_the_context_has_no_score(tiny: EmbeddedBackend) -> None:
    nearly = Messages.user("word " * 215)  # some 30 more are the template's
    for messages, words in ((nearly, 30), (ASKED, 400)):
        with pytest.raises(ContextOverflow) as caught:
            await tiny.score(ScoreRequest(messages, ("word " * words,), "text"))
        assert caught.value.prompt_tokens > caught.value.limit == 256


async def test_it_is_no_reranker(tiny: EmbeddedBackend) -> None:
    with pytest.raises(Unsupported, match="`tiny` does not have `relevance_scores`"):
        await tiny.score(ScoreRequest(ASKED, ("Yes",), "relevance"))


async def test_vectors_have_length_one_and_near_meanings_are_near(tiny: EmbeddedBackend) -> None:
    texts = ("The cat sat on the mat.", "A cat is sitting on a mat.", "Stock prices fell sharply.")
    one, near, far = (await tiny.embed(EmbedRequest(texts))).vectors
    assert math.hypot(*one) == pytest.approx(1.0, abs=1e-4)
    assert math.dist(one, near) < math.dist(one, far)


async def test_a_long_text_has_no_vector(tiny: EmbeddedBackend) -> None:
    with pytest.raises(ContextOverflow) as caught:
        await tiny.embed(EmbedRequest(("short", "word " * 300)))
    assert caught.value.prompt_tokens > caught.value.limit == 256


async def test_an_empty_text_has_no_vector(tiny: EmbeddedBackend) -> None:
    with pytest.raises(BackendError, match="cannot be empty"):
        await tiny.embed(EmbedRequest(("",)))


async def test_vectors_that_nobody_waits_for_free_their_slot(tiny: EmbeddedBackend) -> None:
    many = EmbedRequest(tuple(f"text number {number} of a long list" for number in range(5000)))
    running = [asyncio.ensure_future(tiny.embed(many)) for _ in range(3)]
    await asyncio.sleep(0.05)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    # Three times 5000 texts would take minutes.
    found = await asyncio.wait_for(tiny.embed(EmbedRequest(("short",))), 30)
    assert len(found.vectors) == 1


async def test_pieces_are_heard_on_the_loop_while_the_text_grows(tiny: EmbeddedBackend) -> None:
    heard: list[tuple[str, int]] = []
    request = ChatRequest(
        ASKED,
        temperature=0,
        max_tokens=8,
        listener=lambda piece: heard.append((piece, threading.get_ident())),
    )
    reply = await tiny.chat(request)
    assert "".join(piece for piece, _ in heard) == reply.text
    assert len(heard) > 1
    assert {thread for _, thread in heard} == {threading.get_ident()}


async def test_a_listener_that_stops_listening_ends_the_call(tiny: EmbeddedBackend) -> None:
    enough = asyncio.Event()
    request = ChatRequest(ASKED, seed=1, max_tokens=200, listener=lambda _: enough.set())
    running = asyncio.ensure_future(tiny.chat(request))
    await asyncio.wait_for(enough.wait(), 30)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()


async def test_closing_leaves_no_thread_of_the_second_server() -> None:
    before = threading.active_count()
    backend = await opened(slots=1)
    await backend.embed(EmbedRequest(("short",)))
    await backend.aclose()
    assert threading.active_count() == before
    with pytest.raises(BackendError, match="closed"):
        await backend.embed(EmbedRequest(("short",)))
