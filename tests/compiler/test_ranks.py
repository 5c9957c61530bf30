"""How much hangs on each step, in model calls."""

from __future__ import annotations

from collections.abc import Iterator

from graphdsl.api.module import load
from graphdsl.plan import Plan, Step

HEAD = """edition "2026"
model m { backend = simulated }
prompt ask(question: Text) { user "{{ question }}" }
prompt both(a: Text, b: Text) { user "{{ a }} {{ b }}" }
"""


def planned(body: str) -> Plan:
    text = f"{HEAD}flow main(question: Text) -> Text {{\n{body}\n}}\n"
    return load(text).flow("main").plan().plan


def steps(plan: Plan) -> Iterator[Step]:
    for step in plan.steps:
        yield step
        for _, region in step.regions:
            yield from steps(region)


def ranks(plan: Plan, *ops: str) -> dict[str, int]:
    return {step.address: step.rank for step in steps(plan) if step.op in ops}


def test_samples_count_once_and_pure_steps_nothing() -> None:
    plan = planned("""
      a = generate(ask(question: question), models: m, samples: 5)
      b = fuse(a, by: m)
      c = first(generate(ask(question: b), models: m))
      return c""")
    assert ranks(plan, "generate", "fuse") == {"main.a": 2, "main.b": 1, "main.c.items": 0}
    assert plan.length == 3


def test_the_longest_path_counts() -> None:
    plan = planned("""
      short = first(generate(ask(question: question), models: m))
      one = first(generate(both(a: question, b: question), models: m))
      two = first(generate(ask(question: one), models: m))
      return first(generate(both(a: short, b: two), models: m))""")
    found = ranks(plan, "generate")
    assert found["main.short.items"] == 1
    assert found["main.one.items"] == 2


def test_rounds_multiply() -> None:
    plan = planned("""
      a = first(generate(ask(question: question), models: m))
      repeat 3 carrying last: Text = a {
        b = first(generate(ask(question: last), models: m))
        c = first(generate(ask(question: b), models: m))
        next last = c
      }
      return first(generate(ask(question: last), models: m))""")
    assert ranks(plan, "generate")["main.a.items"] == 7
    assert ranks(plan, "repeat").popitem()[1] == 1
    assert plan.length == 8
