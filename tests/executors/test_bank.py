"""Recorded banks: both forms hold the same, refuse what is no bank, and survive crashes."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.executors.abc import ChatRequest, Completion, TextRequest
from graphdsl.executors.bank import BadBank, NoBank, open_bank, open_writer
from graphdsl.executors.bank_line import BadRecord, from_line, to_line
from graphdsl.executors.bank_record import (
    Recorded,
    item_place,
    prompt_digest,
    prompt_place,
    recorded,
)
from graphdsl.values import Finish, LogprobStats, Message, Messages, Usage

FORMS = pytest.mark.parametrize("name", ["bank.jsonl", "bank.db"])
REPLY = Completion(
    "Half \ud800 of a character, 汉字, and a line\nbreak",
    Finish.STOP_SEQ,
    Usage(1, 20, 5, 7, cost=12_345_678),  # what it cost once is not kept
    LogprobStats(7, -1.25, -0.75),
)
REQUEST = ChatRequest(
    Messages((Message("system", "Be \ud800 brief."), Message("user", "Why?"))),
    temperature=0.8,
    max_tokens=64,
    top_p=0.9,
    seed=17,
    stop=("\n\n", "é"),
    schema={"type": "object"},
    sample=3,
    item="5",
)


def record(sample: int = 0, item: str = "0", **others: Any) -> Recorded:
    return Recorded("m", f"text {sample}", None, item, sample, usage=Usage(1), **others)


def line(**fields: Any) -> str:
    return json.dumps({"model": "m", "item": 0, "text": "hello", **fields})


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    path.write_text("\n".join(lines) + end)
    return path


# ---- records


def test_a_record_is_the_same_after_it_was_a_line() -> None:
    for content in (False, True):
        before = recorded("m", REQUEST, REPLY, 1.5, content=content)
        assert from_line(to_line(before)) == before
        assert from_line(to_line(before)).identity == before.identity


def test_a_prompt_is_kept_as_a_digest_unless_content_is_asked_for() -> None:
    plain, whole = (
        recorded("m", REQUEST, REPLY, 0.0, content=content) for content in (False, True)
    )
    assert b"brief" not in to_line(plain)
    assert json.loads(to_line(whole))["messages"][1] == {"role": "user", "content": "Why?"}


def test_prompts_differ_by_every_turn_and_by_their_kind() -> None:
    prompts = [
        ChatRequest(Messages.user("ab")),
        ChatRequest(Messages((Message("user", "a"), Message("user", "b")))),
        ChatRequest(Messages((Message("assistant", "ab"),))),
        TextRequest("ab"),
    ]
    assert len({prompt_digest(prompt) for prompt in prompts}) == len(prompts)


def test_the_form_of_others_is_read() -> None:
    found = from_line(
        line(
            dataset="d",
            item=7,
            sample=2,
            temperature=1,
            seed=7002,
            finish="length",
            prompt_tokens=9,
            completion_tokens=4,
            mean_logprob=-0.25,
            latency_s=3,
            gold="18",
            usd="free",
        )
    )
    assert found.place == item_place("7")
    assert found.parameters == {"temperature": 1.0}
    assert (found.finish, found.usage, found.seconds) == (Finish.LENGTH, Usage(1, 9, 0, 4), 3.0)
    assert found.logprobs == LogprobStats(4, -1.0, -0.25)


def test_numbers_that_no_json_has_are_left_out() -> None:
    odd = Completion("x", Finish.STOP, Usage(1), LogprobStats(1, -math.inf, -math.inf))
    assert from_line(to_line(recorded("m", REQUEST, odd, 0.0))).logprobs is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is nested too deeply"),
        ("[1]", "it is not a JSON object"),
        ('{"item": 0, "text": "x"}', "it has no `model`"),
        ('{"model": "", "item": 0, "text": "x"}', "it has no `model`"),
        ('{"model": "m", "item": 0}', "it has no `text`"),
        ('{"model": "m", "text": "x"}', "it has neither `prompt` nor `item`"),
        (line(item=True), "its `item` is neither"),
        (line(item=1.5), "its `item` is neither"),
        (line(sample=-1), "its `sample` is below 0"),
        (line(sample="first"), "its `sample` is not a whole number"),
        (line(prompt_tokens=True), "its `prompt_tokens` is not a whole number"),
        (line(temperature="hot"), "its `temperature` is not a number"),
        (line(mean_logprob=math.nan), "its `mean_logprob` is not a number"),
        (line(latency_s=-1), "its `latency_s` is below 0"),
        (line(latency_s=10**400), "its `latency_s` is not a number"),
        (line(stop="x"), "its `stop` is not a list of texts"),
        (line(kind="talk"), "its `kind` is neither `chat` nor `complete`"),
        (line(finish="error"), "its `finish` is none of `stop`, `stop_seq`, `length`"),
        (line(finish=[]), "its `finish` is none of"),
    ],
)
def test_what_is_no_record_is_explained(text: str, said: str) -> None:
    with pytest.raises(BadRecord, match=said):
        from_line(text)


# ---- banks


@FORMS
def test_what_is_written_is_found_again(name: str, tmp_path: Path) -> None:
    kept = [recorded("m", REQUEST, REPLY, 0.5), record(0), record(1), record(0, item="1")]
    other = Recorded("other", "x", None, "0", usage=Usage(1))
    writer = open_writer(tmp_path / name)
    assert writer.add([*kept, other]) == 5
    writer.close()
    bank = open_bank(tmp_path / name)
    assert bank.models == ("m", "other")
    assert list(bank.find(prompt_place(prompt_digest(REQUEST)), "m")) == kept[:1]
    assert list(bank.find(item_place("0"), "m")) == kept[1:3]
    assert list(bank.find(item_place("0"), "other")) == [other]
    assert list(bank.find(item_place("2"), "m")) == []
    bank.close()
    bank.close()


@FORMS
def test_what_is_there_is_not_written_again(name: str, tmp_path: Path) -> None:
    writer = open_writer(tmp_path / name)
    assert writer.add([record(0), record(0), record(1)]) == 2
    assert writer.add([record(1), record(2)]) == 1
    writer.close()
    again = open_writer(tmp_path / name)
    assert again.add([record(number) for number in range(4)]) == 1
    again.close()
    bank = open_bank(tmp_path / name)
    assert [found.sample for found in bank.find(item_place("0"), "m")] == [0, 1, 2, 3]
    bank.close()


@FORMS
def test_the_first_recording_of_a_sample_stays(name: str, tmp_path: Path) -> None:
    writer = open_writer(tmp_path / name)
    later = Recorded("m", "other", None, "0", 0)
    writer.add([record(0), later])
    writer.add([later])
    writer.close()
    bank = open_bank(tmp_path / name)
    assert [found.text for found in bank.find(item_place("0"), "m")] == ["text 0"]
    bank.close()


@FORMS
def test_a_bank_that_grows_is_seen_to_grow(name: str, tmp_path: Path) -> None:
    writer = open_writer(tmp_path / name)
    writer.add([record(0)])
    bank = open_bank(tmp_path / name)
    assert len(bank.find(item_place("0"), "m")) == 1
    writer.add([record(1)])
    assert len(bank.find(item_place("0"), "m")) == 2
    writer.close()
    bank.close()


@FORMS
def test_two_writers_of_one_file_write_every_sample_once(name: str, tmp_path: Path) -> None:
    one, other = open_writer(tmp_path / name), open_writer(tmp_path / name)
    assert one.add([record(0), record(1)]) == 2
    assert other.add([record(1), record(2)]) == 1
    assert one.add([record(2), record(3)]) == 1
    one.close()
    other.close()
    bank = open_bank(tmp_path / name)
    assert [found.sample for found in bank.find(item_place("0"), "m")] == [0, 1, 2, 3]
    bank.close()


_CHILD = """
import sys
from pathlib import Path
from graphdsl.executors.bank import open_writer
from graphdsl.executors.bank_record import Recorded

