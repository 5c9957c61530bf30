"""`graphdsl fmt`."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]
UGLY = 'edition "2026"\nflow f(question:Text)->Text{return question}\n'


@pytest.fixture
def ugly(tmp_path: Path) -> Path:
    path = tmp_path / "ugly.tts"
    path.write_text(UGLY)
    path.chmod(0o640)
    return path


def test_a_file_is_rewritten_once(call: Call, ugly: Path) -> None:
    assert call("fmt", ugly).err.splitlines()[0] == f"reformatted {ugly}"
    written = ugly.read_text()
    assert written != UGLY
    assert call("fmt", ugly).err.splitlines() == ["0 of 1 files reformatted"]
    assert ugly.read_text() == written


def test_the_mode_of_the_file_stays(call: Call, ugly: Path) -> None:
    call("fmt", ugly)
    assert stat.S_IMODE(ugly.stat().st_mode) == 0o640


def test_a_link_stays_a_link(call: Call, ugly: Path) -> None:
    link = ugly.with_name("link.tts")
    link.symlink_to(ugly)
    call("fmt", link)
    assert link.is_symlink()
    assert ugly.read_text() != UGLY


def test_check_writes_nothing_and_fails(call: Call, ugly: Path) -> None:
    assert call("fmt", "--check", ugly).code == 1
    assert ugly.read_text() == UGLY


def test_diff_prints_what_would_change(call: Call, ugly: Path) -> None:
    done = call("fmt", "--diff", ugly)
    assert done.code == 0
    assert "-flow f(question:Text)->Text{return question}" in done.out
    assert ugly.read_text() == UGLY


def test_a_broken_file_is_left_alone(call: Call, ugly: Path) -> None:
    ugly.write_text(UGLY + "flow {")
    done = call("fmt", ugly)
    assert done.code == 1
    assert "error[GD" in done.err
    assert ugly.read_text() == UGLY + "flow {"


def test_json_lists_files(call: Call, ugly: Path) -> None:
    done = call("fmt", "--check", ugly, "--json")
    assert done.code == 1
    assert done.json["files"] == [{"path": str(ugly), "changed": True, "diagnostics": []}]
    assert done.json["written"] is False
