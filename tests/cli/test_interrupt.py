"""Ctrl-C, pressed more than once, at different moments."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from graphdsl.cli import interrupt
from graphdsl.cli.ending import Endings
from graphdsl.executors.runs import load_run, past_runs
from graphdsl.executors.trace import Trace
from graphdsl.executors.traces import telemetry
from graphdsl.testing.faults import Hang
from graphdsl.testing.faulty_server import MODEL, FaultyServer


@pytest.fixture
def handler() -> interrupt.Once:
    return interrupt.Once()


def test_the_first_ctrl_c_interrupts_and_the_second_does_not(handler: interrupt.Once) -> None:
    with pytest.raises(KeyboardInterrupt):
        handler(signal.SIGINT, None)
    handler(signal.SIGINT, None)


def test_sigterm_interrupts_alike(handler: interrupt.Once) -> None:
    with pytest.raises(KeyboardInterrupt):
        handler(signal.SIGTERM, None)
    assert handler.terminated
    handler(signal.SIGINT, None)
    assert handler.terminated


def test_ctrl_c_counts_again_when_the_first_was_swallowed(
    handler: interrupt.Once, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        handler(signal.SIGINT, None)
    later = time.monotonic() + 60
    monkeypatch.setattr(interrupt, "monotonic", lambda: later)
    with pytest.raises(KeyboardInterrupt):
        handler(signal.SIGINT, None)


def test_ctrl_c_is_ignored_while_leaving(handler: interrupt.Once) -> None:
    handler.leaving = True
    handler(signal.SIGINT, None)


def _interrupted(argv: list[str], state: Path, wait_for: Path | float) -> tuple[int, str, str]:
    """Signal a command three times, first when a file exists or after some seconds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "graphdsl", *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "GRAPHDSL_STATE": str(state)},
    )
    if isinstance(wait_for, Path):
        while process.poll() is None and not wait_for.exists():
            time.sleep(0.01)
    else:
        time.sleep(wait_for)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.slow
def test_three_ctrl_c_leave_with_130_and_say_where_the_lines_are(
    program: Path, tmp_path: Path
) -> None:
    """The second item never ends in time; the file exists once the first has."""
    text = program.read_text().replace("latency = 30", "latency = 600  latency_spread = 0")
    text = text.replace(
        "  drafts = generate(question, models: slow)",
        '  late = contains(question, "4 + 1")\n'
        "  drafts = if late { yield generate(question, models: slow) }"
        " else { yield generate(question, models: sim) }",
    )
    program.write_text(text)
    data, out = tmp_path / "data.jsonl", tmp_path / "out.jsonl"
    asked = ("What is 1 + 1?", "What is 4 + 1?")
    data.write_text("".join(json.dumps({"question": one}) + "\n" for one in asked))
    argv = ["run", str(program), "never", "--data", str(data), "--out", str(out), "--json"]
    code, said, err = _interrupted(argv, tmp_path / "state", out)
    report = json.loads(said)
    assert (code, err) == (130, "")
    assert (report["interrupted"], report["done"], report["out"]) == (True, 1, str(out))
    assert len(out.read_text().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.parametrize("seconds", [0.5, 1.5, 2.5])
def test_three_ctrl_c_do_not_crash_a_native_model(seconds: float, tmp_path: Path) -> None:
    program = tmp_path / "native.tts"
    program.write_text(
        'edition "2026"\n'
        'model tiny { backend = embedded  name = "smollm2-135m"  max_tokens = 1_000 }\n'
        "flow f(question: Text) -> Draft {\n"
        "  return first(generate(question, models: tiny, samples: 4))\n"
        "}\n"
    )
    argv = ["run", str(program), "-i", "question=Count from 1 to 1000 in words."]
    code, _, err = _interrupted(argv, tmp_path / "state", seconds)
    assert code == 130
    assert err.strip().endswith("error: interrupted")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("more", [(), ("--data", "{data}")])
async def test_an_interrupted_run_leaves_its_trace_also_without_a_journal(
    number: signal.Signals,
    code: int,
    more: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRAPHDSL_STATE", str(tmp_path / "state"))
    program, data = tmp_path / "far.tts", tmp_path / "data.jsonl"
    data.write_text('{"question": "why"}\n')
    async with FaultyServer() as server:
        server.always = Hang()
        program.write_text(
            f'edition "2026"\nmodel far {{ backend = openai  name = "{MODEL}"  base_url = '
            f'"{server.url}" }}\nflow main(question: Text = "why") -> Draft {{\n'
            "  return first(generate(question, models: far))\n}\n"
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "graphdsl", "run", str(program), "--no-journal"),
            *(one.format(data=data) for one in more),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        while not server.asked and process.returncode is None:
            await asyncio.sleep(0.01)
        process.send_signal(number)
        await process.communicate()
    assert process.returncode == code
    (kept,) = past_runs()
    assert (kept.flow, kept.status) == ("main", "cancelled")
    trace = load_run(kept.run_id)
    assert trace.error == "interrupted"
    assert [one.finish for record in trace.walk() for one in record.calls] == ["cancelled"]


def test_runs_are_waited_for_until_they_have_shown_their_traces() -> None:
    shown: list[Trace] = []
    endings = Endings(shown.append)
    endings.started()
    endings.started()
    trace = Trace("r", "f", "h", 0.0)
    endings(trace)
    assert not endings.wait(0.0)
    late = threading.Timer(0.05, endings, [trace])
    late.start()
    assert endings.wait(30)
    assert shown == [trace, trace]
    late.join()


def test_leaving_at_once_sends_spans_first(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def left(code: int) -> None:
        done.append(f"left with {code}")

    def sent(seconds: float) -> None:
        done.append("sent")

    monkeypatch.setattr(interrupt, "_handler", interrupt.Once())
    monkeypatch.setattr(os, "_exit", left)
    monkeypatch.setattr(telemetry, "deliver", sent)
    interrupt.leave(0)
    assert done == []
    interrupt.leave(130)
    assert done == ["sent", "left with 130"]


def test_ctrl_c_before_the_command_line_is_loaded_prints_nothing() -> None:
    """The signal comes with the first import of `main`, before any handler of ours."""
    code = (
        "import builtins, os, signal, sys\n"
        "from graphdsl.__main__ import main\n"
        "load = builtins.__import__\n"
        "def loading(name, *rest, **more):\n"
        "    if name == 'graphdsl.cli':\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return load(name, *rest, **more)\n"
        "builtins.__import__ = loading\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
