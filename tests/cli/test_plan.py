"""`graphdsl plan`, `graphdsl graph` and `graphdsl test`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

Call = Callable[..., Any]


def test_plan_says_what_a_flow_can_cost(call: Call, program: Path) -> None:
    done = call("plan", program, "sums")
    assert done.code == 0
    assert "sums(question: Text, _times: Number = 1) -> Answer" in done.out
    assert "calls     5  (5 samples)" in done.out
    assert "sums.drafts.samples = 5 in 1 | 3 | 5" in done.out


def test_plan_as_json_has_bounds(call: Call, program: Path) -> None:
    found = call("plan", program, "sums", "--json").json
    assert found["calls"] == {"low": 5, "high": 5}
    assert found["nodes"][0]["address"] == "sums.drafts"
    assert found["holes"][0]["address"] == "sums.drafts.samples"


def test_pins_change_the_cost(call: Call, program: Path, tmp_path: Path) -> None:
    pins = tmp_path / "pins.json"
    pins.write_text('{"sums.drafts.samples": "3"}')
    found = call("plan", program, "sums", "--with", pins, "--json").json
    assert found["calls"] == {"low": 3, "high": 3}


@pytest.mark.parametrize("stage", ["ast", "ir", "plan"])
def test_every_stage_can_be_printed(stage: str, call: Call, program: Path) -> None:
    done = call("plan", program, "sums", "--emit", stage)
    assert done.code == 0
    assert "drafts" in done.out
    assert call("plan", program, "sums", "--emit", stage, "--json").json["text"] in done.out


def test_the_graph_is_shown_between_passes(call: Call, program: Path) -> None:
    done = call("plan", program, "sums", "--print-between-passes")
    assert done.code == 0
    assert done.out.startswith("# before all passes\n")
    assert "# after " in done.out


def test_cost_is_a_table(call: Call, program: Path) -> None:
    assert "sums.drafts" in call("plan", program, "sums", "--cost").out


@pytest.mark.parametrize("form", ["mermaid", "dot", "svg", "html", "json"])
def test_a_flow_is_drawn_in_every_format(form: str, call: Call, program: Path) -> None:
    done = call("graph", program, "sums", "--as", form)
    assert done.code == 0
    assert "drafts = generate" in done.out or form == "json"
    if form == "svg":
        ElementTree.fromstring(done.out)
    if form == "json":
        assert json.loads(done.out)["title"] == "sums"


def test_a_drawing_can_be_written_to_a_file(call: Call, program: Path, tmp_path: Path) -> None:
    out = tmp_path / "sums.svg"
    done = call("graph", program, "sums", "--as", "svg", "--out", out)
    assert (done.code, done.out) == (0, "")
    ElementTree.parse(out)


def test_a_pinned_drawing_shows_no_holes(call: Call, program: Path, tmp_path: Path) -> None:
    pins = tmp_path / "pins.json"
    pins.write_text('{"sums.drafts.samples": 3}')
    assert "◇" in call("graph", program, "sums").out
    assert "◇" not in call("graph", program, "sums", "--with", pins).out


def test_graph_as_json_has_text_and_drawing(call: Call, program: Path) -> None:
    found = call("graph", program, "sums", "--json").json
    assert found["text"].startswith("flowchart TD")
    assert found["drawing"]["title"] == "sums"


def test_tests_pass_by_sample_index(call: Call, program: Path) -> None:
    done = call("test", program)
    assert done.code == 0
    assert done.out == f"ok    adds  {program}:32\n"
    assert "1 of 1 tests passed" in done.err


def test_a_failing_test_shows_what_came_instead(call: Call, program: Path) -> None:
    program.write_text(program.read_text().replace("answer == 4", "answer == 5"))
    done = call("test", program)
    assert done.code == 1
    assert done.out.startswith("FAIL")
    assert "expected: answer == 5 and calls == 5" in done.out
    assert "answer: 4" in done.out


def test_test_as_json(call: Call, program: Path) -> None:
    found = call("test", program, "--json").json
    assert found["passed"] == 1
    assert found["tests"][0]["title"] == "adds"


def test_only_chooses_by_title(call: Call, program: Path) -> None:
    assert call("test", program, "--only", "dds").code == 0
    assert call("test", program, "--only", "nothing").code == 1


def test_a_program_without_tests_is_code_1(call: Call, program: Path) -> None:
    program.write_text(program.read_text().partition("test ")[0])
    assert call("test", program).code == 1


def test_a_test_leaves_memories_alone(call: Call, program: Path) -> None:
    text = program.read_text().replace(
        "model sim", 'memory kept { store = "./kept.db" }\n\nmodel sim', 1
    )
    text = text.replace("  return winner", "  saved = remember(kept, winner)\n  return winner")
    program.write_text(text)
    assert call("test", program).code == 0
    assert not program.with_name("kept.db").exists()
    assert call("run", program, "sums", "-i", "question=1 + 1").code == 0
    assert program.with_name("kept.db").exists()


def test_the_printed_graph_reads_back_with_the_printed_hash(call: Call) -> None:
    from graphdsl.ir.canonical import graph_hash
    from graphdsl.ir.parse_text import parse_graph
    from graphdsl.ops.registry import OPERATORS

    example = Path(__file__).parents[2] / "examples" / "reason.tts"
    report = call("plan", example, "--emit", "ir", "--json").json
    assert report["holes"]
    assert graph_hash(parse_graph(report["text"]), OPERATORS) == report["graph_hash"]
