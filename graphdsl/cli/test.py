"""`graphdsl test`: the tests that programs hold."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdsl.api.module import Module
from graphdsl.api.testing import Case, cases
from graphdsl.cli.codes import Exit
from graphdsl.cli.options import PATH, json_option
from graphdsl.cli.output import (
    GREEN,
    RED,
    counted,
    note,
    paint,
    print_diagnostics,
    print_error,
    print_json,
    safe,
    show,
)
from graphdsl.cli.programs import examine_file, load, program_files, records
from graphdsl.diagnostics import Source
from graphdsl.errors import BackendError, GraphDslError, InputError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from graphdsl.compiler.program import Checked
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

    @property
    def expected(self) -> str:
        """The condition as the program writes it, on one line."""
        span = self.case.expect.span
        return " ".join(self.source.text[span.start : span.end].split())


@dataclass(frozen=True, slots=True)
class _Broken:
    """A file whose tests cannot be run: not a correct program, or not to be read."""

    file: Path
    checked: Checked | None
    error: str | None


_Program = tuple[Path, "Module | _Broken"]


@click.command("test")
@click.argument("files", nargs=-1, required=True, type=PATH)
@click.option("--only", metavar="TEXT", help="Run only tests whose title holds this text.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all sampling.")
@json_option
def command(files: tuple[Path, ...], only: str | None, seed: int, as_json: bool) -> int:
    """Run the tests of programs.

    A test with `replies` costs nothing; others run their real models.
    """
    found = program_files(files)
    if len(found) == 1:
        programs: list[_Program] = [(found[0], load(found[0], as_json))]
    else:
        programs = [(file, _loaded(file)) for file in found]
    broken = [program for _, program in programs if isinstance(program, _Broken)]
    good = [(file, program) for file, program in programs if isinstance(program, Module)]
    outcomes = [one for file, module in good for one in _outcomes(file, module, only, seed)]
    if not outcomes and not broken:
        raise InputError("there is no such test" if only else "these programs have no tests")
    if as_json:
        _print_record(outcomes, broken)
    else:
        _print(outcomes, broken)
    code = _code(outcomes)
    return Exit.WRONG if broken and code is Exit.OK else code


def _loaded(file: Path) -> Module | _Broken:
    """One program of several: what is wrong with it must not keep the others from being run."""
    try:
        checked = examine_file(file)
    except InputError as error:
        return _Broken(file, None, str(error))
    return Module(checked) if checked.ok else _Broken(file, checked, None)


def _outcomes(file: Path, module: Module, only: str | None, seed: int) -> list[_Outcome]:
    """Start all tests of a file, then wait for each."""
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


def _print(outcomes: Sequence[_Outcome], broken: Sequence[_Broken]) -> None:
    for one in broken:
        if one.checked is not None:
            print_diagnostics(one.checked.diagnostics, one.checked.sources, total=False)
        else:
            print_error(one.error or "")
    for outcome in outcomes:
        word = "ok  " if outcome.passed else "FAIL"
        style = GREEN if outcome.passed else RED
        where = f"{outcome.file}:{outcome.line}"
        show(f"{paint(word, style, sys.stdout)}  {safe(outcome.case.title)}  {safe(where)}")
        if not outcome.passed:
            show(_reason(outcome))
    passed = sum(outcome.passed for outcome in outcomes)
    rest = f"; {counted(len(broken), 'file')} could not be tested" if broken else ""
    note(f"{passed} of {len(outcomes)} tests passed{rest}")


def _reason(outcome: _Outcome) -> str:
    """The expectation and what came instead."""
    if outcome.result is None:
        return f"      {safe(str(outcome.error))}"
    from graphdsl.cli.run_result import answer_text, spent_line

    got = answer_text(outcome.result).replace("\n", "\n      ")
    lines = f"expected: {safe(outcome.expected)}", f"answer: {got}", spent_line(outcome.result)
    return "\n".join(f"      {line}" for line in lines)


def _print_record(outcomes: Sequence[_Outcome], broken: Sequence[_Broken]) -> None:
    from graphdsl.cli.schemas import CasesReport

    passed = sum(outcome.passed for outcome in outcomes)
    print_json(
        CasesReport.model_validate(
            {
                "ok": passed == len(outcomes) and not broken,
                "passed": passed,
                "failed": len(outcomes) - passed,
                "tests": [_record(outcome) for outcome in outcomes],
                "broken": [_broken_record(one) for one in broken],
            }
        )
    )


def _broken_record(one: _Broken) -> dict[str, object]:
    found = one.checked
    diagnostics = [] if found is None else records(found.diagnostics, found.sources)
    return {"path": str(one.file), "error": one.error, "diagnostics": diagnostics}


def _record(outcome: _Outcome) -> dict[str, object]:
    from graphdsl.executors.result import jsonable

    record: dict[str, object] = {
        "path": str(outcome.file),
        "line": outcome.line,
        "title": outcome.case.title,
        "passed": outcome.passed,
        "expected": outcome.expected,
    }
    if outcome.result is None:
        return {**record, "error": str(outcome.error)}
    return {
        **record,
        "value": jsonable(outcome.result.output),
        "usage": outcome.result.usage.to_dict(),
        "seconds": outcome.result.seconds,
        "error": outcome.result.error,
    }
