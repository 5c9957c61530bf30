"""Loops, branches and budget scopes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from graphdsl.errors import OperatorError, PlanError
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.frame import STANDARD, Operators
from graphdsl.executors.result import Result
from graphdsl.executors.run_options import RunOptions
from graphdsl.plan import Budget, Plan, Program
from graphdsl.values import Value
from tests.plans import Fake, Graph, model, serving


def _pick(args: Mapping[str, Value]) -> Value:
    return args["table"][args["of"]]


OPERATORS = Operators(
    {**STANDARD.pure, "more": lambda args: args["of"] + 1, "pick": _pick}, STANDARD.model
)


async def run(program: Program, **fakes: Fake) -> Result:
    return await execute(
        program, {}, backends=serving(**fakes), options=RunOptions(operators=OPERATORS)
    )


def counting(attrs: Mapping[str, Any], scores: tuple[Any, ...] = ()) -> Program:
    """A loop that carries n from 0, exports `seen` = n before the round, until n + 1 is 3."""
    body = Graph(("n",), name="body")
    following = body.step("more", of=body.param("n"))
    results = {"next_n": following, "seen": body.param("n")}
    if attrs.get("until"):
        results["until"] = body.step("compare", {"op": "=="}, left=following, right=body.const(3))
    if scores:
        results["score"] = body.step("pick", {"table": scores}, of=body.param("n"))
    graph = Graph()
    plan = body.plan(**results)
    return graph.program(graph.step("repeat", attrs, {"body": plan}, n=graph.const(0)))


async def test_a_fixed_loop_runs_all_rounds_and_keeps_the_last() -> None:
    assert (await run(counting({"rounds": 4}))).value == {"n": 4, "seen": 3}


async def test_until_ends_the_loop_after_the_round_in_which_it_holds() -> None:
    found = await run(counting({"rounds": 10, "until": True, "keep": "last"}))
    assert found.value == {"n": 3, "seen": 2}
    bounded = await run(counting({"rounds": 2, "until": True, "keep": "last"}))
    assert bounded.value == {"n": 2, "seen": 1}


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ((1, 5, 5, 2), 1),
        ((None, None, 0.5, math.nan), 2),
        ((None, math.nan, None, None), 0),
        ((-1, None, -0.5, -3), 2),
    ],
)
async def test_keeping_best_takes_the_earliest_highest_score(
    scores: tuple[Any, ...], kept: int
) -> None:
    found = await run(counting({"rounds": 4, "keep": "best"}, scores))
    assert found.value == {"n": kept + 1, "seen": kept}


def generating(graph: Graph, address: str = "flow.drafts", samples: int = 1) -> int:
    attrs = {"models": (model(),), "samples": samples}
    return graph.step("generate", attrs, address=address, prompt=graph.const("?"))


def inner_each() -> Plan:
    body = Graph(("y",), name="inner")
    return body.plan(yield_=generating(body))


async def test_nested_rounds_have_addresses_and_seeds_of_their_own() -> None:
    body = Graph(("x",), name="body")
    each = body.step(
        "each", {"bound": 2}, {"body": inner_each()}, "flow.ys", items=body.const(("a", "b"))
    )
    plan = body.plan(seen=each, next_x=body.param("x"))
    graph = Graph()
    loop = graph.step("repeat", {"rounds": 3}, {"body": plan}, "flow.loop", x=graph.const(""))
    fake = Fake("x")
    result = await run(graph.program(loop), m=fake)
    assert result.trace is not None
    addresses = [record.address for record in result.trace.walk() if record.op == "generate"]
    assert addresses == [f"flow.drafts[{i}][{j}]" for i in range(3) for j in range(2)]
    assert len({request.seed for request in fake.asked}) == 6


async def test_each_keeps_the_order_of_items_and_leaves_out_those_beyond_the_bound() -> None:
    body = Graph(("x",), name="body")
    graph = Graph()
    each = graph.step(
        "each",
        {"bound": 3},
        {"body": body.plan(yield_=body.step("more", of=body.param("x")))},
        items=graph.const((5, 3, 9, 1)),
    )
    result = await run(graph.program(each))
    assert result.output == (6, 4, 10)
    assert result.trace is not None
    assert result.trace.nodes[0].notes == ["1 of 4 items are beyond the bound"]


async def test_each_of_nothing_is_an_empty_list_and_an_empty_body_yields_its_item() -> None:
    body = Graph(("x",), name="body")
    plan = body.plan(yield_=body.param("x"))
    graph = Graph()
    none = graph.step("each", {"bound": 3}, {"body": plan}, items=graph.const(()))
    some = graph.step("each", {"bound": 3}, {"body": plan}, items=graph.const((1, 2)))
    both = graph.listed(none, some)
    assert (await run(graph.program(both))).output == ((), (1, 2))


async def test_each_over_many_items_runs_them_all() -> None:
    body = Graph(("x",), name="body")
    plan = body.plan(yield_=body.step("more", of=body.param("x")))
    graph = Graph()
    items = graph.const(tuple(range(20_000)))
    each = graph.step("each", {"bound": 20_000}, {"body": plan}, items=items)
    assert (await run(graph.program(each))).output == tuple(range(1, 20_001))


async def test_fold_carries_from_left_to_right() -> None:
    body = Graph(("x", "seen", "unused"), name="body")
    grown = body.step("append", items=body.param("seen"), item=body.param("x"))
    plan = body.plan(next_seen=grown, next_unused=body.param("unused"))
    graph = Graph()
    fold = graph.step(
        "fold",
        {"bound": 3},
        {"body": plan},
        items=graph.const((1, 2, 3, 4)),
        unused=graph.const("u"),
        seen=graph.const(()),
    )
    assert (await run(graph.program(fold))).output == {"seen": (1, 2, 3), "unused": "u"}


@pytest.mark.parametrize(("condition", "calls", "status"), [(True, 1, "skipped"), (None, 0, "ok")])
async def test_only_the_taken_branch_runs(condition: Any, calls: int, status: str) -> None:
    asks, plain = Graph(name="then"), Graph(name="else")
    regions = {
        "then": asks.plan(yield_=generating(asks)),
        "else": plain.plan(yield_=plain.step("list", address="flow.other")),
    }
    graph = Graph()
    branch = graph.step("if", regions=regions, condition=graph.const(condition))
    fake = Fake("x")
    result = await run(graph.program(branch), m=fake)
    assert len(fake.asked) == calls
    assert result.trace is not None
    found = {record.address: record.status for record in result.trace.walk()}
    assert found["flow.other"] == status


async def test_regions_see_captured_values() -> None:
    graph = Graph()
    outer = graph.step("more", of=graph.const(41))
    body = Graph(captures=(outer,), name="then")
    other = Graph(name="else")
    regions = {
        "then": body.plan(yield_=body.capture(outer)),
        "else": other.plan(yield_=other.const(0)),
    }
    branch = graph.step("if", regions=regions, condition=graph.const(True))
    assert (await run(graph.program(branch))).value == 42


def scoped(budget: Any, samples: int) -> Program:
    body = Graph(name="body")
    plan = body.plan(drafts=generating(body, samples=samples))
    graph = Graph()
    return graph.program(graph.step("within", {"budget": budget}, {"body": plan}, "flow.within"))


async def test_a_scope_that_holds_is_not_exhausted() -> None:
    result = await run(scoped(Budget(calls=3), 3), m=Fake("x"))
    assert result.output["exhausted"] is False
    assert result.status == "ok"


async def test_an_exhausted_scope_sends_no_more_samples_and_the_graph_goes_on() -> None:
    fake = Fake("x")
    result = await run(scoped((("calls", 2),), 5), m=fake)
    assert len(fake.asked) == 2
    assert result.output["exhausted"] is True
    errors = [draft.error for draft in result.output["drafts"]]
    assert errors == [None, None, *["budget exhausted: calls(2)"] * 3]
    assert result.status == "ok"  # the program dealt with it; the run's own budget holds
    assert result.trace is not None
    assert {record.status for record in result.trace.walk()} == {"exhausted"}


async def test_the_run_budget_ends_inner_scopes_too() -> None:
    program = scoped(Budget(calls=10), 5)
    result = await execute(
        program,
        {},
        backends=serving(m=Fake("x")),
        options=RunOptions(budget=Budget(calls=2), operators=OPERATORS),
    )
    assert result.output["exhausted"] is True
    assert (result.status, result.exhausted) == ("exhausted", "calls(2)")


async def test_pure_loops_need_no_backend() -> None:
    result = await execute(
        counting({"rounds": 1000}),
        {},
        backends=Backends(),
        options=RunOptions(operators=OPERATORS, trace=False),
    )
    assert result.value == {"n": 1000, "seen": 999}


async def test_a_loop_of_pure_steps_ends_when_the_time_is_over() -> None:
    program = counting({"rounds": 10_000_000})
    result = await execute(
        program,
        {},
        backends=serving(),
        options=RunOptions(operators=OPERATORS, budget=Budget(seconds=0.02)),
    )
    assert (result.status, result.exhausted) == ("exhausted", "seconds(0.02)")
    assert 0 < result.value["n"] < 10_000_000


async def test_a_text_that_doubles_each_round_is_an_error_that_names_the_node() -> None:
    body = Graph(("t",), name="body")
    doubled = body.step(
        "join", {"separator": ""}, texts=body.listed(body.param("t"), body.param("t"))
    )
    graph = Graph()
    loop = graph.step(
        "repeat", {"rounds": 60}, {"body": body.plan(next_t=doubled)}, t=graph.const("x")
    )
    with pytest.raises(OperatorError, match=r"`body.join1\[22\]` failed: .*4,194,304 characters"):
        await run(graph.program(loop))


async def test_an_effect_in_a_list_that_may_end_early_is_refused() -> None:
    """The compiler makes no such plan; one that was written by hand would lose the effect."""
    inner = Graph(("x",), name="inner")
    kept = inner.step("remember", {"memory": "notes"}, text=inner.param("x"))
    body = Graph(("x",), name="body")
    plan = {"body": inner.plan(next_x=kept)}
    looped = body.step("repeat", {"rounds": 1}, plan, x=body.param("x"))
    graph = Graph()
    attrs = {"bound": 2, "until": ("any_complete", 1)}
    items = graph.const(("a", "b"))
    each = graph.step("each", attrs, {"body": body.plan(yield_=looped)}, "flow.ys", items=items)
    with pytest.raises(PlanError, match=r"`flow\.ys`: an `each` with a stop rule cannot hold"):
        await run(graph.program(each))
