"""The checker counts on the tree what `cost` counts on the graph: the most calls of one run."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.compiler.check import check
from graphdsl.compiler.cost import cost
from graphdsl.compiler.counting import Counter
from graphdsl.compiler.lower import lower
from graphdsl.compiler.program import Module
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from tests.programs import programs

HEAD = """edition "2026"
model warm { backend = simulated  temperature = 0.9 }
model cold { backend = simulated  temperature = 0 }
pool both = [warm, cold]
flow draw(q: Text, models: Models = both, n: Number = 2 in [2, 3]) -> List[Draft] {
  return generate(q, models: models, samples: n)
}
flow main(q: Text) -> List[Draft] {
"""


def module_of(text: str) -> Module:
    checked = check(Source("x.tts", text))
    assert checked.module is not None
    return checked.module


def counted(module: Module) -> int:
    """The most calls of `main` with its defaults, by the checker."""
    return Counter().flow(module, module.flows["main"]).high


def costed(module: Module) -> int:
    """The same, by the graph."""
    most = cost(specialise(lower(module, "main"), {})).calls.high
    assert most is not None
    return most


@settings(max_examples=80, deadline=None)
@given(programs(), st.data())
def test_the_checker_counts_what_the_graph_costs(text: str, data: st.DataObject) -> None:
    text = text.replace(
        "temperature = 0.2 }", f"temperature = {data.draw(st.sampled_from([0, 1]))} }}"
    )
    text = re.sub(r"calls\(1_000\)", lambda _: f"calls({data.draw(st.integers(1, 20))})", text)
    module = module_of(text)
    assert counted(module) == costed(module)


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ("return generate(q, models: both, samples: 5)", 6),
        ("return generate(q, models: [both, warm], samples: 5)", 6),
        ("return generate(q, models: both, samples: 5, temperature: [0, 0.5])", 12),
        ("return generate(q, models: cold in both, samples: 5 in [5, 9])", 1),
        ("return draw(q)", 3),
        ("return draw(q, models: warm)", 2),
        ("return concat(draw(q, models: cold), draw(q, models: warm))", 3),
        ("within [calls(4)] { a = draw(q) b = draw(q) } return concat(a, b)", 4),
        ("repeat 3 { within [calls(2)] { a = draw(q) } } return a", 6),
        ("optional a = draw(q) else generate(q, models: warm) return a", 4),
        ("a = choice b { a: draw(q), b: generate(q, models: warm) } return a", 1),
        ("a = if q == q { yield draw(q) } else { yield generate(q, models: warm) } return a", 3),
        ("v = verify(first(draw(q)), by: warm, retries: 2) return draw(v.reason)", 9),
    ],
)
def test_both_count_what_a_person_would(body: str, calls: int) -> None:
    module = module_of(f"{HEAD}{body} }}\n")
    assert (counted(module), costed(module)) == (calls, calls)
