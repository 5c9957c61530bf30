"""What the checker says of the arguments of tree searches, and of equal samples of any operator."""

from __future__ import annotations

import pytest

from graphdsl.compiler.check import check
from graphdsl.diagnostics import Diagnostic, Source

HEAD = """edition "2026"
model one { backend = simulated }
model two { backend = simulated }
model cold { backend = simulated  temperature = 0 }
flow main(question: Text) -> List[Draft] {
"""
GENERATED = "generate(question, models: one, samples: 2)"


def said(call: str) -> list[Diagnostic]:
    text = f"{HEAD}  return {call}\n}}\n"
    found = check(Source("x.tts", text)).diagnostics
    return [item for item in found if item.code != "GD0802"]


def search(options: str, models: str = "one", by: str = "two") -> list[Diagnostic]:
    return said(f"tree_search(question, models: {models}, by: {by}, {options})")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ('policy: ucb, separator: "."', ["separator"]),
        ("policy: ucb, step_tokens: 9, lookahead: 1", ["step_tokens", "lookahead"]),
        ("policy: ucb, depth: 3", ["depth"]),
        ("policy: ucb, unit: step", ["unit"]),
        ("policy: smc, sweeps: 3, width: 1", ["sweeps"]),
    ],
)
def test_arguments_that_a_policy_cannot_use_are_refused(options: str, names: list[str]) -> None:
    found = search(options)
    assert [item.code for item in found] == ["GD0318"] * len(names)
    for item, name in zip(found, names, strict=True):
        assert item.message.startswith(f"`{name}` of `tree_search` means nothing with")


@pytest.mark.parametrize(
    "options",
    [
        "policy: ucb, unit: answer, nodes: 4",
        "policy: smc, sweeps: 3, width: 2",
        "policy: smc, sweeps: 1, width: 1",
        "policy: ab_mcts, nodes: 1_024",
        "policy: mcts, nodes: 5_000",
        "policy: beam, width: 6, branch: 3",
        "policy: smc, width: 5",
        "policy: mcts in [mcts, ucb], depth: 4",
    ],
)
def test_arguments_that_go_together_are_accepted(options: str) -> None:
    assert search(options) == []


@pytest.mark.parametrize(
    ("options", "helps"),
    [
        ("width: 5", "write `width: 4` or `width: 6`, or another `branch`"),
        ("policy: dvts, width: 2, branch: 4", "write `width: 4`, or another `branch`"),
        ("branch: 3", "write `width: 3` or `width: 6`, or another `branch`"),
    ],
)
def test_uneven_beams_are_warned_of(options: str, helps: str) -> None:
    (found,) = search(options)
    assert (found.code, found.is_error, found.helps[0].text) == ("GD0813", False, helps)


def test_ab_mcts_takes_fewer_nodes_than_others() -> None:
    (found,) = search("policy: ab_mcts, nodes: 1_025")
    assert found.code == "GD0307"
    assert "from 1 to 1_024 with `policy: ab_mcts`, found 1_025" in found.message


@pytest.mark.parametrize("call", ["tree_search", "spawn_join"])
def test_a_list_where_one_model_is_wanted_is_told_once(call: str) -> None:
    models = "models: one, " if call == "tree_search" else ""
    text = f"{call}(question, {models}by: [one, two])"
    (found,) = said(text if call == "tree_search" else f"[{text}]")
    assert found.code == "GD0301"
    assert found.message == f"`by` of `{call}` takes one model, found a list"
    assert found.helps


@pytest.mark.parametrize(
    ("call", "count"),
    [
        (f"continue({GENERATED}, by: one, samples: 4, temperature: 0)", "4 continuations"),
        (f"continue({GENERATED}, by: cold, samples: 4)", "4 continuations"),
        (
            f"score({GENERATED}, by: one, method: judge, repeats: 8, temperature: 0, shuffle: no)",
            "8 judgements",
        ),
        (
            f"score({GENERATED}, by: one, method: verdict, repeats: 8, temperature: 0)",
            "8 judgements",
        ),
        ("tree_search(question, models: one, by: two, width: 8, temperature: 0)", "8 candidates"),
        (
            "tree_search(question, models: one, by: two, policy: mcts, branch: 3, temperature: 0)",
            "3 continuations",
        ),
        (
            "tree_search(question, models: one, by: cold, method: verdict, repeats: 3)",
            "3 judgements",
        ),
    ],
)
def test_what_cannot_differ_at_temperature_0_is_warned_of(call: str, count: str) -> None:
    (found,) = said(call)
    assert found.code == "GD0807"
    assert found.message.startswith(f"{count} at temperature 0 are one ")


@pytest.mark.parametrize(
    "call",
    [
        f"continue({GENERATED}, by: one, samples: 4)",
        f"score({GENERATED}, by: one, method: judge, repeats: 8, temperature: 0)",
        f"score({GENERATED}, by: one, method: bubble, repeats: 2, temperature: 0)",
        "tree_search(question, models: [one, two], by: two, width: 8, temperature: 0)",
        "tree_search(question, models: one, by: cold, method: verdict, repeats: 1)",
    ],
)
def test_what_can_differ_is_not_warned_of(call: str) -> None:
    assert said(call) == []
