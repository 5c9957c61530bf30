"""`graphdsl run --record`: what was recorded is what a `replay` model answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import BackendError
from graphdsl.executors.recording import Recorder

Call = Callable[..., Any]

SIM = "model sim { backend = simulated  accuracy = 0.9  seed = 3 }"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Questions, with an empty line among them."""
    rows = [json.dumps({"question": f"What is {number} + 1?"}) for number in range(6)]
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join([*rows[:3], "", *rows[3:]]) + "\n")
    return path


@pytest.fixture
def replaying(program: Path, tmp_path: Path) -> Callable[[str], Path]:
    """The same program on a bank."""

    def replaying(bank: str) -> Path:
        path = tmp_path / f"on-{bank}.tts"
        model = f'model sim {{ backend = replay  name = "sim"  bank = "{bank}" }}'
        path.write_text(program.read_text().replace(SIM, model))
        return path

    return replaying


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["bank.jsonl", "bank.db"])
def test_a_run_is_recorded_and_replayed(
    name: str, call: Call, program: Path, replaying: Callable[[str], Path], tmp_path: Path
) -> None:
    argv = ("sums", "-i", "question=What is 2 + 2?", "--json")
    live = call("run", program, *argv, "--record", tmp_path / name)
    assert (live.code, live.err) == (0, "")
    again = call("run", replaying(name), *argv)
    kept = ("value", "answer", "confidence", "usage", "status")
    assert {key: again.json[key] for key in kept} == {key: live.json[key] for key in kept}


def test_a_person_is_told_what_is_new(call: Call, program: Path, tmp_path: Path) -> None:
    argv = ("run", program, "sums", "-i", "question=1 + 1", "--record", tmp_path / "bank.jsonl")
    assert "5 new completions in " in call(*argv).err
    assert "0 new completions in " in call(*argv).err


def test_a_prompt_is_recorded_only_with_content(call: Call, program: Path, tmp_path: Path) -> None:
    for name, more in (("plain.jsonl", ()), ("whole.jsonl", ("--content",))):
        argv = ("run", program, "sums", "-i", "question=1 + 1", "--record", tmp_path / name)
        assert call(*argv, *more).code == 0
    assert "1 + 1" not in (tmp_path / "plain.jsonl").read_text()
    assert lines(tmp_path / "whole.jsonl")[0]["messages"][0]["content"] == "1 + 1 ="


def test_items_are_recorded_by_their_line_and_replayed(
    call: Call, program: Path, data: Path, replaying: Callable[[str], Path], tmp_path: Path
) -> None:
    bank = tmp_path / "bank.jsonl"
    live = call("run", program, "sums", "--data", data, "--record", bank)
    assert (live.code, len(lines(bank))) == (0, 30)
    assert {line["item"] for line in lines(bank)} == {"0", "1", "2", "4", "5", "6"}
    again = call("run", replaying("bank.jsonl"), "sums", "--data", data)

    def told(out: str) -> list[Any]:
        found = [json.loads(line) for line in out.splitlines()]
        return [{**line, "seconds": None} for line in found]

    assert told(again.out) == told(live.out)


def test_a_bank_of_others_goes_by_the_line(
    call: Call, data: Path, replaying: Callable[[str], Path], tmp_path: Path
) -> None:
    records = [
        {"model": "sim", "item": item, "sample": sample, "text": f"Answer: {100 * item}"}
        for item in (0, 1, 2, 4, 5, 6)
        for sample in range(5)
    ]
    bank = tmp_path / "bank.jsonl"
    bank.write_text("".join(json.dumps(record) + "\n" for record in records))
    done = call("run", replaying("bank.jsonl"), "sums", "--data", data)
    answers = [json.loads(line)["answer"] for line in done.out.splitlines()]
    assert answers == ["0", "100", "200", "400", "500", "600"]


def test_what_was_not_recorded_is_code_4_and_says_what_to_do(
    call: Call, program: Path, replaying: Callable[[str], Path], tmp_path: Path
) -> None:
    call("run", program, "sums", "-i", "question=1 + 1", "--record", tmp_path / "bank.jsonl")
    done = call("run", replaying("bank.jsonl"), "sums", "-i", "question=1 + 2")
    assert done.code == 4
    assert "`bank.jsonl` has no recording of prompt" in done.err
    assert "--record bank.jsonl" in done.err


@pytest.mark.parametrize(
    ("bank", "code", "said"),
    [
        ("bank.csv", 2, "which ends with `.jsonl`"),
        ("bank.tts", 2, "--record would overwrite the program"),
        ("no/bank.jsonl", 1, "there is no folder"),
        (".", 1, "is a folder"),
        ("notes.jsonl", 1, "line 1 of"),
        ("data.jsonl", 2, "--record and --data name the same file"),
        ("out.jsonl", 2, "--record and --out name the same file"),
    ],
)
def test_a_wrong_bank_is_refused_before_anything_runs(
    bank: str, code: int, said: str, call: Call, program: Path, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.jsonl").write_text("notes\n")
    out = tmp_path / "out.jsonl"
    argv = ("--data", data, "--out", out, "--record", tmp_path / bank)
    done = call("run", program, "sums", *argv)
    assert done.code == code
    assert said in done.err
    assert not out.exists()


def test_a_recording_that_fails_does_not_cost_the_answer(
    call: Call, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Recorder.close

    def full(self: Recorder) -> None:
        close(self)
        raise BackendError("the recording is not complete: no space left on device")

    monkeypatch.setattr(Recorder, "close", full)
    bank = tmp_path / "bank.jsonl"
    done = call("run", program, "sums", "-i", "question=What is 2 + 2?", "--record", bank)
    assert (done.code, done.out) == (4, "4\n")
    assert "no space left" in done.err


def test_a_run_that_fails_keeps_what_it_has_recorded(
    call: Call, program: Path, tmp_path: Path
) -> None:
    program.write_text(
        f"""edition "2026"
{SIM}
model gone {{ backend = embedded  name = "./no.gguf" }}
flow broken(question: Text) -> Draft {{
  two = generate(question, models: sim, samples: 2)
  drafts = generate(join(texts(two)), models: gone)
  return first(drafts)
}}
"""
    )
    bank = tmp_path / "bank.jsonl"
    done = call("run", program, "-i", "question=1 + 1", "--record", bank)
    assert done.code == 4
    assert "no.gguf" in done.err
    assert len(lines(bank)) == 2
