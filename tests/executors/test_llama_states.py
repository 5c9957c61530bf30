"""Folders of states: private, and gone with their process, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphdsl.executors import llama_states
from graphdsl.executors.llama_states import States, bytes_per_token

DIES = """
import os, signal, sys
from pathlib import Path
from graphdsl.executors import llama_states
llama_states._MEMORY = Path(sys.argv[1])
llama_states.ROOM = 0
states = llama_states.States()
(states.path / "0.state").write_text("x")
print(states.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of `/dev/shm`."""
    monkeypatch.setattr(llama_states, "_MEMORY", tmp_path)
    monkeypatch.setattr(llama_states, "ROOM", 0)
    return tmp_path


def test_a_folder_is_private_and_goes_when_it_is_closed(memory: Path) -> None:
    states = States()
    assert states.fast
    assert states.path.parent == memory
    assert states.path.stat().st_mode & 0o777 == 0o700
    (states.path / "0.state").write_text("x")
    states.drop("0.state")
    states.drop("1.state")
    (states.path / "2.state").write_text("x")
    states.close()
    states.close()
    assert list(memory.iterdir()) == []


def test_the_folder_of_a_killed_process_is_deleted_by_the_next(memory: Path) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", DIES, str(memory)], capture_output=True, text=True, check=False
    )
    assert Path(dead.stdout.strip(), "0.state").exists(), dead.stderr
    states = States()
    assert list(memory.iterdir()) == [states.path]
    states.close()


def test_folders_in_use_and_those_of_others_stay(memory: Path) -> None:
    first = States()
    for name in ("graphdsl-code-x", "graphdsl-states-unlocked"):
        (memory / name).mkdir()
    (memory / "graphdsl-states-link").symlink_to(memory / "graphdsl-code-x")
    second = States()
    second.close()
    assert first.path.exists()
    assert len(list(memory.iterdir())) == 4
    first.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_leaves_the_folder_to_its_parent(memory: Path) -> None:
    fork = (
        "import os, sys\n"
        "from graphdsl.executors.llama_states import States\n"
        "states = States()\n"
        "if not (child := os.fork()):\n"
        "    sys.exit()\n"
        "os.waitpid(child, 0)\n"
        "print(states.path.exists(), states.path)\n"
    )
    done = subprocess.run([sys.executable, "-c", fork], capture_output=True, text=True, check=True)
    exists, _, path = done.stdout.strip().partition(" ")
    assert exists == "True"
    assert not Path(path).exists()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, 30 * 9 * 128 * 2),
        ({"x.attention.head_count_kv": 3}, 30 * 3 * 128 * 2),
        ({"x.attention.head_count_kv": [3, 1]}, 30 * 3 * 128 * 2),
        ({"x.attention.key_length": 32}, 30 * 9 * 96 * 2),
        ({"x.block_count": None}, 0),
    ],
)
def test_a_header_says_what_a_token_takes(more: dict[str, object], expected: int) -> None:
    known = {
        "general.architecture": "x",
        "x.block_count": 30,
        "x.embedding_length": 576,
        "x.attention.head_count": 9,
    }
    assert bytes_per_token(known | more) == expected
    assert bytes_per_token({}) == 0
