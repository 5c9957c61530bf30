"""`graphdsl trace`: its charts, tables, lists and pages."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.cli import output
from graphdsl.cli.guard import run
from graphdsl.executors.runs import keep_run, keep_runs, save_trace
from graphdsl.executors.trace import Trace
from graphdsl.values import Usage
from tests.traces import CENT, diamond, node, told, trace
from tests.traces import call as sample

Call = Callable[..., Any]


@pytest.fixture
def kept(call: Call, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command line, with one run kept, on 80 columns."""
    monkeypatch.setattr(output, "PIPED", 80)
    keep_run(diamond())
    return call


def lines(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if word in line]


def test_the_tree_marks_the_critical_path(kept: Call) -> None:
    shown = kept("trace").out
    assert [line.split()[1] for line in lines(shown, "━") if "◆" in line] == ["a", "slow", "best"]
    assert "critical path ◆: a → slow → best, 88% of the time" in " ".join(shown.split())


def test_the_chart_shows_nodes_and_calls_within_80_columns(kept: Call) -> None:
    shown = kept("trace", "--gantt").out
    assert max(map(len, shown.splitlines())) <= 80
    (slow,) = lines(shown, "slow = generate")
    (quick,) = lines(shown, "quick = generate")
    (big,) = lines(shown, "  big 0")
    assert slow.index("█") == quick.index("▒")
    assert slow.rindex("█") == big.rindex("━")
    assert "◆" in slow
    assert "◆" not in quick
    assert [line.split()[-1] for line in lines(shown, "  m 0")] == ["s", "cache"]
    assert "1.00 s" in lines(shown, "a = generate")[0]


def test_many_calls_of_one_node_are_one_line(kept: Call) -> None:
    calls = [sample(0.1 * at, 1.0, sample=at) for at in range(40)]
    keep_run(trace(node("many", 0, 5, calls=calls)))
    (line,) = lines(kept("trace", "--gantt").out, "  40 calls ")
    assert line.rstrip().endswith("at once")
    assert "█" in line


def test_a_call_that_waits_to_be_sent_is_drawn_as_dots(kept: Call) -> None:
    calls = [sample(0, 4, sample=0), sample(0, 4, sample=1, wait=2.0)]
    calls.append(sample(0, 4, sample=2, wait=4.0, finish="cancelled"))
    keep_run(trace(node("a", 0, 4, calls=calls)))
    shown = kept("trace", "--gantt").out
    ran, waited, never = (lines(shown, f"  m {at} ")[0] for at in range(3))
    assert "·" not in ran
    assert waited.count("·") == ran.count("━") // 2
    assert waited.count("·") + waited.count("━") == ran.count("━")
    assert waited.index("━") == waited.rindex("·") + 1
    assert (never.count("·"), never.count("━")) == (ran.count("━") - 1, 0)
    assert "·×" in never


def test_a_line_of_many_calls_and_the_foot_agree_on_how_many_ran_at_once(kept: Call) -> None:
    calls = [sample(0.0, 1.0 + at, sample=at, wait=float(at)) for at in range(9)]
    stored = [sample(0.0, 9.0, sample=at, origin="cache", usage=Usage()) for at in range(9, 20)]
    keep_run(trace(node("a", 0, 10, calls=[*calls, *calls[:2], *stored])))
    shown = kept("trace", "--gantt").out
    (line,) = lines(shown, "  22 calls ")
    assert line.rstrip().endswith("2 at once")
    assert "at most 2 calls at once" in " ".join(shown.split())
    assert kept("trace", "--json").json["analysis"]["in_flight"] == 2


def test_a_line_of_calls_that_the_cache_answered_says_so(kept: Call) -> None:
    stored = [sample(0.0, 1.0, sample=at, origin="cache", usage=Usage()) for at in range(9)]
    keep_run(trace(node("a", 0, 2, calls=stored)))
    (line,) = lines(kept("trace", "--gantt").out, "  9 calls ")
    assert line.rstrip().endswith("cache")
    assert "·" in line


def test_a_failed_call_is_marked_without_colour(kept: Call) -> None:
    failed = sample(0, 1, finish="error", error="why")
    keep_run(trace(node("a", 0, 1, calls=[failed])))
    (line,) = lines(kept("trace", "--gantt").out, "  m 0")
    assert "━×" in line


