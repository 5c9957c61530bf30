"""Cost bounds: arithmetic of every form, tokens, the longest chain, the table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings

from graphdsl.compiler.bounds import Bounds
from graphdsl.compiler.cost import Cost, cost
from graphdsl.compiler.cost_table import render_cost
from graphdsl.compiler.planner import plan
from graphdsl.errors import PlanError
from graphdsl.ir.nodes import Graph
from graphdsl.ir.parse_text import parse_graph
from tests.graphs import graphs

GOLDEN = Path(__file__).parent.parent / "golden" / "cost"


def flow(nodes: str, result: str = "%f.q", kind: str = "Text") -> Cost:
    """The cost of a graph from the text of its nodes."""
    head = """model @a = simulated "" {max_tokens: 100} model @b = simulated "" {max_tokens: 10}
      model @free = simulated "" {} memory @n = none {}
      prompt @p(question) { user "{{ question }}" }"""
    text = f"graph f(q: Text) -> {kind} {{ {head} body(%f.q: Text) {{ {nodes}"
    return cost(parse_graph(f"{text} => return: {result} }} }}"))


DRAW = "List[Draft] = generate(prompt: %f.q)"
BOTH = f"%d: {DRAW} {{models: [@a, @b], samples: 3, temperature: [0.5, 1]}}"
JUDGE = "%v: Verdict = verify(draft: %i) {by: @a, retries: 2, prompt: prompt @p}"


def test_samples_are_models_times_temperatures_times_samples() -> None:
    found = flow(BOTH)
    (row,) = found.rows
    assert (row.address, row.calls, row.formula) == (
        "d",
        Bounds(12, 12),
        "2 models × 2 temperatures × 3 samples",
    )
    assert row.tokens == Bounds(0, 6 * 100 + 6 * 10)
    assert (found.calls, found.critical) == (Bounds(12, 12), Bounds(1, 1))


@pytest.mark.parametrize(
    ("attrs", "tokens"),
    [
        ("models: [@a]", 100),
        ("models: [@free]", None),
        ("models: [@a, @free]", None),
        ("models: [@free], max_tokens: 7", 7),
        ("models: [@a, @b], max_tokens: 7", 14),
    ],
)
def test_tokens_are_bounded_by_the_call_or_the_model_or_not_at_all(
    attrs: str, tokens: int | None
) -> None:
    assert flow(f"%d: {DRAW} {{{attrs}}}").tokens == Bounds(0, tokens)


def test_retries_are_calls_one_after_the_other() -> None:
    found = flow(f"%d: {DRAW} {{models: [@a]}} %i: Draft = first(items: %d) {JUDGE}")
    assert found.calls == Bounds(1, 4)
    assert found.critical == Bounds(1, 4)
    assert found.path == ("d", "v")
    assert found.formula == "1 + 0..3"


EACH = f"""{BOTH} %e: List[Verdict] = each(items: %d) {{bound: 5}}
  body(%i: Draft) {{ {JUDGE} => yield: %v }}"""


def test_each_may_meet_no_item_and_runs_in_parallel() -> None:
    found = flow(EACH)
    rows = {row.address: row for row in found.rows}
    assert rows["v"].calls == rows["e"].calls == Bounds(0, 15)
    assert rows["v"].once == Bounds(0, 3)
    assert rows["e"].formula == "0..5 items × (0..3)"
    assert found.critical == Bounds(1, 4)


def test_fold_runs_one_after_the_other() -> None:
    found = flow(
        f"""{BOTH} %l: {{ n: Text }} = fold(items: %d, n: %f.q) {{bound: 5}}
          body(%i: Draft, %n: Text) {{ {JUDGE} => next.n: %n }}"""
    )
    assert (found.calls, found.critical) == (Bounds(12, 27), Bounds(1, 16))


@pytest.mark.parametrize(
    ("until", "calls", "formula"),
    [("", Bounds(36, 36), "3 rounds"), (", until: true", Bounds(12, 36), "1..3 rounds")],
)
def test_repeat_runs_all_rounds_unless_it_may_stop(until: str, calls: Bounds, formula: str) -> None:
    stop = "until: %t" if until else ""
    found = flow(
        f"""%t: Bool = const() {{value: false}} %r: {{}} = repeat() {{rounds: 3{until}}}
          body() {{ %d: {DRAW} {{models: [@a], samples: 12}} => {stop} }}"""
    )
    assert (found.calls, found.rows[0].formula) == (calls, f"{formula} × (12 samples)")
    assert found.critical == Bounds(calls.low // 12, 3)


def test_if_takes_one_branch() -> None:
    found = flow(
        f"""%c: Bool = contains(text: %f.q, part: %f.q)
        %x: List[Draft] = if(condition: %c)
          then() {{ {BOTH} => yield: %d }}
          else() {{ %o: {DRAW} {{models: [@b]}} => yield: %o }}"""
    )
    assert found.calls == Bounds(1, 12)
    assert found.tokens == Bounds(0, 660)
    rows = {row.address: row.calls for row in found.rows}
    assert rows == {"x": Bounds(1, 12), "d": Bounds(0, 12), "o": Bounds(0, 1)}
    assert found.formula == "one of (2 models × 2 temperatures × 3 samples, 1)"


def scope(budget: str) -> Cost:
    """Two times twelve calls under a budget."""
    other = BOTH.replace("%d", "%o")
    return flow(f"%w: {{}} = within() {{budget: [{budget}]}} body() {{ {BOTH} {other} => }}")


def test_within_caps_all_that_is_inside() -> None:
    found = scope('["calls", 8]')
    assert found.calls == Bounds(8, 8)
    assert {row.calls for row in found.rows[1:]} == {Bounds(0, 8)}
    assert found.formula == "at most 8 of (2 × (2 models × 2 temperatures × 3 samples))"


def test_a_budget_that_suffices_changes_nothing() -> None:
    found = scope('["calls", 24]')
    assert found.calls == Bounds(24, 24)
    assert {row.calls for row in found.rows[1:]} == {Bounds(12, 12)}


@pytest.mark.parametrize("budget", ['["seconds", 9]', '["prompt_tokens", 9]'])
def test_time_and_prompts_may_run_out_before_the_first_call(budget: str) -> None:
    assert scope(budget).calls == Bounds(0, 24)


def test_completion_tokens_are_capped_by_the_smallest_token_budget() -> None:
    found = scope('["tokens", 500], ["completion_tokens", 50]')
    assert found.tokens == Bounds(0, 50)


def test_a_program_costs_what_its_graph_costs() -> None:
    text = (GOLDEN.parent / "ir" / "reason.ir").read_text(encoding="utf-8")
    with pytest.raises(PlanError):
        cost(parse_graph(text))
    graph = parse_graph("graph f() -> Text { body() { %x: Text = absent() => return: %x } }")
    assert cost(graph) == cost(plan(graph))
    assert cost(graph).formula == "0"


@given(graphs(open_graph=False))
@settings(max_examples=60, deadline=None)
def test_bounds_are_in_order_and_rows_within_the_total(graph: Graph) -> None:
    found = cost(graph)
    for bounds in (found.calls, found.critical, *(row.calls for row in found.rows)):
        assert bounds.high is not None
        assert 0 <= bounds.low <= bounds.high
        assert found.calls.high is not None
        assert bounds.high <= found.calls.high
    top = [row for row in found.rows if row.depth == 0]
    assert sum(row.calls.low for row in top) == found.calls.low
    assert found.critical.low <= found.calls.low


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.ir")), ids=lambda path: path.stem)
def test_the_table_is_the_golden_file(path: Path, golden: Callable[[Path, str], None]) -> None:
    graph = parse_graph(path.read_text(encoding="utf-8"))
    golden(path.with_suffix(".out"), render_cost(cost(graph)))


@pytest.mark.parametrize(
    ("bounds", "text"), [(Bounds(1, 12000), "1..12,000"), (Bounds(0, None), "0..unbounded")]
)
def test_bounds_as_text(bounds: Bounds, text: str) -> None:
    assert str(bounds) == text


def test_nothing_times_no_bound_is_nothing() -> None:
    assert Bounds(0, None).times(Bounds(0, 0)) == Bounds(0, 0)
    assert Bounds(2, None).times(Bounds(3, 4)) == Bounds(6, None)
    assert Bounds(2, None).at_most(1) == Bounds(1, 1)
