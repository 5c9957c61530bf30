"""What a journal does when disks, bytes and other processes misbehave."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import InputError, JournalFailed
from graphdsl.executors.journal.journal_file import JournalFile
from graphdsl.executors.journal.line import decode_line, encode_line
from graphdsl.executors.journal.records import VERSION
from graphdsl.executors.journal.store import Journal, MemoryJournal
from graphdsl.values import Answer, Draft, Messages, Usage

INPUTS = {"question": "2 + 2?", "many": [1, 2]}
PAID = Usage(1, 10, 0, 5, cost=700)
WORST = Usage(1, 30, 0, 64, unknown=1, cost=9000)


async def life(journal: Journal | MemoryJournal, calls: int, name: str = "0") -> None:
    """A run of so many calls, the last of which has no end, and one kept node."""
    run = journal.run(name)
    await run.begin("hash", INPUTS, 3)
    for number in range(calls):
        attempt = await run.intend(f"call {number}", WORST)
        await run.completed(attempt, f"call {number}", Draft(f"reply {number}\n"), PAID)
    failing = await run.intend("call x", WORST)
    run.failed(failing, Usage())
    draft = Draft("a", score=1.5, prompt=Messages.user("Why?"))
    await run.keep("flow.raced", (draft, Answer("4", 0.5), None, {"n": float("inf")}))
    await run.intend("call y", WORST)
    run.leave()


def written(path: Path, calls: int = 2) -> bytes:
    """The bytes of a journal of one life."""
    with Journal.create(path) as journal:
        asyncio.run(life(journal, calls))
    return path.read_bytes()


def test_an_earlier_life_is_replayed(tmp_path: Path) -> None:
    written(tmp_path / "a.journal")
    with Journal.resume(tmp_path / "a.journal") as journal:
        run = journal.run("0")
        known = run.sampled("call 1")
        assert known is not None
        assert (known.draft, known.usage) == (Draft("reply 1\n"), PAID)
        assert run.sampled("call x") is None
        assert run.sampled("call y") is None
        assert run.spent == (PAID + PAID, WORST)
        assert run.owed("call y") == WORST
        kept = run.node("flow.raced")
        assert kept is not None
        assert kept[0][0] == Draft("a", score=1.5, prompt=Messages.user("Why?"))
        assert kept[0][1:] == (Answer("4", 0.5), None, {"n": float("inf")})


async def test_a_journal_in_memory_does_the_same() -> None:
    journal = MemoryJournal()
    await life(journal, 2)
    run = journal.run("0")
    assert run.spent == (PAID + PAID, WORST)
    assert run.sampled("call 0") is not None
    assert run.node("flow.raced") is not None
    assert journal.run("1").spent == (Usage(), Usage())


async def test_attempts_of_another_life_have_numbers_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with Journal.create(path) as journal:
        await life(journal, 1)
    with Journal.resume(path) as journal:
        run = journal.run("0")
        await run.begin("hash", INPUTS, 3)
        attempt = await run.intend("call y", WORST)
        await run.completed(attempt, "call y", Draft("late"), PAID)
        await run.end("ok", PAID)
        run.leave()
    with Journal.resume(path) as journal:
        run = journal.run("0")
        assert run.status == "ok"
        assert run.spent == (PAID + PAID, WORST)  # nobody knows about the first attempt at y
        known = run.sampled("call y")
        assert known is not None
        assert known.usage == PAID + WORST


def test_a_torn_end_is_cut_off_at_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    data = written(path, 1)
    begin = data.index(b"\n") + 1
    ends = [at + 1 for at in range(len(data)) if data[at : at + 1] == b"\n"]
    for cut in range(begin, len(data)):
        path.write_bytes(data[:cut])
        with Journal.resume(path) as journal:
            journal.run("0")
        whole = max(end for end in ends if end <= cut)
        kept = path.read_bytes()
        assert kept[:whole] == data[:whole]
        assert kept[whole:].count(b"\n") == 1  # the note that it was resumed


def test_a_file_cut_before_its_header_ends_is_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    data = written(path)
    for cut in range(data.index(b"\n") + 1):
        path.write_bytes(data[:cut])
        with pytest.raises(InputError, match="is no journal, or its run had not begun"):
            Journal.resume(path)


def test_a_torn_group_is_cut_off_though_a_later_part_of_it_arrived(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    head = written(path)
    last = decode_line(head.splitlines()[-1])
    assert last is not None
    lines = [
        encode_line(last[1] + 1 + n, ("failed", "0", n, [0] * 7), first=n == 0) for n in range(3)
    ]
    path.write_bytes(head + lines[0] + b"\0" * len(lines[1]) + lines[2])
    Journal.resume(path).close()
    assert path.read_bytes().startswith(head + lines[0])
    assert b"\0" not in path.read_bytes()


def test_a_flipped_bit_in_what_was_durable_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    data = written(path)
    lines = data.splitlines(keepends=True)
    for number in range(1, len(lines) - 1):
        start = sum(len(line) for line in lines[:number])
        for at in (start, start + 8, start + 12, start + len(lines[number]) - 2):
            flipped = bytearray(data)
            flipped[at] ^= 4
            path.write_bytes(flipped)
            with pytest.raises(InputError, match=f"is damaged in line {number + 1}, "):
                Journal.resume(path)
            assert path.read_bytes() == bytes(flipped)


def test_a_line_that_is_missing_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    lines = written(path).splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    with pytest.raises(InputError, match="is damaged in line 3"):
        Journal.resume(path)


def test_two_writers_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with Journal.create(path) as journal:
        with pytest.raises(InputError, match="is in use: its run goes on in another process"):
            Journal.resume(path)
        code = (
            "import sys; from graphdsl.executors.journal.store import Journal\n"
            "try: Journal.open(sys.argv[1])\nexcept ValueError as error: print(error)"
        )
        other = [sys.executable, "-c", code, str(path)]
        said = subprocess.run(other, capture_output=True, text=True, check=True).stdout
        assert "is in use" in said
        asyncio.run(life(journal, 1))
    Journal.resume(path).close()  # the lock has ended with its holder


def test_a_journal_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    path.write_bytes(encode_line(0, ("journal", {"version": VERSION + 1}), first=True))
    with pytest.raises(InputError, match="was written by a newer graphdsl"):
        Journal.resume(path)


@pytest.mark.parametrize("header", [("memory", {}), ("journal", {}), ("journal", 4), ("journal",)])
def test_another_file_is_refused_and_left_alone(tmp_path: Path, header: tuple[Any, ...]) -> None:
    path = tmp_path / "notes.txt"
    data = encode_line(0, header, first=True)
    path.write_bytes(data)
    with pytest.raises(InputError, match="is no journal"):
        Journal.open(path)
    assert path.read_bytes() == data


def test_there_is_no_journal_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no journal"):
        Journal.resume(tmp_path / "a.journal")
    with pytest.raises(InputError, match="cannot be resumed: is a directory"):
        Journal.resume(tmp_path)


def test_a_new_journal_takes_no_files_place(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    data = written(path)
    with pytest.raises(InputError, match=r"there is a file .* already"):
        Journal.create(path)
    assert path.read_bytes() == data
    assert [file.name for file in tmp_path.iterdir()] == ["a.journal"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match=r"no journal can be made at .*: permission denied"):
            Journal.create(tmp_path / "a.journal")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"no journal can be made at .*: "):
        Journal.create(tmp_path / "file" / "a.journal")


def test_a_name_stands_for_one_run(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "a.journal") as journal:
        journal.run("0")
        with pytest.raises(InputError, match=r"run `0` .* has been begun already"):
            journal.run("0")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"graph_hash": "other"}, "the program or its models have changed since this run began"),
        ({"inputs": {**INPUTS, "many": [2, 1]}}, "input `many` has changed since this run began"),
        ({"inputs": {**INPUTS, "more": 1}}, "input `more` has changed since this run began"),
        ({"inputs": {"many": [1, 2]}}, "input `question` was given when this run began"),
        ({"seed": 4}, "the seed was 3, not 4, when this run began"),
        ({"split": "test"}, "the split was none, not `test`, when this run began"),
    ],
)
async def test_another_run_cannot_go_on(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    with Journal.create(tmp_path / "a.journal") as journal:
        await life(journal, 1)
    with Journal.resume(tmp_path / "a.journal") as journal:
        given: dict[str, Any] = {"graph_hash": "hash", "inputs": INPUTS, "seed": 3} | changed
        with pytest.raises(InputError, match=said):
            await journal.run("0").begin(**given)


# ---- disks that refuse


class Disk:
    """Takes so many bytes, then refuses; what it takes of the last write stays."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._write = os.write

    def write(self, number: int, data: bytes) -> int:
        """As `os.write`."""
        part = data[: max(self.room, 0)]
        if not part:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(part)
        return self._write(number, part)


