"""What docs/traces.md shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from graphdsl.cli.trace import command

PAGE = (Path(__file__).parent.parent / "docs" / "traces.md").read_text(encoding="utf-8")


def test_python_of_the_page_runs(tmp_path: Path) -> None:
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "GRAPHDSL_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "['sums.drafts', 'sums.winner'" in done.stdout
    assert (tmp_path / "run.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_page_names_every_option() -> None:
    options = {option for param in command.params for option in param.opts if option[:2] == "--"}
    assert [option for option in sorted(options) if f"`{option}" not in PAGE] == []
