"""The suite of backends can fail: for each promise there is a backend here that breaks it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from graphdsl.errors import BackendError
from graphdsl.executors.abc import (
    Backend,
    Capabilities,
    ChatRequest,
    Completion,
    Embeddings,
    EmbedRequest,
    ScoreRequest,
    Scores,
    TextRequest,
)
from graphdsl.executors.simulated import SimulatedBackend
from graphdsl.plan import ModelSpec
from graphdsl.testing import BackendSuite
from graphdsl.values import Finish, LogprobStats, Messages, Usage

Ask = Callable[[Any], Any]
Tell = Callable[[Any, Any], Any]
FAKE = Completion("hello", Finish.STOP, Usage(1, 1, 0, 1))


def same(request: Any) -> Any:
    return request


def honest(_request: Any, reply: Any) -> Any:
    return reply


@dataclass
class Broken(Backend):
    """A simulated model that asks something else than it was asked, or tells something else."""

    ask: Ask = same
    tell: Tell = honest
    lacks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        options = {"latency": 0.02, "slots": 2, "context": 512, "lacks": self.lacks}
        self.inner = SimulatedBackend(ModelSpec("fake", "simulated", "", options))

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def chat(self, request: ChatRequest) -> Completion:
        return self.tell(request, await self.inner.chat(self.ask(request)))

    async def complete(self, request: TextRequest) -> Completion:
        return self.tell(request, await self.inner.complete(self.ask(request)))

    async def score(self, request: ScoreRequest) -> Scores:
        return self.tell(request, await self.inner.score(self.ask(request)))

    async def embed(self, request: EmbedRequest) -> Embeddings:
        return self.tell(request, await self.inner.embed(self.ask(request)))

    async def aclose(self) -> None:
        await self.inner.aclose()


# ---- those that take more than another question or another answer


class Unsteady(Broken):
    """Can do something else each time it is asked what it can."""

    @property
    def capabilities(self) -> Capabilities:
        self.lacks = () if self.lacks else ("seeds",)
        return replace(self.inner.capabilities, seeds=not self.lacks)


class Claimless(Broken):
    """Answers what it says it cannot."""

    async def complete(self, request: TextRequest) -> Completion:
        return FAKE

    async def score(self, request: ScoreRequest) -> Scores:
        return Scores((0.5,) * len(request.texts), Usage(1, 1))

    async def embed(self, request: EmbedRequest) -> Embeddings:
        return Embeddings(((1.0,),) * len(request.texts), Usage(1, 1))


class Leaky(Broken):
    """Keeps the place of a call that was cancelled."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.places = asyncio.Semaphore(2)

    async def chat(self, request: ChatRequest) -> Completion:
        await self.places.acquire()
        reply = await self.inner.chat(request)
        self.places.release()
        return reply


class Deaf(Broken):
    """Does not let itself be cancelled."""

    async def chat(self, request: ChatRequest) -> Completion:
        try:
            return await self.inner.chat(request)
        except asyncio.CancelledError:
            return FAKE


class Careless(Broken):
    """Truncates a prompt that is too long."""

    async def chat(self, request: ChatRequest) -> Completion:
        short = Messages.user(request.messages.text[:500])
        return await self.inner.chat(replace(request, messages=short))

    async def complete(self, request: TextRequest) -> Completion:
        return await self.inner.complete(replace(request, text=request.text[:500]))


class Immortal(Broken):
    """Goes on when it is closed."""

    async def aclose(self) -> None:
        """Nothing ends."""


# ---- what is asked


def crash(_request: Any) -> Any:
    raise LookupError("not a typed error")


def once_more() -> Ask:
    """Another seed for every call, whatever was asked for; never greedy."""
    count = itertools.count()
    return lambda request: replace(request, seed=next(count), temperature=1.0)


def seeded_only(request: ChatRequest) -> ChatRequest:
    return request if request.seed is not None else crash(request)


def by_key(request: ChatRequest) -> ChatRequest:
    return replace(request, seed=(request.seed or 0) + len(request.key))