async def test_a_full_disk_stops_what_would_not_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.journal"
    sent = 0
    with Journal.create(path) as journal:
        run = journal.run("0")
        await run.begin("hash", INPUTS, 3)
        disk = Disk(1000)
        monkeypatch.setattr("graphdsl.executors.journal.journal_file.os.write", disk.write)

        async def calls() -> None:
            nonlocal sent
            for number in range(100):
                attempt = await run.intend(f"call {number}", WORST)
                sent += 1
                await run.completed(attempt, f"call {number}", Draft("r"), PAID)

        with pytest.raises(JournalFailed, match="cannot be written: no space left on device"):
            await calls()
        disk.room = 10**9  # room again: but records are missing, so nothing may follow
        with pytest.raises(JournalFailed, match="mend that, and resume the run"):
            await run.intend("call", WORST)
        run.failed(1, Usage())
        run.leave()
    with Journal.resume(path) as journal:
        run = journal.run("0")
        settled, doubtful = run.spent
        assert settled.calls + doubtful.calls == sent
        assert all(run.sampled(f"call {n}") is not None for n in range(settled.calls))


async def test_all_who_wait_are_told_of_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal.create(tmp_path / "a.journal") as journal:
        run = journal.run("0")
        await run.begin("hash", INPUTS, 3)
        monkeypatch.setattr("graphdsl.executors.journal.journal_file.os.write", Disk(5).write)
        calls = [run.intend(f"call {n}", WORST) for n in range(50)]
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(end) for end in ends} == {JournalFailed}
        run.leave()