@pytest.mark.parametrize("options", [[], ["--gantt"], ["--cost"]])
def test_what_the_output_cannot_show_is_replaced(
    kept: Call, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert run(["trace", *options]) == 0
    assert b"?" in written.getvalue()


@pytest.mark.parametrize("width", [1, 20, 40, 400])
def test_the_chart_fits_every_width(
    kept: Call, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(output, "PIPED", width)
    done = kept("trace", "--gantt", "--cost")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= width


def test_a_run_without_time_or_nodes_has_a_chart(kept: Call) -> None:
    keep_run(trace())
    assert kept("trace", "--gantt", "--cost").code == 0
    keep_run(trace(node("a", 0, 0, calls=[sample(0, 0)])))
    assert "a = generate" in kept("trace", "--gantt").out


def test_the_table_says_what_nodes_and_models_took(kept: Call) -> None:
    shown = kept("trace", "--cost").out
    assert "prefix" in shown
    assert "cached" not in shown.splitlines()[2]
    assert lines(shown, "a ◆")[0].split() == (
        ["a", "◆", "2", "20", "10", "10", "$0.02", "67%", "1.00", "s", "0.00", "s"]
    )
    assert lines(shown, "quick ")[0].split() == ["quick", "1", "0.50", "s", "0.50", "s"]
    assert lines(shown, "all ")[0].split() == ["all", "3", "30", "15", "15", "$0.03", "1"]
    assert lines(shown, "big ")[0].split() == ["big", "1", "10", "5", "5", "$0.01", "33%", "3"]
    foot = " ".join(shown.split())
    assert "50% of prompt tokens cached" in foot
    assert "1 sample from the cache saved 15 tokens, $0.01 of $0.04" in foot
    assert "asked again 1 time" in foot


def test_json_has_the_analysis(kept: Call) -> None:
    found = kept("trace", "--json").json
    assert [hop["address"] for hop in found["analysis"]["path"]] == ["f.a", "f.slow", "f.best"]
    assert found["analysis"]["virtual"]["usd"] == 0.04
    assert found["analysis"]["counts"]["cached"] == 1
    assert found["analysis"]["nodes"][0]["share"] == pytest.approx(2 / 3)
    assert found["nodes"][2]["calls"][0]["origin"] == "cache"
    assert found["nodes"][1]["after"] == "f.a"


def test_a_page_is_written_beside_what_is_shown(kept: Call, tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    done = kept("trace", "--html", path)
    assert (done.code, done.out, done.err.strip()) == (0, "", f"written to {path}")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "slow = generate" in kept("trace", "--html", path, "--gantt").out


def test_a_page_that_cannot_be_written_is_code_1(kept: Call, tmp_path: Path) -> None:
    done = kept("trace", "--html", tmp_path / "none" / "run.html")
    assert done.code == 1
    assert "there is no folder" in done.err


def test_nothing_that_a_model_wrote_drives_the_terminal(kept: Call, tmp_path: Path) -> None:
    mean = told()
    mean.flow = mean.nodes[0].op = mean.nodes[0].address = "f.\x1b[31m"
    mean.nodes[0].calls[0].model = "\x1b]0;x\x07"
    path = tmp_path / "mean.json"
    save_trace(mean, path)
    for options in ([], ["--gantt"], ["--cost"], ["--all"]):
        done = kept("trace", path, *options)
        assert done.code == 0
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.out + done.err)


def test_past_runs_are_listed_newest_first(kept: Call) -> None:
    keep_runs(
        [
            Trace("run-2", "sums", "h", 0.0, status="failed"),
            Trace("run-3", "sums", "h", 0.0, status="ok"),
        ],
        batch="b-1",
    )
    rows = [line.split()[0] for line in lines(kept("trace", "--list").out, "run-")]
    assert rows == ["run-3", "run-2", "run-1"]
    assert "b-1" in kept("trace", "--list").out
    found = kept("trace", "--list", "--flow", "sums", "--status", "failed", "--json").json
    assert [run["run_id"] for run in found["runs"]] == ["run-2"]
    found = kept("trace", "--list", "--batch", "b-1", "--most", 1, "--json").json
    assert [run["run_id"] for run in found["runs"]] == ["run-3"]


def test_a_list_of_nothing_is_no_error(call: Call) -> None:
    done = call("trace", "--list")
    assert (done.code, done.out) == (0, "")
    assert "there is no past run" in done.err
    assert call("trace", "--list", "--json").json == {"ok": True, "runs": []}
    assert "no past run is like that" in call("trace", "--list", "--flow", "x").err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["last", "--list"], "--list goes with"),
        (["--list", "--gantt"], "--list goes with"),
        (["--flow", "x"], "go with --list"),
        (["--list", "--most", "0"], "1 or more"),
    ],
)
def test_options_that_do_not_fit_are_code_2(call: Call, options: list[str], said: str) -> None:
    done = call("trace", *options)
    assert done.code == 2
    assert said in done.err


def test_a_mistyped_run_gets_a_suggestion(kept: Call) -> None:
    done = kept("trace", "run-11")
    assert done.code == 1
    assert "there is no run `run-11`; did you mean `run-1`?" in done.err
    assert "`graphdsl trace --list` lists past runs" in kept("trace", "list").err


