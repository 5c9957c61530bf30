"""Recording: every completion of a run goes into a bank, once, and a replay gives the same run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import graphdsl
from graphdsl.errors import BackendError, InputError
from graphdsl.executors import recording
from graphdsl.executors.abc import ChatRequest, Completion
from graphdsl.executors.backends import open_backend
from graphdsl.executors.bank import BadBank, BankWriter, NoBank, open_bank
from graphdsl.executors.bank_record import Recorded, Replayed, prompt_digest, prompt_place
from graphdsl.executors.recording import Recorder
from graphdsl.executors.simulated import SimulatedBackend
from graphdsl.plan import ModelSpec
from graphdsl.values import Finish, Messages, Usage

FORMS = pytest.mark.parametrize("name", ["bank.jsonl", "bank.db"])
SPEC = ModelSpec("tiny", "openai", "big-model", {"api_key": "sk-secret"})
ASKED = ChatRequest(Messages.user("What is 2 + 3?"), seed=4, item="9")
REPLY = Completion("5", Finish.STOP, Usage(1, 10, 0, 1))

MODULES = {"bank.jsonl": "bank_lines", "bank.db": "bank_sqlite"}


def _breaks(_record: Recorded) -> bytes:
    raise LookupError("out of order")


PROGRAM = """edition "2026"

model tiny { backend = simulated  accuracy = 0.6  seed = 5  max_tokens = 40  truncations = 0.2 }

prompt ask(question: Text) "{{ question }} ="

