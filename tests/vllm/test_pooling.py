"""Vectors and rewards from vLLM: the same model, started for another task."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import BackendError, Unsupported
from graphdsl.executors.abc import Backend, ChatRequest, EmbedRequest, ScoreRequest
from graphdsl.executors.vllm import open_vllm
from graphdsl.plan import ModelSpec
from graphdsl.values import Messages

HELLO = Messages.user("What is 2 + 2?")
OPTIONS = {"dtype": "float32", "context": 512, "max_in_flight": 8, "enforce_eager": True}
HEAD = ("--convert", "classify", "--hf-overrides", '{"num_labels": 1}')

pytestmark = pytest.mark.filterwarnings("ignore")  # those of vLLM and torch are not ours to mend


async def opened(weights: Path, **options: Any) -> Backend:
    assert weights.is_dir()
    return await open_vllm(ModelSpec("tiny", "vllm", "smollm2-135m", OPTIONS | options))


async def test_vectors_are_the_same_from_a_server_and_in_process(weights: Path) -> None:
    texts = ("A fox runs.", "Prices fell — é 汉 🦊", "A fox runs.")
    found: list[tuple[tuple[float, ...], ...]] = []
    for run in ("server", "in_process"):
        backend = await opened(weights, run=run, task="embed")
        try:
            embeddings = await backend.embed(EmbedRequest(texts))
            with pytest.raises(BackendError, match="generates no text"):
                await backend.chat(ChatRequest(HELLO))
            with pytest.raises(Unsupported):
                await backend.score(ScoreRequest(HELLO, ("4",), "text"))
        finally:
            await backend.aclose()
        assert embeddings.usage.prompt_tokens > 0
        found.append(embeddings.vectors)
    served, own = found
    assert [len(vector) for vector in served] == [576] * 3
    assert served[0] == pytest.approx(served[2], abs=1e-3)
    assert served[0] != pytest.approx(served[1], abs=1e-2)
    for one, other in zip(served, own, strict=True):
        assert one == pytest.approx(other, abs=1e-3)


async def test_a_reward_model_is_asked_with_the_whole_conversation(weights: Path) -> None:
    """The head of this one is random: that it answers for each text, and what it read, is seen."""
    backend = await opened(weights, task="reward", arguments=HEAD)
    try:
        scores = await backend.score(ScoreRequest(HELLO, ("4", "five"), "relevance"))
    finally:
        await backend.aclose()
    assert len(scores.values) == 2
    assert all(map(math.isfinite, scores.values))
    assert scores.usage.prompt_tokens > 2 * len(["What", "is", "2", "+", "2?"])