async def test_what_is_no_value_fails_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with Journal.create(path) as journal:
        run = journal.run("0")
        await run.begin("hash", INPUTS, 3)
        bad = run.keep("flow.bad", object())
        good = [run.keep(f"flow.n{n}", (Draft("x", prompt=Messages.user("p")),)) for n in range(9)]
        ends = await asyncio.gather(good[0], bad, *good[1:], return_exceptions=True)
        assert [type(end) for end in ends if end is not None] == [TypeError]
        run.leave()
    with Journal.resume(path) as journal:
        run = journal.run("0")
        assert run.node("flow.bad") is None
        assert all(run.node(f"flow.n{n}") is not None for n in range(9))


async def test_many_who_wait_share_one_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    monkeypatch.setattr("graphdsl.executors.journal.journal_file._make_durable", commits.append)
    with Journal.create(tmp_path / "a.journal") as journal:
        run = journal.run("0")
        await run.begin("hash", INPUTS, 3)
        commits.clear()
        await asyncio.gather(*(run.intend(f"call {n}", WORST) for n in range(500)))
        assert len(commits) < 50
        run.leave()


async def test_a_cancelled_intent_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with Journal.create(path) as journal:
        run = journal.run("0")
        await run.begin("hash", INPUTS, 3)
        task = asyncio.create_task(run.intend("call", WORST))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        run.leave()
    with Journal.resume(path) as journal:
        assert journal.run("0").spent == (Usage(), Usage())


async def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "a.journal")
    run = journal.run("0")
    journal.close()
    journal.close()
    with pytest.raises(JournalFailed, match="is closed"):
        await run.intend("call", WORST)


async def test_closing_waits_for_runs_that_end(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = Journal.create(path)
    run = journal.run("0")
    await run.begin("hash", INPUTS, 3)
    attempt = await run.intend("call", WORST)
    closing = asyncio.create_task(asyncio.to_thread(journal.close))
    await asyncio.sleep(0.02)
    run.failed(attempt, Usage())
    run.leave()
    await closing
    with Journal.resume(path) as again:
        assert again.run("0").spent == (Usage(), Usage())


def nested(depth: int) -> tuple[Any, ...]:
    value: tuple[Any, ...] = ()
    for _ in range(depth):
        value = (value,)
    return value


async def test_a_value_that_is_too_deep_is_refused_and_the_journal_goes_on(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "a.journal") as journal:
        run = journal.run("0")
        with pytest.raises(JournalFailed, match="nested too deeply"):
            await asyncio.wait_for(run.keep("flow.deep", nested(100_000)), 5)
        await asyncio.wait_for(run.keep("flow.flat", "fine"), 5)
    with Journal.resume(tmp_path / "a.journal") as journal:
        assert journal.run("0").node("flow.flat") == ("fine",)


async def test_the_prompts_of_a_value_that_was_refused_are_written_with_the_next(
    tmp_path: Path,
) -> None:
    draft = Draft("a", prompt=Messages.user("Why?"))
    with Journal.create(tmp_path / "a.journal") as journal:
        run = journal.run("0")
        with pytest.raises((TypeError, ValueError)):
            await run.keep("flow.bad", (draft, {"x": object()}))  # pyright: ignore[reportArgumentType]
        with pytest.raises(JournalFailed):
            await run.keep("flow.deep", (draft, nested(100_000)))
        await run.keep("flow.good", draft)
    with Journal.resume(tmp_path / "a.journal") as journal:
        assert journal.run("0").node("flow.good") == (draft,)


async def test_a_defect_of_the_writer_is_told_to_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: JournalFile, __: bytes) -> None:
        raise MemoryError("none left")

    with Journal.create(tmp_path / "a.journal") as journal:
        run = journal.run("0")
        monkeypatch.setattr(JournalFile, "append", broken)
        kept = [run.keep(f"flow.{number}", "x") for number in range(3)]
        errors = await asyncio.wait_for(asyncio.gather(*kept, return_exceptions=True), 5)
        assert all(isinstance(error, JournalFailed) for error in errors)
        with pytest.raises(JournalFailed, match="none left"):
            await asyncio.wait_for(run.keep("flow.x", "x"), 5)


async def test_a_record_that_nobody_waits_for_and_cannot_be_told_ends_the_writing(
    tmp_path: Path,
) -> None:
    with Journal.create(tmp_path / "a.journal") as journal:
        journal.put(("begin", "0", object()))
        with pytest.raises(JournalFailed, match="a record `begin` cannot be told"):
            await asyncio.wait_for(journal.run("0").keep("flow.x", "x"), 5)