flow sums(question: Text) -> Answer {
  drafts = generate(ask(question: question), models: tiny, samples: 7)
  more = generate(ask(question: question), models: tiny, samples: 4, temperature: 1.0)
  both = concat(drafts, more)
  winner = vote(both, by: number)
  return winner
}
"""
SIMULATED = "backend = simulated  accuracy = 0.6  seed = 5  max_tokens = 40  truncations = 0.2"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_record_names_the_model_as_its_backend_does_and_holds_no_key(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    with Recorder.open(path) as recorder:
        recorder.note(SPEC, ASKED, REPLY, 0.25)
    (line,) = lines(path)
    assert (line["model"], line["item"], line["text"], line["latency_s"]) == (
        "big-model",
        "9",
        "5",
        0.25,
    )
    text = path.read_text()
    assert "secret" not in text
    assert "What is" not in text


def test_content_keeps_prompts(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    with Recorder.open(path, content=True) as recorder:
        recorder.note(SPEC, ASKED, REPLY, 0.25)
    assert lines(path)[0]["messages"] == [{"role": "user", "content": "What is 2 + 3?"}]


@FORMS
def test_a_bank_is_added_to_and_nothing_twice(name: str, tmp_path: Path) -> None:
    for expected in (1, 0):
        with Recorder.open(tmp_path / name) as recorder:
            recorder.note(SPEC, ASKED, REPLY, 0.25)
        assert recorder.written == expected
    bank = open_bank(tmp_path / name)
    assert len(bank.find(prompt_place(prompt_digest(ASKED)), "big-model")) == 1
    bank.close()


def test_what_came_from_a_bank_is_not_recorded(tmp_path: Path) -> None:
    with Recorder.open(tmp_path / "bank.jsonl") as recorder:
        recorder.note(SPEC, ASKED, Replayed("5", Finish.STOP, Usage(1)), 0.0)
    assert recorder.written == 0


@pytest.mark.parametrize("name", ["bank.csv", "no/bank.jsonl", "."])
def test_a_place_for_no_bank_is_refused_before_anything_runs(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing can be recorded"):
        Recorder.open(tmp_path / name)


def test_another_file_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"question": "x"}\n')
    with pytest.raises(InputError, match=r"line 1 of .* no `model`"):
        Recorder.open(path)


def test_what_could_not_be_written_is_counted_and_told_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    recorder = Recorder.open(path)
    recorder.note(SPEC, ASKED, REPLY, 0.0)
    _wait_for(lambda: recorder.written == 1)
    path.unlink()
    recorder.note(SPEC, ASKED, REPLY, 0.0)
    with pytest.raises(BackendError, match=r"not complete, 1 of .* missing: .* cut short"):
        recorder.close()
    recorder.close()


@FORMS
def test_whatever_goes_wrong_is_told_and_what_follows_is_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder.open(tmp_path / name)
    with monkeypatch.context() as patch:
        patch.setattr(f"graphdsl.executors.{MODULES[name]}.to_line", _breaks)
        recorder.note(SPEC, ASKED, REPLY, 0.0)
        _wait_for(lambda: recorder.lost == 1)
    recorder.note(SPEC, ASKED, REPLY, 0.0)
    with pytest.raises(BackendError, match=r"not complete, 1 of .* missing: out of order"):
        recorder.close()
    assert recorder.written == 1


def test_a_bank_that_cannot_be_closed_is_told(tmp_path: Path) -> None:
    class Stuck:
        def add(self, records: Sequence[Recorded]) -> int:
            return len(records)

        def close(self) -> None:
            raise OSError(5, "Input/output error")

    recorder = Recorder(tmp_path / "bank.jsonl", Stuck())
    with pytest.raises(BackendError, match="not complete, perhaps: input/output error"):
        recorder.close()


async def test_what_comes_after_the_end_is_refused(tmp_path: Path) -> None:
    with Recorder.open(tmp_path / "bank.jsonl") as recorder:
        pass
    with pytest.raises(BackendError, match="is closed, and takes nothing more"):
        recorder.note(SPEC, ASKED, REPLY, 0.0)
    with pytest.raises(InputError, match="is closed; open another one"):
        await program(tmp_path).run(question="x", record=recorder)


def test_a_bank_is_recorded_to_as_long_as_a_recorder_is_open(tmp_path: Path) -> None:
    path = tmp_path / "folder" / ".." / "bank.jsonl"
    (tmp_path / "folder").mkdir()
    with Recorder.open(path), Recorder.open(path):
        assert recording.recorded_to(tmp_path / "bank.jsonl")
        assert not recording.recorded_to(tmp_path / "other.jsonl")
    assert not recording.recorded_to(tmp_path / "bank.jsonl")


def test_an_error_of_the_run_is_not_hidden_by_one_of_its_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Recorder) -> None:
        raise BackendError("not complete")

    monkeypatch.setattr(recording.Recorder, "close", full)
    opened = Recorder.open(tmp_path / "bank.jsonl")
    with pytest.raises(LookupError) as caught, opened:
        raise LookupError("the run")
    assert caught.value.__notes__ == ["not complete"]
    monkeypatch.undo()
    opened.close()


_CRASH = """
import sys, time
from graphdsl.executors.recording import Recorder
from graphdsl.executors.abc import ChatRequest, Completion
from graphdsl.plan import ModelSpec
from graphdsl.values import Finish, Messages, Usage

recorder = Recorder.open(sys.argv[1])
for number in range(10**9):
    asked = ChatRequest(Messages.user("x"), seed=number, sample=number)
    reply = Completion("y" * 900, Finish.STOP, Usage(1))
    recorder.note(ModelSpec("m", "x", "m"), asked, reply, 0.0)
    if number % 20 == 0:
        time.sleep(0.001)
