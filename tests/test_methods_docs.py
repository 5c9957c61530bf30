"""docs/methods.md has every flow of the library once, with what it takes to run it."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

import graphdsl
from graphdsl.api.reading import examine
from graphdsl.cli.codes import Exit
from graphdsl.cli.guard import run
from graphdsl.cli.methods import Method, methods
from graphdsl.syntax import tree

PAGE = (Path(__file__).parent.parent / "docs" / "methods.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```tts\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\|.*`graphdsl run std/(\w+\.tts) (\w+)` \|$", re.MULTILINE)
METHODS = tuple(methods())


@cache
def flow_of(method: Method) -> tree.Flow:
    module = examine(f"std/{method.file}").module
    assert module is not None
    return module.flows[method.name]


def needed(method: Method) -> set[str]:
    """The parameters that have to be given."""
    params = flow_of(method).params
    return {one.name.text for one in params if one.default is None and not one.type.optional}


def row_of(method: Method) -> str:
    names = (f"std/{method.file} {method.name}`", f".{method.name}`](")
    (row,) = (line for line in PAGE.splitlines() if line.startswith("|") and names_in(line, names))
    return row


def names_in(line: str, names: tuple[str, ...]) -> bool:
    return any(name in line for name in names)


def takes_a_model(method: Method) -> bool:
    return bool(needed(method) & {"reward", "meta"})


def test_every_flow_stands_in_the_page_once_with_its_command() -> None:
    plain = [one for one in METHODS if not takes_a_model(one)]
    assert sorted(COMMAND.findall(PAGE)) == sorted((one.file, one.name) for one in plain)


@pytest.mark.parametrize("method", [one for one in METHODS if takes_a_model(one)], ids=str)
def test_a_flow_that_wants_a_model_stands_in_a_row_and_in_a_program(method: Method) -> None:
    assert "(#with-a-reward-model) |" in row_of(method)
    assert sum(text.count(f".{method.name}(") for text in PROGRAMS) == 1


@pytest.mark.parametrize("method", METHODS, ids=lambda one: f"{one.file}-{one.name}")
def test_a_row_says_which_inputs_a_flow_takes(method: Method) -> None:
    section = PAGE[: PAGE.index(row_of(method))].rpartition("\n## ")[2] + row_of(method)
    for name in needed(method) - {"question", "reward", "meta"}:
        assert f'--input {name}="…"' in section


@pytest.mark.parametrize("method", METHODS, ids=lambda one: f"{one.file}-{one.name}")
def test_a_row_names_the_capabilities_that_a_scorer_asks_for(method: Method) -> None:
    row = row_of(method)
    asks = {
        "label_scores": "Scorer = probability" in method.text
        or "method: probability" in method.text,
        "logprobs": "method: likelihood" in method.text or "weights: probability" in method.text,
        "text_scores": "method: perplexity" in method.text,
    }
    for capability, asked in asks.items():
        if asked:
            assert (
                f"`{capability}`" in row
                or "as above" in row
                or "the strategies" in row
                or "the same" in row
            )


def test_names_of_flows_in_the_text_are_flows() -> None:
    known = {f"{one.file.removesuffix('.tts')}.{one.name}" for one in METHODS}
    files = "|".join(sorted({one.file.removesuffix(".tts") for one in METHODS}))
    named = set(re.findall(rf"`((?:{files})\.\w+)`", PAGE))
    assert named
    assert named <= known


@pytest.mark.parametrize("text", PROGRAMS)
def test_the_programs_of_the_page_check_clean(text: str) -> None:
    program = graphdsl.load(text)
    assert [str(one) for one in program.diagnostics] == []


def test_the_commands_of_the_page_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPHDSL_STATE", str(tmp_path / "state"))
    rewards, papers = PROGRAMS[-2:]
    (tmp_path / "rewards.tts").write_text(rewards, encoding="utf-8")
    (tmp_path / "papers.tts").write_text(papers, encoding="utf-8")
    (archon,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "archon.json").write_text(archon, encoding="utf-8")
    (line,) = re.findall(r"`(\{\"text\".*?\})`", PAGE)
    (tmp_path / "papers.jsonl").write_text(line + "\n", encoding="utf-8")
    commands = [line[2:] for line in PAGE.splitlines() if line.startswith("$ graphdsl ")]
    assert len(commands) == 5
    for command in commands[1:]:
        extra = ["--model", "std.base.small=simulated"] if "papers.tts" in command else []
        assert run(shlex.split(command)[1:] + extra) == Exit.OK
    for name in ("stepwise", "trusted", "beam"):
        assert run(["run", "rewards.tts", name, "-i", "question=What is 3 + 4?"]) == Exit.OK
