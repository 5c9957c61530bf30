"""Scores of a real model, in this process."""

from __future__ import annotations

import pytest

import graphdsl
from graphdsl.values import Draft

pytestmark = [pytest.mark.model, pytest.mark.slow]

PROGRAM = """edition "2026"
model tiny { backend = embedded  name = "smollm2-135m"  context = 512  slots = 2  threads = 1 }
flow main(question: Text) -> List[Draft] {
  drafts = generate(question, models: tiny, samples: 2, max_tokens: 8, temperature: 0.9)
  return score(drafts, include: truncated, METHOD)
}
"""


def scored(method: str) -> tuple[Draft, ...]:
    """Two drafts of the model, scored by itself."""
    pytest.importorskip("xllamacpp")
    flow = graphdsl.load(PROGRAM.replace("METHOD", method)).flow("main")
    return flow.run_sync(question="What is the capital of France?").value


@pytest.mark.parametrize("method", ["probability", "hybrid"])
def test_a_real_model_says_how_probably_its_drafts_are_right(method: str) -> None:
    drafts = scored(f"method: {method}, by: tiny" + ", max_tokens: 24" * (method == "hybrid"))
    assert all(draft.score is not None and 0.0 < draft.score < 1.0 for draft in drafts)


def test_the_perplexity_of_a_models_own_words_is_what_it_said_itself() -> None:
    drafts = scored("method: perplexity, by: tiny")
    for draft in drafts:
        assert draft.score is not None
        assert draft.logprobs is not None
        assert draft.score == pytest.approx(draft.logprobs.mean, abs=0.5)


def test_a_real_model_compares_its_drafts() -> None:
    drafts = scored("method: full, by: tiny, max_tokens: 24")
    known = [draft.score for draft in drafts if draft.score is not None]
    assert not known or sum(known) == pytest.approx(1.0)
