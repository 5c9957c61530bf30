"""Seeds, samples, and what a reply says about itself."""

from __future__ import annotations

from dataclasses import replace

from graphdsl.executors.abc import Backend, ChatRequest, Completion
from graphdsl.testing.promises import QUESTION, Promises, need, story
from graphdsl.values import Finish, Messages

_MORE = " It should be a happy one, with a good end."


class SamplingPromises(Promises):
    """The same request gives the same text, and samples do not depend on each other."""

    async def test_the_same_seed_gives_the_same_text(self, backend: Backend) -> None:
        need(backend, "seeds")
        first = await backend.chat(story(seed=11))
        assert (await backend.chat(story(seed=11))).text == first.text

    async def test_large_seeds_are_accepted(self, backend: Backend) -> None:
        need(backend, "seeds")
        request = story(seed=2**63 + 12345, tokens=6)
        first = await backend.chat(request)
        assert (await backend.chat(request)).text == first.text

    async def test_a_call_without_a_seed_is_answered(self, backend: Backend) -> None:
        reply = await backend.chat(story(seed=None, tokens=2))
        assert reply.usage.completion_tokens > 0

    async def test_different_seeds_give_different_texts(self, backend: Backend) -> None:
        need(backend, "seeds")
        seeded = [story(seed=seed, temperature=1.0, sample=seed) for seed in range(4)]
        assert len(set(_texts(await self.together(backend, seeded)))) > 1

    async def test_greedy_samples_are_equal(self, backend: Backend) -> None:
        need(backend, "seeds")
        greedy = [story(seed=seed, temperature=0.0, tokens=8) for seed in (1, 2)]
        texts = [(await backend.chat(request)).text for request in greedy]
        assert texts[0] == texts[1]

    async def test_samples_are_the_same_alone_and_among_others(self, backend: Backend) -> None:
        need(backend, "seeds")
        samples = [story(seed=40 + index, sample=index, tokens=8) for index in range(5)]
        alone = [(await backend.chat(request)).text for request in samples[:3]]
        assert _texts(await self.together(backend, samples[:3])) == alone
        assert _texts(await self.together(backend, samples))[:3] == alone

    async def test_names_of_a_call_do_not_change_its_text(self, backend: Backend) -> None:
        need(backend, "seeds")
        plain = await backend.chat(story(seed=7, tokens=6))
        named = replace(story(seed=7, tokens=6), key="run/node#0", priority=3)
        assert (await backend.chat(named)).text == plain.text

    async def test_usage_counts_this_call(self, backend: Backend) -> None:
        short = (await backend.chat(story(tokens=8))).usage
        longer = Messages.user(QUESTION.text + _MORE)
        long = (await backend.chat(ChatRequest(longer, seed=1, max_tokens=8))).usage
        assert short.calls == long.calls == 1
        assert short.unknown == long.unknown == 0
        assert 0 < short.completion_tokens <= 8
        assert 0 < long.completion_tokens <= 8
        assert short.prompt_tokens > 0
        # A token of text has at least one byte: budgets rely on it.
        assert 0 < long.prompt_tokens - short.prompt_tokens <= len(_MORE)
        assert 0 <= long.cached_tokens <= long.prompt_tokens

    async def test_equal_calls_have_equal_usage(self, backend: Backend) -> None:
        need(backend, "seeds")
        one, two = [(await backend.chat(story(seed=9, tokens=6))).usage for _ in range(2)]
        assert one.prompt_tokens == two.prompt_tokens
        assert one.completion_tokens == two.completion_tokens

    async def test_max_tokens_ends_with_length(self, backend: Backend) -> None:
        self.need_lasting()
        reply = await backend.chat(story(tokens=5))
        assert reply.finish is Finish.LENGTH
        assert reply.usage.completion_tokens == 5

    async def test_logprobs_come_only_when_asked_for(self, backend: Backend) -> None:
        need(backend, "logprobs")
        assert (await backend.chat(story(tokens=6))).logprobs is None
        asked = await backend.chat(replace(story(tokens=6), logprobs=True))
        found = asked.logprobs
        assert found is not None
        assert 0 < found.tokens <= asked.usage.completion_tokens
        assert found.total <= found.minimum <= found.mean <= 0


def _texts(replies: list[Completion]) -> list[str]:
    return [reply.text for reply in replies]
