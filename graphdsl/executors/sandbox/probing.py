"""Finds out whether a kind of sandbox keeps its promises on this machine.

Claims are not enough: kernels, container engines and policies switch parts off, often silently. So
a harmless program has to run, and programs that try what is forbidden have to fail.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graphdsl.errors import SandboxError
from graphdsl.executors.sandbox.abc import Kind, Sandbox, Strength
from graphdsl.executors.sandbox.executing import KindSandbox
from graphdsl.ops.execution import Execution, Limits, Outcome

CANARY: Final = "GRAPHDSL_CANARY"
"""An environment variable that no sandbox may pass on."""

_LIMITS: Final = Limits(seconds=20.0)
_WORKS: Final = "import json, math\nopen('kept', 'w').write('x')\nprint(json.dumps(math.sqrt(49)))"

_ATTEMPTS: Final = """
import json, os, socket, sys, time
given = json.loads(sys.stdin.read())
found = {}

def attempt(name, function):
    try:
        found[name] = bool(function())
    except Exception:
        found[name] = False

def network():
    talk = socket.create_connection(("127.0.0.1", given["port"]), 2)
    talk.close()
    return True

def read():
    return open(given["file"]).read() == given["secret"]

def write():
    open(given["file"], "a").write("x")
    return True

def create():
    open(given["folder"] + "/new", "w").close()
    return True

def environment():
    told = [given["secret"] in str(dict(os.environ))]
    for pid in (given["pid"], os.getppid(), "self"):
        try:
            told.append(given["secret"] in open(f"/proc/{pid}/environ").read())
        except OSError:
            pass
    return any(told)

def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True

def signal():
    os.kill(given["pid"], 0)
    return seen()

def seen():
    return os.path.exists(f"/proc/{given['pid']}/comm")

def limit():
    import resource
    resource.prlimit(given["pid"], resource.RLIMIT_CORE)
    return seen()

def owner():
    import fcntl
    reading, _ = os.pipe()
    fcntl.fcntl(reading, fcntl.F_SETOWN, given["pid"])
    return seen()

for one in (network, read, write, create, environment, fork, signal, limit, owner):
    attempt(one.__name__, one)
print(json.dumps(found))
"""

_MEANING: Final[Mapping[str, str]] = {
    "network": "it can connect to a port of this machine",
    "read": "it can read a file outside",
    "write": "it can change a file outside",
    "create": "it can make a file outside",
    "environment": "it sees the environment outside",
    "fork": "it can make more processes than allowed",
    "signal": "it can signal processes outside",
    "limit": "it can change the limits of processes outside",
    "owner": "it can have the system signal processes outside",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """What is known about a kind here: a sandbox when it can be used, else why not.

    `allowed` says which forbidden things a weak kind does not keep away. `lasting`: it would be the
    same another time. A full disk or a busy machine pass.
    """

    kind: Kind
    sandbox: Sandbox | None
    why: str = ""
    allowed: tuple[str, ...] = ()
    lasting: bool = True

    @property
    def works(self) -> bool:
        """Whether it can be used."""
        return self.sandbox is not None


async def probe(kind: Kind) -> Probe:
    """Try the kind; never raises for what it finds."""
    if why := kind.missing():
        return Probe(kind, None, why)
    sandbox = KindSandbox(kind)
    try:
        done = await sandbox.execute(Execution(_WORKS, limits=_LIMITS))
        if done.outcome is not Outcome.OK or done.stdout.strip() != "7.0":
            told = done.error or "a harmless program gave something else"
            return Probe(kind, None, f"a harmless program does not run: {told}", lasting=False)
        allowed = await _allowed(sandbox)
    except SandboxError as error:
        return Probe(kind, None, str(error), lasting=False)
    meant = tuple(_MEANING[name] for name in allowed)
    if kind.strength is not Strength.WEAK and allowed:
        return Probe(kind, None, f"it is not tight here: {'; '.join(meant)}")
    if kind.strength is Strength.WEAK and "environment" in allowed:
        return Probe(kind, None, f"it is not tight here: {_MEANING['environment']}")
    return Probe(kind, sandbox, allowed=meant)


async def _allowed(sandbox: Sandbox) -> list[str]:
    """The forbidden things that succeed."""
    secret = secrets.token_hex(16)
    before = os.environ.get(CANARY)
    os.environ[CANARY] = secret
    try:
        with tempfile.TemporaryDirectory(prefix="graphdsl-probe-") as folder:
            canary = Path(folder) / "canary"
            canary.write_text(secret, encoding="ascii")
            os.chmod(folder, 0o777)  # so that nothing but the sandbox keeps it out
            os.chmod(canary, 0o666)
            with socket.create_server(("127.0.0.1", 0)) as server:
                given = {
                    "secret": secret,
                    "file": str(canary),
                    "folder": folder,
                    "port": server.getsockname()[1],
                    "pid": os.getpid(),
                }
                work = Execution(_ATTEMPTS, json.dumps(given), limits=_LIMITS)
                done = await sandbox.execute(work)
            changed = canary.read_text(encoding="ascii") != secret
            made = (Path(folder) / "new").exists()
    finally:
        _restore(before)
    return _found(done.stdout, done.error, changed, made)


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(CANARY, None)
    else:
        os.environ[CANARY] = before


def _found(stdout: str, error: str, changed: bool, made: bool) -> list[str]:
    """What the attempts say, but what can be seen from here is believed to nobody else."""
    try:
        found: dict[str, bool] = json.loads(stdout)
    except ValueError:
        raise SandboxError(f"the probe did not run: {error or 'it said nothing'}") from None
    if set(found) != set(_MEANING):
        raise SandboxError("the probe did not run to its end")
    seen = found | {"write": found["write"] or changed, "create": found["create"] or made}
    return [name for name in _MEANING if seen[name]]
