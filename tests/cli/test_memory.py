"""`graphdsl memory`: looking into files, and changing them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.executors.memory.entry import ConceptEntry, Entry
from graphdsl.executors.memory.origin import Origin
from graphdsl.executors.memory.store import Store
from graphdsl.ops.concepts import Concept

Call = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A memory of two versions: a text that was replaced, one of a split, a concept."""
    path = tmp_path / "lessons.db"
    store = Store("lessons", path)
    store.commit([Entry("old rule", "rule"), Entry("a lesson")], Origin("search", "abc", "run-1"))
    concept = Concept("gcd", "routine", description="Euclid\x1b[31m")
    rule = Entry("new rule", "rule", Origin("search", "abc", "run-2"))
    store.commit([rule, ConceptEntry(concept)], Origin(content="def"))
    return path


def test_entries_are_listed(file: Path, call: Call) -> None:
    said = call("memory", "list", file)
    assert said.code == 0
    assert "a lesson" in said.out
    assert "old rule" not in said.out
    assert said.out.endswith("3 entries, version 2\n")
    report = call("memory", "list", file, "--version", 1, "--json").json
    assert report["version"] == 1
    assert [one["text"] for one in report["entries"]] == ["old rule", "a lesson"]
    assert report["entries"][0]["removed_in"] == 2
    concepts = call("memory", "list", file, "--kind", "concept", "--json").json["entries"]
    assert [one["key"] for one in concepts] == ["gcd"]
    found = call("memory", "list", file, "--split", "search", "--json").json["entries"]
    assert [one["text"] for one in found] == ["a lesson", "new rule"]


def test_an_entry_is_shown_whole_without_driving_the_terminal(file: Path, call: Call) -> None:
    assert call("memory", "show", file, "rule").out == "new rule\n"
    assert call("memory", "show", file, "2").out == "a lesson\n"
    assert call("memory", "show", file, "rule", "--version", 1).out == "old rule\n"
    assert "\x1b" not in call("memory", "show", file, "gcd").out
    missing = call("memory", "show", file, "nobody", "--json")
    assert missing.code == 1
    assert "has no entry `nobody` in version 2" in missing.json["error"]["message"]


def test_a_search_finds_what_fits(file: Path, call: Call) -> None:
    report = call("memory", "search", file, "which rule?", "--json").json
    assert [(one["id"], one["kind"]) for one in report["entries"]] == [("rule", "text")]
    assert "rule  new rule" in call("memory", "search", file, "rule").out
    assert call("memory", "search", file, "zebra").out == "nothing fits\n"
    assert call("memory", "search", file, "rule", "--method", "magic").code == 2


def test_versions_are_listed(file: Path, call: Call) -> None:
    last, first = call("memory", "versions", file, "--json").json["versions"]
    assert (first["version"], first["run"], first["split"], first["added"]) == (
        1,
        "run-1",
        "search",
        2,
    )
    assert (last["added"], last["removed"]) == (2, 1)
    assert "+2 -1" in call("memory", "versions", file).out


def test_what_was_exported_can_be_imported(file: Path, tmp_path: Path, call: Call) -> None:
    out = tmp_path / "out.jsonl"
    assert call("memory", "export", file, "--out", out, "--json").json["count"] == 3
    other = tmp_path / "other.db"
    assert call("memory", "import", other, out, "--json").json == {
        "ok": True,
        "path": str(other),
        "version": 1,
        "count": 3,
    }
    assert call("memory", "export", other).out == out.read_text()
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines[0] == {"text": "a lesson", "split": "search", "content": "abc", "run": "run-1"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "line 2: "),
        ("[]", "it must be an object"),
        ('{"key": "k"}', "it needs a `text`"),
        ('{"text": 7}', "`text` must be a text"),
        ('{"concept": {"name": "x"}}', "the concept `x` of the kind ``"),
    ],
)
def test_a_line_that_is_no_entry_is_named_and_nothing_is_added(
    file: Path, tmp_path: Path, call: Call, line: str, problem: str
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(f'{{"text": "fine"}}\n{line}\n')
    said = call("memory", "import", file, data, "--json")
    assert said.code == 1
    assert problem in said.json["error"]["message"]
    assert call("memory", "list", file, "--json").json["version"] == 2


def test_a_file_is_changed_and_changed_back(file: Path, call: Call) -> None:
    removed = call("memory", "remove", file, "rule").out
    assert removed == "1 entry removed; the newest version is 3\n"
    restored = call("memory", "restore", file, 1).out
    assert restored == "it is as in version 1 again; the newest version is 4\n"
    assert call("memory", "show", file, "rule").out == "old rule\n"
    assert call("memory", "restore", file, 9).code == 1


def test_entries_can_be_forgotten(file: Path, call: Call) -> None:
    assert call("memory", "forget", file, "rule", "--json").json["count"] == 2
    assert call("memory", "forget", file, "--split", "search", "--json").json["count"] == 1
    assert call("memory", "forget", file, "--content", "def", "--json").json["count"] == 1
    assert call("memory", "list", file, "--json").json["entries"] == []
    assert call("memory", "forget", file).code == 2
    assert call("memory", "forget", file, "x", "--split", "y").code == 2


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ("remove", "a lesson", "rule", "nobody"),
            "has no entry `a lesson`, `nobody` in version 2",
        ),
        (("remove", "1"), "has no entry `1` in version 2"),
        (("forget", "rule", "nobody"), "has no entry `nobody` in any version"),
        (("forget", "--split", "nosplit"), "nothing that runs with the split `nosplit` wrote"),
        (("forget", "--content", "none"), "nothing that runs with the inputs `none` wrote"),
    ],
)
def test_what_is_not_there_cannot_go_and_nothing_else_goes(
    file: Path, call: Call, argv: tuple[str, ...], said: str
) -> None:
    word, *rest = argv
    done = call("memory", word, file, *rest)
    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert call("memory", "list", file, "--json").json["version"] == 2
    assert call("memory", "show", file, "rule", "--version", 1).out == "old rule\n"


