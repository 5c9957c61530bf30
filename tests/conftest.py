"""What tests of every stage share: golden files, signals, and how properties are searched."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

# A machine that judges changes should say the same twice; a developer's may look further each time.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# Shells start background jobs with SIGINT ignored, children inherit that, and then no test of
# Ctrl-C can work.
signal.signal(signal.SIGINT, signal.default_int_handler)

Golden = Callable[[Path, str], None]
"""Annotate the fixture so; a test file may repeat this line, since tests are not a package."""


_TESTS = count()


@pytest.fixture(autouse=True)
def own_files(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """No test finds the answers or runs of another one, or of the user, nor leaves its own.

    Models stay where the user has them. The files are made by those that need them.
    """
    folder = tmp_path_factory.getbasetemp() / "own" / str(next(_TESTS))
    monkeypatch.setenv("GRAPHDSL_ANSWERS", str(folder / "answers.sqlite"))
    monkeypatch.setenv("GRAPHDSL_STATE", str(folder / "state"))
    yield
    caches = sys.modules.get("graphdsl.api.caches")
    if caches is not None:
        caches.close_caches()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`."""
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite golden files with what was found"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden(path, text)` asserts that the file at `path` holds exactly `text`.

    Under `pytest --update-golden` it writes the file instead; read the diff before committing.
    Line ends are not translated, so a golden file may hold CRLF.
    """
    update = bool(request.config.getoption("--update-golden"))

    def compare(path: Path, text: str) -> None:
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8"))
            return
        if not path.exists():
            pytest.fail(f"{path} is missing; write it with `pytest --update-golden`")
        assert text == path.read_bytes().decode("utf-8")

    return compare
