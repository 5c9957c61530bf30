"""`graphdsl check` and what every command says about files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


def test_a_good_program_is_ok(call: Call, program: Path) -> None:
    done = call("check", program)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{program}: ok (4 flows, 1 test)\n"


def test_errors_go_to_stderr_with_carets(call: Call, program: Path) -> None:
    program.write_text(program.read_text().replace("vote(drafts", "vot(drafts"))
    done = call("check", program)
    assert done.code == 1
    assert done.out == ""
    assert "error[GD" in done.err
    assert "^" in done.err
    assert "1 error" in done.err


def test_json_has_diagnostics_with_places(call: Call, program: Path) -> None:
    program.write_text(program.read_text().replace("vote(drafts", "vot(drafts"))
    done = call("check", program, "--json")
    assert (done.code, done.err) == (1, "")
    (file,) = done.json["files"]
    (found,) = file["diagnostics"]
    assert not done.json["ok"]
    assert found["start_line"] == 12
    assert found["path"] == str(program)


def test_a_folder_stands_for_its_programs(call: Call, program: Path) -> None:
    (program.parent / ".hidden").mkdir()
    (program.parent / ".hidden" / "bad.tts").write_text("nonsense")
    assert call("check", program.parent).out.startswith(str(program))


@pytest.mark.parametrize("command", ["check", "fmt", "graph", "plan", "run", "test"])
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_missing_file_is_named_with_the_nearest(
    command: str, flags: tuple[str, ...], call: Call, program: Path
) -> None:
    done = call(command, program.with_name("sum.tts"), *flags)
    assert done.code == 1
    said = done.json["error"]["message"] if flags else done.err
    assert "there is no file" in said
    assert f"did you mean `{program}`?" in said


@pytest.mark.parametrize("command", ["graph", "plan", "run"])
def test_a_folder_is_no_program(command: str, call: Call, tmp_path: Path) -> None:
    done = call(command, tmp_path)
    assert done.code == 1
    assert "is a folder" in done.err


def test_an_empty_folder_is_said_to_be_empty(call: Call, tmp_path: Path) -> None:
    done = call("check", tmp_path)
    assert done.code == 1
    assert "no .tts file in the folder" in done.err


@pytest.mark.parametrize("content", [b"", b"   \n", b"\xff\xfe\x00binary", b"edition\x00"])
@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_what_is_no_program_is_reported(
    command: str, content: bytes, call: Call, tmp_path: Path
) -> None:
    path = tmp_path / "x.tts"
    path.write_bytes(content)
    done = call(command, path)
    assert done.code == 1
    assert "error[GD" in done.err


def test_an_unreadable_file_is_reported(call: Call, tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300 + ".tts")
    done = call("check", path)
    assert done.code == 1
    assert "file name too long" in done.err
