"""Whole programs that search: on simulated models, and on the embedded one."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphdsl
from graphdsl.values import Draft, Finish

SOURCE = """
edition "2026"
model writer { backend = simulated  name = "s"  temperature = 0.8  max_tokens = 400  tokens = 60 }
model second { backend = simulated  name = "t"  seed = 9  max_tokens = 400  tokens = 60 }
model judge { backend = simulated  name = "j"  accuracy = 0.9 }
flow look(question: Text) -> List[Draft] {
  found = tree_search(question, OPTIONS)
  return found
}
"""
STEPS = 'by: judge, separator: ". ", step_tokens: 40, depth: 6'
WHOLE = "by: judge, unit: answer, depth: 3"

PROGRAMS = {
    "beam": f"models: writer, policy: beam, width: 4, branch: 2, {STEPS}",
    "beam of two models": f"models: [writer, second], policy: beam, {STEPS}",
    "beam with look-ahead": f"models: writer, policy: beam, lookahead: 1, {STEPS}",
    "dvts": f"models: writer, policy: dvts, width: 4, branch: 2, {STEPS}",
    "best_first": f"models: writer, policy: best_first, nodes: 12, {STEPS}",
    "astar": f"models: writer, policy: astar, nodes: 16, {STEPS}",
    "mcts": f"models: writer, policy: mcts, nodes: 16, exploration: 0.5, {STEPS}",
    "puct": f"models: writer, policy: puct, nodes: 16, {STEPS}",
    "ucb": "models: [writer, second], policy: ucb, nodes: 8, by: judge, unit: answer",
    "ab_mcts": f"models: [writer, second], policy: ab_mcts, nodes: 8, prior: beta, {WHOLE}",
    "mcts of answers": f"models: writer, policy: mcts, nodes: 8, {WHOLE}",
    "smc": f"models: writer, policy: smc, width: 4, {STEPS}",
    "annealed smc": "models: writer, policy: smc, width: 4, resample: systematic, anneal: ess, "
    f"lookahead: 1, sweeps: 2, softness: 0.5, {STEPS}",
    "rebase": f"models: writer, policy: rebase, width: 6, {STEPS}",
    "ets": f"models: writer, policy: ets, width: 6, embed: judge, prefix_cost: 0.5, {STEPS}",
    "process reward": f"models: writer, policy: beam, method: process, steps: min, {STEPS}",
    "likelihood": "models: writer, policy: rebase, method: likelihood, width: 4, depth: 4",
    "verdicts": "models: writer, policy: beam, method: verdict, by: judge, repeats: 2, depth: 2",
}


def flow(options: str, source: str = SOURCE) -> graphdsl.Flow:
    return graphdsl.load(source.replace("OPTIONS", options)).flow("look")


@pytest.mark.parametrize("name", sorted(PROGRAMS))
async def test_every_policy_runs_within_its_bound(name: str) -> None:
    if "ets" in name:
        pytest.importorskip("scipy")
    search = flow(PROGRAMS[name])
    result = await search.run(question="What is 3 + 4?")
    assert result.status == "ok"
    drafts: tuple[Draft, ...] = result.value
    assert drafts
    assert all(isinstance(draft, Draft) for draft in drafts)
    assert any(draft.score is not None for draft in drafts)
    again = await search.run(question="What is 3 + 4?")
    assert again.value == drafts
    other = await search.run(question="What is 3 + 4?", seed=5)
    assert other.value != drafts


@pytest.mark.parametrize("name", ["beam", "mcts", "smc", "rebase", "ab_mcts"])
async def test_a_budget_gives_the_best_so_far(name: str) -> None:
    result = await flow(PROGRAMS[name]).run(
        question="What is 3 + 4?", budget=graphdsl.Budget(calls=6)
    )
    assert result.status == "exhausted"
    assert result.usage.calls <= 6
    assert result.value
    assert any(draft.text for draft in result.value)


async def test_a_resumed_search_gives_what_it_gave(tmp_path: Path) -> None:
    search, path = flow(PROGRAMS["smc"]), tmp_path / "run.journal"
    first = await search.run(question="What is 3 + 4?", journal=path)
    again = await search.run(question="What is 3 + 4?", journal=path)
    assert [(d.text, d.score) for d in again.value] == [(d.text, d.score) for d in first.value]


async def test_the_best_of_what_was_found_is_an_answer() -> None:
    source = SOURCE.replace("-> List[Draft]", "-> Answer")
    best = flow(PROGRAMS["beam"], source.replace("return found", "return best(found)"))
    drafts = (await flow(PROGRAMS["beam"]).run(question="What is 3 + 4?")).value
    top = max(drafts, key=lambda draft: draft.score)
    assert (await best.run(question="What is 3 + 4?")).value == top.answer


EMBEDDED = """
edition "2026"
model tiny { backend = embedded  name = "smollm2-135m"  temperature = 0.8  threads = 1 }
flow look(question: Text) -> List[Draft] {
  found = tree_search(question, models: tiny, by: tiny, OPTIONS)
  return found
}
"""


@pytest.mark.model
@pytest.mark.slow
async def test_a_real_model_goes_on_with_its_own_steps() -> None:
    pytest.importorskip("xllamacpp")
    options = 'policy: smc, width: 2, depth: 2, step_tokens: 8, max_tokens: 20, separator: "."'
    result = await flow(options, EMBEDDED).run(question="Tell a story about a cat.", content=True)
    drafts: tuple[Draft, ...] = result.value
    assert result.status == "ok"
    assert drafts
    for draft in drafts:
        assert draft.finish in (Finish.STOP, Finish.STOP_SEQ, Finish.LENGTH)
        assert draft.text.strip()
        assert draft.score is not None
        assert 0.0 <= draft.score <= 1.0
        assert 0 < draft.usage.completion_tokens <= 20
    assert any(draft.usage.calls > 1 for draft in drafts)
