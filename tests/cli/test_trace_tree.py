"""How the nodes of a trace are named in its tree."""

from __future__ import annotations

import pytest

from graphdsl.cli import output
from graphdsl.cli.trace_tree import print_tree
from graphdsl.executors.trace import Record, Trace
from tests.traces import call, node, trace


def _record(address: str, op: str, *children: Record) -> Record:
    return Record(address, op, 0.0, 1.0, children=list(children))


def _heads(capsys: pytest.CaptureFixture[str], *nodes: Record) -> list[str]:
    """What stands before the bar of each node, as the tree prints it."""
    print_tree(Trace("run", "f", "hash", 0.0, seconds=1.0, nodes=list(nodes)))
    lines = [line for line in capsys.readouterr().out.splitlines() if "━" in line]
    return [line.partition("━")[0].strip(" ·│├└─") for line in lines]


def test_a_node_in_a_loop_shows_its_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    loop = _record("f.repeat", "repeat", _record("f.drafts[2][0]", "generate"))
    assert _heads(capsys, loop) == ["repeat", "drafts[2][0] = generate"]


def test_an_argument_without_a_name_shows_its_op(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = (_record("f.a.drafts", "concat"), _record("f.a", "vote"))
    assert _heads(capsys, *nodes) == ["concat", "a = vote"]


def test_a_node_of_an_inlined_flow_keeps_its_path(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = (_record("f.call.drafts", "generate"), _record("f.call.best", "vote"))
    assert _heads(capsys, *nodes) == ["call.drafts = generate", "call.best = vote"]


def test_a_note_that_comes_often_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    node = _record("f.drafts", "generate")
    node.notes = ["`a` was slow", "`b` was slow", "`a` was slow"]
    print_tree(Trace("run", "f", "hash", 0.0, seconds=1.0, nodes=[node]))
    shown = capsys.readouterr().out
    assert shown.count("`a` was slow") == 1
    assert "2 × `a` was slow" in shown
    assert "× `b`" not in shown


def test_a_long_note_is_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    node = _record("f.drafts", "generate")
    node.notes = ["attempt 1 failed: " + "why " * 60 + "at `http://127.0.0.1:8000/v1`"]
    print_tree(Trace("run", "f", "hash", 0.0, seconds=1.0, nodes=[node]))
    shown = capsys.readouterr().out
    assert shown.count("why") == 60
    assert "`http://127.0.0.1:8000/v1`" in shown
    assert "…" not in shown


def test_errors_of_calls_are_shown_without_content(capsys: pytest.CaptureFixture[str]) -> None:
    calls = [call(0, 1, sample=at, finish="error", error="it is broken") for at in range(3)]
    calls += [
        call(0, 1, sample=3, finish="error", error="it is late"),
        call(0, 1, sample=4, finish="cancelled", error="not needed"),
    ]
    print_tree(trace(node("a", 0, 1, calls=calls, status="failed")))
    shown = capsys.readouterr().out
    assert shown.count("it is broken") == 1
    assert "3 × it is broken" in shown
    assert "└── it is late" in shown
    assert "not needed" not in shown


@pytest.mark.parametrize("width", [30, 60, 80, 160])
def test_a_node_takes_one_line_however_narrow_the_terminal_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(output, "PIPED", width)
    inner = node("deep_inside_of_it", 0, 9, calls=[call(0, 9)] * 12, status="exhausted")
    outer = node("a_name_that_is_rather_long", 0, 9, op="repeat", children=[inner], spared=3)
    print_tree(trace(outer, node("short", 9, 10)))
    lines = capsys.readouterr().out.splitlines()
    nodes = [line for line in lines if "━" in line]
    assert len(nodes) == 3
    assert max(map(len, nodes)) <= width
    assert len({min(line.find(cell) % 1000 for cell in "━·") for line in nodes}) == 1
    assert ("exhausted  12 calls  60 tokens" in nodes[1]) == (width >= 80)
