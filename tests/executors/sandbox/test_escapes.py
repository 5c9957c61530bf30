"""Programs that try to get out, to stay, to take everything, or to look right without being it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from graphdsl.executors.sandbox.abc import Sandbox, Strength
from graphdsl.executors.sandbox.interpreter_files import installed_packages
from graphdsl.ops.execution import (
    Checks,
    Executed,
    Execution,
    FunctionCall,
    Limits,
    Outcome,
)

SECRET = "canary-5f2c1d"

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's filter or namespaces")


async def _run(box: Sandbox, source: str, stdin: str = "", **limits: float) -> Executed:
    given = Limits(**{"seconds": 20.0, **limits})  # pyright: ignore[reportArgumentType]
    return await box.execute(Execution(source, stdin, limits=given))


def _closed(box: Sandbox) -> None:
    if box.strength is Strength.WEAK:
        pytest.skip("the weak kind does not keep files away")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file that everybody may read and change, but no sandbox."""
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        os.chmod(folder, 0o777)
    path = tmp_path / "canary"
    path.write_text(SECRET)
    os.chmod(path, 0o666)
    return path


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine where somebody listens, as the embedded engine does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _children() -> list[int]:
    """The processes that this one made and that still run."""
    found: list[int] = []
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with suppress(OSError):
            fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                found.append(int(name))
    return found


# ---- files


async def test_files_outside_cannot_be_read(box: Sandbox, outside: Path) -> None:
    _closed(box)
    done = await _run(box, f"print(open({str(outside)!r}).read())")
    assert (done.outcome, SECRET in done.stdout) == (Outcome.ERROR, False)


async def test_files_outside_cannot_be_changed(box: Sandbox, outside: Path) -> None:
    _closed(box)
    source = f"""
import os
path = {str(outside)!r}
attempts = [
    lambda: open(path, "a").write("x"), lambda: os.truncate(path, 0), lambda: os.unlink(path),
    lambda: os.rename(path, path + "2"), lambda: os.chmod(path, 0), lambda: os.utime(path, (0, 0)),
    lambda: open(os.path.dirname(path) + "/new", "w"), lambda: os.mkdir(path + "3"),
    lambda: os.symlink("/", path + "4"), lambda: os.link(path, "mine"),
]
for attempt in attempts:
    try:
        attempt()
        print("done")
    except OSError:
        pass
"""
    before = outside.stat()
    done = await _run(box, source)
    assert (done.outcome, done.stdout) == (Outcome.OK, "")
    assert outside.read_text() == SECRET
    assert list(outside.parent.iterdir()) == [outside]
    assert (outside.stat().st_mode, outside.stat().st_mtime) == (before.st_mode, before.st_mtime)


async def test_a_symbolic_link_leads_nowhere(box: Sandbox, outside: Path) -> None:
    _closed(box)
    source = f"""
import os
os.symlink({str(outside)!r}, "link")
os.symlink({str(outside.parent)!r}, "folder")
for path in ("link", "folder/canary", "../" * 20 + {str(outside)!r}):
    try:
        print(open(path).read())
    except OSError as error:
        print(type(error).__name__)
"""
    done = await _run(box, source)
    assert set(done.stdout.split()) <= {"FileNotFoundError", "PermissionError"}
    assert outside.read_text() == SECRET


async def test_pythons_own_files_cannot_be_changed(box: Sandbox) -> None:
    _closed(box)
    source = """
import os
for path in (os.__file__, os.path.dirname(os.__file__) + "/new.py", "/tmp/../dev/new"):
    try:
        open(path, "a")
        print("opened", path)
    except OSError:
        pass
"""
    assert (await _run(box, source)).stdout == ""


async def test_each_execution_has_a_fresh_folder_that_is_removed(box: Sandbox) -> None:
    first = await _run(box, "import os; open('kept', 'w').close(); print(os.getcwd())")
    second = await _run(box, "import os; print(os.listdir('.'))")
    assert (first.outcome, second.stdout) == (Outcome.OK, "[]\n")
    if first.stdout.strip() != "/tmp":
        assert not Path(first.stdout.strip()).exists()


