"""What docs/eval.md shows is what happens."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from graphdsl.cli.guard import run
from graphdsl.compiler.check import check
from graphdsl.diagnostics import Source
from graphdsl.syntax.format import format_source

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "eval.md").read_text(encoding="utf-8")
(PROGRAM,) = re.findall(r"^```tts\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(OUTPUT,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(PYTHON,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(COMMANDS,) = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's program and data."""
    (tmp_path / "judged.tts").write_text(PROGRAM, encoding="utf-8")
    shutil.copy(ROOT / "examples" / "data" / "sums.jsonl", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_program_checks_clean_and_is_in_canonical_form() -> None:
    assert [one.message for one in check(Source("page.tts", PROGRAM)).diagnostics] == []
    assert format_source(Source("page.tts", PROGRAM)).text == PROGRAM


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", COMMANDS.splitlines())
def test_the_commands_work(command: str) -> None:
    assert run(shlex.split(command)[1:]) == 0


@pytest.mark.usefixtures("folder")
def test_the_table_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "judged.tts"]) == 0
    printed = _timeless(capsys.readouterr().out)
    for line in _timeless(OUTPUT):
        assert line in printed


def _timeless(text: str) -> list[str]:
    """The lines, without rules, and without what a machine's speed decides."""
    bare = re.sub(r"\d+ ms|\d+\.\d s|─+", "", text)
    return [" ".join(line.split()) for line in bare.splitlines()]


@pytest.mark.usefixtures("folder")
def test_the_python_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(PYTHON, "eval.md", "exec"), {})
    assert "single sample" in capsys.readouterr().out


def test_every_option_is_on_the_page() -> None:
    from graphdsl.cli.eval import command

    names = {option for param in command.params for option in param.opts if option[:2] == "--"}
    shared = {"--with", "--model", "--no-cache", "--sandbox", "--seed"}
    assert [name for name in sorted(names - shared) if name not in PAGE] == []
