"""`graphdsl run --resume`: what it repeats, what it refuses, and what it says."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graphdsl.executors.file_lock import try_lock
from graphdsl.executors.journal import shelf
from graphdsl.executors.journal.journal_file import JournalFile


class Called:
    """What a command did; see conftest.py."""

    code: int
    out: str
    err: str
    json: Any


Call = Callable[..., Called]

FLAKY = """edition "2026"
model sim { backend = simulated  accuracy = 0.9  seed = 3  failures = FAILURES }
flow main(question: Text) -> Draft { return first(generate(question, models: sim)) }
"""


def calls_of(run_id: str) -> int:
    """How many calls a journal has an intent for."""
    text = shelf.journal_path(run_id).read_text(encoding="utf-8")
    return len(re.findall(r'\[\d+,"intent"', text))


def only_journal() -> str:
    """The id of the only run that has a journal."""
    (path,) = shelf.journal_path("x").parent.glob("*.journal")
    return path.stem


@dataclass
class Room:
    """A disk that takes so many bytes of journals."""

    left: int

    def append(self, file: JournalFile, group: bytes) -> None:
        """As `JournalFile.append`, until there is no room."""
        self.left -= len(group)
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        _append(file, group)


_append = JournalFile.append


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Room:
    """A disk whose room the test sets."""
    room = Room(10**9)
    monkeypatch.setattr(
        JournalFile,
        "append",
        lambda file, group: room.append(file, group),  # pyright: ignore
    )
    return room


def test_a_finished_run_prints_its_result_again_at_no_cost(call: Call, program: Path) -> None:
    first = call("run", program, "sums", "-i", "question=2 + 2", "--json")
    run_id = first.json["run_id"]
    calls = calls_of(run_id)
    again = call("run", "--resume", run_id, "--json")
    assert {**again.json, "seconds": 0} == {**first.json, "seconds": 0}
    assert calls_of(run_id) == calls == 5
    assert "resume with" not in first.err + again.err


def test_a_failed_sample_is_asked_again(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "flaky.tts"
    path.write_text(FLAKY.replace("FAILURES", "1"))
    failed = call("run", path, "-i", "question=2 + 2")
    assert failed.code == 4
    run_id = only_journal()
    assert f"resume with: graphdsl run --resume {run_id}\n" in failed.err
    calls = calls_of(run_id)
    again = call("run", "--resume", "last")
    assert again.code == 4
    assert calls_of(run_id) > calls


def test_without_a_journal_there_is_nothing_to_resume(call: Call, program: Path) -> None:
    failed = call("run", program, "fails", "-i", "question=2", "--no-journal")
    assert (failed.code, "resume" in failed.err) == (4, False)
    none = call("run", "--resume", "last")
    assert none.code == 1
    assert none.err == "error: every past run came to its end; there is nothing to resume\n"


def test_a_mistyped_id_is_told_apart(call: Call, program: Path) -> None:
    run_id = call("run", program, "sums", "-i", "question=2 + 2", "--json").json["run_id"]
    wrong = call("run", "--resume", run_id[:-1] + "x")
    assert wrong.code == 1
    assert f"did you mean `{run_id}`?" in wrong.err
    outside = call("run", "--resume", "../x")
    assert (outside.code, "there is no journal of a run `../x`" in outside.err) == (1, True)


def test_a_changed_program_is_refused(call: Call, program: Path) -> None:
    run_id = call("run", program, "sums", "-i", "question=2 + 2", "--json").json["run_id"]
    program.write_text(program.read_text().replace("samples: 5 in", "samples: 3 in"))
    refused = call("run", "--resume", run_id)
    assert refused.code == 1
    assert "the program or its models have changed since this run began" in refused.err
    assert "resume with" not in refused.err


def test_a_program_that_is_gone_is_named(call: Call, program: Path) -> None:
    run_id = call("run", program, "sums", "-i", "question=2 + 2", "--json").json["run_id"]
    program.unlink()
    assert "there is no file" in call("run", "--resume", run_id).err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--seed", "4"), "leave `--seed` out"),
        (("--no-cache",), "leave `--no-cache` out"),
        (("x.tts",), "leave `FILE` out"),
        (("-i", "question=3"), "`--input question=…` is known to the journal"),
        (("--model", "sim=simulated"), "`--model sim=…` is known to the journal"),
    ],
)
def test_what_the_journal_knows_is_not_given_again(
    call: Call, program: Path, more: tuple[str, ...], said: str
) -> None:
    run_id = call("run", program, "sums", "-i", "question=2 + 2", "--json").json["run_id"]
    refused = call("run", "--resume", run_id, *more)
    assert refused.code in (1, 2)
    assert said in refused.err


def test_all_arguments_are_kept(
    call: Call, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pins.json").write_text('{"sums.drafts.samples": 3}')
    monkeypatch.chdir(tmp_path)
    argv = ("-i", "question=2 + 2", "--seed", "7", "--budget", "calls=2", "--with", "pins.json")
    first = call("run", program.name, "sums", *argv, "--model", "sim=simulated", "--json")
    assert (first.code, first.json["usage"]["calls"]) == (3, 2)
    (tmp_path / "pins.json").unlink()  # what it said is in the journal
    monkeypatch.chdir("/")
    again = call("run", "--resume", first.json["run_id"], "--json")
    assert {**again.json, "seconds": 0} == {**first.json, "seconds": 0}


def test_what_may_be_a_key_is_not_kept_and_asked_for_again(call: Call, program: Path) -> None:
    secret = "sk-" + "a1" * 20
    first = call("run", program, "sums", "-i", f"question={secret}", "--json", "--no-cache")
    run_id = first.json["run_id"]
    kept = shelf.journal_path(run_id).read_text()
    assert secret not in kept
    refused = call("run", "--resume", run_id)
    assert refused.code == 1
    assert "`--input question=…` held what may be a key, so the journal does not have it" in (
        refused.err
    )
    other = call("run", "--resume", run_id, "-i", "question=sk-" + "b2" * 20)
    assert "input `question` has changed since this run began" in other.err
    again = call("run", "--resume", run_id, "-i", f"question={secret}", "--json")
    assert again.json["value"] == first.json["value"]


KEYED = """edition "2026"
model sim { backend = simulated  accuracy = 0.7 }
flow main(question: Text, api_key: Text) -> Draft {
  return first(generate("{{ question }} {{ api_key }}", models: sim))
}
"""


def test_an_input_with_the_name_of_a_key_is_not_kept_whatever_it_looks_like(
    call: Call, tmp_path: Path
) -> None:
    path = tmp_path / "keyed.tts"
    path.write_text(KEYED)
    argv = ("-i", "question=2+2", "-i", "api_key=hunter2", "--no-cache", "--json")
    first = call("run", path, *argv)
    run_id = first.json["run_id"]
    header = shelf.journal_path(run_id).read_text().splitlines()[0]
    assert "hunter2" not in header
    refused = call("run", "--resume", run_id)
    assert "`--input api_key=…` held what may be a key" in refused.err
    again = call("run", "--resume", run_id, "-i", "api_key=hunter2", "--json")
    assert again.json["value"] == first.json["value"]


def test_a_path_that_looks_like_a_key_is_kept_as_it_is(
    call: Call, program: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "x?token=abc"
    folder.mkdir()
    moved = folder / f"sk-{'a1' * 20}.tts"
    program.rename(moved)
    data, out = _data(folder, 1)
    first = call("run", moved, "sums", "--data", data, "--out", out, "--json")
    assert first.code == 0
    assert call("run", "--resume", first.json["run_id"], "--json").code == 0


def test_a_journal_with_an_argument_that_nobody_knows_is_refused(call: Call, program: Path) -> None:
    run_id = call("run", program, "sums", "-i", "question=2 + 2", "--json").json["run_id"]
    with shelf.resume(run_id) as journal:
        header = journal.header
    for changed, said in (
        ({"colour": "red"}, "the journal has an argument `colour`"),
        ({"budget": {"colour": 1}}, "the arguments in the journal are not those of this graphdsl"),
    ):
        shelf.discard(run_id)
        arguments = {**header["arguments"], **changed}
        shelf.create(run_id, {"arguments": arguments}).close()
        refused = call("run", "--resume", run_id)
        assert (refused.code, said in refused.err) == (1, True)
        assert "Traceback" not in refused.err


def test_a_full_disk_ends_the_run_before_anything_is_sent(
    call: Call, program: Path, disk: Room
) -> None:
    disk.left = 0
    failed = call("run", program, "sums", "-i", "question=2 + 2")
    assert failed.code == 4
    assert "cannot be written: no space left on device" in failed.err
    run_id = only_journal()
    assert calls_of(run_id) == 0
    disk.left = 10**9
    again = call("run", "--resume", run_id, "--json")
    assert (again.code, again.json["usage"]["calls"]) == (0, 5)


def test_a_full_disk_ends_a_batch_too_and_nothing_is_lost(
    call: Call, program: Path, disk: Room, tmp_path: Path
) -> None:
    data, out = _data(tmp_path, 6)
    disk.left = 6000
    failed = call("run", program, "sums", "--data", data, "--out", out, "--concurrency", "1")
    assert failed.code == 4
    run_id = only_journal()
    sent = calls_of(run_id)
    assert 0 < sent < 30
    disk.left = 10**9
    again = call("run", "--resume", run_id, "--json")
    assert again.code == 0
    assert (again.json["settled"]["calls"], again.json["done"]) == (30, 6)
    assert calls_of(run_id) - 30 <= again.json["doubtful"]["calls"]


def test_where_no_journal_can_be_written_that_is_said(call: Call, program: Path) -> None:
    folder = shelf.journal_path("x").parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    done = call("run", program, "sums", "-i", "question=2 + 2")
    assert done.code == 0
    assert "this run cannot be resumed: no journal can be made at" in done.err
    refused = call("run", program, "sums", "-i", "question=2 + 2", "--journal")
    assert (refused.code, refused.out) == (1, "")


# ---- data


def _data(folder: Path, rows: int) -> tuple[Path, Path]:
    data = folder / "data.jsonl"
    data.write_text(
        "".join(json.dumps({"question": f"What is {n} + 2?"}) + "\n\n" for n in range(rows))
    )
    return data, folder / "out.jsonl"


def _lines(text: str) -> list[Any]:
    return [{**json.loads(line), "seconds": 0} for line in text.splitlines()]


def test_a_batch_is_written_again_whole_and_in_order(
    call: Call, program: Path, tmp_path: Path
) -> None:
    data, out = _data(tmp_path, 4)
    first = call("run", program, "sums", "--data", data, "--out", out, "--json")
    assert first.code == 0
    lines, run_id = _lines(out.read_text()), first.json["run_id"]
    out.write_text("cut")
    again = call("run", "--resume", run_id, "--json")
    assert _lines(out.read_text()) == lines
    assert [line["line"] for line in lines] == [1, 3, 5, 7]
    assert again.json["usage"] == first.json["usage"]
    assert calls_of(run_id) == 20


def test_data_from_stdin_is_kept_beside_the_journal(
    call: Call, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, _ = _data(tmp_path, 2)
    with data.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        first = call("run", program, "sums", "--data", "-")
    assert first.code == 0
    again = call("run", "--resume", only_journal())
    assert _lines(again.out) == _lines(first.out)
    kept = shelf.data_path(only_journal())
    assert [_mode(path) for path in (kept, kept.parent)] == [0o600, 0o700]


def test_data_from_stdin_that_cannot_be_kept_leaves_no_journal(
    call: Call, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    data, _ = _data(tmp_path, 2)
    with data.open() as stream, monkeypatch.context() as patched:
        patched.setattr("sys.stdin", stream)
        patched.setattr(shelf.os, "fsync", full)
        done = call("run", program, "sums", "--data", "-")
    assert done.code == 0
    assert "this run cannot be resumed:" in done.err
    assert "no space left on device" in done.err
    assert "resume with" not in done.err
    assert list(shelf.journal_path("x").parent.glob("*")) == []


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_program_from_stdin_is_kept(
    call: Call, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with program.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        first = call("run", "-", "sums", "-i", "question=2 + 2")
    assert first.code == 0
    again = call("run", "--resume", only_journal())
    assert (again.code, again.out) == (0, first.out)
    kept = shelf.program_path(only_journal())
    assert (kept.read_text(), _mode(kept)) == (program.read_text(), 0o600)
    assert "accuracy" not in shelf.journal_path(only_journal()).read_text()
    kept.unlink()
    assert "which came from stdin, is gone" in call("run", "--resume", only_journal()).err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("1 + 2", "9 + 2"), "line 3 of the data: input `question` has"),
        (('{"question": "What is 1 + 2?"}', ""), "line 3 of the data is gone"),
    ],
)
def test_changed_data_is_refused(
    call: Call, program: Path, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    data, out = _data(tmp_path, 3)
    call("run", program, "sums", "--data", data, "--out", out)
    before = out.read_text()
    data.write_text(data.read_text().replace(*change))
    refused = call("run", "--resume", only_journal())
    assert refused.code == 1
    assert said in refused.err
    assert out.read_text() == before


def test_lines_that_were_added_run_as_new(call: Call, program: Path, tmp_path: Path) -> None:
    data, out = _data(tmp_path, 2)
    call("run", program, "sums", "--data", data, "--out", out)
    _data(tmp_path, 3)
    assert call("run", "--resume", only_journal()).code == 0
    assert len(_lines(out.read_text())) == 3
    assert calls_of(only_journal()) == 15


def test_a_session_budget_limits_all_runs_together(
    call: Call, program: Path, tmp_path: Path
) -> None:
    data, out = _data(tmp_path, 4)
    argv = ("--data", data, "--out", out, "--session-budget", "calls=12", "--json")
    done = call("run", program, "sums", *argv, "--concurrency", "1")
    assert done.code == 3
    assert done.json["usage"]["calls"] == 12
    assert call("run", program, "sums", "--session-budget", "calls=12").code == 2


def test_a_deadline_ends_a_run_with_what_there_is(call: Call, program: Path) -> None:
    late = call("run", program, "never", "-i", "question=2", "--deadline", "0.1", "--json")
    assert (late.code, late.json["exhausted"]) == (3, "seconds(0.1)")
    both = ("--deadline", "1", "--budget", "seconds=1")
    assert call("run", program, "never", *both).code == 2
    for wrong in ("0", "-1", "nan", "soon"):
        refused = call("run", program, "never", "--deadline", wrong)
        assert (refused.code, "must be a number above 0" in refused.err) == (2, True)


# ---- the shelf


def test_old_journals_go_but_none_that_waits_to_be_resumed(
    call: Call, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "KEPT", 1)
    call("run", program, "fails", "-i", "question=2")
    waiting = only_journal()
    finished = call("run", program, "sums", "-i", "question=2", "--json").json["run_id"]
    newest = call("run", program, "sums", "-i", "question=3", "--json").json["run_id"]
    left = {path.stem for path in shelf.journal_path("x").parent.glob("*.journal")}
    assert left == {waiting, newest} != {finished}
    os.utime(shelf.journal_path(waiting), (1, 1))
    call("run", program, "sums", "-i", "question=4")
    assert not shelf.journal_path(waiting).exists()


def test_last_passes_over_runs_that_still_go_on(call: Call, program: Path) -> None:
    call("run", program, "fails", "-i", "question=2")
    waiting = only_journal()
    newest = call("run", program, "fails", "-i", "question=3", "--json").json["run_id"]
    with shelf.resume(newest):
        again = call("run", "--resume", "last", "--json")
        assert again.json["run_id"] == waiting
        shelf.discard(waiting)
        none = call("run", "--resume", "last")
    assert none.code == 1
    assert "every run that has not ended well is still going on" in none.err


def test_who_only_looks_at_a_journal_does_not_keep_it_from_being_resumed(
    call: Call, program: Path
) -> None:
    run_id = call("run", program, "sums", "-i", "question=2 + 2", "--json").json["run_id"]
    with shelf.journal_path(run_id).open("rb+") as looking:
        assert try_lock(looking)
        letting_go = threading.Timer(0.02, looking.close)
        letting_go.start()
        shelf.resume(run_id).close()
        letting_go.join()


def test_what_came_from_stdin_counts_and_goes_with_its_journal(
    call: Call, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = call("run", program, "sums", "-i", "question=2", "--json").json["run_id"]
    folder = shelf.journal_path(run_id).parent
    shelf.keep(shelf.data_path(run_id), "x" * 10**6)
    left, fresh = folder / ".a.jsonl.1.part", folder / ".b.jsonl.2.part"
    lost = folder / "gone.jsonl"
    for path in (left, fresh, lost):
        path.write_text("x")
    for path in (left, lost):
        os.utime(path, (1, 1))
    monkeypatch.setattr(shelf, "BYTES", 10**6)
    shelf.prune()
    assert {path.name for path in folder.iterdir()} == {fresh.name}


def test_what_later_lines_have_spent_counts_before_the_first_goes_on(
    call: Call, program: Path, tmp_path: Path
) -> None:
    data, out = _data(tmp_path, 4)
    whole = data.read_text()
    data.write_text("\n" + whole.partition("\n")[2])
    argv = ("--data", data, "--out", out, "--session-budget", "calls=15", "--json")
    first = call("run", program, "sums", *argv)
    assert (first.code, first.json["usage"]["calls"]) == (0, 15)
    data.write_text(whole)
    again = call("run", "--resume", first.json["run_id"], "--json")
    assert (again.code, again.json["statuses"]) == (3, {"ok": 3, "exhausted": 1})
    assert calls_of(first.json["run_id"]) == 15


def test_a_run_that_cannot_begin_leaves_no_journal(call: Call, program: Path) -> None:
    assert call("run", program, "sums", "-i", "wrong=2").code == 1
    assert call("run", program, "sums", "--model", "sim=/no/such.gguf", "-i", "question=2").code
    assert list(shelf.journal_path("x").parent.glob("*")) == []


def test_python_of_the_page_about_it_runs(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "resume.md"
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("bank", ["bank.txt", "no/bank.jsonl", "notes.jsonl"])
def test_a_refused_bank_leaves_no_journal(
    call: Call, program: Path, tmp_path: Path, bank: str
) -> None:
    (tmp_path / "notes.jsonl").write_text("notes\n")
    done = call("run", program, "sums", "-i", "question=2", "--record", tmp_path / bank)
    assert done.code == (2 if bank == "bank.txt" else 1)
    assert list(shelf.journal_path("x").parent.glob("*")) == []


def test_last_prefers_a_run_that_sent_a_call_to_a_newer_one_that_did_not(
    call: Call, program: Path
) -> None:
    call("run", program, "fails", "-i", "question=2")
    waiting = only_journal()
    lines = shelf.journal_path(waiting).read_bytes().splitlines(keepends=True)
    sent = next(place for place, line in enumerate(lines) if b',"intent",' in line)
    killed = shelf.journal_path("z-killed-early")
    killed.write_bytes(b"".join(lines[:sent]))
    assert call("run", "--resume", "last", "--json").json["run_id"] == waiting
    shelf.discard(waiting)
    assert call("run", "--resume", "last", "--json").code == 4
    assert shelf.journal_path("z-killed-early").stat().st_size > len(b"".join(lines[:sent]))