async def test_files_are_limited_in_size_and_number(box: Sandbox) -> None:
    many = "import time\nfor n in range(1000): open(str(n), 'w').close()\ntime.sleep(1)"
    large = "import time\nopen('large', 'wb').write(bytes(10_000_000))\ntime.sleep(1)"
    for source in (many, large):
        done = await _run(box, source, files=50, files_bytes=1_000_000)
        assert done.outcome in (Outcome.ERROR, Outcome.OUTPUT_LIMIT), source


# ---- processes, memory, time


async def test_the_process_of_the_host_cannot_be_looked_at(box: Sandbox) -> None:
    _closed(box)
    source = """
import os, sys
for pid in (sys.stdin.read().strip(), os.getppid(), 1):
    for name in ("environ", "cmdline", "mem", "maps", "fd/0", "root/etc/passwd", "cwd"):
        try:
            print(open(f"/proc/{pid}/{name}", "rb").read(10))
        except OSError:
            pass
"""
    assert (await _run(box, source, str(os.getpid()))).stdout == ""


async def test_the_environment_is_an_allow_list(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", SECRET)
    done = await _run(box, "import os; print(dict(os.environ))")
    assert SECRET not in done.stdout
    if box.name not in ("docker", "podman"):  # their images add their own
        assert set(eval(done.stdout)) == {"HOME", "LANG", "PATH", "TMPDIR", "TZ"}


@linux
async def test_there_is_no_network(box: Sandbox, port: int) -> None:
    source = """
import socket, sys
port = int(sys.stdin.read())
for family, place in (
    (socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET, ("10.0.0.1", 80)),
    (socket.AF_INET6, ("::1", port)), (socket.AF_UNIX, "/var/run/docker.sock"),
    (socket.AF_UNIX, "\\0abstract"),
):
    try:
        with socket.socket(family) as talk:
            talk.settimeout(1)
            talk.connect(place)
            print("connected", place)
    except OSError:
        pass
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))
    print("sent")
except OSError:
    pass
"""
    assert (await _run(box, source, str(port))).stdout == ""


@linux
async def test_a_fork_bomb_is_refused(box: Sandbox) -> None:
    source = """
import os, threading, subprocess, sys
try:
    while True:
        os.fork()
except OSError as error:
    print(type(error).__name__)
try:
    subprocess.run([sys.executable or "/bin/true"])
    print("started")
except OSError as error:
    print(type(error).__name__)
"""
    lines = (await _run(box, source)).stdout.splitlines()
    assert len(lines) == 2
    assert set(lines) <= {"PermissionError", "BlockingIOError", "FileNotFoundError"}


async def test_a_grandchild_that_left_its_group_ends_too(box: Sandbox) -> None:
    """Where more processes are allowed: it holds the pipes open and ignores every signal."""
    source = """
import os, signal, time
try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(1, 65):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            time.sleep(3600)
        os._exit(0)
except PermissionError:
    pass
print("done", flush=True)
"""
    begin = time.monotonic()
    done = await _run(box, source, processes=8)
    assert (done.outcome, done.stdout) == (Outcome.OK, "done\n")
    assert time.monotonic() - begin < 30  # not the hour that the grandchild would sleep


async def test_too_much_memory_is_told_apart(box: Sandbox) -> None:
    source = "kept = []\nwhile True: kept.append(bytearray(16_000_000))"
    done = await _run(box, source, memory=256 * 1024 * 1024)
    assert done.outcome is Outcome.MEMORY


async def test_too_much_time_is_told_apart_whatever_signals_it_ignores(box: Sandbox) -> None:
    asleep = "import time; time.sleep(3600)"
    deaf = """
import signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU, signal.SIGHUP, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
while True: pass
"""
    for source in (asleep, deaf):
        assert (await _run(box, source, seconds=0.5)).outcome is Outcome.TIMEOUT


async def test_output_is_cut_while_it_is_read(box: Sandbox) -> None:
    flood = "import os\nwhile True: os.write(1, b'x' * 65536)"
    done = await _run(box, flood, output=10_000)
    assert (done.outcome, len(done.stdout)) == (Outcome.OUTPUT_LIMIT, 10_000)


async def test_a_crash_is_told_apart(box: Sandbox) -> None:
    done = await _run(box, "import ctypes; ctypes.string_at(0)")
    assert done.outcome is Outcome.CRASHED


async def test_deep_recursion_and_deep_code_are_errors(box: Sandbox) -> None:
    recursion = "def f(): return f()\nf()"
    assert (await _run(box, recursion)).error.startswith("RecursionError")
    deep = "x = " + "(" * 5000 + ")" * 5000
    assert (await _run(box, deep)).outcome in (Outcome.ERROR, Outcome.MEMORY)


@linux
async def test_a_cancelled_execution_ends_its_processes(box: Sandbox) -> None:
    work = Execution("import time; time.sleep(3600)", limits=Limits(seconds=3600))
    before = len(_children())
    task = asyncio.create_task(box.execute(work))
    await asyncio.sleep(0.3)
    assert len(_children()) > before
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(_children()) == before


@linux
async def test_dangerous_calls_of_the_system_are_refused(box: Sandbox) -> None:
    source = """
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
calls = {"x86_64": [272, 165, 101, 319, 321, 425], "aarch64": [97, 40, 117, 279, 280, 425]}
for number in calls.get(platform.machine(), []):
    assert libc.syscall(number, 0x10000000, 0, 0, 0) == -1 and ctypes.get_errno() == 1, number
print("all refused")
"""
    assert (await _run(box, source)).stdout == "all refused\n"


@linux
async def test_there_are_no_privileges(box: Sandbox) -> None:
    source = """
import ctypes, resource
libc = ctypes.CDLL(None, use_errno=True)
print(libc.prctl(39, 0, 0, 0, 0), [libc.prctl(23, n, 0, 0, 0) for n in range(30)].count(1))
try:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print("raised")
except (OSError, ValueError):
    pass
print(resource.getrlimit(resource.RLIMIT_CORE))
"""
    lines = (await _run(box, source)).stdout.splitlines()
    assert lines[0].startswith("1 ")
    assert lines[1:] == ["(0, 0)"]


# ---- looking right without being it


async def _called(box: Sandbox, source: str, *calls: FunctionCall) -> Executed:
    return await box.execute(Execution(source, calls=calls or (FunctionCall("f", (2,)),)))


@pytest.mark.parametrize("way", ["import sys; sys.exit(0)", "import os; os._exit(0)"])
async def test_leaving_with_status_0_answers_nothing(box: Sandbox, way: str) -> None:
    at_once = await _called(box, way)
    assert at_once.returned[0].outcome in (Outcome.ERROR, Outcome.CRASHED)
    later = await _called(box, f"def f(x):\n    {way}", FunctionCall("f", (1,)), FunctionCall("f"))
    assert [one.outcome is Outcome.OK for one in later.returned] == [False, False]


async def test_an_object_that_is_equal_to_everything_is_no_data(any_box: Sandbox) -> None:
    source = """
class Equal:
    def __eq__(self, other): return True
class Number(int):
    def __eq__(self, other): return True
def f(x): return Equal() if x else Number(7)
"""
    done = await _called(any_box, source, FunctionCall("f", (1,)), FunctionCall("f", (0,)))
    assert (done.returned[0].plain, done.returned[0].value) == (False, None)
    assert type(done.returned[1].value) is int
    assert done.returned[1].value == 7


async def test_checks_run_where_the_code_cannot_patch_them(box: Sandbox) -> None:
    source = """
import builtins, sys, gc
builtins.AssertionError = ValueError
builtins.__dict__["repr"] = lambda value: "5"
for module in list(sys.modules.values()):
    for name in ("__check__", "_checks"):
        if hasattr(module, name):
            setattr(module, name, lambda *args: True)
def f(x): return 4
"""
    checks = Checks(
        "__check__(0, lambda: f(2) == 5)\n__check__(1, lambda: f(2) == 4)", {"f": "f"}, 2
    )
    done = await box.execute(Execution(source, checks=checks))
    assert [one.passed for one in done.checked] == [False, True]
    source = source.replace("builtins.AssertionError = ValueError", "builtins.bool = type(print)")
    done = await box.execute(Execution(source, checks=checks))
    assert done.checked[0].passed is False  # it breaks what answers for it, and gains nothing


async def test_the_code_never_holds_what_is_expected(box: Sandbox) -> None:
    """It searches its frames, all objects and its arguments for the secret of the checks."""
    source = """
import gc, sys
def f(x):
    seen, frame = [], sys._getframe()
    while frame is not None:
        seen.append(str(frame.f_locals) + str(frame.f_globals.keys()))
        frame = frame.f_back
    for thing in gc.get_objects():
        if isinstance(thing, (dict, list, tuple)) and thing is not seen:
            try:
                seen.append(str(thing)[:2000])
            except Exception:
                pass
    return int(any("98765" + "4321" in text for text in seen)) + 10 * len(sys.argv)
"""
    checks = Checks("__check__(0, lambda: f(987654320 + 1) == 987654321)", {"f": "f"}, 1)
    done = await box.execute(Execution(source.replace("f(x)", "f(_)"), checks=checks))
    assert done.checked[0].passed is False


async def test_forged_replies_only_say_what_the_code_itself_returns(box: Sandbox) -> None:
    """The code writes to every descriptor it has, in the form of replies and of the relay."""
    forged = json.dumps({"value": 4, "check": 0, "passed": True}).encode()
    source = f"""
import os
for fd in range(1, 64):
    for kind in (b"V", b"X", b"Q", b"B"):
        try:
            os.write(fd, kind + b"%08d" % {len(forged)} + b"-" * 16 + {forged!r})
        except OSError:
            pass
def f(x): return 5
"""
    checks = Checks("__check__(0, lambda: f(2) == 5 and f(3) == 6)", {"f": "f"}, 1)
    done = await box.execute(Execution(source, checks=checks))
    assert done.checked[0].passed is not True


async def test_replies_are_limited(any_box: Sandbox) -> None:
    huge = "def f(x): return 'x' * 5_000_000"
    assert (await _called(any_box, huge)).outcome is Outcome.OUTPUT_LIMIT
    deep = (
        "def f(x):\n    value = []\n    for _ in range(100_000): value = [value]\n    return value"
    )
    assert (await _called(any_box, deep)).returned[0].plain is False
    endless = "def f(x):\n    while True: yield x"
    assert (await _called(any_box, endless)).returned[0].plain is False


async def test_json_nested_too_deep_is_no_reply(any_box: Sandbox) -> None:
    source = """
import os
text = b'{"value":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
for fd in range(3, 64):
    try:
        os.write(fd, b"Q%08d" % len(text) + b"-" * 16 + text)
    except OSError:
        pass
def f(x): return 4
"""
    done = await _called(any_box, source)
    assert done.returned[0].outcome is not Outcome.OK


# ---- what an attacker's review found


RAW = """
import fcntl, os
for fd in range(3, 64):
    try:
        if fcntl.fcntl(fd, fcntl.F_GETFL) & 3 == os.O_WRONLY:
            replies = fd
            break
    except OSError:
        pass

def say(text):
    data = b"Q%08d" % len(text) + b"-" * 16 + text
    while data:
        data = data[os.write(replies, data):]
"""
"""Finds the pipe for replies, and writes to it what it likes."""


@linux
async def test_nobody_gives_up_to_end_with_its_parent(box: Sandbox) -> None:
    source = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.prctl(1, 0, 0, 0, 0), ctypes.get_errno())
