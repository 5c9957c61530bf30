"""Limits and aims in `usd` and `flops`: what must be known, what fits, and the table of costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphdsl.compiler.check import check
from graphdsl.compiler.cost import Cost, cost
from graphdsl.compiler.cost_table import render_cost
from graphdsl.compiler.lower import lower
from graphdsl.compiler.program import Checked
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Diagnostic, Source
from graphdsl.plan import Budget
from graphdsl.values import PICO

PRICED = "usd_per_mtok_in = 0.15  usd_per_mtok_out = 0.60"
PRICED_HIGH = "usd_per_mtok_in = 3  usd_per_mtok_out = 15"
HEAD = f"""edition "2026"
model mini {{ backend = openai  name = "x"  max_tokens = 512  {PRICED}  flops_per_token = 2e9 }}
model dear {{ backend = openai  name = "y"  max_tokens = 100  {PRICED_HIGH} }}
model open {{ backend = openai  name = "z"  {PRICED}  flops_per_token = 1e9 }}
model lost {{ backend = litellm  name = "ollama/llama3.2"  max_tokens = 64 }}
model free {{ backend = simulated }}
pool known = [mini, dear]
pool all = [mini, lost]
"""


def program(body: str, params: str = "question: Text", more: str = "") -> Checked:
    text = f"{HEAD}{more}flow main({params}) -> Draft {{\n{body}\n}}\n"
    return check(Source("x.tts", text))


def scope(limits: str, call: str, params: str = "question: Text") -> Checked:
    return program(f"within [{limits}] {{ d = {call} }}\nreturn vote(d)", params)


def search(entries: str, call: str, more: str = "") -> Checked:
    block = f"""search s {{
      flow = main
      data = jsonl("d.jsonl", input: "question", target: "answer")
      maximise = accuracy(by: number)
      {entries}
    }}
    """
    return program(f"return vote({call})", more=block + more)


def errors(checked: Checked) -> list[Diagnostic]:
    """Money only: not that a declaration is unused."""
    return [found for found in checked.diagnostics if not found.code.startswith("GD080")]


def codes(checked: Checked) -> list[str]:
    return [found.code for found in errors(checked)]


def labels(checked: Checked) -> list[str]:
    (diagnostic,) = errors(checked)
    text = checked.sources["x.tts"].text
    return [text[label.span.start : label.span.end] for label in diagnostic.secondary]


# ---- what must be known


def test_a_model_without_a_price_is_an_error_at_the_limit_and_named() -> None:
    checked = scope("usd(1)", "generate(question, models: [mini, lost])")
    (found,) = errors(checked)
    text = checked.sources["x.tts"].text
    assert found.code == "GD0523"
    assert text[found.primary.span.start : found.primary.span.end] == "usd(1)"
    assert labels(checked) == ["lost"]
    assert [help.text for help in found.helps] == [
        "write what it costs in its block: `usd_per_mtok_in = 0.15  usd_per_mtok_out = 0.60`",
        "where calls cost nothing: `usd_per_mtok_in = 0  usd_per_mtok_out = 0`",
    ]


@pytest.mark.parametrize("models", ["free", "mini", "known", "[free, dear]"])
def test_free_and_priced_models_may_run_under_a_limit(models: str) -> None:
    assert codes(scope("usd(1)", f"generate(question, models: {models})")) == []


def test_models_outside_of_the_scope_need_no_price() -> None:
    body = """within [usd(1)] { d = generate(question, models: mini) }
    e = generate(question, models: lost)
    return vote(d)"""
    assert codes(program(body)) == []


@pytest.mark.parametrize(
    ("call", "params"),
    [
        ("generate(question, models: mini in [mini, lost])", "question: Text"),
        ("generate(question, models: mini in all)", "question: Text"),
        ("generate(question, models: m)", "question: Text, m: Models = mini in all"),
        ("generate(question, models: m)", "question: Text, m: Models = all"),
        ("generate(question, models: [mini, lost] in [[mini], [mini, lost]])", "question: Text"),
    ],
)
def test_a_model_that_a_search_may_choose_needs_a_price(call: str, params: str) -> None:
    assert codes(scope("usd(1)", call, params)) == ["GD0523"]


def test_a_model_given_to_a_flow_from_elsewhere_needs_a_price() -> None:
    more = """flow inner(q: Text, m: Models = mini) -> Draft {
      within [usd(1)] { d = generate(q, models: m) }
      return vote(d)
    }
    """
    checked = program("return inner(question, m: lost)", more=more)
    assert codes(checked) == ["GD0523"]
    assert labels(checked) == ["lost"]
    assert codes(program("return inner(question, m: dear)", more=more)) == []


def test_the_member_of_a_group_is_the_one_that_is_named() -> None:
    more = "model safe { backend = fallback  models = [mini, lost] }\n"
    body = "within [usd(1)] { d = generate(question, models: safe) }\nreturn vote(d)"
    checked = program(body, more=more)
    assert codes(checked) == ["GD0523"]
    assert labels(checked) == ["lost"]


def test_one_cause_is_reported_once() -> None:
    body = """within [usd(1)] as a { d = generate(question, models: lost) }
    within [usd(2)] as b { e = generate(question, models: [lost, mini]) }
    return vote(concat(d, e))"""
    assert codes(program(body)) == ["GD0523"]


@pytest.mark.parametrize(
    ("limits", "call", "code"),
    [
        ("usd(1)", "generate(question, models: open)", ["GD0525"]),
        ("usd(1)", "generate(question, models: open, max_tokens: 9)", []),
        ("usd(1)", "generate(question, models: free)", []),
        ("calls(1)", "generate(question, models: open)", []),
        ("flops(1e15)", "generate(question, models: open)", ["GD0525"]),
        ("flops(1e15)", "generate(question, models: mini)", []),
        ("flops(1e15)", "generate(question, models: dear)", ["GD0526"]),
        ("flops(1e15)", "generate(question, models: free)", ["GD0526"]),
    ],
)
def test_replies_have_an_end_and_operations_a_number(
    limits: str, call: str, code: list[str]
) -> None:
    assert codes(scope(limits, call)) == code


@pytest.mark.parametrize(
    ("entries", "call", "code"),
    [
        ("budget = [usd(1)]", "generate(question, models: mini in all)", ["GD0523"]),
        ("budget = [calls(9)]  minimise = usd", "generate(question, models: lost)", ["GD0523"]),
        ("budget = [calls(9)]  minimise = [calls, flops]", "generate(question, models: dear)",
         ["GD0526"]),
        ("budget = [calls(9)]  minimise = usd", "generate(question, models: open)", []),
        ("budget = [calls(9)]  per_run = [usd(1)]", "generate(question, models: open)",
         ["GD0525"]),
        ("budget = [usd(1)]  strategy = agent_tts(agent: lost)",
         "generate(question, models: mini)", ["GD0523"]),
        ("budget = [calls(9)]  per_run = [usd(1)]  strategy = agent_tts(agent: lost)",
         "generate(question, models: mini)", []),
    ],
)  # fmt: skip
def test_limits_and_aims_of_a_search_want_the_same(
    entries: str, call: str, code: list[str]
) -> None:
    assert codes(search(entries, call)) == code


@pytest.mark.parametrize("unit", ["usd", "flops"])
def test_the_units_are_words_of_the_language(unit: str) -> None:
    checked = check(Source("x.tts", f'edition "2026"\nmodel {unit} {{ backend = simulated }}\n'))
    assert "GD0206" in codes(checked)


@pytest.mark.parametrize("limit", ["usd(0)", "usd(-1)", 'usd("1")', "flops(0)", "usd()"])
def test_limits_are_more_than_nothing(limit: str) -> None:
    assert codes(scope(limit, "generate(question, models: mini)")) == ["GD0522"]


# ---- what fits


def test_the_replies_of_one_run_must_fit_the_limit_of_a_search() -> None:
    # 8 x 512 x 0.60 / 10^6 = 0.0024576 dollars
    call = "generate(question, models: mini, samples: 8)"
    (found,) = errors(search("budget = [calls(99)]  per_run = [usd(0.0024575)]", call))
    assert found.code == "GD0520"
    assert found.notes == ("generate 8 × $0.0003072 = $0.0024576; prompts come on top",)
    assert codes(search("budget = [calls(99)]  per_run = [usd(0.0024576)]", call)) == []
    assert codes(search("budget = [usd(0.0024575)]", call)) == ["GD0520"]


def test_samples_are_shared_by_the_models_and_rounds_multiply() -> None:
    more = """flow loop(question: Text) -> Draft {
      repeat 3 carrying best: Draft = first(generate(question, models: free)) {
        d = generate(question, models: known, samples: 2)
        next best = fuse(d, by: dear)
      }
      return best
    }
    """
    entries = "budget = [calls(99)]  per_run = [usd(0.0001)]"
    checked = search(entries, "generate(question, models: free)", more)
    assert codes(checked) == []
    block = search(entries.replace("per_run", "per_run"), "[loop(question)]", more)
    (found,) = errors(block)
    # a round: 2 x 512 x 0.6 + 2 x 100 x 15 + 100 x 15 = 5114.4 millionths
    assert found.notes == (
        "3 rounds × (generate 2 × $0.0003072 + generate 2 × $0.0015 + fuse 1 × $0.0015) "
        "= $0.0153432; prompts come on top",
    )


def test_a_scope_that_no_call_fits_is_an_error() -> None:
    (found,) = errors(scope("usd(0.0003)", "generate(question, models: [mini, free])"))
    assert found.code == "GD0521"
    assert found.notes == ("512 tokens × $0.6 per million = $0.0003072; the prompt comes on top",)
    (found,) = errors(scope("flops(1e12)", "generate(question, models: mini)"))
    assert found.notes[0].startswith("512 tokens × 2e+09 operations = 1.02e+12 operations")


@pytest.mark.parametrize(
    ("limits", "watched", "warned"),
    [
        ("usd(0.002)", False, True),
        ("usd(0.002)", True, False),
        ("usd(0.0025)", False, False),
        ("flops(5e12)", False, True),
        ("flops(5e12)", True, False),
    ],
)
def test_a_scope_that_may_run_out_unseen_is_a_warning(
    limits: str, watched: bool, warned: bool
) -> None:
    look = "if s.exhausted { yield question } else { yield d.text }" if watched else "d.text"
    body = f"""within [{limits}] as s {{
      d = vote(generate(question, models: mini, samples: 8))
    }}
    t = {look}
    return vote(generate(t, models: free))"""
    found = [d.code for d in program(body).diagnostics if d.code == "GD0809"]
    assert found == (["GD0809"] if warned else [])


def test_what_another_limit_may_hold_back_is_not_certain() -> None:
    more = """flow held(question: Text) -> Draft {
      within [calls(3)] as s {
        repeat up to 8 carrying d: Draft = vote(generate(question, models: mini)) {
          next d = vote(generate(question, models: mini))
        } until d.complete
      }
      t = if s.exhausted { yield d } else { yield d }
      return t
    }
    """
    entries = "budget = [calls(99)]  per_run = [usd(0.002)]"
    assert codes(search(entries, "[held(question)]", more)) == []
    inner = more.replace("calls(3)", "usd(0.001)")
    assert codes(search(entries, "[held(question)]", inner)) == []
    low = "budget = [calls(99)]  per_run = [usd(0.0009)]"
    assert codes(search(low, "[held(question)]", inner)) == ["GD0520"]


def test_a_flow_that_calls_no_model_fits_every_limit() -> None:
    assert codes(search("budget = [usd(0.01), flops(1e9)]  minimise = usd", "[]")) == []


def test_programs_without_money_do_not_load_the_table() -> None:
    text = HEAD + "flow main(q: Text) -> Draft { return vote(generate(q, models: lost)) }\n"
    code = f"""