def until_boundary(request: ChatRequest) -> ChatRequest:
    before = request.messages.text.partition("<|im_end|>")[0]
    return replace(request, messages=Messages.user(before))


def in_bytes(request: ChatRequest) -> ChatRequest:
    request.messages.text.encode("utf-8")
    return request


def half_of_the_context(request: ChatRequest) -> ChatRequest:
    if len(request.messages.text) > 1000:
        raise BackendError("too long")
    return request


def with_turns(request: ChatRequest) -> ChatRequest:
    return request if request.messages.turns else crash(request)


def with_text(request: ChatRequest) -> ChatRequest:
    return request if request.messages.text else crash(request)


def unstopped(request: Any) -> Any:
    return replace(request, stop=())


def unheard_stop(request: Any) -> Any:
    """What is heard goes on behind the stop string."""
    if request.listener is not None and request.stop:
        request.listener("and more")
    return request


# ---- what is told


def session_total() -> Tell:
    """The usage of all calls so far."""
    total = Usage()

    def tell(_request: Any, reply: Completion) -> Completion:
        nonlocal total
        total += reply.usage
        return replace(reply, usage=replace(total, calls=1))

    return tell


def always_logprobs(_request: Any, reply: Completion) -> Completion:
    return replace(reply, logprobs=LogprobStats(1, -1.0, -1.0))


def nothing_for_empty_stops(request: ChatRequest, reply: Completion) -> Completion:
    return replace(reply, text="") if "" in request.stop else reply


def with_prompt(request: Any, reply: Completion) -> Completion:
    text = request.text if isinstance(request, TextRequest) else request.messages.turns[-1].content
    return replace(reply, text=text + reply.text)


def heard_twice(request: ChatRequest, reply: Completion) -> Completion:
    if request.listener is not None:
        request.listener(reply.text)
    return reply


def scores(change: Callable[[tuple[float, ...]], Any]) -> Tell:
    return lambda _, reply: replace(reply, values=tuple(change(reply.values)))


def vectors(change: Callable[[int, tuple[float, ...]], tuple[float, ...]]) -> Tell:
    def tell(_request: Any, reply: Embeddings) -> Embeddings:
        return replace(reply, vectors=tuple(itertools.starmap(change, enumerate(reply.vectors))))

    return tell


def doubled(values: tuple[float, ...]) -> list[float]:
    return [2 * value for value in values]


