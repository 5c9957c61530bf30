"""Programs that score: loaded, bounded and run on simulated models."""

from __future__ import annotations

from typing import Any

import pytest

import graphdsl
from graphdsl import Budget, Flow
from graphdsl.ops.signatures.words import LISTWISE, MEASURES, PAIRWISE, POINTWISE, SCORES
from graphdsl.values import Draft

MODELS = """edition "2026"
model writer { backend = simulated  seed = 1  accuracy = 0.4 }
model reward { backend = simulated  seed = 2  accuracy = 0.9 }
model judge { backend = simulated  seed = 3  replies = ["[1] 3\\n[2] 9\\n[3] 5"] }
model broken { backend = simulated  failures = 1 }
"""


def flow(body: str, signature: str = "question: Text", result: str = "List[Draft]") -> Flow:
    """A flow of one statement beside its drafts."""
    text = f"{MODELS}flow main({signature}) -> {result} {{\n{body}\n}}\n"
    return graphdsl.load(text).flow("main")


def scoring(arguments: str, samples: int = 3) -> Flow:
    """Drafts of a question, scored."""
    return flow(
        f"  drafts = generate(question, models: writer, samples: {samples})\n"
        f"  return score(drafts, {arguments})"
    )


ASK = {"question": "What is 3 + 4?"}
OTHERS = {"oracle": "answer: 7, equal: number", "judge": "repeats: 2, aggregate: sum"}


@pytest.mark.parametrize("method", SCORES)
@pytest.mark.parametrize("by", ["reward", "broken"])
def test_every_method_runs_within_its_bound_and_keeps_drafts_and_order(
    method: str, by: str
) -> None:
    given = [f"method: {method}", OTHERS.get(method, "")]
    given += [] if method in MEASURES else [f"by: {by}"]
    run = scoring(", ".join(filter(None, given)))
    result = run.run_sync(ASK)
    drafts: tuple[Draft, ...] = result.value
    assert [draft.sample for draft in drafts] == [0, 1, 2]
    most = run.cost().calls.high
    assert most is not None
    assert result.usage.calls <= most


@pytest.mark.parametrize("method", [*LISTWISE, *POINTWISE, *PAIRWISE, "outcome", "perplexity"])
def test_a_model_that_fails_scores_nobody_and_raises_nothing(method: str) -> None:
    result = scoring(f"method: {method}, by: broken").run_sync(ASK)
    first = {0.5} if method == "reference" else set[float]()
    assert {draft.score for draft in result.value} <= {None, *first}


def test_points_are_added_up_over_shuffled_judgements() -> None:
    result = scoring("method: judge, by: judge, repeats: 3, aggregate: sum").run_sync(ASK)
    total = [draft.score for draft in result.value]
    assert sum(total) == 3 * (3 + 9 + 5)
    assert result.usage.calls == 3 + 3
    still = scoring("method: judge, by: judge, shuffle: no").run_sync(ASK)
    assert [draft.score for draft in still.value] == [3, 9, 5]


@pytest.mark.parametrize("method", ["outcome", "process"])
def test_best_of_n_by_a_reward_model_finds_what_single_samples_miss(method: str) -> None:
    run = flow(
        "  drafts = generate(question, models: writer, samples: 8)\n"
        f"  return best(score(drafts, method: {method}, by: reward))",
        result="Draft",
    )
    alone = flow("  return first(generate(question, models: writer))", result="Draft")
    found = {"best": 0, "alone": 0}
    for one in range(20):
        ask, right = {"question": f"What is {one} + 4?"}, str(one + 4)
        found["best"] += run.run_sync(ask).value.answer == right
        found["alone"] += alone.run_sync(ask).value.answer == right
    assert found["best"] >= 18 > 14 > found["alone"]


def test_a_probability_lies_between_zero_and_one() -> None:
    result = scoring("method: probability, by: reward").run_sync(ASK)
    assert all(0.0 < draft.score < 1.0 for draft in result.value)


def test_perplexity_of_right_drafts_is_lower() -> None:
    drafts: tuple[Draft, ...] = (
        scoring("method: perplexity, by: reward", samples=12).run_sync(ASK).value
    )
    known = [(draft.answer == "7", draft.score or 0.0) for draft in drafts]
    right = [score for is_right, score in known if is_right]
    wrong = [score for is_right, score in known if not is_right]
    assert right
    assert wrong
    assert min(right) > max(wrong)


def test_the_oracle_scores_by_the_right_answer() -> None:
    result = scoring("method: oracle, answer: 7, equal: number", samples=8).run_sync(ASK)
    assert [draft.score for draft in result.value] == [
        float(draft.answer == "7") for draft in result.value
    ]


def test_a_budget_that_ends_leaves_drafts_without_a_score() -> None:
    run = scoring("method: outcome, by: reward", samples=4)
    result = run.run_sync(ASK, budget=Budget(calls=6))
    scored = [draft.score is not None for draft in result.value]
    assert sum(scored) == 2
    assert result.status == "exhausted"


def test_the_same_seed_gives_the_same_shuffles_and_scores() -> None:
    run = scoring("method: judge, by: judge, repeats: 4")
    first, again, other = (run.run_sync(ASK, seed=seed).value for seed in (5, 5, 6))
    assert [draft.score for draft in first] == [draft.score for draft in again]
    assert [draft.score for draft in first] != [draft.score for draft in other]


def reranking(arguments: str) -> Flow:
    """Texts in another order."""
    body = f"  return rerank(texts, question, {arguments})"
    return flow(body, "question: Text, texts: List[Text]", "Docs")


TEXTS: dict[str, Any] = {**ASK, "texts": ["Answer: 8", "Answer: 7", "Answer: 9"]}


def test_a_reranker_puts_the_useful_document_first() -> None:
    run = reranking("by: reward, method: relevance, keep: 1, at_least: 0.5")
    assert run.run_sync(TEXTS).value == ["Answer: 7"]


def test_points_order_documents() -> None:
    run = reranking("by: judge, at_least: 4")
    assert run.run_sync(TEXTS).value == ["Answer: 7", "Answer: 9"]


def test_a_reranker_that_fails_leaves_the_documents_as_they_came() -> None:
    for method in ("points", "relevance"):
        run = reranking(f"by: broken, method: {method}, keep: 2")
        assert run.run_sync(TEXTS).value == TEXTS["texts"][:2]
