"""When the process that asked for the code is killed, the code ends by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graphdsl.executors.sandbox.abc import Sandbox

DEAF = """
import fcntl, os, time
for fd in range(3, 64):
    try:
        if fcntl.fcntl(fd, fcntl.F_GETFL) & 3 == os.O_WRONLY:
            break
    except OSError:
        pass
os.write(fd, b"Q%08d" % 15 + b"-" * 16 + b'{"loaded":true}')
time.sleep(3600)
"""
"""Says that it listens, and never reads."""

PROGRAM = """
import asyncio, sys
from graphdsl.executors.sandbox.executing import KindSandbox
from graphdsl.executors.sandbox.kinds import KINDS
from graphdsl.ops.execution import Execution, FunctionCall, Limits
kind = next(kind for kind in KINDS if kind.name == sys.argv[1])
if sys.argv[2] == "deaf":
    work = Execution({deaf!r}, calls=(FunctionCall("f", ("x" * 500_000,)),), limits=Limits(3600))
else:
    work = Execution("import time; time.sleep(3600)", limits=Limits(3600))
asyncio.run(KindSandbox(kind).execute(work))
""".replace("{deaf!r}", repr(DEAF))


def _parents() -> dict[int, int]:
    """Every process that is no zombie, with its parent."""
    found: dict[int, int] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found[int(name)] = int(fields[1])
    return found


def _below(pid: int) -> set[int]:
    parents = _parents()
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


@pytest.mark.parametrize("code", ["asleep", "deaf"])
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_nothing_outlives_the_process_that_asked(
    box: Sandbox, tmp_path: Path, code: str
) -> None:
    if box.name in ("docker", "podman"):
        pytest.skip("the processes belong to the engine")
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        os.chmod(folder, 0o777)
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    asker = subprocess.Popen([sys.executable, "-c", PROGRAM, box.name, code], env=env)
    try:
        deadline = time.monotonic() + 30
        while len(made := _below(asker.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(made) >= 2
        time.sleep(0.5)  # for the code to begin
    finally:
        os.kill(asker.pid, signal.SIGKILL)
        asker.wait()
    deadline = time.monotonic() + 30
    while made & _parents().keys() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not made & _parents().keys()
    assert list(tmp_path.iterdir()) == []