BROKEN: dict[str, Callable[[], Backend]] = {
    "test_it_satisfies_the_protocol": Unsteady,
    "test_the_same_seed_gives_the_same_text": lambda: Broken(once_more()),
    "test_large_seeds_are_accepted": lambda: Broken(once_more()),
    "test_a_call_without_a_seed_is_answered": lambda: Broken(seeded_only),
    "test_different_seeds_give_different_texts": lambda: Broken(lambda r: replace(r, seed=1)),
    "test_greedy_samples_are_equal": lambda: Broken(once_more()),
    "test_samples_are_the_same_alone_and_among_others": lambda: Broken(once_more()),
    "test_names_of_a_call_do_not_change_its_text": lambda: Broken(by_key),
    "test_usage_counts_this_call": lambda: Broken(tell=session_total()),
    "test_equal_calls_have_equal_usage": lambda: Broken(tell=session_total()),
    "test_max_tokens_ends_with_length": lambda: Broken(lambda r: replace(r, max_tokens=None)),
    "test_logprobs_come_only_when_asked_for": lambda: Broken(tell=always_logprobs),
    "test_a_stop_string_ends_the_text_before_it": lambda: Broken(unstopped),
    "test_empty_stop_strings_stop_nothing": lambda: Broken(tell=nothing_for_empty_stops),
    "test_a_prefix_is_continued_and_not_repeated": lambda: Broken(tell=with_prompt),
    "test_unicode_goes_in_and_comes_out": lambda: Broken(in_bytes),
    "test_a_turn_boundary_in_a_text_is_data": lambda: Broken(until_boundary),
    "test_pieces_are_the_text": lambda: Broken(tell=heard_twice),
    "test_pieces_end_where_the_text_does": lambda: Broken(unheard_stop),
    "test_a_text_is_continued_without_a_template": lambda: Broken(tell=with_prompt),
    "test_continuations_obey_seeds_and_stop_strings": lambda: Broken(unstopped),
    "test_unclaimed_continuations_are_unsupported": lambda: Claimless(lacks=("completions",)),
    "test_a_text_held_to_a_schema_matches_it": lambda: Broken(lambda r: replace(r, schema=None)),
    "test_labels_share_all_probability": lambda: Broken(tell=scores(doubled)),
    "test_labels_keep_their_order": lambda: Broken(tell=scores(sorted)),
    "test_a_single_label_is_certain": lambda: Broken(tell=scores(doubled)),
    "test_likelier_texts_score_higher": lambda: Broken(tell=scores(reversed)),
    "test_relevance_keeps_the_order_of_texts": lambda: Broken(tell=scores(sorted)),
    "test_unclaimed_scores_are_unsupported": lambda: Claimless(lacks=("label_scores",)),
    "test_no_texts_have_no_scores": lambda: Broken(lambda r: r if r.texts else crash(r)),
    "test_texts_have_vectors_of_one_length": lambda: Broken(
        tell=vectors(lambda index, vector: vector[index:])
    ),
    "test_equal_texts_have_equal_vectors": lambda: Broken(
        tell=vectors(lambda index, vector: (*vector[1:], float(index)))
    ),
    "test_unclaimed_vectors_are_unsupported": lambda: Claimless(lacks=("embeddings",)),
    "test_a_prompt_beyond_the_context_is_an_overflow": Careless,
    "test_a_text_beyond_the_context_is_an_overflow": Careless,
    "test_a_prompt_just_under_the_context_works": lambda: Broken(half_of_the_context),
    "test_a_megabyte_is_refused_and_forgotten": Careless,
    "test_a_prompt_without_turns_has_an_end": lambda: Broken(with_turns),
    "test_an_empty_turn_has_an_end": lambda: Broken(with_text),
    "test_cancelling_frees_what_the_calls_held": Leaky,
    "test_a_call_cancelled_at_once_holds_nothing": Leaky,
    "test_a_call_ends_when_its_time_is_over": Deaf,
    "test_a_cancelled_call_is_metered": lambda: Broken(lambda r: replace(r, meter=None)),
    "test_a_closed_backend_refuses_calls": Immortal,
    "test_closing_ends_the_calls_that_run": Immortal,
}
KINDS = {"test_unclaimed_scores_are_unsupported": "label", "test_no_texts_have_no_scores": "label"}


async def outcome(name: str, backend: Backend) -> str:
    """How the test of that name ends on a backend."""
    suite = BackendSuite()
    suite.patience = 0.5 if isinstance(backend, Leaky) else 30.0
    test: Callable[..., Awaitable[None]] = getattr(suite, name)
    try:
        await test(backend, *([KINDS[name]] if name in KINDS else []))
    except pytest.skip.Exception:
        return "skipped"
    except (AssertionError, LookupError, ValueError, BackendError, pytest.fail.Exception):
        return "failed"
    finally:
        await backend.aclose()
    return "passed"


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_promise_is_found(name: str) -> None:
    assert await outcome(name, BROKEN[name]()) == "failed"


@pytest.mark.parametrize("name", BROKEN)
async def test_a_kept_promise_is_none(name: str) -> None:
    assert await outcome(name, Broken()) in ("passed", "skipped")


def test_every_promise_can_be_broken() -> None:
    assert set(BROKEN) == {name for name in dir(BackendSuite) if name.startswith("test_")}


async def test_what_needs_a_lasting_call_is_skipped_where_none_lasts() -> None:
    class Scripted(BackendSuite):
        lasting = False

    with pytest.raises(pytest.skip.Exception, match="made to last"):
        await Scripted().test_cancelling_frees_what_the_calls_held(Broken())