import sys
from graphdsl.compiler.check import check
from graphdsl.compiler.cost import cost
from graphdsl.compiler.lower import lower
from graphdsl.diagnostics import Source
found = check(Source("x.tts", {text!r}))
cost(lower(found.module, "main"))
assert "genai_prices" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- bounds of a plan


def costed(body: str, prompts: int | None = 1000, more: str = "") -> Cost:
    checked = program(body, more=more)
    assert checked.module is not None, errors(checked)
    return cost(specialise(lower(checked.module, "main"), {}), prompt_tokens=prompts)


def most(body: str, prompts: int = 1000) -> tuple[int | None, int | None]:
    """The tops of the bounds in money and operations, of which nothing is sure to be spent."""
    found = costed(body, prompts)
    assert found.usd is not None
    assert found.flops is not None
    assert (found.usd.low, found.flops.low, found.prompt_tokens) == (0, 0, prompts)
    return found.usd.high, found.flops.high


def test_bounds_are_calls_times_the_worst_call() -> None:
    found = most("return vote(generate(question, models: known, samples: 4))")
    # mini: 1000 x 0.15 + 512 x 0.6 = 457.2; dear: 1000 x 3 + 100 x 15 = 4500 millionths
    assert found == (4 * (457_200_000 + 4_500_000_000), None)


