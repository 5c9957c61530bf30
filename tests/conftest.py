"""What tests of every stage share: golden files, signals, and how properties are searched."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
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
