"""docs/metrics.md: its Python runs, and its table names what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import graphdsl.eval

PAGE = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
BLOCKS: list[str] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[-1][:40])
def test_python_of_the_page_runs(block: str) -> None:
    command = [sys.executable, "-W", "error", "-c", block]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_has_a_snippet_for_each_family() -> None:
    assert len(BLOCKS) == 6


def test_the_table_names_what_there_is() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)", row.split("|")[1])}
    assert len(named) > 40
    assert named <= set(graphdsl.eval.__all__)


def test_the_page_names_every_function() -> None:
    functions = {name for name in graphdsl.eval.__all__ if name.islower()}
    assert sorted(functions - set(re.findall(r"\w+", PAGE))) == []