def test_operations_are_tokens_times_what_each_takes() -> None:
    _, found = most("return vote(generate(question, models: mini, samples: 4))", 100)
    assert found == 4 * (100 + 512) * 2 * 10**9


def test_loops_branches_and_scopes_bound_money_as_they_bound_calls() -> None:
    draw = "vote(generate(question, models: dear))"
    one = 4_500_000_000
    loop = f"""repeat up to 3 carrying best: Draft = {draw} {{
      next best = {draw}
    }} until best.complete
    return best"""
    assert most(loop)[0] == 4 * one
    branch = f"""x = if question == "a" {{ yield {draw} }} else {{
      yield vote(generate(question, models: mini))
    }}
    return x"""
    assert most(branch)[0] == one
    limited = f"within [usd(0.004)] as s {{ d = {draw} }}\nreturn d"
    assert most(limited)[0] == 4 * PICO // 1000
    assert most(limited.replace("0.004", "1"))[0] == one


@pytest.mark.parametrize("models", ["lost", "open", "[mini, lost]"])
def test_what_is_not_known_is_unknown_and_never_nothing(models: str) -> None:
    body = f"return vote(generate(question, models: {models}))"
    assert most(body)[0] is None
    table = render_cost(costed(body))
    assert "unknown cost" in table
    assert "$0 " not in table


