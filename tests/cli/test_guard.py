"""Errors as exit codes and messages; usage; help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest

from graphdsl.cli import root
from graphdsl.cli.guard import DEBUG, run
from graphdsl.errors import (
    BackendError,
    BudgetExceeded,
    CompileError,
    InputError,
    ModelNotFound,
    OperatorError,
)

Call = Callable[..., Any]


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make every command raise an error."""

    def install(error: BaseException) -> None:
        @click.command()
        @click.option("--json", is_flag=True)
        def command(json: bool) -> None:
            raise error

        def found(_group: click.Group, _context: click.Context, _name: str) -> click.Command:
            return command

        monkeypatch.setattr(root.LazyGroup, "get_command", found)

    return install


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (InputError("no"), 1, "input"),
        (CompileError([]), 1, "program"),
        (OperatorError("f.x", "no"), 1, "input"),
        (FileNotFoundError(2, "No such file or directory", "x.tts"), 1, "file"),
        (BudgetExceeded("no"), 3, "budget"),
        (BackendError("no"), 4, "backend"),
        (ModelNotFound("no"), 4, "backend"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_each_kind_of_error_has_its_code(
    error: BaseException, code: int, kind: str, call: Call, raising: Callable[..., None]
) -> None:
    raising(error)
    assert call("check", "x").code == 2  # the stand-in takes no arguments
    done = call("check", "--json")
    assert done.code == code
    assert done.json["ok"] is False
    assert done.json["error"]["kind"] == kind
    assert call("check").code == code


def test_an_unexpected_error_is_a_short_message_and_a_log(
    raising: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(DEBUG, raising=False)
    raising(RuntimeError("surprise"))
    assert run(["check"]) == 70
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "internal error: RuntimeError: surprise" in said
    log = said.split()[-1]
    with open(log, encoding="utf-8") as file:
        assert "Traceback" in file.read()


def test_an_unexpected_error_is_not_hidden_from_developers(
    call: Call, raising: Callable[..., None]
) -> None:
    raising(RuntimeError("surprise"))
    with pytest.raises(RuntimeError, match="surprise"):
        call("check")


def test_help_lists_every_command_without_importing_them(call: Call) -> None:
    done = call("--help")
    assert done.code == 0
    for name in root.COMMANDS:
        assert f"\n  {name} " in done.out


@pytest.mark.parametrize("name", list(root.COMMANDS))
def test_every_command_has_help_and_json(name: str, call: Call) -> None:
    done = call(name, "--help")
    assert done.code == 0
    assert "--json" in done.out


def test_a_mistyped_command_gets_a_suggestion(call: Call) -> None:
    done = call("chek")
    assert done.code == 2
    assert "did you mean `check`?" in done.err


@pytest.mark.parametrize("argv", [(), ("check",), ("run",), ("check", "--nothing", "x")])
def test_a_wrong_command_line_is_code_2(argv: tuple[str, ...], call: Call) -> None:
    done = call(*argv)
    assert done.code == 2
    assert done.out == ""


def test_a_wrong_command_line_is_json_under_json(call: Call) -> None:
    done = call("check", "--json")
    assert done.code == 2
    assert done.json["error"]["kind"] == "usage"


def test_version_is_printed(call: Call) -> None:
    done = call("--version")
    assert done.code == 0
    assert done.out.startswith("graphdsl ")
