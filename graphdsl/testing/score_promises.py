"""Scores and vectors: one value per text, in order, on the scale that was promised."""

from __future__ import annotations

import math
from typing import Final, Literal

import pytest

from graphdsl.errors import BackendError, Unsupported
from graphdsl.executors.abc import Backend, Embeddings, EmbedRequest, ScoreRequest, Scores
from graphdsl.testing.promises import Promises, need, unclaimed
from graphdsl.values import Messages

Kind = Literal["label", "text", "relevance"]

_SUM: Final = Messages.user("What is 2 + 3? Answer with the number only.")
_CLAIM: Final = Messages.user("Is a fox an animal? Answer yes or no.")
_LABELS: Final = ("yes", "no", "maybe")
_LIKELY: Final = ("zqx vkw jjq", "5")
_TEXTS: Final = ("A fox runs.", "Prices fell — é 汉 🦊", "A fox runs.")
_CLOSE: Final = 0.02
"""How far two computations of one value may lie apart: batches are rounded differently."""


class ScorePromises(Promises):
    """Scores of texts, and texts as vectors."""

    async def test_labels_share_all_probability(self, backend: Backend) -> None:
        need(backend, "label_scores")
        scores = await self._scores(backend, _CLAIM, _LABELS, "label")
        assert all(0.0 <= value <= 1.0 for value in scores.values)
        assert sum(scores.values) == pytest.approx(1.0, abs=1e-3)
        assert len(set(scores.values)) > 1

    async def test_labels_keep_their_order(self, backend: Backend) -> None:
        need(backend, "label_scores")
        there = await self._scores(backend, _CLAIM, _LABELS, "label")
        back = await self._scores(backend, _CLAIM, _LABELS[::-1], "label")
        assert back.values[::-1] == pytest.approx(there.values, abs=_CLOSE)

    async def test_a_single_label_is_certain(self, backend: Backend) -> None:
        need(backend, "label_scores")
        (value,) = (await self._scores(backend, _CLAIM, ("yes",), "label")).values
        assert value == pytest.approx(1.0)

    async def test_likelier_texts_score_higher(self, backend: Backend) -> None:
        need(backend, "text_scores")
        scores = await self._scores(backend, _SUM, _LIKELY, "text")
        assert all(value <= 0.0 and math.isfinite(value) for value in scores.values)
        assert scores.values[1] > scores.values[0]
        for value, stats in zip(scores.values, scores.logprobs, strict=bool(scores.logprobs)):
            assert stats.total == pytest.approx(value)
            assert stats.total <= stats.minimum <= stats.mean <= 0.0

    async def test_relevance_keeps_the_order_of_texts(self, backend: Backend) -> None:
        need(backend, "relevance_scores")
        there = await self._scores(backend, _SUM, _LIKELY, "relevance")
        back = await self._scores(backend, _SUM, _LIKELY[::-1], "relevance")
        assert all(map(math.isfinite, there.values))
        assert back.values[::-1] == pytest.approx(there.values, abs=_CLOSE)

    @pytest.mark.parametrize("kind", ["label", "text", "relevance"])
    async def test_unclaimed_scores_are_unsupported(self, backend: Backend, kind: Kind) -> None:
        unclaimed(backend, f"{kind}_scores")
        asked = backend.score(ScoreRequest(_CLAIM, _LABELS, kind))
        error = await self.refused(asked, Unsupported)
        assert vars(error)["capability"] == f"{kind}_scores"

    @pytest.mark.parametrize("kind", ["label", "text", "relevance"])
    async def test_no_texts_have_no_scores(self, backend: Backend, kind: Kind) -> None:
        need(backend, f"{kind}_scores")
        try:
            scores = await self.in_time(backend.score(ScoreRequest(_CLAIM, (), kind)))
        except BackendError:
            return  # an endpoint may refuse it
        assert scores.values == ()

    async def test_texts_have_vectors_of_one_length(self, backend: Backend) -> None:
        need(backend, "embeddings")
        found = await self._vectors(backend, _TEXTS)
        assert len(found.vectors) == len(_TEXTS)
        assert len({len(vector) for vector in found.vectors}) == 1
        assert all(math.isfinite(value) for vector in found.vectors for value in vector)
        assert found.usage.calls >= 1
        assert found.usage.prompt_tokens > 0

    async def test_equal_texts_have_equal_vectors(self, backend: Backend) -> None:
        need(backend, "embeddings")
        first, other, again = (await self._vectors(backend, _TEXTS)).vectors
        (alone,) = (await self._vectors(backend, _TEXTS[:1])).vectors
        assert any(first)
        assert again == pytest.approx(first, abs=_CLOSE)
        assert alone == pytest.approx(first, abs=_CLOSE)
        assert max(abs(a - b) for a, b in zip(first, other, strict=True)) > 1e-4

    async def test_unclaimed_vectors_are_unsupported(self, backend: Backend) -> None:
        unclaimed(backend, "embeddings")
        error = await self.refused(backend.embed(EmbedRequest(_TEXTS)), Unsupported)
        assert vars(error)["capability"] == "embeddings"

    async def _scores(
        self, backend: Backend, messages: Messages, texts: tuple[str, ...], kind: Kind
    ) -> Scores:
        scores = await self.in_time(backend.score(ScoreRequest(messages, texts, kind)))
        assert len(scores.values) == len(texts)
        assert scores.usage.calls >= 1
        assert scores.usage.prompt_tokens > 0
        return scores

    async def _vectors(self, backend: Backend, texts: tuple[str, ...]) -> Embeddings:
        return await self.in_time(backend.embed(EmbedRequest(texts)))
