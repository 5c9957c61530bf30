"""`graphdsl test`: the tests that programs hold."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdsl.api.testing import Case, cases
from graphdsl.cli.codes import Exit
from graphdsl.cli.options import json_option
from graphdsl.cli.output import GREEN, RED, note, paint, print_json, safe, show
from graphdsl.cli.programs import load, program_files
from graphdsl.diagnostics import Source
from graphdsl.errors import BackendError, GraphDslError, InputError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from graphdsl.executors.result import Result


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one test."""

    file: Path
    source: Source
    case: Case
    result: Result | None
    error: GraphDslError | None

    @property
    def passed(self) -> bool:
        return self.result is not None and self.case.holds(self.result)

    @property
    def line(self) -> int:
        return self.source.position(self.case.span.start)[0]


@click.command("test")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--only", metavar="TEXT", help="Run only tests whose title holds this text.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all sampling.")
@json_option
def command(files: tuple[Path, ...], only: str | None, seed: int, as_json: bool) -> int:
    """Run the tests of programs.

    A test with `replies` costs nothing; others run their real models.
    """
    outcomes = [
        outcome for file in program_files(files) for outcome in _outcomes(file, only, seed, as_json)
    ]
    if not outcomes:
        raise InputError("there is no such test" if only else "these programs have no tests")
    if as_json:
        _print_record(outcomes)
    else:
        _print(outcomes)
    return _code(outcomes)


def _outcomes(file: Path, only: str | None, seed: int, as_json: bool) -> list[_Outcome]:
    """Start all tests of a file, then wait for each."""
    module = load(file, as_json)
    chosen = [case for case in cases(module) if only is None or only in case.title]
    running = [(case, _started(case, seed)) for case in chosen]
    source = module.program.source
    found: list[_Outcome] = []
    for case, future in running:
        try:
            result = future if isinstance(future, GraphDslError) else future.result()
        except GraphDslError as error:
            result = error
        if isinstance(result, GraphDslError):
            found.append(_Outcome(file, source, case, None, result))
        else:
            found.append(_Outcome(file, source, case, result, None))
    return found


def _started(case: Case, seed: int) -> Future[Result] | GraphDslError:
    try:
        return case.start(seed)
    except GraphDslError as error:
        return error


def _code(outcomes: Sequence[_Outcome]) -> Exit:
    if any(isinstance(outcome.error, BackendError) for outcome in outcomes):
        return Exit.BACKEND
    return Exit.OK if all(outcome.passed for outcome in outcomes) else Exit.WRONG


def _print(outcomes: Sequence[_Outcome]) -> None:
    for outcome in outcomes:
        word = "ok  " if outcome.passed else "FAIL"
        style = GREEN if outcome.passed else RED
        where = f"{outcome.file}:{outcome.line}"
        show(f"{paint(word, style, sys.stdout)}  {safe(outcome.case.title)}  {safe(where)}")
        if not outcome.passed:
            show(_reason(outcome))
    passed = sum(outcome.passed for outcome in outcomes)
    note(f"{passed} of {len(outcomes)} tests passed")


def _reason(outcome: _Outcome) -> str:
    """The expectation and what came instead."""
    if outcome.result is None:
        return f"      {safe(str(outcome.error))}"
    from graphdsl.cli.run import answer_text, spent_line

    span = outcome.case.expect.span
    wanted = " ".join(outcome.source.text[span.start : span.end].split())
    got = answer_text(outcome.result).replace("\n", "\n      ")
    return (
        f"      expected: {safe(wanted)}\n      answer: {got}\n      {spent_line(outcome.result)}"
    )


def _print_record(outcomes: Sequence[_Outcome]) -> None:
    from graphdsl.cli.schemas import CasesReport

    passed = sum(outcome.passed for outcome in outcomes)
    print_json(
        CasesReport.model_validate(
            {
                "ok": passed == len(outcomes),
                "passed": passed,
                "failed": len(outcomes) - passed,
                "tests": [_record(outcome) for outcome in outcomes],
            }
        )
    )


def _record(outcome: _Outcome) -> dict[str, object]:
    from graphdsl.executors.result import jsonable

    record: dict[str, object] = {
        "path": str(outcome.file),
        "line": outcome.line,
        "title": outcome.case.title,
        "passed": outcome.passed,
    }
    if outcome.result is None:
        return {**record, "error": str(outcome.error)}
    return {
        **record,
        "value": jsonable(outcome.result.output),
        "usage": asdict(outcome.result.usage),
        "seconds": outcome.result.seconds,
    }
