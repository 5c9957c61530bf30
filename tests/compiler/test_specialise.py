"""Specialising: every assignment gives a closed, valid graph with exactly what was chosen."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.compiler.lower import lower
from graphdsl.compiler.specialise import defaults, specialise
from graphdsl.errors import CompileError
from graphdsl.ir.nodes import Assignment, Choices, Symbol
from graphdsl.ir.spec import verify
from graphdsl.ops.registry import OPERATORS
from graphdsl.search.space import Space
from tests.compiler.lowering import graph_of, module_of, node_at, ops_of
from tests.programs import programs

STAGES = """
flow main(q: Text) -> Draft {
  drafts = generate(
    q, models: both in [both, sim], samples: 2 in [1, 2], temperature: 0.8 in 0.2..1.2 step 0.2,
  )
  optional notes = critique(drafts, by: alt)
  optional best = rank(drafts, using: notes, keep: 1 in 1..4, by: sim in both) else drafts
  merged = choice { fused: fuse(best, by: alt), voted: vote(best, by: number in [text, number]) }
  return merged
}
"""


@settings(max_examples=40, deadline=None)
@given(programs(), st.randoms(use_true_random=False))
def test_every_assignment_of_every_program_gives_a_valid_closed_graph(
    text: str, rng: random.Random
) -> None:
    graph = lower(module_of(text), "main")
    verify(specialise(graph), "closed", OPERATORS)
    space = Space.of(graph)
    for _ in range(3):
        verify(specialise(graph, space.sample(rng)), "closed", OPERATORS)


@settings(max_examples=25, deadline=None)
@given(programs(), st.randoms(use_true_random=False))
def test_what_is_not_active_changes_nothing(text: str, rng: random.Random) -> None:
    graph = lower(module_of(text), "main")
    chosen = Space.of(graph).sample(rng)
    everything: Assignment = {
        hole.address: rng.choice(hole.domain.labels)
        for hole in graph.holes
        if isinstance(hole.domain, Choices)
    }
    assert specialise(graph, {**everything, **chosen}) == specialise(graph, chosen)


def test_without_an_assignment_the_defaults_run() -> None:
    graph = graph_of(STAGES)
    assert specialise(graph) == specialise(graph, defaults(graph))
    assert ops_of(specialise(graph)) == ["generate", "critique", "rank", "fuse"]


def test_a_closed_graph_has_no_holes_and_specialises_to_itself() -> None:
    closed = specialise(graph_of(STAGES))
    assert closed.closed
    assert specialise(closed) == closed


def test_a_dropped_stage_is_replaced_by_its_bypass() -> None:
    closed = specialise(graph_of(STAGES), {"main.best": "off"})
    assert node_at(closed, "main.merged.fused").input("drafts") == "main.drafts"
    assert "rank" not in ops_of(closed)


def test_a_dropped_stage_without_bypass_is_absent() -> None:
    closed = specialise(graph_of(STAGES), {"main.notes": "off"})
    absent = node_at(closed, node_at(closed, "main.best").input("using") or "")
    assert absent.op == "absent"


def test_chosen_alternatives_keep_their_addresses() -> None:
    closed = specialise(graph_of(STAGES), {"main.merged": "voted", "main.merged.voted.by": "text"})
    assert dict(closed.body.results) == {"return": "main.merged.voted"}
    assert node_at(closed, "main.merged.voted").attr("by") == "text"


def test_values_of_holes_are_put_into_attributes() -> None:
    pins: Assignment = {
        "main.drafts.models": "sim",
        "main.drafts.samples": "1",
        "main.drafts.temperature": 0.4,
        "main.best.keep": 3,
        "main.best.by": "alt",
    }
    closed = specialise(graph_of(STAGES), pins)
    drafts, best = node_at(closed, "main.drafts"), node_at(closed, "main.best")
    assert drafts.attr("models") == (Symbol("model", "sim"),)
    assert (drafts.attr("samples"), drafts.attr("temperature")) == (1, 0.4)
    assert (best.attr("keep"), best.attr("by")) == (3, Symbol("model", "alt"))
    assert isinstance(best.attr("keep"), int)


def test_entities_that_were_not_chosen_are_gone() -> None:
    pins: Assignment = {"main.drafts.models": "sim", "main.notes": "off", "main.best": "off"}
    closed = specialise(graph_of(STAGES), {**pins, "main.merged": "voted"})
    assert [model.name for model in closed.models] == ["sim"]
    assert closed.prompts == ()


def test_numbers_may_stand_for_their_labels() -> None:
    graph = graph_of(STAGES)
    by_label = specialise(graph, {"main.drafts.samples": "1"})
    assert specialise(graph, {"main.drafts.samples": 1}) == by_label
    assert specialise(graph, {"main.drafts.samples": 1.0}) == by_label


def test_a_step_is_met_up_to_the_noise_of_floating_point() -> None:
    closed = specialise(graph_of(STAGES), {"main.drafts.temperature": 0.2 + 0.2 + 0.2})
    assert node_at(closed, "main.drafts").attr("temperature") == 0.6


def test_rounds_and_bounds_are_closed() -> None:
    graph = graph_of(
        "flow main(q: Text) -> Text {\n"
        "  repeat 2 in 1..3 carrying a: Text = q { next a = a }\n"
        "  xs = each x in [a, q] up to 2 in [1, 2] { yield x }\n"
        "  fold x in xs up to 1 in [1, 2] carrying b: Text = a { next b = x }\n  return b\n}"
    )
    closed = specialise(
        graph, {"main.repeat.rounds": 3, "main.xs.bound": "1", "main.fold.bound": "2"}
    )
    assert node_at(closed, "main.repeat").attr("rounds") == 3
    assert node_at(closed, "main.xs").attr("bound") == 1
    assert node_at(closed, "main.fold").attr("bound") == 2


def test_a_hole_over_flows_inlines_the_chosen_flow() -> None:
    graph = graph_of(
        "flow a(q: Text) -> Draft { return vote(generate(q, models: sim)) }\n"
        "flow b(q: Text) -> Draft { return fuse(generate(q, models: alt), by: alt) }\n"
        "flow main(q: Text, how: Flow = a in [a, b]) -> Draft { return how(q) }"
    )
    assert ops_of(specialise(graph)) == ["generate", "vote"]
    assert ops_of(specialise(graph, {"main.how": "b"})) == ["generate", "fuse"]


# ---- wrong assignments


@pytest.mark.parametrize(
    ("pins", "code", "help_text"),
    [
        ({"main.drafts.sample": "1"}, "GD0450", "did you mean `main.drafts.samples`?"),
        ({"main.merged": "votd"}, "GD0451", "did you mean `voted`?"),
        ({"main.drafts.samples": "7"}, "GD0451", "the domain is `[1, 2]`"),
        ({"main.best.keep": 5}, "GD0451", "the domain is `1..4`"),
        ({"main.best.keep": 1.5}, "GD0451", "the domain is `1..4`"),
        ({"main.best.keep": "3"}, "GD0451", "the domain is `1..4`"),
        ({"main.drafts.temperature": 0.5}, "GD0451", "the domain is `0.2..1.2 step 0.2`"),
        ({"main.drafts.temperature": float("nan")}, "GD0451", "the domain is `0.2..1.2 step 0.2`"),
        ({"main.notes": True}, "GD0451", "the domain is `[on, off]`"),
    ],
)
def test_a_wrong_pin_is_reported(pins: Assignment, code: str, help_text: str) -> None:
    with pytest.raises(CompileError) as raised:
        specialise(graph_of(STAGES), pins)
    (found,) = raised.value.diagnostics
    assert found.code == code
    assert found.helps[0].text == help_text


def test_all_wrong_pins_are_reported_at_once() -> None:
    with pytest.raises(CompileError) as raised:
        specialise(graph_of(STAGES), {"nowhere": "1", "main.merged": "x"})
    assert [d.code for d in raised.value.diagnostics] == ["GD0450", "GD0451"]


def test_without_a_near_name_the_holes_are_listed() -> None:
    with pytest.raises(CompileError) as raised:
        specialise(graph_of(STAGES), {"nowhere": "1"})
    assert "`main.drafts.models`" in raised.value.diagnostics[0].helps[0].text
