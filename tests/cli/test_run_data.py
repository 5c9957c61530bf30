"""`graphdsl run --data`: order, errors, and what an interrupted run leaves."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve questions, with a key that is no input."""
    rows = [{"id": i, "question": f"What is {i} + 1?"} for i in range(12)]
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def test_lines_come_in_the_order_of_the_input(call: Call, program: Path, data: Path) -> None:
    text = program.read_text().replace("seed = 3", "seed = 3  latency = 0.01  latency_spread = 2")
    program.write_text(text)
    done = call("run", program, "sums", "--data", data, "--concurrency", 5)
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0
    assert [line["line"] for line in lines] == list(range(1, 13))
    assert [line["data"]["id"] for line in lines] == list(range(12))
    assert {line["status"] for line in lines} == {"ok"}
    assert "12 items · 12 ok · 60 calls" in done.err


def test_concurrency_does_not_change_the_answers(call: Call, program: Path, data: Path) -> None:
    def answers(concurrency: int) -> list[str]:
        argv = ("run", program, "sums", "--data", data, "--concurrency", concurrency)
        return [json.loads(line)["answer"] for line in call(*argv).out.splitlines()]

    assert answers(1) == answers(12)


def test_json_is_a_summary_beside_the_file(
    call: Call, program: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    done = call("run", program, "sums", "--data", data, "--out", out, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["statuses"] == {"ok": 12}
    assert (done.json["out"], done.json["interrupted"]) == (str(out), False)
    assert len(out.read_text().splitlines()) == 12


def test_json_without_a_file_is_code_2(call: Call, program: Path, data: Path) -> None:
    assert call("run", program, "sums", "--data", data, "--json").code == 2


def test_the_data_is_not_overwritten(call: Call, program: Path, data: Path) -> None:
    before = data.read_text()
    assert call("run", program, "sums", "--data", data, "--out", data).code == 2
    assert data.read_text() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 13: not JSON"),
        ("[1]", "line 13: a JSON object is wanted"),
        ('{"qestion": "x"}', "is `qestion` meant to be `question`?"),
        ('{"question": 3}', "line 13: `question` must be a `Text`"),
        ('{"question": "x", "_times": NaN}', "line 13: not JSON"),
        ('{"question": "\\ud800"}', "line 13: `question` holds half of a character"),
        ('{"question": "x", "id": "\\ud800"}', "line 13: `id` holds half of a character"),
        ('{"question": "x", "_times": 1' + "0" * 400 + "}", "line 13: `_times` is too large"),
        ("[" * 100_000, "line 13: not JSON: it is nested too deeply"),
    ],
)
def test_a_bad_line_is_named_before_anything_runs(
    line: str, said: str, call: Call, program: Path, data: Path, tmp_path: Path
) -> None:
    with data.open("a") as file:
        file.write(line + "\n")
    out = tmp_path / "out.jsonl"
    done = call("run", program, "sums", "--data", data, "--out", out)
    assert done.code == 1
    assert said in done.err
    assert not out.exists()


