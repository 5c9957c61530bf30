"""The command as a process: exit codes, pipes, encodings, and what it imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def _graphdsl(
    *argv: object, env: dict[str, str] | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-m", "graphdsl", *map(str, argv)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, **(env or {})},
    )


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("check", "{program}"), 0),
        (("check", "{missing}"), 1),
        (("check",), 2),
        (("run", "{program}", "sums", "-i", "question=1 + 1", "--budget", "calls=1"), 3),
        (("run", "{program}", "fails", "-i", "question=1 + 1"), 4),
    ],
)
def test_exit_codes_reach_the_shell(
    argv: tuple[str, ...], code: int, program: Path, tmp_path: Path
) -> None:
    names = {"program": str(program), "missing": str(tmp_path / "missing.tts")}
    done = _graphdsl(
        *(one.format(**names) for one in argv), env={"GRAPHDSL_STATE": str(tmp_path / "state")}
    )
    assert done.returncode == code
    assert b"Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "graphdsl", "ops", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr as said:
        assert said.read() == b""
    assert process.wait(timeout=60) == 141


def test_a_program_is_read_from_stdin(program: Path) -> None:
    done = _graphdsl("check", "-", stdin=program.read_bytes())
    assert done.returncode == 0
    assert _graphdsl("fmt", "-", stdin=program.read_bytes()).stdout == program.read_bytes()


def test_output_fits_a_narrow_encoding(program: Path) -> None:
    done = _graphdsl("graph", program, "sums", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert done.stdout.isascii()


@pytest.mark.parametrize(
    ("env", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colour_follows_the_environment(env: dict[str, str], coloured: bool) -> None:
    clean = dict.fromkeys(("FORCE_COLOR", "NO_COLOR"), "")
    done = _graphdsl("ops", "vote", env={**clean, **env})
    assert (b"\x1b[" in done.stdout) is coloured


def test_check_imports_no_engine_and_no_large_package(program: Path) -> None:
    code = (
        "import json, sys; from graphdsl.cli.guard import run\n"
        "run(['check', sys.argv[1]]); print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(program)], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stderr))
    assert loaded.isdisjoint({"rich", "pydantic", "networkx", "xllamacpp", "asyncio"})
    assert "graphdsl.executors.engine" not in loaded
