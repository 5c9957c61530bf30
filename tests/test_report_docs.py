"""What docs/report.md shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from graphdsl.cli.report import command
from tests.search.report.studies import as_file, result

PAGE = (Path(__file__).parent.parent / "docs" / "report.md").read_text(encoding="utf-8")


def test_python_of_the_page_runs(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(as_file(result(20)), encoding="utf-8")
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
    assert done.stdout.startswith("On 200 items that no step of the search had seen")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")


def test_the_page_names_every_option() -> None:
    options = {option for param in command.params for option in param.opts if option[:2] == "--"}
    assert [option for option in sorted(options) if f"`{option}" not in PAGE] == []
