"""A backend of another package: the documented one, installed, checked, run, and held to it all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from doctest import DocTestParser
from pathlib import Path
from typing import Any

import pytest

from graphdsl.cli.codes import Exit
from graphdsl.executors.abc import Backend
from graphdsl.plan import ModelSpec
from graphdsl.testing import BackendSuite, backend_suite

PROGRAM = """edition "2026"

model bird { backend = parrot  max_tokens = 3 }

flow ask(question: Text) -> Text {
  drafts = generate(question, models: bird, samples: 2)
  only = first(drafts)
  return only
}
"""


def documented() -> str:
    """The module that the page of the suite shows."""
    page = backend_suite.__doc__
    assert page is not None
    return "".join(example.source for example in DocTestParser().get_examples(page))


class TestParrot(BackendSuite):
    @pytest.fixture
    async def backend(self) -> AsyncIterator[Backend]:
        found: dict[str, Any] = {}
        exec(documented(), found)
        backend = await found["PLUGIN"].open(ModelSpec("bird", "parrot", "", {}), None)
        yield backend
        await backend.aclose()


def install(site: Path, package: str, entry: str) -> None:
    """Let a package with that entry point be installed; its code is another matter."""
    info = site / "installed" / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[graphdsl.backends]\n{entry}\n")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a file that names the documented backend, and its package in `installed`."""
    install(tmp_path, "parrots", "parrot = parrots:PLUGIN")
    (tmp_path / "installed" / "parrots.py").write_text(documented())
    (tmp_path / "bird.tts").write_text(PROGRAM)
    return tmp_path


def graphdsl(site: Path, *words: str, installed: bool = True) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    if installed:
        environment["PYTHONPATH"] = str(site / "installed")
    command = [sys.executable, "-m", "graphdsl", *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=site, env=environment
    )


def test_a_file_can_name_an_installed_backend(site: Path) -> None:
    checked = graphdsl(site, "check", "bird.tts")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_an_installed_backend_runs(site: Path) -> None:
    done = graphdsl(site, "run", "bird.tts", "--input", "question=Who is there?")
    assert done.returncode == 0, done.stderr
    assert "na na na" in done.stdout


def test_its_options_are_checked(site: Path) -> None:
    (site / "bird.tts").write_text(PROGRAM.replace("max_tokens = 3", "beak = 3"))
    checked = graphdsl(site, "check", "bird.tts")
    assert checked.returncode != 0
    assert "beak" in checked.stderr + checked.stdout


def test_without_its_package_it_is_unknown(site: Path) -> None:
    checked = graphdsl(site, "check", "bird.tts", installed=False)
    assert checked.returncode != 0
    assert "there is no backend `parrot`" in checked.stderr + checked.stdout


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import nothing_of_that_name", "cannot be loaded: ModuleNotFoundError"),
        ("PLUGIN = 1 / 0", "cannot be loaded: ZeroDivisionError"),
        ("PLUGIN = 'parrot'", "`parrots:PLUGIN` of the package `parrots` is no `BackendPlugin`"),
    ],
)
def test_a_package_that_is_broken_is_named(site: Path, code: str, reason: str) -> None:
    (site / "installed" / "parrots.py").write_text(code)
    checked = graphdsl(site, "check", "bird.tts")
    assert checked.returncode != 0
    assert reason in checked.stderr
    assert "internal error" not in checked.stderr


def test_a_broken_package_is_reported_at_its_word_beside_what_else_is_wrong(site: Path) -> None:
    (site / "installed" / "parrots.py").write_text("raise SystemExit('first\\nsecond')")
    other = "model sim { backend = simulated  temperature = 9 }"
    (site / "bird.tts").write_text(PROGRAM + other)
    checked = graphdsl(site, "check", "bird.tts")
    assert checked.returncode == 1
    assert "bird.tts:3:24" in checked.stderr
    assert "`parrot` of the package `parrots` cannot be loaded: SystemExit: first second" in (
        checked.stderr
    )
    assert "`temperature` must be from 0 to 5" in checked.stderr


def test_two_packages_with_one_backend_are_both_named(site: Path) -> None:
    install(site, "birds", "parrot = birds:PLUGIN")
    checked = graphdsl(site, "check", "bird.tts")
    assert checked.returncode == 1
    assert "uninstall all but one of them" in checked.stderr
    for package in ("parrots", "birds"):
        assert f"`{package}:PLUGIN` of the package `{package}`" in checked.stderr


def test_no_package_can_replace_a_backend_of_this_one(site: Path) -> None:
    install(site, "false", "simulated = parrots:PLUGIN")
    (site / "bird.tts").write_text(PROGRAM.replace("= parrot", "= simulatd"))
    checked = graphdsl(site, "check", "bird.tts")
    assert "did you mean `simulated`?" in checked.stderr
    (site / "bird.tts").write_text(PROGRAM.replace("= parrot", "= nothing_like_it"))
    listed = graphdsl(site, "check", "bird.tts").stderr
    assert listed.count("`simulated`") == listed.count("`parrot`") == 1
    (site / "bird.tts").write_text(PROGRAM.replace("= parrot", "= simulated"))
    assert graphdsl(site, "check", "bird.tts").returncode == 0


def test_a_broken_package_does_not_matter_to_others(site: Path) -> None:
    (site / "installed" / "parrots.py").write_text("import nothing_of_that_name")
    (site / "bird.tts").write_text(PROGRAM.replace("= parrot", "= simulated"))
    assert graphdsl(site, "run", "bird.tts", "--input", "question=Who?").returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("return Completion(", "return (lambda *_: 'na')(", "gave a `str` instead of `Completion`"),
        ("count = request", "count = 1 // 0 or request", "failed: ZeroDivisionError: integer div"),
        ("async def chat(self, request):", "async def chat(self):", "failed: TypeError"),
        ("return Parrot()", "return 'parrot'", "gave a `str` instead of `Backend`"),
        ("return Parrot()", "return Bird()", "failed: NameError"),
        ("Capabilities(max_in_flight=8)", "8", "gave a `int` instead of `Capabilities`"),
    ],
)
def test_a_mistake_of_an_installed_backend_is_a_failed_call_that_names_its_package(
    site: Path, old: str, new: str, reason: str
) -> None:
    (site / "installed" / "parrots.py").write_text(documented().replace(old, new))
    done = graphdsl(site, "run", "bird.tts", "--input", "question=Who is there?")
    assert f"model `bird`: the backend `parrot` of the package `parrots` {reason}" in done.stderr
    assert "internal error" not in done.stderr
    assert done.returncode == Exit.BACKEND