"""


_CRASHED = ChatRequest(Messages.user("x"))


def _held(path: Path) -> Sequence[Recorded]:
    """What a bank holds of that process; nothing while it is being made."""
    try:
        bank = open_bank(path)
    except (NoBank, BadBank):
        return ()
    found = bank.find(prompt_place(prompt_digest(_CRASHED)), "m")
    bank.close()
    return found


@FORMS
def test_a_killed_process_leaves_a_bank_that_can_be_read_and_added_to(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    child = subprocess.Popen([sys.executable, "-c", _CRASH, str(path)])
    _wait_for(lambda: len(_held(path)) > 50)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    with Recorder.open(path) as recorder:
        recorder.note(ModelSpec("m", "x", "m"), _CRASHED, REPLY, 0.0)
    found = _held(path)
    assert len(found) > 50
    assert [record.sample for record in found] == [*range(len(found) - 1), 0]
    assert all(record.text == "y" * 900 for record in found[:-1])


# ---- runs


def program(tmp_path: Path, model: str = SIMULATED, more: str = "") -> graphdsl.Flow:
    """The flow with another model, in a file of its own."""
    path = tmp_path / f"{len(model)}.tts"
    path.write_text(PROGRAM.replace(SIMULATED, model) + more)
    return graphdsl.load(path).flow()


def replayed(tmp_path: Path, bank: str) -> graphdsl.Flow:
    return program(tmp_path, f'backend = replay  name = "tiny"  bank = "{bank}"  max_tokens = 40')


def calls_of(result: graphdsl.Result) -> list[tuple[Any, ...]]:
    assert result.trace is not None
    return [
        (node.address, call.sample, call.seed, call.finish, call.usage, call.text)
        for node in result.trace.walk()
        for call in node.calls
    ]


@pytest.fixture
def no_simulation(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and every live call fails the test."""

    def refuse(self: SimulatedBackend, request: ChatRequest) -> Any:
        raise AssertionError("a live call")

    return lambda: monkeypatch.setattr(SimulatedBackend, "chat", refuse)


@FORMS
async def test_a_replay_of_a_recorded_run_is_the_same_run(
    name: str, tmp_path: Path, no_simulation: Callable[[], None]
) -> None:
    flow = program(tmp_path)
    live = await flow.run(question="What is 17 + 26?", record=tmp_path / name, content=True)
    no_simulation()
    again = await replayed(tmp_path, name).run(question="What is 17 + 26?", content=True)
    assert again.value == live.value
    assert again.usage == live.usage
    assert (again.status, again.confidence) == (live.status, live.confidence)
    assert calls_of(again) == calls_of(live)
    assert len(calls_of(live)) == 11


async def test_many_runs_share_a_recorder(tmp_path: Path) -> None:
    flow = program(tmp_path)
    with Recorder.open(tmp_path / "bank.jsonl") as recorder:
        questions = [f"What is {number} + 1?" for number in range(5)]
        runs = (flow.run(question=question, record=recorder) for question in questions)
        await asyncio.gather(*runs)
    assert recorder.written == 5 * 11


def test_a_run_that_waits_records_too(tmp_path: Path) -> None:
    program(tmp_path).run_sync(question="What is 1 + 1?", record=str(tmp_path / "bank.db"))
    bank = open_bank(tmp_path / "bank.db")
    assert bank.models == ("tiny",)
    bank.close()


async def test_the_loop_does_not_wait_for_the_end_of_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, asked = Recorder.close, threading.Event()

    def slowly(self: Recorder) -> None:
        assert asked.wait(30)
        close(self)

    monkeypatch.setattr(Recorder, "close", slowly)
    run = asyncio.ensure_future(
        program(tmp_path).run(question="What is 1 + 1?", record=tmp_path / "bank.jsonl")
    )
    bank = tmp_path / "bank.jsonl"
    while not bank.exists() or not bank.stat().st_size:
        assert not run.done()
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    asked.set()
    assert (await run).status == "ok"
    assert len(lines(tmp_path / "bank.jsonl")) == 11


async def test_a_run_that_is_cancelled_before_its_bank_is_open_leaves_no_recorder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, go, closed = tmp_path / "bank.jsonl", threading.Event(), asyncio.Event()
    real = recording.open_writer

    def slowly(path: Path) -> BankWriter:
        assert go.wait(30)
        return real(path)

    close = Recorder.close

    def counted(self: Recorder) -> None:
        close(self)
        closed.set()

    monkeypatch.setattr(recording, "open_writer", slowly)
    monkeypatch.setattr(Recorder, "close", counted)
    run = asyncio.ensure_future(program(tmp_path).run(question="x", record=bank))
    await asyncio.sleep(0.01)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    go.set()
    await asyncio.wait_for(closed.wait(), 30)
    assert not recording.recorded_to(bank)


