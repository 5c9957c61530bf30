"""What `plan --cost` bounds is never exceeded by a run: calls, completion tokens, per operator."""

from __future__ import annotations

import pytest

import graphdsl
from graphdsl.compiler.cost import Cost
from graphdsl.compiler.uses import scored_tokens
from graphdsl.ir.entities import ModelSpec
from graphdsl.values import Usage

HEAD = """edition "2026"
model brief { backend = simulated  name = "b"  temperature = 0.8  tokens = 90  max_tokens = 10 }
model long { backend = simulated  name = "l"  temperature = 0.8  tokens = 60  max_tokens = 400 }
model judge { backend = simulated  name = "j"  tokens = 50  max_tokens = 200 }
model lists { backend = simulated  name = "s"  max_tokens = 10
  replies = ["<L>1. one 2. two</L>", "LONG", "LONG"] }
model marks { backend = simulated  name = "k"  max_tokens = 30
  replies = ["Scores: [7] [8]", "x", "[2] > [1]"] }
""".replace("LONG", "a long text " * 40)

SEARCHES = [
    f"policy: {policy}, {sizes}"
    for policy, sizes in [
        ("beam", "width: 4, branch: 2"),
        ("dvts", "width: 4, branch: 2"),
        ("smc", "width: 3, sweeps: 2"),
        ("rebase", "width: 4"),
        ("best_first", "nodes: 9"),
        ("astar", "nodes: 9"),
        ("mcts", "nodes: 9"),
        ("puct", "nodes: 9"),
        ("ab_mcts", "nodes: 9"),
        ("ucb", "nodes: 4"),
    ]
]
STEPS = [
    "",
    'depth: 2, separator: "zz"',
    'depth: 3, step_tokens: 5, separator: " ", lookahead: 1',
    "depth: 2, max_tokens: 20, step_tokens: 30",
]
METHODS = ["probability", "verdict", "hybrid", "outcome", "process"]


def searches() -> list[str]:
    found: list[str] = []
    for options in SEARCHES:
        steps = [""] if "ucb" in options else STEPS
        found += [
            f"tree_search(question, models: {models}, by: judge, {', '.join(filter(None, given))})"
            for number, more in enumerate(steps)
            for models in ("brief", "[brief, long]")
            for given in [(options, more, f"method: {METHODS[number]}")]
        ]
        found.append(
            f"tree_search(question, models: brief, by: brief, max_tokens: 4, method: hybrid, "
            f"unit: answer, {options})"
        )
    return found


def scores() -> list[str]:
    drafts = "generate(question, models: long, samples: 3)"
    methods = ["judge", "listwise", *METHODS, "full", "bubble", "reference", "perplexity", "length"]
    chatting = {"judge", "listwise", "verdict", "full", "bubble", "reference"}
    found = [
        f"score({drafts}, method: {method}{'' if method == 'length' else f', by: {by}'}{more})"
        for method in methods
        for by in ("judge", "marks", "[judge, marks]")
        for more in ("", *((", retries: 1, repeats: 2",) if method in chatting else ()))
    ]
    return [*found, f"score({drafts}, method: judge, by: marks, repeats: 2, meta: judge)"]


OTHERS = [
    '[spawn_join(question, by: lists, open: "<L>", close: "</L>", rounds: 1, children: 3)]',
    '[spawn_join(question, by: lists, open: "<L>", close: "</L>", rounds: 2, child_tokens: 7)]',
    '[spawn_join(question, by: lists, open: "<L>", close: "</L>", join: results_only)]',
    "continue(generate(question, models: brief), by: long, total: 100)",
    "continue(generate(question, models: brief, samples: 2), by: long, samples: 3, max_tokens: 9)",
    "continue(generate(question, models: brief), by: brief)",
]


async def measured(call: str, head: str = HEAD) -> tuple[Cost, Usage]:
    text = (
        f"{head}flow main(question: Text) -> List[Draft] {{\n  found = {call}\n  return found\n}}"
    )
    flow = graphdsl.load(text).flow("main")
    result = await flow.run(question="What is 3 + 4?")
    return flow.cost(), result.usage


@pytest.mark.parametrize("call", [*searches(), *scores(), *OTHERS])
async def test_no_run_takes_more_than_its_bounds(call: str) -> None:
    cost, usage = await measured(call)
    assert cost.calls.high is not None
    assert cost.tokens.high is not None
    assert 0 < usage.calls <= cost.calls.high
    assert usage.completion_tokens <= cost.tokens.high


async def test_a_thinking_budget_bounds_a_model_that_has_no_limit() -> None:
    head = HEAD.replace("tokens = 60  max_tokens = 400", "tokens = 60")
    cost, usage = await measured(OTHERS[3], head)
    assert cost.tokens.high == 10 + 100
    assert usage.completion_tokens <= 110


def test_a_judge_has_its_own_limit_and_not_that_of_the_writer() -> None:
    call = "tree_search(question, models: brief, by: judge, METHOD, width: 1, branch: 1, depth: 1"
    text = f"{HEAD}flow main(question: Text) -> List[Draft] {{\n  return {call}, max_tokens: 3)\n}}"
    cost = graphdsl.load(text.replace("METHOD", "method: verdict")).flow("main").cost()
    assert cost.tokens.high == 3 + 200


@pytest.mark.parametrize(
    ("backend", "kind", "most"),
    [
        ("embedded", "label", 8),
        ("embedded", "text", None),
        ("openai", "text", 2),
        ("simulated", "relevance", 2),
        ("of_another_package", "label", None),
    ],
)
def test_what_a_score_writes_depends_on_who_gives_it(
    backend: str, kind: str, most: int | None
) -> None:
    model = ModelSpec("m", backend, "m")
    assert scored_tokens(model, kind) == most
    group = ModelSpec("g", "fallback", "", {"models": (model, ModelSpec("s", "simulated", "s"))})
    assert scored_tokens(group, kind) == most


EMBEDDED = """edition "2026"
model tiny { backend = embedded  name = "smollm2-135m"  temperature = 0.8  threads = 1
  flops_per_token = 2.7e8 }
flow main(question: Text, draft_text: Text) -> List[Draft] {
  within [flops(1e14)] {
    found = score([draft(draft_text, question: question)], method: METHOD, by: tiny)
  }
  return found
}
"""


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize("method", ["perplexity", "probability"])
async def test_a_model_that_writes_what_it_scores_stays_within_its_bounds(method: str) -> None:
    pytest.importorskip("xllamacpp")
    flow = graphdsl.load(EMBEDDED.replace("METHOD", method)).flow("main")
    cost = flow.cost()
    result = await flow.run(question="Tell me of cats.", draft_text="Cats are small animals. " * 9)
    assert result.usage.completion_tokens > 1
    if method == "perplexity":
        assert cost.tokens.high is None
        assert result.usage.completion_tokens > 20
    else:
        assert cost.tokens.high is not None
        assert result.usage.completion_tokens <= cost.tokens.high
