"""Judges code by unit tests that it never sees.

Chen et al. 2022, CodeT, arXiv 2207.10397; Brown et al. 2024, Large Language Monkeys, arXiv
2407.21787. The code runs in a sandbox; inputs go in one by one, and what comes back is compared
outside (`CallTest`, `ProgramTest`) or in a sandbox of the tests' own (`CheckTest`). That the code
ends well proves nothing: only values count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from graphdsl.ops.assertions import Suite, read_tests
from graphdsl.ops.code import find_code, last_function
from graphdsl.ops.context import Args, Context
from graphdsl.ops.exec import SECONDS, told
from graphdsl.ops.execution import Checks, Execution, FunctionCall, Limits, Outcome, Returned
from graphdsl.ops.shown import shown
from graphdsl.ops.together import together
from graphdsl.ops.trusted import with_trusted
from graphdsl.ops.unit_cases import (
    CANDIDATE,
    CallTest,
    CheckTest,
    Program,
    ProgramTest,
    Test,
    Unsupported,
    excerpt,
)
from graphdsl.values import Answer, Draft, Value, Verdict, as_text


@dataclass(frozen=True, slots=True)
class Judged:
    """How one test went: `passed` None when it could not be judged, and why not passed."""

    passed: bool | None
    why: str = ""


async def unit_tests(context: Context, args: Args) -> Value:
    """One verdict per draft: `score` is the share of tests that passed, `passed` means all of them.

    The reason tells of the first that did not: its input, what it expected and what it got. A test
    that could not be judged counts as not passed. Drafts with the same code are judged once.
    """
    context.keep()
    entry = as_text(args.get("entry")).strip() or None
    suite = read_tests(_texts(args["tests"]), entry)
    if not suite.tests:
        context.note("there are no tests; no draft passes")
    before = as_text(args.get("before"))
    limits = Limits(seconds=float(args.get("timeout") or SECONDS))
    given = args["drafts"]
    several = isinstance(given, tuple)
    drafts: Sequence[Draft] = cast(tuple[Draft, ...], given) if several else (given,)
    codes = [find_code(draft.text) if draft.complete else None for draft in drafts]
    suite = replace(suite, program=with_trusted(suite.program, before, entry))
    found = await _judge_all(context, dict.fromkeys(filter(None, codes)), before, suite, limits)
    verdicts = tuple(
        _verdict(draft, None if code is None else found[code])
        for draft, code in zip(drafts, codes, strict=True)
    )
    return verdicts if several else verdicts[0]


def _texts(tests: Value) -> list[str]:
    if not isinstance(tests, tuple):
        return [as_text(tests)]
    return [as_text(one) for one in cast(tuple[Value, ...], tests)]


async def _judge_all(
    context: Context, codes: Mapping[str, None], before: str, suite: Suite, limits: Limits
) -> dict[str, Verdict]:
    sources = [f"{before.rstrip()}\n\n{code}" if before.strip() else code for code in codes]
    judged = await together(_judge(context, one, suite, limits) for one in sources)
    return dict(zip(codes, judged, strict=True))


async def _judge(context: Context, code: str, suite: Suite, limits: Limits) -> Verdict:
    if not suite.tests:
        return Verdict(False, "there are no tests")
    entry = last_function(code)
    tests = [_named(test, entry) for test in suite.tests]
    calls = [test for test in tests if isinstance(test, CallTest)]
    programs = [test for test in tests if isinstance(test, ProgramTest)]
    results: list[Sequence[Judged]] = [
        await _calls(context, code, calls, limits),
        await _programs(context, code, programs, limits),
        await _checks(context, code, suite.program, entry, limits),
    ]
    by_kind = {
        CallTest: iter(results[0]),
        ProgramTest: iter(results[1]),
        CheckTest: iter(results[2]),
    }
    return _summed(
        [
            Judged(None, f"`{test.text}`: {test.why}")
            if isinstance(test, Unsupported)
            else _told(test, next(by_kind[type(test)]))
            for test in tests
        ]
    )


def _named(test: Test, entry: str | None) -> Test:
    """`candidate` is the code's last function where nothing else is said."""
    if isinstance(test, CallTest) and test.call.function == CANDIDATE and entry:
        return replace(test, call=replace(test.call, function=entry))
    return test