def test_a_damaged_store_is_code_1_with_what_to_do(call: Call, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "runs.db").write_bytes(b"no database at all" * 100)
    done = call("trace")
    assert done.code == 1
    assert "is damaged" in done.err
    assert "delete it" in done.err


def test_a_resumed_run_adds_up(kept: Call) -> None:
    resumed = trace(node("a", 0, 1, calls=[sample(0, 1)]))
    resumed.usage += Usage(2, 20, 0, 8, unknown=2, cost=3 * CENT)
    keep_run(resumed)
    shown = kept("trace", "--cost").out
    assert lines(shown, "earlier lives")[0].split() == [
        "earlier",
        "lives",
        "2",
        "20",
        "8",
        "$0.03",
        "75%",
    ]
    assert lines(shown, "all ")[0].split() == ["all", "3", "30", "5", "13", "$0.04"]
    assert "earlier lives: 2 calls, 20 + 8 tokens, $0.03" in " ".join(shown.split())
    assert kept("trace", "--json").json["analysis"]["earlier"]["calls"] == 2


def test_why_a_run_failed_stands_below_its_charts(kept: Call) -> None:
    keep_run(trace(node("a", 0, 1), status="failed", error="no sample gave an answer"))
    for option in ("--gantt", "--cost"):
        assert "no sample gave an answer" in kept("trace", option).out


def test_ids_are_never_cut_in_a_list(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = "20260131-235959-1f2e3d"
    usage = Usage(1234, 5_000_000, 0, 400_000, cost=1234 * CENT)
    one = Trace(f"{batch}-117", "a_flow_with_a_long_name", "h", 0.0, seconds=12345.678, usage=usage)
    one.status = "exhausted"
    one.nodes = diamond().nodes
    keep_runs([one], batch=batch)
    for width in (40, 60, 80, 99, 100, 160):
        monkeypatch.setattr(output, "PIPED", width)
        shown = call("trace", "--list").out
        assert max(map(len, shown.splitlines())) <= width
        assert f"{batch}-117 " in shown
        assert len(shown.splitlines()) == 2
        assert ("begun (UTC)" in shown) == (width >= 100)
    assert "1970-01-01 00:00" in shown


def test_a_list_says_what_the_cache_saved_where_it_did(kept: Call) -> None:
    head, row = kept("trace", "--list").out.splitlines()
    assert head.split()[-1] == "saved"
    assert row.split()[-1] == "$0.01"
    keep_run(Trace("run-1", "f", "h", 0.0))
    assert "saved" not in kept("trace", "--list").out


def test_a_narrow_chart_has_no_seconds(kept: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "PIPED", 49)
    assert "2.00 s" not in kept("trace", "--gantt").out
    monkeypatch.setattr(output, "PIPED", 50)
    assert "2.00 s" in kept("trace", "--gantt").out


def test_the_beginning_of_an_id_is_enough_where_it_is_one_runs(kept: Call) -> None:
    keep_runs([Trace(f"run-{at}", "g", "h", 0.0) for at in (12, 21, 22)])
    assert kept("trace", "run-1", "--json").json["run_id"] == "run-1"  # also where it begins others
    assert kept("trace", "run-12", "--json").json["run_id"] == "run-12"
    keep_run(Trace("other-1", "g", "h", 0.0))
    assert kept("trace", "oth", "--json").json["run_id"] == "other-1"
    several = kept("trace", "run-2")
    assert several.code == 1
    assert "several runs begin with `run-2`: `run-22`, `run-21`" in several.err


def test_an_empty_id_is_a_usage_error(kept: Call) -> None:
    done = kept("trace", "")
    assert done.code == 2
    assert "is empty" in done.err


def test_an_argument_that_is_no_text_is_a_run_that_is_not_there(kept: Call) -> None:
    done = kept("trace", "\udcff")
    assert done.code == 1
    assert "there is no run `\\udcff` in" in done.err


def test_a_trace_made_by_hand_is_code_1_with_what_is_wrong(kept: Call, tmp_path: Path) -> None:
    path = tmp_path / "l.json"
    data = diamond().to_dict()
    data["nodes"][0]["start"] = "soon"
    path.write_text(json.dumps(data), encoding="utf-8")
    for option in ("--json", "--gantt", "--cost", "--all"):
        done = kept("trace", path, option)
        assert done.code == 1
        assert f"`{path}` is not a trace of a run: `nodes[0].start` must" in done.err + done.out


def test_a_page_never_overwrites_a_program(call: Call, program: Path) -> None:
    before = program.read_bytes()
    call("run", program, "sums", "-i", "question=2")
    done = call("trace", "--html", program)
    assert done.code == 2
    assert "--html would overwrite the program" in done.err
    assert program.read_bytes() == before
