"""What traces add up to: critical paths, shares, rates, savings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from graphdsl.executors.engine import execute
from graphdsl.executors.trace import Trace
from graphdsl.executors.traces.analysis import analyse, covered, in_flight, self_seconds
from graphdsl.executors.traces.critical_path import Hop, critical_path
from graphdsl.plan import Program
from graphdsl.values import Usage
from tests.plans import Fake, Graph, model, serving
from tests.traces import CENT, call, diamond, node, trace


def names(hops: Sequence[Hop]) -> list[str]:
    return [hop.record.address.removeprefix("f.") for hop in hops]


def test_the_critical_path_follows_whom_nodes_waited_for() -> None:
    assert names(critical_path(diamond())) == ["a", "slow", "best"]


def test_a_node_that_ended_late_but_was_not_waited_for_is_not_on_the_path() -> None:
    a, late = node("a", 0.0, 1.0), node("late", 0.0, 2.0)
    assert names(critical_path(trace(a, late, node("b", 2.0, 3.0, "a")))) == ["a", "b"]


def test_without_notes_of_who_waited_the_latest_end_before_the_start_stands_for_it() -> None:
    nodes = [node("a", 0, 1), node("slow", 1, 3), node("quick", 1, 1.5), node("best", 3, 3.5)]
    assert names(critical_path(trace(*nodes))) == ["a", "slow", "best"]


def test_a_path_goes_back_through_the_rounds_of_a_loop() -> None:
    loop = node("repeat", 0.0, 4.0, op="repeat")
    for number in range(2):
        at = 2.0 * number
        loop.children += [
            node(f"x[{number}]", at, at + 1),
            node(f"idle[{number}]", at, at + 0.5),
            node(f"y[{number}]", at + 1, at + 2, f"x[{number}]"),
        ]
    (hop,) = critical_path(trace(loop))
    assert names(hop.inner) == ["x[0]", "y[0]", "x[1]", "y[1]"]


def test_items_of_an_each_do_not_wait_for_each_other() -> None:
    each = node("each", 0.0, 2.0, op="each")
    each.children = [
        node("x[0]", 0.0, 0.1),
        node("x[1]", 0.1, 0.2),
        node("y[0]", 0.1, 1.0, "x[0]"),
        node("y[1]", 0.2, 2.0, "x[1]"),
    ]
    (hop,) = critical_path(trace(each))
    assert names(hop.inner) == ["x[1]", "y[1]"]


def test_waiting_on_the_path_is_what_passed_between_end_and_start() -> None:
    hops = critical_path(trace(node("a", 0.5, 1.0), node("b", 1.25, 2.0, "a")))
    assert [hop.wait for hop in hops] == [0.5, 0.25]


def test_nodes_that_did_not_run_or_end_are_not_on_the_path() -> None:
    nodes = [node("a", 0, 1), node("b", 1, 1, status="skipped"), node("c", 1, None, "a")]
    assert names(critical_path(trace(*nodes))) == ["a"]
    assert critical_path(trace()) == ()


def test_circular_notes_end() -> None:
    assert names(critical_path(trace(node("a", 0, 1, "b"), node("b", 1, 1, "a")))) == ["a", "b"]


def test_nodes_have_shares_of_money_and_their_own_time() -> None:
    found = {one.address: one for one in analyse(diamond()).nodes}
    a, slow, best = found["f.a"], found["f.slow"], found["f.best"]
    assert (a.share, slow.share, best.share) == (pytest.approx(2 / 3), pytest.approx(1 / 3), 0)
    assert (a.model_seconds, a.self_seconds) == (1.0, 0.0)
    assert (slow.model_seconds, slow.self_seconds) == (1.5, 0.5)
    assert (best.seconds, best.self_seconds, best.critical) == (0.5, 0.5, True)
    assert (found["f.quick"].critical, found["f.quick"].path_seconds) == (False, 0.0)


def test_where_a_price_is_unknown_shares_are_of_tokens() -> None:
    free = node("a", 0, 1, calls=[call(0, 1, usage=Usage(1, 30, 0, 0, 0, None))])
    paid = node("b", 0, 1, calls=[call(0, 1, usage=Usage(1, 5, 0, 5, 0, CENT))])
    assert [one.share for one in analyse(trace(free, paid)).nodes] == [0.75, 0.25]


def test_what_a_run_measured() -> None:
    found = analyse(diamond())
    assert found.efficiency == pytest.approx(3.5 / 4.0)
    assert found.prefix_hits == 0.5
    assert found.rate == pytest.approx(15 / 2.5)
    assert found.in_flight == 2
    assert (found.counts.cached, found.counts.retries, found.counts.spared) == (1, 1, 0)


def test_the_time_until_a_call_was_sent_is_neither_in_flight_nor_in_the_rate() -> None:
    calls = [call(0, 1), call(0, 2, wait=1.0), call(0, 3, wait=2.0)]
    found = analyse(trace(node("a", 0, 3, calls=calls)))
    assert (found.in_flight, found.rate) == (1, pytest.approx(15 / 3))
    late = node("late", 0, 3, calls=[call(0, 3, wait=2.5)])
    (one,) = analyse(trace(late)).nodes
    assert (one.model_seconds, one.self_seconds) == (0.5, 0.0)
    assert analyse(trace(late)).rate == pytest.approx(5 / 0.5)


def test_samples_that_no_model_was_asked_for_are_not_in_flight() -> None:
    kept = [call(0, 1, origin=origin, usage=Usage()) for origin in ("cache", "journal")]
    found = analyse(trace(node("a", 0, 1, calls=[*kept, call(0, 1), call(0, 1, wait=1.0)])))
    assert found.in_flight == 1


def test_what_the_cache_saved_stands_beside_what_was_spent() -> None:
    found = analyse(diamond())
    assert (found.usage.calls, found.saved.calls, found.virtual.calls) == (3, 1, 4)
    assert (found.usage.cost, found.virtual.cost) == (3 * CENT, 4 * CENT)
    assert {one.name: one.samples for one in found.models} == {"m": 3, "big": 1}


def test_a_run_without_calls_has_no_rates() -> None:
    found = analyse(trace(node("a", 0, 1, op="join")))
    assert (found.prefix_hits, found.rate, found.in_flight, found.models) == (None, None, 0, ())
    assert analyse(trace()).efficiency == 1.0


def test_passes_and_unknown_ends_are_counted() -> None:
    lost = call(0, 1, usage=Usage(1, 1, 0, 1, unknown=1, cost=0))
    counts = analyse(trace(node("a", 0, 1, calls=[lost], passes=2, spared=3))).counts
    assert (counts.passes, counts.spared, counts.unknown) == (2, 3, 1)


def test_passes_of_earlier_versions_are_in_their_notes() -> None:
    old = node("a", 0, 1, notes=["`m` was passed over: busy", "something else"])
    assert analyse(trace(old)).counts.passes == 1


def test_calls_that_outlast_their_node_count_only_within_it() -> None:
    assert self_seconds(node("a", 1.0, 2.0, calls=[call(0.0, 1.5), call(1.9, 5.0)])) == (
        pytest.approx(0.4)
    )


def test_spans_that_touch_overlap_nowhere() -> None:
    assert in_flight([(0.0, 1.0), (1.0, 2.0)]) == 1
    assert covered([(0.0, 1.0), (1.0, 2.0)]) == 2.0


def forked() -> Program:
    graph = Graph(("q",))
    drafts = [
        graph.step("generate", {"models": (model(name),)}, address=f"flow.{name}", prompt=0)
        for name in ("quick", "slow")
    ]
    firsts = [
        graph.step("first", address=f"flow.f{index}", items=slot)
        for index, slot in enumerate(drafts)
    ]
    return graph.program(graph.listed(*firsts, address="flow.end"))


async def run(program: Program) -> Trace:
    gate = asyncio.Event()

    def quick(_: object) -> str:
        gate.set()
        return "1"

    async def slow(_: object) -> str:
        await gate.wait()
        await asyncio.sleep(0.01)
        return "2"

    backends = serving(quick=Fake(quick), slow=Fake(lambda request: slow(request)))
    result = await execute(program, {"q": "?"}, backends=backends)
    assert result.trace is not None
    return result.trace


async def test_the_path_of_a_real_run_goes_through_the_slow_branch() -> None:
    path = critical_path(await run(forked()))
    assert [hop.record.address for hop in path] == ["flow.slow", "flow.f1", "flow.end"]
