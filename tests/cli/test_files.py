"""Files and folders that are not what a command needs: one message, one exit code."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]
ASK = "question=What is 2 + 2?"
BROKEN = 'edition "2026"\nflow f('


@pytest.fixture
def folder(program: Path) -> Path:
    """A good program, a broken one, and a folder whose name ends in `.tts`."""
    (program.parent / "broken.tts").write_text(BROKEN)
    (program.parent / "folder.tts").mkdir()
    return program.parent


def _unreadable(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As for a user without rights; root, who may run the tests, can read every file."""
    read = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)


def test_check_goes_through_a_folder_whatever_is_in_it(call: Call, folder: Path) -> None:
    done = call("check", folder)
    assert done.code == 1
    assert "GD0102" in done.err
    assert "sums.tts: ok" in done.out
    assert "folder.tts" not in done.out + done.err


def test_check_reports_a_file_that_cannot_be_read_alone(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _unreadable(monkeypatch, "broken.tts")
    done = call("check", folder)
    assert done.code == 1
    assert "broken.tts` cannot be read: permission denied" in done.err
    assert "sums.tts: ok" in done.out
    files = {Path(one["path"]).name: one for one in call("check", folder, "--json").json["files"]}
    assert "cannot be read" in files["broken.tts"]["error"]
    assert files["sums.tts"]["error"] is None


def test_test_runs_the_good_files_and_reports_the_broken_ones(call: Call, folder: Path) -> None:
    done = call("test", folder)
    assert done.code == 1
    assert "ok    adds" in done.out
    assert "GD0102" in done.err
    assert "1 of 1 tests passed; 1 file could not be tested" in done.err
    report = call("test", folder, "--json").json
    assert (report["ok"], report["passed"]) == (False, 1)
    assert [one["diagnostics"][0]["code"] for one in report["broken"]] == ["GD0102"]


def test_the_record_of_a_failed_test_has_what_the_text_shows(call: Call, program: Path) -> None:
    program.write_text(program.read_text().replace("answer == 4 and", "answer == 6 and"))
    (case,) = call("test", program, "--json").json["tests"]
    assert case["expected"] == "answer == 6 and calls == 5"
    assert (case["passed"], case["value"]) == (False, "4")


@pytest.mark.parametrize(
    "argv",
    [
        ("check", "{x}"),
        ("fmt", "{x}"),
        ("test", "{x}"),
        ("plan", "{x}"),
        ("graph", "{x}"),
        ("run", "{x}"),
        ("run", "{program}", "sums", "--data", "{x}"),
        ("run", "{program}", "sums", "-i", ASK, "--with", "{x}"),
        ("run", "{program}", "sums", "-i", "question=@{x}"),
    ],
)
def test_a_file_that_cannot_be_read_is_code_1(
    argv: tuple[str, ...],
    call: Call,
    program: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "x.json"
    parts = [part.format(x=path, program=program) for part in argv]
    missing = call(*parts)
    assert missing.code == 1
    assert f"error: there is no file `{path}`" in missing.err
    path.write_text("")
    _unreadable(monkeypatch, path.name)
    refused = call(*parts)
    assert refused.code == 1
    assert f"error: `{path}` cannot be read: permission denied" in refused.err


def test_a_drawing_is_not_written_to_a_folder(call: Call, program: Path, tmp_path: Path) -> None:
    done = call("graph", program, "sums", "--out", tmp_path)
    assert done.code == 1
    assert "is a folder" in done.err


def test_fmt_names_the_file_that_it_cannot_write(
    call: Call, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.write_text(program.read_text() + "\n\n\n")

    def refused(**_: object) -> None:
        raise PermissionError(13, "Permission denied", "/some/.sums.tts.abc")

    monkeypatch.setattr(tempfile, "mkstemp", refused)
    done = call("fmt", program)
    assert done.code == 1
    assert f"`{program}` cannot be written: permission denied" in done.err


def test_fmt_says_that_nothing_was_written(call: Call, folder: Path) -> None:
    assert call("fmt", folder / "broken.tts", "--json").json["written"] is False
    assert call("fmt", folder / "sums.tts", "--json").json["written"] is False


def test_pins_that_are_wrong_name_their_file(call: Call, program: Path, tmp_path: Path) -> None:
    pins = tmp_path / "pins.json"
    pins.write_text('{"sums.nothing": 1}')
    done = call("plan", program, "sums", "--with", pins)
    assert done.code == 1
    assert str(pins) in done.err


def test_warnings_are_counted_where_they_are_not_the_subject(call: Call, program: Path) -> None:
    done = call("plan", program, "sums")
    assert "warning[" not in done.err
    assert f"see `graphdsl check {program}`" in done.err or done.err == ""
    program.write_text(program.read_text().replace("(items:", "(unused: Text, items:"))
    assert f"1 warning; see `graphdsl check {program}`" in call("plan", program, "sums").err
    assert "warning[" in call("check", program).err
