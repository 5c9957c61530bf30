"""How each kind is started, and what is said where it cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from graphdsl.errors import SandboxError
from graphdsl.executors.sandbox.abc import Command, Strength
from graphdsl.executors.sandbox.bundle import by_text, python
from graphdsl.executors.sandbox.environment import environment
from graphdsl.executors.sandbox.executing import KindSandbox
from graphdsl.executors.sandbox.kind_bwrap import Bwrap
from graphdsl.executors.sandbox.kind_container import IMAGE, Container
from graphdsl.executors.sandbox.kind_namespaces import Namespaces
from graphdsl.executors.sandbox.kinds import KINDS
from graphdsl.executors.sandbox.probing import probe
from graphdsl.executors.sandbox.scratch import new_scratch
from graphdsl.ops.execution import Checks, Execution, FunctionCall, Limits, Outcome


def _has(argv: tuple[str, ...], *words: str) -> bool:
    """Whether the words follow each other somewhere."""
    return any(argv[at : at + len(words)] == words for at in range(len(argv)))


def test_the_weak_kind_is_the_last() -> None:
    assert [kind.strength is Strength.WEAK for kind in KINDS] == [False] * (len(KINDS) - 1) + [True]


@pytest.mark.parametrize("program", ["docker", "podman"])
def test_a_container_has_no_network_no_privilege_and_nothing_to_write(program: str) -> None:
    limits = Limits(files=7, files_bytes=8000, processes=3)
    command = Container(program).command(limits)
    assert command.argv[1:5] == ("run", "--rm", "--interactive", "--pull")
    for words in (
        ("--network", "none"),
        ("--read-only",),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--user", "65534:65534"),
        ("--pids-limit", "69"),
        ("--tmpfs", "/tmp:rw,nosuid,nodev,noexec,mode=1777,size=8000,nr_inodes=7"),
    ):
        assert _has(command.argv, *words), words
    assert not {"--volume", "-v", "--mount", "--privileged"} & set(command.argv)
    name = command.argv[command.argv.index("--name") + 1]
    assert command.stop[1:] == ("rm", "--force", name)


def test_the_client_of_a_container_gets_only_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "canary")
    monkeypatch.setenv("DOCKER_HOST", "unix:///here")
    env = Container("docker").command(Limits()).env
    assert (env.get("DOCKER_HOST"), "MY_API_KEY" in env) == ("unix:///here", False)


def test_the_image_of_a_container_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IMAGE, "mine:1")
    assert _has(Container("docker").command(Limits()).argv, "mine:1", "-I", "-S")


def test_bubblewrap_unshares_everything_and_shows_only_python() -> None:
    argv = Bwrap().command(Limits(files_bytes=5000)).argv
    assert {"--unshare-all", "--die-with-parent", "--new-session", "--clearenv"} <= set(argv)
    assert _has(argv, "--cap-drop", "ALL")
    assert _has(argv, "--size", "5000", "--tmpfs", "/tmp")
    shown = {argv[at + 1] for at, word in enumerate(argv) if word == "--ro-bind"}
    assert python() in shown
    assert not {path for path in shown if Path(path) in (Path("/"), Path("/etc"), Path.home())}
    assert "--bind" not in argv


@pytest.mark.skipif(shutil.which("bwrap") is not None, reason="it is installed")
def test_a_missing_program_says_how_to_get_it() -> None:
    why = Bwrap().missing()
    assert why is not None
    assert "install" in why


@dataclass(frozen=True, slots=True)
class Told:
    """A kind whose command only prints something, as a container engine that does not answer."""

    script: str
    name: str = "told"
    strength: Strength = Strength.STRONG

    def missing(self) -> str | None:
        return None

    def command(self, limits: Limits) -> Command:
        return Command((python(), "-I", "-S", "-c", self.script), "/tmp", {})


@pytest.mark.skipif(sys.platform == "win32", reason="has no groups")
async def test_a_terminals_interrupt_does_not_reach_the_code() -> None:
    kind = Told("import os, sys; sys.exit(str(os.getsid(0) == os.getpid()))")
    assert (await probe(kind)).why == "the sandbox could not be made: True"


async def test_what_a_kind_says_before_it_begins_is_the_reason() -> None:
    found = await probe(Told("import sys; sys.exit('engine: no daemon\\nRun engine --help')"))
    assert (found.works, found.why) == (False, "the sandbox could not be made: engine: no daemon")


async def test_a_program_that_cannot_be_started_is_an_error() -> None:
    @dataclass(frozen=True, slots=True)
    class Nothing(Told):
        def command(self, limits: Limits) -> Command:
            return Command(("/does/not/exist",), "/tmp", {})

    with pytest.raises(SandboxError, match="/does/not/exist"):
        await KindSandbox(Nothing("")).execute(Execution("pass"))


@dataclass(frozen=True, slots=True)
class ByText:
    """The relay as a container gets it: as text, to a Python that has none of this package."""

    name: str = "text"
    strength: Strength = Strength.WEAK

    def missing(self) -> str | None:
        return None

    def command(self, limits: Limits) -> Command:
        scratch = new_scratch(None)
        confine = {"shared": True}
        argv = (python(), *by_text())
        return Command(argv, scratch, environment(scratch), confine, scratch)


async def test_the_relay_runs_from_its_text_alone() -> None:
    box = KindSandbox(ByText())
    printed = await box.execute(Execution("print(input())", "hello"))
    assert (printed.outcome, printed.stdout) == (Outcome.OK, "hello\n")
    called = await box.execute(Execution("def f(x): return x, x", calls=(FunctionCall("f", (2,)),)))
    assert called.returned[0].value == (2, 2)
    checks = Checks("__check__(0, lambda: f(1) == 1)", {"f": "f"}, 1)
    checked = await box.execute(Execution("def f(x): return x", checks=checks))
    assert checked.checked[0].passed is True


async def test_a_kind_that_lets_something_through_is_not_used() -> None:
    @dataclass(frozen=True, slots=True)
    class Leaky(ByText):
        strength: Strength = Strength.STRONG

    found = await probe(Leaky())
    assert not found.works
    assert found.why.startswith("it is not tight here: it can read a file outside")


async def test_a_kind_that_leaks_the_environment_is_not_used_even_if_weak() -> None:
    @dataclass(frozen=True, slots=True)
    class Leaky(ByText):
        def command(self, limits: Limits) -> Command:
            scratch = new_scratch(None)
            confine = {"shared": True}
            return Command((python(), *by_text()), scratch, dict(os.environ), confine, scratch)

    found = await probe(Leaky())
    assert not found.works
    assert "environment" in found.why


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="becomes another user")
def test_namespaces_need_no_privilege(tmp_path: Path) -> None:
    """As a user who owns nothing, where there is a Python that such a user may read."""
    other = Path("/usr/bin/python3")
    usable = other.exists() and (Namespaces().missing() is None)
    if not usable:
        pytest.skip("there is no other Python")
    version = subprocess.run(
        [other, "-c", "import sys; print(sys.version_info >= (3, 11))"],
        capture_output=True,
        text=True,
        check=False,
    )
    if version.stdout.strip() != "True":
        pytest.skip("the other Python is too old")
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        os.chmod(folder, 0o755)
    package = Path(__file__).parents[3] / "graphdsl"
    shutil.copytree(package, tmp_path / "graphdsl", ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import asyncio, os\n"
        "from graphdsl.executors.sandbox.kind_namespaces import Namespaces\n"
        "from graphdsl.executors.sandbox.probing import probe\n"
        "found = asyncio.run(probe(Namespaces()))\n"
        "print(os.getuid(), found.works, found.why)\n"
    )
    done = subprocess.run(
        [other, "-B", "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        user=65534,
        group=65534,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "65534 True", done.stderr