@pytest.mark.parametrize("content", [b"", b"\n\n", b'{"question": "\xff"}\n'])
def test_a_file_without_items_is_code_1(
    content: bytes, call: Call, program: Path, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    assert call("run", program, "sums", "--data", path).code == 1


def test_inputs_of_the_command_line_hold_for_every_line(
    call: Call, program: Path, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{}\n{"question": "What is 3 + 4?"}\n')
    done = call("run", program, "sums", "--data", path, "-i", "question=What is 1 + 1?")
    assert [json.loads(line)["answer"] for line in done.out.splitlines()] == ["2", "7"]


def test_items_that_fail_are_recorded(call: Call, program: Path, data: Path) -> None:
    text = program.read_text().replace("failures = 1 ", "failures = 0.5 ")
    program.write_text(text)
    done = call("run", program, "fails", "--data", data)
    statuses = [json.loads(line)["status"] for line in done.out.splitlines()]
    assert done.code == 4
    assert set(statuses) == {"ok", "failed"}
    assert f"{statuses.count('failed')} of 12 items did not end well" in done.err


def test_a_missing_model_stops_at_once(
    call: Call, program: Path, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path / "cache"))
    done = call("run", program, "sums", "--data", data, "--model", "sim=smollm2-135m")
    assert done.code == 4
    assert done.out == ""


def test_a_missing_model_leaves_earlier_results(
    call: Call, program: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("earlier\n")
    other = f"sim={tmp_path / 'nowhere.gguf'}"
    argv = ("run", program, "sums", "--data", data, "--out", out, "--model", other)
    assert call(*argv).code == 4
    assert out.read_text() == "earlier\n"


def test_an_out_that_cannot_be_written_is_code_1_before_anything_runs(
    call: Call, program: Path, data: Path, tmp_path: Path
) -> None:
    for out, said in ((tmp_path, "is a folder"), (tmp_path / "no" / "x", "there is no folder")):
        done = call("run", program, "sums", "--data", data, "--out", out)
        assert done.code == 1
        assert said in done.err


def test_a_dash_is_stdin_and_stdout(
    call: Call, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b'{"question": "What is 1 + 1?"}\n'))
    monkeypatch.setattr("sys.stdin", stdin)
    done = call("run", program, "sums", "--data", "-", "--out", "-")
    assert json.loads(done.out)["answer"] == "2"
    assert "1 item · 1 ok" in done.err


def test_a_failed_item_says_why_and_names_no_trace(call: Call, program: Path, data: Path) -> None:
    program.write_text(program.read_text().replace("accuracy = 0.9", "max_tokens = 1"))
    line = json.loads(call("run", program, "sums", "--data", data).out.splitlines()[0])
    assert line["status"] == "failed"
    assert line["error"] == "no sample gave an answer: 5 of 5 were cut off at `max_tokens`"
    assert "run_id" not in line


def test_why_items_failed_is_said_once_for_each_reason(
    call: Call, program: Path, data: Path, tmp_path: Path
) -> None:
    argv = ("run", program, "fails", "--data", data, "--out", tmp_path / "out.jsonl")
    done = call(*argv)
    assert done.code == 4
    assert "12 of 12 items did not end well; see their `status`\n  12 × " in done.err
    found = call(*argv, "--json").json
    ((message, count),) = [(one["message"], one["count"]) for one in found["errors"]]
    assert count == 12
    assert "failed on purpose" in message
    assert f"12 × {message}\n" in done.err


def test_a_budget_is_a_reason_too(call: Call, program: Path, data: Path) -> None:
    done = call("run", program, "sums", "--data", data, "--budget", "calls=2")
    assert done.code == 3
    assert "  12 × the budget ran out (calls(2))\n" in done.err


def test_without_failures_there_are_no_reasons(
    call: Call, program: Path, data: Path, tmp_path: Path
) -> None:
    argv = ("run", program, "sums", "--data", data, "--out", tmp_path / "out.jsonl", "--json")
    assert call(*argv).json["errors"] == []


def test_an_option_that_no_parameter_takes_is_said_once(
    call: Call, program: Path, data: Path
) -> None:
    done = call("run", program, "sums", "--data", data, "-i", "qestion=x")
    assert done.code == 1
    assert done.err == ("error: flow `sums` has no parameter `qestion`; did you mean `question`?\n")


@pytest.mark.slow
def test_ctrl_c_leaves_whole_lines_and_says_how_many(
    program: Path, data: Path, tmp_path: Path
) -> None:
    """Item 3 never ends in time; what came before it is on disk when the signal arrives."""
    text = program.read_text().replace("model slow { backend = simulated  latency = 30 }", "")
    mixed = text.replace(
        "flow never(question: Text) -> Answer {\n  drafts = generate(question, models: slow)",
        "model slow { backend = simulated  latency = 600 }\n"
        "flow never(question: Text) -> Answer {\n"
        '  late = contains(question, "4 + 1")\n'
        "  drafts = if late { yield generate(question, models: slow) }"
        " else { yield generate(question, models: sim) }",
    )
    program.write_text(mixed)
    out = tmp_path / "out.jsonl"
    argv = ["run", str(program), "never", "--data", str(data), "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "graphdsl", *argv],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "GRAPHDSL_STATE": str(tmp_path / "state")},
    )
    _wait_for(lambda: out.exists() and out.read_text().count("\n") == 4, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted: 4 of 12 items are written" in said
    assert "Traceback" not in said
    assert [json.loads(line)["line"] for line in out.read_text().splitlines()] == [1, 2, 3, 4]


def _wait_for(ready: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look until it is so, or the process is gone."""
    end = time.monotonic() + 60
    while not ready():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["sums.tts", "other.tts", "link.jsonl"])
def test_lines_never_overwrite_a_program(
    call: Call, program: Path, tmp_path: Path, name: str
) -> None:
    before = program.read_bytes()
    (tmp_path / "link.jsonl").symlink_to(program)
    data = tmp_path / "in.jsonl"
    data.write_text('{"question": "2"}\n')
    done = call("run", program, "sums", "--data", data, "--out", tmp_path / name)
    assert done.code == 2
    assert "--out would overwrite the program" in done.err
    assert program.read_bytes() == before
    assert not (tmp_path / "other.tts").exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--out", "x.jsonl"), "--out goes with --data"),
        (("--session-budget", "calls=1"), "--session-budget goes with --data"),
        (
            ("--out", "x.jsonl", "--session-budget", "calls=1"),
            "--out and --session-budget go with --data",
        ),
    ],
)
def test_only_the_options_that_were_given_are_named(
    call: Call, program: Path, argv: tuple[str, ...], said: str
) -> None:
    done = call("run", program, "sums", "-i", "question=2", *argv)
    assert done.code == 2
    assert f"error: {said}" in done.err


def test_the_help_shows_no_range_where_a_number_has_none(call: Call) -> None:
    said = call("run", "--help").out
    assert "None" not in said
    assert "[default: 16; x>=1]" in " ".join(said.split())