async def test_a_run_that_breaks_ends_its_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Recorder) -> None:
        close(self)
        raise BackendError("not complete")

    close = Recorder.close
    monkeypatch.setattr(Recorder, "close", full)
    bank = tmp_path / "bank.jsonl"
    with pytest.raises(InputError) as caught:
        await program(tmp_path).run(record=bank)
    assert caught.value.__notes__ == ["not complete"]
    assert not recording.recorded_to(bank)


async def test_a_bank_that_is_none_is_refused_before_a_model_is_called(
    tmp_path: Path, no_simulation: Callable[[], None]
) -> None:
    no_simulation()
    with pytest.raises(InputError, match="nothing can be recorded"):
        await program(tmp_path).run(question="x", record=tmp_path)


async def test_what_otherwise_answers_is_recorded_and_then_replayed(
    tmp_path: Path, no_simulation: Callable[[], None]
) -> None:
    bank = tmp_path / "bank.jsonl"
    first, second = "What is 17 + 26?", "What is 30 + 12?"
    live = await program(tmp_path).run(question=first, record=bank)
    topping = 'backend = replay  name = "tiny"  bank = "bank.jsonl"  max_tokens = 40  '
    flow = program(tmp_path, topping + "otherwise = [live]", f"model live {{ {SIMULATED} }}\n")
    with Recorder.open(bank) as recorder:
        assert (await flow.run(question=first, record=recorder)).value == live.value
        topped = await flow.run(question=second, record=recorder)
    assert recorder.written == 11
    no_simulation()
    again = await replayed(tmp_path, "bank.jsonl").run(question=second)
    assert (again.value, again.usage) == (topped.value, topped.usage)


@FORMS
async def test_a_bank_is_filled_from_nothing_by_what_otherwise_answers(
    name: str, tmp_path: Path, no_simulation: Callable[[], None]
) -> None:
    options = f'backend = replay  name = "tiny"  bank = "{name}"  max_tokens = 40  '
    flow = program(tmp_path, options + "otherwise = [live]", f"model live {{ {SIMULATED} }}\n")
    first = await flow.run(question="What is 8 + 9?", record=tmp_path / name)
    no_simulation()
    again = await replayed(tmp_path, name).run(question="What is 8 + 9?")
    assert (again.value, again.usage) == (first.value, first.usage)


async def test_a_reply_that_a_budget_bounded_is_replayed_without_it(tmp_path: Path) -> None:
    """A limit of tokens that nothing in the program asked for is no other question."""
    bank, budget = tmp_path / "bank.jsonl", graphdsl.Budget(tokens=100_000)
    flow = program(tmp_path, "backend = simulated  accuracy = 0.6")
    first = await flow.run(question="What is 8 + 9?", budget=budget, record=bank)
    assert lines(bank)[0]["max_tokens"] is not None
    flow = program(tmp_path, 'backend = replay  name = "tiny"  bank = "bank.jsonl"')
    again = await flow.run(question="What is 8 + 9?")
    assert (again.value, again.usage) == (first.value, first.usage)


async def test_the_bank_of_a_simulation_answers_its_own_requests(tmp_path: Path) -> None:
    spec = ModelSpec("m", "simulated", "m")
    backend = await open_backend(spec)
    request = ChatRequest(Messages.user("What is 2 + 2?"), seed=1, logprobs=True)
    with Recorder.open(tmp_path / "bank.jsonl") as recorder:
        live = await backend.chat(request)
        recorder.note(spec, request, live, 0.5)
    replay = await open_backend(
        ModelSpec("m", "replay", "m", {"bank": "bank.jsonl"}, str(tmp_path))
    )
    again = await replay.chat(request)
    assert (again.text, again.finish, again.usage, again.logprobs) == (
        live.text,
        live.finish,
        live.usage,
        live.logprobs,
    )
    await replay.aclose()
    await backend.aclose()


def _wait_for(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.01)
