"""What a private cache keeps that an ordinary one does not: answers of simulated models."""

from __future__ import annotations

from pathlib import Path

import graphdsl

PROGRAM = """edition "2026"
model sim { backend = simulated  accuracy = 0.5  seed = 3 }
model other { backend = simulated  accuracy = 0.9  seed = 3 }
flow sums(question: Text) -> Answer {
  return vote(generate(question, models: MODEL, samples: 5 in [1, 5, 9]), by: number)
}
"""


def sums(model: str = "sim") -> graphdsl.Flow:
    return graphdsl.load(PROGRAM.replace("MODEL", model)).flow("sums")


def test_an_ordinary_cache_keeps_nothing_of_a_simulated_model(tmp_path: Path) -> None:
    with graphdsl.Cache.open(tmp_path / "answers.sqlite") as cache:
        for _ in range(2):
            result = sums().run_sync(question="What is 1 + 2?", cache=cache)
            assert (result.usage.calls, result.saved.calls) == (5, 0)


def test_a_private_cache_shares_the_first_samples_of_a_simulated_model(tmp_path: Path) -> None:
    flow = sums()
    wide = flow.with_({"sums.return.drafts.samples": "9"})
    with graphdsl.Cache.open(tmp_path / "answers.sqlite", private=True) as cache:
        alone = wide.run_sync(question="What is 1 + 2?")
        first = flow.run_sync(question="What is 1 + 2?", cache=cache)
        second = wide.run_sync(question="What is 1 + 2?", cache=cache)
    assert (first.usage.calls, first.saved.calls) == (5, 0)
    assert (second.usage.calls, second.saved.calls) == (4, 5)
    assert second.value == alone.value


def test_a_private_cache_tells_simulated_models_apart(tmp_path: Path) -> None:
    with graphdsl.Cache.open(tmp_path / "answers.sqlite", private=True) as cache:
        sums().run_sync(question="What is 1 + 2?", cache=cache)
        other = sums("other").run_sync(question="What is 1 + 2?", cache=cache)
    assert other.saved.calls == 0


def test_replies_from_a_list_go_by_their_index(tmp_path: Path) -> None:
    listed = PROGRAM.replace("accuracy = 0.5", 'replies = ["1", "2", "3"]').replace("MODEL", "sim")
    flow = graphdsl.load(listed).flow("sums")
    with graphdsl.Cache.open(tmp_path / "answers.sqlite", private=True) as cache:
        plain = flow.run_sync(question="What is 1 + 2?")
        flow.run_sync(question="What is 1 + 2?", cache=cache)
        again = flow.run_sync(question="What is 1 + 2?", cache=cache)
    assert (again.value, again.usage.calls) == (plain.value, 0)
