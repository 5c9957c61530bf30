"""What README.md shows is what happens."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from graphdsl.cli.codes import Exit
from graphdsl.cli.guard import run
from graphdsl.compiler.check import check
from graphdsl.diagnostics import Source
from graphdsl.ir.backends import BACKENDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _commands() -> list[str]:
    lines = [line for block in _blocks("bash") for line in block.splitlines()]
    return [line for line in lines if line.startswith("graphdsl ")]


LOOKING_BACK = {
    "graphdsl run --resume last": Exit.BACKEND,
    "graphdsl trace --gantt": Exit.OK,
    "graphdsl memory list notes.db": Exit.OK,
}
"""Commands about what has happened before, and how they end after what `past` does."""

PAST = """edition "2026"
model down { backend = simulated  failures = 1.0  attempts = 1 }
memory notes { store = "notes.db" }
flow learn(question: Text) -> Text {
  kept = remember(notes, text: question)
  return kept
}
flow ask(question: Text) -> Draft {
  return first(generate(question, models: down))
}
"""


def _needs_model(command: str) -> bool:
    return command.startswith(("graphdsl run", "graphdsl eval", "graphdsl models"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the README's program and a data file."""
    program = _blocks("tts")[0]
    (tmp_path / "careful.tts").write_text(program, encoding="utf-8")
    item = {"question": "What is 1 + 2?", "answer": "3"}
    (tmp_path / "questions.jsonl").write_text(json.dumps(item) + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHDSL_STATE", str(tmp_path / "state"))
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(one, marks=[pytest.mark.model, pytest.mark.slow] if _needs_model(one) else ())
        for one in _commands()
        if one not in LOOKING_BACK
    ],
)
def test_commands_of_the_readme_work(command: str) -> None:
    assert run(shlex.split(command)[1:]) == 0


@pytest.mark.parametrize("command", LOOKING_BACK)
def test_commands_of_the_readme_that_look_back_work(command: str, folder: Path) -> None:
    assert command in _commands()
    (folder / "past.tts").write_text(PAST, encoding="utf-8")
    assert run(["run", "past.tts", "learn", "-i", "question=a"]) == Exit.OK
    assert run(["run", "past.tts", "ask", "-i", "question=a"]) == Exit.BACKEND
    assert run(shlex.split(command)[1:]) == LOOKING_BACK[command]


def test_the_program_of_the_readme_is_in_canonical_form(folder: Path) -> None:
    assert run(["fmt", "--check", str(folder / "careful.tts")]) == 0


@pytest.mark.usefixtures("folder")
def test_output_of_the_readme_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for block in _blocks("console"):
        command, _, output = block.partition("\n")
        assert run(shlex.split(command.removeprefix("$ "))[1:]) == 0
        assert capsys.readouterr().out == output


@pytest.mark.usefixtures("folder")
def test_the_graph_of_the_readme_is_the_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "careful.tts"]) == 0
    assert _blocks("mermaid") == [capsys.readouterr().out]


@pytest.mark.model
@pytest.mark.slow
def test_python_of_the_readme_runs(folder: Path) -> None:
    for block in _blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()


def test_python_of_the_page_about_it_runs(folder: Path) -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    code = "\n".join(_blocks("python", page))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "sums.drafts generate ok 5" in done.stdout


def test_every_key_of_a_model_is_described() -> None:
    page = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    keys = {option.name for kind in BACKENDS.values() for option in kind.options}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []


@pytest.mark.parametrize("page", ["README.md", "docs/backends.md"])
def test_every_model_line_of_the_pages_checks_clean(page: str) -> None:
    """Each is a program of its own, in which the members of a group are simulated."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [line for block in _blocks("tts", text) for line in block.splitlines()]
    models = [line for line in lines if re.match(r"model \w+ +\{.*\}", line)]
    assert len(models) >= 5
    for line in models:
        listed = re.search(r"(?:models|otherwise) = \[(.*?)\]", line)
        names = listed[1].split(", ") if listed else []
        others = "".join(f"model {name} {{ backend = simulated }}\n" for name in names)
        source = Source("line.tts", f'edition "2026"\n{others}{line}\n')
        assert [d.message for d in check(source, None).diagnostics if d.is_error] == [], line


def test_links_of_the_pages_lead_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), (page, target)


def test_pages_name_only_files_that_exist() -> None:
    for page in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for name in re.findall(r"`((?:graphdsl|tests|docs)/[a-z_/]+\.(?:py|md))`", text):
            assert (ROOT / name).exists(), (page, name)