"""
    assert (await _run(box, source)).stdout == "-1 1\n"


@linux
async def test_other_processes_cannot_be_slowed_limited_or_signalled(box: Sandbox) -> None:
    source = """
import fcntl, os, resource, struct, sys
pid = int(sys.stdin.read())
reading, writing = os.pipe()
attempts = {
    "limit": lambda: resource.prlimit(pid, resource.RLIMIT_CORE),
    "limits of the relay": lambda: resource.prlimit(os.getppid() or 1, resource.RLIMIT_CPU, (0, 0)),
    "owner": lambda: fcntl.fcntl(reading, fcntl.F_SETOWN, pid),
    "owner_ex": lambda: fcntl.fcntl(reading, 15, struct.pack("ii", 1, pid)),
    "ioctl": lambda: fcntl.ioctl(reading, 0x8901, struct.pack("i", pid)),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
    "cpus": lambda: os.sched_setaffinity(pid, {0}),
    "scheduler": lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
    "signal": lambda: os.kill(pid, 0),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print("done:", name)
    except OSError:
        pass
"""
    before = os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0)
    done = await _run(box, source, str(os.getpid()))
    assert (done.outcome, done.stdout) == (Outcome.OK, "")
    assert (os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0)) == before


async def test_its_own_limits_can_be_lowered(any_box: Sandbox) -> None:
    source = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (9, 9)); print(r.getrlimit(7))"
    assert (await _run(any_box, source)).outcome is Outcome.OK


async def test_folders_beyond_the_longest_path_hide_no_files(box: Sandbox) -> None:
    source = """
import os, time
for _ in range(20):
    os.mkdir("d" * 250)
    os.chdir("d" * 250)
for n in range(100):
    with open(str(n), "wb") as file:
        file.write(bytes(1_000_000))
time.sleep(5)
print("written")
"""
    done = await _run(box, source, files_bytes=8_000_000)
    assert done.outcome in (Outcome.ERROR, Outcome.OUTPUT_LIMIT)


@linux
async def test_files_in_no_folder_are_limited(box: Sandbox) -> None:
    """Open, but unlinked: nobody sees them. The limits of one file and of open files hold."""
    source = """
import os
total, block = 0, bytes(1 << 18)
try:
    while True:
        fd = os.open("f", os.O_RDWR | os.O_CREAT)
        os.unlink("f")
        try:
            for _ in range(64):
                total += os.write(fd, block)
        except OSError:
            if not os.fstat(fd).st_size:
                break
except OSError:
    pass
print(total)
"""
    done = await _run(box, "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)" + source)
    assert int(done.stdout) <= 32 * 8 * (1 << 20)


@linux
async def test_folders_too_deep_for_a_function_that_calls_itself_are_removed(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        os.chmod(folder, 0o777)
    source = """
import os
try:
    for _ in range(1500):
        os.mkdir("d")
        os.chdir("d")
    os.mkdir("closed", 0)
except OSError:
    pass
"""
    await _run(box, source, files=10_000)
    assert list(tmp_path.iterdir()) == []


async def test_replies_that_nobody_reads_are_bounded(any_box: Sandbox) -> None:
    source = RAW + 'say(b\'{"loaded":true}\')\nwhile True: say(b"[" + b"[]," * 300_000 + b"[]]")'
    checks = Checks("import time\ntime.sleep(3)\n__check__(0, lambda: f(1) == 1)", {"f": "f"}, 1)
    done = await any_box.execute(Execution(source, checks=checks))
    assert (done.outcome, done.checked[0].passed) == (Outcome.OUTPUT_LIMIT, False)


async def test_hashes_that_collide_do_not_stop_the_host(any_box: Sandbox) -> None:
    source = (
        RAW
        + """
def f(x):
    numbers = ",".join(str((2**61 - 1) * n) for n in range(1, 40_000))
    say(b'{"value":{"set":[' + numbers.encode() + b"]}}")
"""
    )
    done = await _called(any_box, source)
    assert done.returned[0].outcome is Outcome.CRASHED


async def test_what_an_exception_says_is_cut_and_can_be_written(any_box: Sandbox) -> None:
    forged = RAW + 'say(b\'{"raised":["\' + b"K" * 9000 + b\'","\' + b"T" * 90000 + b\'"]}\')'
    assert len((await _run(any_box, forged)).error) <= 100 + 500 + 2
    assert len((await _called(any_box, forged)).returned[0].error) <= 100 + 500 + 2
    half = await _run(any_box, "raise ValueError('\\ud800')")
    assert half.error.encode() == b"ValueError: \\ud800"


async def test_installed_packages_are_not_in_sight(box: Sandbox) -> None:
    _closed(box)
    if box.name in ("docker", "podman"):
        pytest.skip("the image has its own")
    packages = [path for path in installed_packages() if os.listdir(path)]
    source = f"""
import os
for path in {packages!r}:
    for folder, folders, names in os.walk(path):
        for name in names:
            try:
                open(os.path.join(folder, name), "rb").read(1)
                print("read", name)
            except OSError:
                pass
"""
    assert (await _run(box, source)).stdout == ""