def test_entries_are_imported_from_stdin(
    file: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"text": "piped"}\n')
    with data.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert call("memory", "import", file, "-", "--json").json["count"] == 1
    assert "piped" in call("memory", "list", file).out
    data.write_text("{")
    with data.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert "`<stdin>`: " in call("memory", "import", file, "-").err


def test_an_export_never_overwrites_a_program(file: Path, program: Path, call: Call) -> None:
    before = program.read_bytes()
    done = call("memory", "export", file, "--out", program)
    assert done.code == 2
    assert "--out would overwrite the program" in done.err
    assert program.read_bytes() == before


def test_a_file_can_be_compacted(file: Path, call: Call) -> None:
    assert call("memory", "compact", file).code == 2
    assert call("memory", "compact", file, "--before", 2, "--json").json["count"] == 1
    said = call("memory", "list", file, "--version", 1)
    assert said.code == 1
    assert "compacted away" in said.err
    assert "compacted away" in call("memory", "versions", file).out


@pytest.mark.parametrize("name", ["list", "versions", "export"])
def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, call: Call, name: str) -> None:
    said = call("memory", name, tmp_path / "none.db")
    assert said.code == 1
    assert "there is no memory file" in said.err
    assert list(tmp_path.glob("none*")) == []


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_an_export_does_not_write_over_the_memory(file: Path, call: Call, suffix: str) -> None:
    reader = Store("lessons", file)
    snapshot = reader.take()  # its log stands beside it
    said = call("memory", "export", file, "--out", f"{file}{suffix}")
    reader.release(snapshot)
    assert said.code == 1
    assert "is the memory itself; name another file" in said.err
    assert call("memory", "list", file, "--json").json["version"] == 2


def test_an_export_does_not_write_over_the_memory_by_another_name(
    file: Path, tmp_path: Path, call: Call
) -> None:
    for number, link in enumerate((Path.symlink_to, Path.hardlink_to)):
        other = tmp_path / f"other{number}.jsonl"
        link(other, file)
        assert call("memory", "export", file, "--out", other).code == 1


def test_an_export_to_the_terminal_says_the_same(file: Path, tmp_path: Path, call: Call) -> None:
    """Nothing drives the terminal, and nothing is lost."""
    text = "one\u00a0two\u2028\x85\x9b31m\u3000three \U000e0001"
    Store("lessons", file).commit([Entry(text)])
    line = call("memory", "export", file).out.split("\n")[2]
    assert line.isprintable()
    assert json.loads(line)["text"] == text
    out, other = tmp_path / "out.jsonl", tmp_path / "other.db"
    assert call("memory", "export", file, "--out", out).code == 0
    assert call("memory", "import", other, out).code == 0
    shown = json.loads(call("memory", "show", other, 3, "--json").out)
    assert shown["entries"][0]["text"] == text


def test_names_that_have_no_bytes_are_names_all_the_same(
    file: Path, tmp_path: Path, call: Call
) -> None:
    data = tmp_path / "data.jsonl"
    line = {
        "text": "odd",
        "key": "k\ud800",
        "split": "s\udcff",
        "content": "\ud800",
        "run": "\ud800",
    }
    data.write_text(json.dumps(line))
    odd = tmp_path / "odd.db"
    assert call("memory", "import", odd, data, "--json").json["count"] == 1
    listed = call("memory", "list", odd, "--split", "s\udcff", "--json").json["entries"]
    assert [one["text"] for one in listed] == ["odd"]
    assert call("memory", "show", odd, "k\ud800").out == "odd\n"
    assert call("memory", "forget", odd, "--content", "\udcff", "--json").json["count"] == 1
    assert call("memory", "import", odd, data, "--split", "\udcff").code == 0
    assert call("memory", "forget", odd, "--split", "s\udcff", "--json").json["count"] == 1


def test_a_file_whose_name_has_no_bytes_is_a_file(tmp_path: Path, call: Call) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"text": "odd"}')
    file = tmp_path / "m\udcff.db"
    assert call("memory", "import", file, data, "--json").json["count"] == 1
    assert call("memory", "list", file).code == 0
