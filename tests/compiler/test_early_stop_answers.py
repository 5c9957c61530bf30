"""Stopping early changes no answer: random flows on models that answer in any order.

Every flow runs as it was lowered and as it was optimised, on simulated models whose calls take
random times, fail and are cut off. What differs is what was spent.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from graphdsl.compiler.check import check
from graphdsl.compiler.lower import lower
from graphdsl.compiler.pipeline import optimise
from graphdsl.compiler.planner import plan
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.run_options import RunOptions
from graphdsl.ir.nodes import Graph, walk
from graphdsl.plan import ModelSpec
from tests.graphs import graphs

HEAD = """edition "2026"
model a {{ backend = simulated  seed = {seed}  accuracy = {accuracy}  wrong = ["1", "2"]
  slots = {slots}
  latency = 0.0015  latency_spread = 1.5  failures = {failures}  truncations = 0.1 }}
model b {{ backend = simulated  seed = 5  accuracy = 0.4  wrong = ["1", "2"]  temperature = 0
  latency = 0.001  latency_spread = 1 }}
model j {{ backend = simulated  latency = 0.0005  latency_spread = 2
  replies = ["Fine. [Correct]"]  seed = 3 }}
pool both = [a, b]
prompt judge(question: Text, candidate: Text) "What is 2 + 2? {{{{ candidate }}}}"
"""

STOPS = ("", ", stop: decided", ", stop: posterior", ", stop: posterior, level: 0.7")
LISTS = (
    "generate(q, models: {models}, samples: {n}, temperature: {heat})",
    'each d in ds up to 7 {{ r = revise(d, using: "again", by: a) yield r }}',
    "each d in ds up to 7 {{ w = vote(generate(d, models: a, samples: 5), by: number) yield w }}",
)
SELECTED = (
    "first(xs)",
    "first(complete(xs))",
    "vote(take(complete(xs), 3), by: number)",
    "first(passing(xs, vs))",
    "best(scored(xs, vs), stop: decided)",
    "best(scored(xs, vs))",
    "vote(take(passing(xs, vs), 2), by: number)",
)
SHOWN = ("x.text", "x", "join([x.text, join([x.model])])")


@st.composite
def flows(draw: st.DrawFn) -> str:
    """A flow that votes on, or takes some of, a list that models make."""
    head = HEAD.format(
        seed=draw(st.integers(1, 50)),
        accuracy=draw(st.sampled_from([0.3, 0.6, 0.95])),
        slots=draw(st.sampled_from([1, 3, 100])),
        failures=draw(st.sampled_from([0, 0.2])),
    )
    made = draw(st.sampled_from(LISTS)).format(
        models=draw(st.sampled_from(["a", "both"])),
        n=draw(st.integers(2, 9)),
        heat=draw(st.sampled_from(["0.8", "[0.5, 1]", "[0, 0.9]"])),
    )
    stop = draw(st.sampled_from(STOPS))
    least = draw(st.sampled_from(["", ", min_success: 3"]))
    chosen = draw(st.sampled_from([f"vote(xs, by: number{stop}{least})", *SELECTED]))
    result = draw(st.sampled_from(["Text", "Answer", "Draft"])) if "stop" in chosen else "Text"
    lines = [
        "ds = generate(q, models: a, samples: 6)" if "ds" in made else "",
        f"xs = {made}",
        "vs = each d in xs up to 9 { v = verify(d, by: a, prompt: judge) yield v }"
        if "vs" in chosen
        else "",
        f"x = {chosen}",
        f"return {draw(st.sampled_from(SHOWN)) if result == 'Text' else 'x'}",
    ]
    body = "\n  ".join(line for line in lines if line)
    return f"{head}flow main(q: Text) -> {result} {{\n  {body}\n}}\n"


async def answers(*programs: Graph) -> list[tuple[Any, str, int]]:
    """What each graph gives for the same question and seed, and the calls that it took."""
    found: list[tuple[Any, str, int]] = []
    async with Backends() as backends:
        for graph in programs:
            (name,) = (given.name for given in graph.inputs if given.required)
            inputs = {name: "What is 2 + 2?"}
            options = RunOptions(seed=7, trace=False)
            result = await execute(plan(graph), inputs, backends=backends, options=options)
            found.append((result.output, result.status, result.usage.calls))
    return found


@given(flows())
@settings(max_examples=40, deadline=None)
def test_a_list_that_is_not_made_to_its_end_gives_the_same_answer(text: str) -> None:
    checked = check(Source("x.tts", text))
    assert checked.module is not None, checked.diagnostics
    graph = specialise(lower(checked.module, "main"), {})
    stopping = optimise(graph)
    rules = [node.attr("until") for node in walk(stopping.body)]
    event(f"rules: {sorted(str(rule[0]) for rule in rules if isinstance(rule, tuple))}")
    whole, early = asyncio.run(answers(graph, stopping))
    assert early[:2] == whole[:2]
    event(f"fewer calls: {early[2] < whole[2]}")


def slowed(spec: ModelSpec) -> ModelSpec:
    """The simulated model with calls that take random times."""
    options = {**spec.options, "latency": 0.0005, "latency_spread": 1.5}
    return replace(spec, options=options) if spec.backend == "simulated" else spec


@given(graphs(open_graph=False))
@settings(max_examples=60, deadline=None)
def test_any_graph_gives_the_same_answer_in_any_order_of_arrival(graph: Graph) -> None:
    # A call that is not made no longer counts against a budget scope: these may differ on purpose.
    assume(all(node.op != "within" for node in walk(graph.body)))
    graph = replace(
        graph,
        models=tuple(map(slowed, graph.models)),
        memories=tuple(replace(spec, store=None) for spec in graph.memories),
    )
    before, after = asyncio.run(answers(graph, optimise(graph)))
    assert repr(after[:2]) == repr(before[:2])
