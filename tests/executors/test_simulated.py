"""The simulated model keeps every promise of a backend, and its own options mean what they say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from graphdsl.errors import BackendError, ContextOverflow
from graphdsl.executors.abc import Backend, ChatRequest, Completion
from graphdsl.executors.backends import open_backend
from graphdsl.executors.simulated import SimulatedBackend
from graphdsl.executors.sums import solve
from graphdsl.ir.backends import CAPABILITIES
from graphdsl.plan import ModelSpec
from graphdsl.testing import BackendSuite
from graphdsl.values import Finish, Messages


class TestSimulated(BackendSuite):
    @pytest.fixture
    async def backend(self) -> AsyncIterator[Backend]:
        options = {"latency": 0.03, "latency_spread": 0.5, "slots": 4, "context": 512}
        backend = await open_backend(ModelSpec("fake", "simulated", "", options))
        yield backend
        await backend.aclose()


class TestWeak(BackendSuite):
    @pytest.fixture
    async def backend(self) -> AsyncIterator[Backend]:
        options = {"lacks": tuple(CAPABILITIES), "context": 512, "latency": 0.03}
        backend = await open_backend(ModelSpec("fake", "simulated", "", options))
        yield backend
        await backend.aclose()


def simulated(**options: Any) -> SimulatedBackend:
    return SimulatedBackend(ModelSpec("fake", "simulated", "", options))


class TestScripted(BackendSuite):
    lasting = False

    @pytest.fixture
    async def backend(self) -> AsyncIterator[Backend]:
        options = {
            "replies": ("So it was.", "And so it is."),
            "context": 512,
            "lacks": ("seeds", "structured"),
        }
        backend = await open_backend(ModelSpec("fake", "simulated", "", options))
        yield backend
        await backend.aclose()


async def samples(backend: Backend, prompt: str, count: int, **request: Any) -> list[Completion]:
    messages = Messages.user(prompt)
    return [
        await backend.chat(ChatRequest(messages, seed=s, sample=s, **request)) for s in range(count)
    ]


def answers(replies: list[Completion]) -> list[str]:
    return [reply.text.rpartition("\nAnswer: ")[2] for reply in replies]


async def test_accuracy_is_the_share_of_right_sums() -> None:
    found = answers(await samples(simulated(accuracy=0.8), "What is 7 + 6?", 2000))
    assert 0.77 < found.count("13") / 2000 < 0.83
    assert len(set(found)) > 5


async def test_a_given_answer_and_given_mistakes_are_used() -> None:
    backend = simulated(accuracy=0.5, answer="Paris", wrong=("Rome", "Oslo"))
    found = answers(await samples(backend, "Capital of France?", 200))
    assert set(found) == {"Paris", "Rome", "Oslo"}


async def test_mistakes_about_a_text_are_not_the_text() -> None:
    found = answers(await samples(simulated(accuracy=0.0, answer="Paris"), "Capital?", 50))
    assert "Paris" not in found
    assert len(set(found)) > 1


async def test_without_seeds_the_seed_does_not_matter_but_samples_differ() -> None:
    backend = simulated(lacks=("seeds",))
    request = ChatRequest(Messages.user("What is 7 + 6?"), seed=1)
    other = await backend.chat(replace(request, seed=2))
    assert (await backend.chat(request)).text == other.text
    assert (await backend.chat(replace(request, sample=1))).text != other.text
    assert (await backend.chat(replace(request, temperature=1.0))).text != other.text


async def test_without_stop_strings_nothing_stops_a_reply() -> None:
    backend = simulated(lacks=("stop_strings",), replies=("one two three",))
    (reply,) = await samples(backend, "?", 1, stop=(" two",))
    assert (reply.text, reply.finish) == ("one two three", Finish.STOP)


async def test_without_logprobs_there_are_none() -> None:
    (reply,) = await samples(simulated(lacks=("logprobs",)), "?", 1, logprobs=True)
    assert reply.logprobs is None


def test_what_it_lacks_its_capabilities_lack() -> None:
    for name in CAPABILITIES:
        found = simulated(lacks=(name,)).capabilities
        assert [other for other in CAPABILITIES if not getattr(found, other)] == [name]


async def test_another_spec_seed_is_another_model() -> None:
    one = await samples(simulated(seed=1), "What is 7 + 6?", 20)
    two = await samples(simulated(seed=2), "What is 7 + 6?", 20)
    assert [reply.text for reply in one] != [reply.text for reply in two]


async def test_greedy_decoding_ignores_the_seed() -> None:
    replies = await samples(simulated(), "What is 7 + 6?", 5, temperature=0.0)
    assert len({reply.text for reply in replies}) == 1


async def test_replies_are_chosen_by_sample_index() -> None:
    replies = await samples(simulated(replies=("a", "b")), "?", 4)
    assert [reply.text for reply in replies] == ["a", "b", "a", "b"]


async def test_a_scripted_reply_honours_stop_and_limit() -> None:
    backend = simulated(replies=("one two three",))
    (stopped,) = await samples(backend, "?", 1, stop=(" three", " two"))
    (cut,) = await samples(backend, "?", 1, max_tokens=2)
    assert (stopped.text, stopped.finish) == ("one", Finish.STOP_SEQ)
    assert (cut.text, cut.finish) == ("one two ", Finish.LENGTH)


async def test_failures_fail_and_are_the_same_next_time() -> None:
    backend = simulated(failures=0.3)

    async def fails(seed: int) -> bool:
        try:
            await backend.chat(ChatRequest(Messages.user("?"), seed=seed))
        except BackendError:
            return True
        return False

    outcome = [await fails(seed) for seed in range(300)]
    assert 60 < sum(outcome) < 120
    assert outcome == [await fails(seed) for seed in range(300)]


async def test_truncations_end_at_max_tokens_without_an_answer() -> None:
    replies = await samples(simulated(truncations=0.5), "?", 100, max_tokens=60)
    cut = [reply for reply in replies if reply.finish is Finish.LENGTH]
    assert 30 < len(cut) < 70
    assert all(reply.usage.completion_tokens == 60 for reply in cut)
    assert not any("Answer:" in reply.text for reply in cut)


async def test_tokens_is_the_mean_length() -> None:
    replies = await samples(simulated(tokens=200), "?", 300)
    mean = sum(reply.usage.completion_tokens for reply in replies) / 300
    assert mean == pytest.approx(200, rel=0.1)


async def test_generation_ends_where_the_context_does() -> None:
    (reply,) = await samples(simulated(context=64, tokens=500), "?", 1)
    assert reply.finish is Finish.LENGTH
    assert reply.usage.prompt_tokens + reply.usage.completion_tokens == 64


async def test_overflow_names_the_numbers() -> None:
    with pytest.raises(ContextOverflow, match="does not fit the 64"):
        await samples(simulated(context=64), "x" * 400, 1)


async def test_right_answers_are_more_probable_than_wrong_ones() -> None:
    replies = await samples(simulated(accuracy=0.5), "What is 7 + 6?", 50, logprobs=True)
    right: list[float] = []
    wrong: list[float] = []
    for reply, answer in zip(replies, answers(replies), strict=True):
        assert reply.logprobs is not None
        (right if answer == "13" else wrong).append(reply.logprobs.mean)
    assert min(right) > max(wrong)


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [("7 + 6", "13"), ("1 + 1 = 2\n10 - 3 + 4 =", "11"), ("-2+5?", "3"), ("What is 12+30?", "42")],
)
def test_sums_are_solved(prompt: str, answer: str) -> None:
    assert solve(prompt) == answer


def test_a_prompt_without_a_sum_has_one_answer() -> None:
    assert solve("Who is it?") == solve("Who is it?")
    assert solve("Who is it?").isdigit()


async def test_an_unknown_backend_names_the_known_ones() -> None:
    with pytest.raises(BackendError, match=r"there are `embedded`, .*`simulated`"):
        await open_backend(ModelSpec("m", "telepathy", "x"))
