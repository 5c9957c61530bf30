"""Traces: what they record, and how they are kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from graphdsl.errors import InputError
from graphdsl.executors import runs
from graphdsl.executors.engine import execute
from graphdsl.executors.runs import keep_run, load_run, load_trace, past_runs, save_trace
from graphdsl.executors.trace import Trace, summary, without_rounds
from graphdsl.plan import Program
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
    result = await execute(looped(), {"q": "why?"}, backends=serving(m=fake), content=content)
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


async def test_past_runs_are_listed_newest_first_and_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "KEPT", 3)
    monkeypatch.setenv("GRAPHDSL_STATE", str(tmp_path))
    for number in range(5):
        path = keep_run(Trace(f"run-{number}", "flow", "hash", 0.0))
        os.utime(path, (number, number))
    keep_run(Trace("run-5", "flow", "hash", 0.0))
    assert past_runs() == ["run-5", "run-4", "run-3"]
    assert load_run("run-4").run_id == "run-4"
    with pytest.raises(InputError, match="not the id of a run"):
        load_run("../../etc/passwd")


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
