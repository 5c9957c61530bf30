"""What stands between the commands and the user: every error becomes a message and a code."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Final

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.output import PipeClosed, print_error, print_json
from graphdsl.cli.root import cli
from graphdsl.errors import (
    BackendError,
    BudgetExceeded,
    CompileError,
    ExtraMissing,
    GraphDslError,
    SandboxError,
)

DEBUG: Final = "GRAPHDSL_DEBUG"
"""With this variable set, an unexpected error is raised as it is, with its traceback."""


def run(argv: Sequence[str]) -> int:
    """Run a command line and return its exit code. Prints, never raises for a known error."""
    as_json = "--json" in argv
    try:
        code = cli.main(list(argv), prog_name="graphdsl", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _say(as_json, "interrupted", "interrupted", Exit.INTERRUPTED)
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(error.format_message() + "\n")
        return Exit.USAGE
    except click.ClickException as error:
        return _usage(as_json, error)
    except (BrokenPipeError, PipeClosed):
        _close_stdout()
        return Exit.PIPE_CLOSED
    except GraphDslError as error:
        return _say(as_json, _kind(error), str(error), _code(error))
    except OSError as error:
        return _say(as_json, "file", _file_problem(error), Exit.WRONG)
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        return _say(as_json, "defect", _report(error), Exit.DEFECT)


def _usage(as_json: bool, error: click.ClickException) -> int:
    context = error.ctx if isinstance(error, click.UsageError) else None
    where = f"; see `{context.command_path} --help`" if context is not None else ""
    message = error.format_message()
    first = message[:1].lower() + message[1:]
    return _say(as_json, "usage", first.rstrip(".") + where, Exit.USAGE)


def _kind(error: GraphDslError) -> str:
    match error:
        case CompileError():
            return "program"
        case BackendError() | ExtraMissing() | SandboxError():
            return "backend"
        case BudgetExceeded():
            return "budget"
        case _:
            return "input"


def _code(error: GraphDslError) -> Exit:
    match error:
        case BackendError() | ExtraMissing() | SandboxError():
            return Exit.BACKEND
        case BudgetExceeded():
            return Exit.EXHAUSTED
        case _:
            return Exit.WRONG


def _file_problem(error: OSError) -> str:
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return f"`{error.filename}`: {reason}" if error.filename else reason


def _report(error: Exception) -> str:
    """Keep the traceback in a file; a person gets its path."""
    handle, path = tempfile.mkstemp(prefix="graphdsl-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as log:
        traceback.print_exception(error, file=log)
    return (
        f"internal error: {type(error).__name__}: {error}\n"
        f"this is a defect of graphdsl; please report it with {path}"
    )


def _say(as_json: bool, kind: str, message: str, code: Exit) -> int:
    try:
        if as_json:
            print_json({"ok": False, "error": {"kind": kind, "message": message}})
        else:
            print_error(message)
    except PipeClosed:
        _close_stdout()
    return code


def _close_stdout() -> None:
    """Keep the interpreter from complaining about the closed pipe when it exits."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