async def _calls(
    context: Context, code: str, tests: Sequence[CallTest], limits: Limits
) -> list[Judged]:
    if not tests:
        return []
    calls: tuple[FunctionCall, ...] = tuple(test.call for test in tests)
    done = await context.execute(Execution(code, calls=calls, limits=limits))
    return [_compared(test, got) for test, got in zip(tests, done.returned, strict=True)]


def _compared(test: CallTest, got: Returned) -> Judged:
    if got.outcome is not Outcome.OK:
        return Judged(False, f"{_how(got.outcome)}{excerpt(got.error)}")
    if not got.plain:
        return Judged(None, got.error)
    if test.passes(got.value):
        return Judged(True)
    return Judged(False, f"gave `{excerpt(shown(got.value))}`, expected {test.wanted}")


def _how(outcome: Outcome) -> str:
    return "raised " if outcome is Outcome.ERROR else f"{outcome.value}: "


async def _programs(
    context: Context, code: str, tests: Sequence[ProgramTest], limits: Limits
) -> list[Judged]:
    found: list[Judged] = []
    for test in tests:
        done = await context.execute(Execution(code, test.stdin, limits=limits))
        if done.outcome is not Outcome.OK:
            found.append(Judged(False, excerpt(told(done))))
        elif test.passes(done.stdout):
            found.append(Judged(True))
        else:
            printed, wanted = excerpt(done.stdout.rstrip()), excerpt(test.stdout.rstrip())
            found.append(Judged(False, f"printed `{printed}`, expected `{wanted}`"))
    return found


async def _checks(
    context: Context, code: str, program: Program, entry: str | None, limits: Limits
) -> list[Judged]:
    if not program.count:
        return []
    names = {
        name: entry if own == CANDIDATE and entry else own for name, own in program.names.items()
    }
    checks = Checks(program.source, names, program.count)
    done = await context.execute(Execution(code, checks=checks, limits=limits))
    return [
        Judged(one.passed, "; ".join(filter(None, (one.why, one.got and f"got `{one.got}`"))))
        for one in done.checked
    ]


def _told(test: CallTest | ProgramTest | CheckTest, judged: Judged) -> Judged:
    """With the test before the reason."""
    if judged.passed:
        return judged
    match test:
        case CallTest():
            what = f"`{test.shown}`"
        case ProgramTest():
            what = f"with the input `{excerpt(test.stdin)}` it"
        case CheckTest():
            what = f"`{test.text}` {'failed' if judged.passed is False else 'was not judged'}:"
    return replace(judged, why=f"{what} {judged.why}".rstrip(": "))


def _summed(judged: Sequence[Judged]) -> Verdict:
    count = len(judged)
    passed = sum(one.passed is True for one in judged)
    if passed == count:
        told_ = "the only test passed" if count == 1 else f"all {count} tests passed"
        return Verdict(True, told_, 1.0)
    first = next(one for one in judged if one.passed is not True)
    kind = "the first that failed" if first.passed is False else "could not be judged"
    reason = f"{passed} of {count} tests passed; {kind}: {first.why}"
    return Verdict(False, reason, passed / count)


def _verdict(draft: Draft, judged: Verdict | None) -> Verdict:
    answer = Answer(draft.answer or "", draft.confidence, draft.tie)
    if judged is not None:
        return replace(judged, answer=answer)
    if draft.complete:
        return Verdict(False, "the reply has no Python code", 0.0, answer)
    return Verdict(False, f"the draft is not complete ({draft.finish})", 0.0, answer)