path, own = Path(sys.argv[1]), sys.argv[2]
writer = open_writer(path)
for number in range(40):
    shared = Recorded("m", "x" * 5000, None, "shared", number)
    writer.add([shared, Recorded("m", own * 3000, None, own, number)])
writer.close()
"""


@FORMS
def test_processes_that_record_at_once_do_not_spoil_the_bank(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    argv = [sys.executable, "-c", _CHILD, str(path)]
    children = [subprocess.Popen([*argv, own]) for own in "abc"]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    bank = open_bank(path)
    for item in ("shared", "a", "b", "c"):
        samples = [found.sample for found in bank.find(item_place(item), "m")]
        assert sorted(samples) == list(range(40))
    bank.close()


def test_a_torn_last_line_is_no_record_and_is_cut_off_when_the_bank_grows(tmp_path: Path) -> None:
    path = write(tmp_path / "bank.jsonl", line(), '{"model": "m", "te', end="")
    bank = open_bank(path)
    assert len(bank.find(item_place("0"), "m")) == 1
    writer = open_writer(path)
    writer.add([record(1)])
    assert [found.sample for found in bank.find(item_place("0"), "m")] == [0, 1]
    bank.close()
    assert len(path.read_text().splitlines()) == 2


def test_a_last_line_without_its_break_is_a_record(tmp_path: Path) -> None:
    path = write(tmp_path / "bank.jsonl", line(), line(sample=1), end="")
    open_writer(path).add([record(2)])
    bank = open_bank(path)
    assert [found.sample for found in bank.find(item_place("0"), "m")] == [0, 1, 2]
    bank.close()


def test_a_write_that_fails_half_way_leaves_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bank.jsonl"
    writer = open_writer(path)
    writer.add([record(0)])
    before = path.read_bytes()
    real = os.write

    def full(file: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return real(file, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            writer.add([record(1)])
    assert path.read_bytes() == before
    assert writer.add([record(1)]) == 1


def test_a_file_that_shrinks_while_it_is_recorded_to_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    writer = open_writer(path)
    writer.add([record(0)])
    path.unlink()
    with pytest.raises(BadBank, match="cut short or replaced"):
        writer.add([record(1)])


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "bank.jsonl", line(), line(sample=1))
    bank = open_bank(path)
    size = path.stat().st_size
    path.write_bytes(b"x" * size)
    with pytest.raises(BadBank, match="was changed"):
        bank.find(item_place("0"), "m")
    bank.close()


# ---- what is no bank


def _folder(path: Path) -> None:
    path.mkdir()


def _nothing(path: Path) -> None:
    """There is no such file."""


def _empty(path: Path) -> None:
    path.touch()


def _lines(*lines: str, end: str = "\n") -> Callable[[Path], None]:
    return lambda path: write(path, *lines, end=end) and None


def _database(*statements: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        connection = sqlite3.connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    return make


def _bank(path: Path) -> None:
    writer = open_writer(path)
    writer.add([record(0)])
    writer.close()


def _spoilt(path: Path) -> None:
    _bank(path)
    _database("UPDATE replies SET record = '{}'")(path)


def _emptied(path: Path) -> None:
    _bank(path)
    _database("DELETE FROM replies")(path)


@pytest.mark.parametrize(
    ("name", "make", "kind", "said"),
    [
        ("b.jsonl", _nothing, NoBank, "there is no bank .* make one with"),
        ("b.csv", _lines("a,b"), NoBank, r"it ends with `.jsonl` \(JSON lines\) or `.db`"),
        ("b", _folder, BadBank, "is a folder"),
        ("b.jsonl", _folder, BadBank, "is a folder"),
        ("b.jsonl", _empty, BadBank, "has no recorded reply; fill it with"),
        ("b.jsonl", _lines('{"mod', end=""), BadBank, "has no recorded reply"),
        ("b.jsonl", _lines(line(), "no", line(sample=1)), BadBank, "line 2 of .* not JSON"),
        ("b.jsonl", _lines(line(), "", '{"text": 1}'), BadBank, "line 3 of .* no `model`"),
        ("b.jsonl", _lines(line(), line(item="0")), BadBank, "lines 1 and 2 .* the same sample"),
        ("b.jsonl", _database("CREATE TABLE t (x)"), BadBank, "has no recorded reply"),
        ("b.db", _empty, BadBank, "has no recorded reply"),
        ("b.db", _lines(line()), BadBank, "is no SQLite file"),
        ("b.db", _database("CREATE TABLE t (x)"), BadBank, "database of something else"),
        ("b.sqlite", _emptied, BadBank, "has no recorded reply"),
    ],
)
def test_what_is_no_bank_is_refused(
    name: str, make: Callable[[Path], None], kind: type[Exception], said: str, tmp_path: Path
) -> None:
    make(tmp_path / name)
    with pytest.raises(kind, match=said):
        open_bank(tmp_path / name)


def test_a_spoilt_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    _spoilt(path)
    bank = open_bank(path)
    with pytest.raises(BadBank, match=r"row 1 of .* no `model`"):
        bank.find(item_place("0"), "m")
    bank.close()


@pytest.mark.parametrize(
    ("name", "make", "kind", "said"),
    [
        ("b.csv", _nothing, NoBank, "it ends with"),
        ("b.jsonl", _folder, NoBank, "is a folder; name a file in it"),
        ("no/b.jsonl", _nothing, NoBank, "there is no folder"),
        ("b.jsonl", _lines('{"question": "x"}'), BadBank, "line 1 of .* no `model`"),
        ("b.db", _database("CREATE TABLE t (x)"), BadBank, "something else"),
        ("b.db", _lines(line()), BadBank, "no SQLite file"),
    ],
)
def test_nothing_is_written_into_what_is_no_bank(
    name: str, make: Callable[[Path], None], kind: type[Exception], said: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(kind, match=said):
        open_writer(path)
    assert (path.read_bytes() if path.is_file() else None) == before


@FORMS
def test_a_bank_that_is_begun_can_be_read_where_it_may_be_empty(name: str, tmp_path: Path) -> None:
    writer = open_writer(tmp_path / name)
    bank = open_bank(tmp_path / name, empty=True)
    assert bank.models == ()
    assert list(bank.find(item_place("0"), "m")) == []
    writer.add([record(0)])
    assert list(bank.find(item_place("0"), "m")) == [record(0)]
    writer.close()
    bank.close()


@FORMS
def test_an_empty_file_can_be_filled(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    writer = open_writer(tmp_path / name)
    assert writer.add([record(0)]) == 1
    writer.close()
