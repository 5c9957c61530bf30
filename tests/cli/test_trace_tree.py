"""How the nodes of a trace are named in its tree."""

from __future__ import annotations

import pytest

from graphdsl.cli.trace_tree import print_tree
from graphdsl.executors.trace import Record, Trace


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
