"""Traces: what they record, and how they are kept."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from graphdsl.errors import BackendError, InputError
from graphdsl.executors import runs
from graphdsl.executors.engine import execute
from graphdsl.executors.journal.store import Journal
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.runs import load_trace, save_trace
from graphdsl.executors.trace import Trace, summary, without_rounds
from graphdsl.executors.traces.analysis import analyse
from graphdsl.plan import Budget, Program
from graphdsl.values import Usage
from tests.plans import Fake, Graph, model, serving


def looped() -> Program:
    body = Graph(("x",), name="body")
    drafts = body.step(
        "generate",
        {"models": (model(),), "samples": 2},
        address="flow.drafts",
        prompt=body.param("x"),
    )
    first = body.step("first", address="flow.first", items=drafts)
    plan = body.plan(yield_=first)
    graph = Graph(("q",))
    items = graph.listed(graph.param("q"), graph.param("q"), address="flow.items")
    each = graph.step("each", {"bound": 2}, {"body": plan}, "flow.ys", items=items)
    return graph.program(each)


async def traced(*, content: bool = False) -> Trace:
    fake = Fake("Answer: 7")
    result = await execute(
        looped(), {"q": "why?"}, backends=serving(m=fake), options=RunOptions(content=content)
    )
    assert result.trace is not None
    return result.trace


async def test_a_trace_is_a_tree_of_nodes_and_calls() -> None:
    trace = await traced()
    assert [node.address for node in trace.nodes] == ["flow.items", "flow.ys"]
    children = [child.address for child in trace.nodes[1].children]
    assert sorted(children) == [
        "flow.drafts[0]",
        "flow.drafts[1]",
        "flow.first[0]",
        "flow.first[1]",
    ]
    drafts = next(r for r in trace.walk() if r.address == "flow.drafts[1]")
    assert [(call.model, call.sample, call.finish) for call in drafts.calls] == [
        ("m", 0, "stop"),
        ("m", 1, "stop"),
    ]
    assert trace.nodes[1].usage == trace.usage == Usage(4, 28, 0, 20)
    assert (trace.status, trace.inputs) == ("ok", {"q": "why?"})


async def test_times_nest() -> None:
    trace = await traced()
    loop = trace.nodes[1]
    for child in loop.walk():
        assert child.end is not None
        assert loop.end is not None
        assert loop.start <= child.start <= child.end <= loop.end
    assert loop.seconds <= trace.seconds


@pytest.mark.parametrize("journalled", [False, True])
async def test_what_waits_for_a_place_at_the_model_is_not_in_flight(
    tmp_path: Path, journalled: bool
) -> None:
    async def soon(_: object) -> str:
        await asyncio.sleep(0.002)
        return "7"

    fake = Fake(soon, slots=2)
    graph = Graph(("q",))
    attrs = {"models": (model(),), "samples": 9}
    program = graph.program(graph.step("generate", attrs, address="flow.drafts", prompt=0))
    with Journal.open(tmp_path / "journal") if journalled else nullcontext() as journal:
        options = RunOptions(journal=None if journal is None else journal.run("0"))
        backends = serving(m=fake)
        result = await execute(program, {"q": "?"}, backends=backends, options=options)
    assert result.trace is not None
    (drafts,) = result.trace.nodes
    assert (analyse(result.trace).in_flight, fake.most) == (2, 2)
    assert all(0 <= call.wait < call.seconds for call in drafts.calls)
    first = sorted(drafts.calls, key=lambda call: call.sent)[:2]
    assert all(call.sent >= min(one.end for one in first) for call in drafts.calls[2:])


async def test_a_sample_that_was_never_sent_has_only_waited() -> None:
    options = RunOptions(budget=Budget(calls=1))
    result = await execute(looped(), {"q": "?"}, backends=serving(m=Fake("7")), options=options)
    assert result.trace is not None
    calls = [call for record in result.trace.walk() for call in record.calls]
    refused = [call for call in calls if call.finish == "cancelled"]
    assert refused
    assert all(call.wait == call.seconds for call in refused)


async def test_prompts_and_replies_are_kept_only_when_asked_for() -> None:
    def calls(trace: Trace) -> list[tuple[object, object]]:
        return [(c.prompt, c.text) for record in trace.walk() for c in record.calls]

    assert set(calls(await traced())) == {(None, None)}
    prompt, text = calls(await traced(content=True))[0]
    assert (str(prompt).count("why?"), text) == (1, "Answer: 7")


async def test_a_trace_survives_json() -> None:
    trace = await traced(content=True)
    assert Trace.from_dict(json.loads(json.dumps(trace.to_dict()))) == trace
    with pytest.raises(ValueError, match="unknown version"):
        Trace.from_dict({"version": 99})


@pytest.mark.parametrize("cost", [None, 0, 1, 457_200_000, 1_234_567_890_123_456])
def test_money_in_a_trace_is_read_back_exactly(cost: int | None) -> None:
    usage = Usage(3, 20, 5, 7, unknown=1, cost=cost, flops=10**18)
    trace = Trace("r", "f", "h", 0.0, usage=usage)
    written = json.loads(json.dumps(trace.to_dict()))
    assert written["usage"] == usage.to_dict()
    assert Trace.from_dict(written).usage == usage


async def test_a_trace_of_an_earlier_version_can_be_read() -> None:
    data = (await traced(content=True)).to_dict()
    for name in ("models", "file", "batch"):
        del data[name]
    for node in data["nodes"]:
        for name in ("after", "spared", "passes"):
            del node[name]
        for call in node["calls"]:
            del call["origin"], call["saved"], call["wait"]
    old = Trace.from_dict(data)
    assert (old.models, old.file, old.nodes[1].after) == ({}, "", None)


async def test_a_trace_from_before_there_were_prices_has_an_unknown_cost() -> None:
    data = (await traced()).to_dict()
    calls = [call for node in data["nodes"] for call in node["calls"]]
    for usage in [data["usage"], *(call["usage"] for call in calls)]:
        for name in ("unknown", "usd", "flops"):
            del usage[name]
    old = Trace.from_dict(data)
    assert old.usage.calls > 0
    assert (old.usage.usd, old.usage.unknown, old.usage.flops) == (None, 0, 0)


async def test_the_summary_adds_up_the_rounds_of_a_node() -> None:
    found = {line.address: line for line in summary(await traced())}
    assert list(found) == ["flow.items", "flow.ys", "flow.drafts", "flow.first"]
    assert (found["flow.drafts"].times, found["flow.drafts"].usage.calls) == (2, 4)
    assert without_rounds("flow.drafts[1][0]") == "flow.drafts"


async def test_saving_is_atomic_and_loading_explains_itself(tmp_path: Path) -> None:
    trace = await traced()
    path = tmp_path / "deep" / "run.json"
    save_trace(trace, path)
    assert load_trace(path) == trace
    assert os.listdir(path.parent) == ["run.json"]
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is not a trace of a run"):
        load_trace(path)
    with pytest.raises(InputError, match="there is no trace"):
        load_trace(tmp_path / "none.json")


def test_the_state_folder_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRAPHDSL_STATE", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert runs.state_folder() == tmp_path / "graphdsl"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert runs.state_folder() == Path.home() / ".local" / "state" / "graphdsl"
    monkeypatch.setenv("GRAPHDSL_STATE", str(tmp_path / "own"))
    assert runs.state_folder() == tmp_path / "own"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GRAPHDSL_STATE", "~/own")
    assert runs.state_folder() == tmp_path / "own"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHDSL_STATE", "here")
    assert runs.state_folder() == tmp_path / "here"


async def test_the_trace_of_a_failed_run_says_why_when_it_is_shown() -> None:
    def broken(_: object) -> str:
        raise BackendError("it is broken")

    shown: list[str | None] = []
    options = RunOptions(observe=lambda trace: shown.append(trace.error))
    backends = serving(m=Fake(broken))
    result = await execute(looped(), {"q": "why?"}, backends=backends, options=options)
    assert result.status == "failed"
    assert shown == [result.error]
    assert "it is broken" in str(result.error)


async def test_the_trace_of_a_run_that_went_well_has_no_error() -> None:
    assert (await traced()).error is None


async def test_a_cancelled_run_was_interrupted() -> None:
    begun, shown = asyncio.Event(), list[Trace]()

    async def never(_: object) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    options = RunOptions(observe=shown.append)
    backends = serving(m=Fake(lambda request: never(request)))
    work = execute(looped(), {"q": "why?"}, backends=backends, options=options)
    task = asyncio.create_task(work)
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(trace.status, trace.error) for trace in shown] == [("cancelled", "interrupted")]