def test_without_prompts_nothing_is_looked_up() -> None:
    found = costed("return vote(generate(question, models: lost))", None)
    assert (found.usd, found.flops, found.prompt_tokens) == (None, None, None)
    assert [(row.usd.high, row.flops.high) for row in found.rows] == [(None, None)]
    assert "cost" not in render_cost(found)


def test_free_models_leave_the_table_as_it_is() -> None:
    body = "return vote(generate(question, models: free))"
    assert render_cost(costed(body)) == render_cost(costed(body, None))


def test_the_table_shows_the_arithmetic_of_one_call() -> None:
    more = """model gpu { backend = simulated  max_tokens = 9  usd_per_hour = 3.6  slots = 4
      timeout = 2  usd_per_call = 0.01 }
    """
    table = render_cost(
        costed("return vote(generate(question, models: [open, gpu, mini, lost]))", 1000, more)
    )
    lines = table.splitlines()
    assert "unbounded tokens   unknown cost   unknown FLOPs" in lines[0]
    assert "assumed: prompts of at most 1,000 tokens, and no call tried twice" in lines
    start = "one call of "
    told = [line.removeprefix(start) for line in lines if line.startswith(start)]
    assert told == [
        "open: unknown cost, since its replies have no `max_tokens` (the file)",
        "open: unknown FLOPs, since its replies have no `max_tokens`",
        "gpu: up to $0.0105 = $0.01 per call + 2 s × $3.6/h ÷ 4 (the file)",
        "gpu: unknown FLOPs, since it has no `flops_per_token`",
        "mini: up to $0.0004572 = 1,000 × $0.15/M + 512 × $0.6/M (the file)",
        "mini: up to 3.02e+12 FLOPs = (1,000 + 512) × 2e+09",
        "lost: unknown cost, since nobody knows its price",
        "lost: unknown FLOPs, since it has no `flops_per_token`",
    ]


def test_the_example_of_the_page_is_what_is_printed() -> None:
    page = (Path(__file__).parents[2] / "docs" / "backends.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```tts\n(edition.*?flow judged.*?)```", page, re.DOTALL)
    (shown,) = re.findall(
        r"```console\n\$ graphdsl plan --cost judged.tts\n(.*?)```", page, re.DOTALL
    )
    checked = check(Source("judged.tts", text))
    assert checked.diagnostics == ()
    assert checked.module is not None
    graph = specialise(lower(checked.module, "judged"), {})
    assert render_cost(cost(graph, prompt_tokens=1000)) == shown


@pytest.mark.parametrize(
    ("limit", "budget"),
    [("usd(0.25)", Budget(usd=0.25)), ("flops(1e15)", Budget(flops=1e15))],
)
def test_a_plan_has_the_limits_of_its_scopes(limit: str, budget: Budget) -> None:
    from graphdsl.compiler.planner import plan

    checked = scope(limit, "generate(question, models: mini)")
    assert checked.module is not None
    steps: list[Any] = [
        step
        for step in plan(specialise(lower(checked.module, "main"), {})).plan.steps
        if step.op == "within"
    ]
    assert [step.attrs["budget"] for step in steps] == [budget]
