"""Judging code by tests that it never sees, and running programs for their answers."""

from __future__ import annotations

from typing import Any, cast

import pytest

from graphdsl.executors.sandbox.abc import Sandbox
from graphdsl.executors.sandbox.chosen import probed
from graphdsl.executors.sandbox.kinds import KINDS
from graphdsl.ops.assertions import read_tests
from graphdsl.ops.code import find_code
from graphdsl.ops.context import Context
from graphdsl.ops.exec import exec_
from graphdsl.ops.execution import Executed, Execution
from graphdsl.ops.scored import scored
from graphdsl.ops.unit_cases import CallTest, CheckTest, ProgramTest, Unsupported
from graphdsl.ops.unit_tests import unit_tests
from graphdsl.values import Draft, Finish, Verdict

DOUBLE = "```python\ndef double(x):\n    return 2 * x\n```"
SAME = "```python\ndef double(x):\n    return x\n```"


class Running:
    """A context whose only gift is a sandbox; it counts what was run."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.ran: list[Execution] = []
        self.notes: list[str] = []
        self.kept = False

    async def execute(self, work: Execution) -> Executed:
        self.ran.append(work)
        return await self.box.execute(work)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def keep(self) -> None:
        self.kept = True


@pytest.fixture
async def running() -> Running:
    """With the best sandbox that works here, be it a weak one."""
    for kind in KINDS:
        if (box := (await probed(kind)).sandbox) is not None:
            return Running(box)
    pytest.skip("no sandbox works here")


def _context(running: Running) -> Context:
    return cast(Context, running)


async def _judged(running: Running, tests: Any, *texts: str, **more: Any) -> list[Verdict]:
    drafts = tuple(Draft(text) for text in texts)
    args = {"drafts": drafts, "tests": tests, **more}
    return list(await unit_tests(_context(running), args))


# ---- finding code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Text.\n```python\na = 1\n```\nText.\n```python\na = 2\n```", "a = 2\n"),
        ("```\na = 1\n```\n```text\nno code\n```", "a = 1\n"),
        ("```Python3 title=x\na = 1\n```", "a = 1\n"),
        ("~~~py\na = '```'\n~~~", "a = '```'\n"),
        ("````python\na = '''\n```\n'''\n````", "a = '''\n```\n'''\n"),
        ("```json\n{}\n```", None),
        ("a = 1", "a = 1"),
        ("This is no code", None),
        ("It is 4.", None),
        ("```python\na = 1", None),
        ("", None),
    ],
)
def test_the_last_block_of_python_is_the_code(text: str, code: str | None) -> None:
    assert find_code(text) == code


def test_a_reply_of_fences_is_read_in_one_pass() -> None:
    """Half a minute when each backtick begins another attempt."""
    assert find_code("`" * 20_000 + "\n" * 20_000) is None


# ---- reading tests


def test_asserts_that_compare_a_call_with_a_literal_need_no_second_sandbox() -> None:
    text = "assert f(1, [2], k={'a'}) == (3,)\nassert 4 == f(2)\nassert f(1)\nassert not f(0)"
    suite = read_tests([text], None)
    assert suite.program.count == 0
    found = [test for test in suite.tests if isinstance(test, CallTest)]
    assert [test.by for test in found] == ["equal", "equal", "true", "false"]
    assert (found[0].call.arguments, found[0].call.named) == ((1, [2]), {"k": {"a"}})
    assert (found[1].expected, found[0].shown) == (4, "f(1, [2], k={'a'})")


def test_a_check_of_a_candidate_is_read_with_the_function_that_it_stands_for() -> None:
    text = "METADATA = {}\ndef check(candidate):\n    assert candidate(1) == 2\n    assert True\n"
    (test,) = read_tests([text], "f").tests
    assert isinstance(test, CallTest)
    assert test.call.function == "f"


def test_other_asserts_become_a_program_in_which_each_reports() -> None:
    text = (
        "import math\nfor x in (1, 2):\n    assert math.isclose(f(x), x), 'far'\nassert f(1) > g(2)"
    )
    suite = read_tests([text], None)
    assert [test.text for test in suite.tests if isinstance(test, CheckTest)] == [
        "assert math.isclose(f(x), x), 'far'",
        "assert f(1) > g(2)",
    ]
    assert dict(suite.program.names) == {"f": "f", "g": "g"}
    assert "assert" not in suite.program.source


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("assert f(1) ==", "neither Python nor JSON"),
        ('{"args": 1}', '"args"'),
        ("[1", "no JSON"),
        ("import unittest\nclass T(unittest.TestCase):\n    pass", "write asserts"),
        ("assert len([1]) == 1", "no function of the code"),
        ("__check__(0, lambda: True)\nassert f(1) == 2", "__check__"),
    ],
)
def test_what_cannot_be_judged_is_unsupported(text: str, why: str) -> None:
    (test,) = read_tests([text], None).tests
    assert isinstance(test, Unsupported)
    assert why in test.why


@pytest.mark.parametrize(
    "text",
    [
        "assert f(1) == " + "+".join(["g"] * 900),
        "assert f(1)" + ".a" * 900,
        "x = 1\nassert f(x) == " + "-" * 900 + "1",
    ],
)
def test_tests_that_are_nested_too_deeply_say_so_and_the_others_are_run(text: str) -> None:
    suite = read_tests([text, "assert f(1) == 2"], None)
    assert [type(test) for test in suite.tests] == [Unsupported, CallTest]
    assert isinstance(suite.tests[0], Unsupported)
    assert "nested too deeply" in suite.tests[0].why


def test_a_number_that_python_does_not_write_is_unsupported() -> None:
    (test,) = read_tests([f"import math\nassert f(1) == 0x{'f' * 9000} + math.pi"], None).tests
    assert isinstance(test, Unsupported)


def test_literals_whose_hashes_collide_are_left_to_a_sandbox() -> None:
    numbers = ",".join(str((2**61 - 1) * n) for n in range(1, 5000))
    (test,) = read_tests([f"assert f(1) == {{{numbers}}}"], None).tests
    assert isinstance(test, CheckTest)


def test_json_has_calls_and_programs() -> None:
    text = '[{"args": [1], "returns": 2}, {"stdin": "1", "stdout": "2"}]'
    call, program = read_tests([text], "f").tests
    assert isinstance(call, CallTest)
    assert call.passes(2)
    assert isinstance(program, ProgramTest)
    assert program.passes("2  \n\n")


# ---- judging


async def test_the_score_is_the_share_of_tests_that_passed(running: Running) -> None:
    tests = "assert double(0) == 0\nassert double(2) == 4\nassert double(3) == 6"
    right, wrong = await _judged(running, tests, DOUBLE, SAME)
    assert (right.passed, right.score, right.reason) == (True, 1.0, "all 3 tests passed")
    assert (wrong.passed, wrong.score) == (False, 1 / 3)
    first = "the first that failed: `double(2)` gave `2`, expected `4`"
    assert wrong.reason == f"1 of 3 tests passed; {first}"
    assert running.kept


async def test_equal_code_is_judged_once(running: Running) -> None:
    await _judged(running, "assert double(1) == 2", DOUBLE, DOUBLE, SAME)
    assert len(running.ran) == 2


async def test_drafts_without_code_and_incomplete_ones_are_not_run(running: Running) -> None:
    cut = Draft(DOUBLE, finish=Finish.LENGTH)
    args = {"drafts": (Draft("It is 4."), cut), "tests": "assert double(1) == 2"}
    told, short = await unit_tests(_context(running), args)
    assert (told.reason, told.score) == ("the reply has no Python code", 0.0)
    assert short.reason == "the draft is not complete (length)"
    assert running.ran == []


async def test_without_tests_nothing_passes(running: Running) -> None:
    (verdict,) = await _judged(running, "assert True", DOUBLE)
    assert (verdict.passed, verdict.score) == (False, None)
    assert running.notes == ["there are no tests; no draft passes"]


async def test_code_that_fails_says_how(running: Running) -> None:
    tests = "assert f(1) == 2"
    texts = ("def g(x): return 2", "def f(x): return 1 / 0", "f = (", "def f(x):\n  while x: pass")
    fenced = [f"```python\n{text}\n```" for text in texts]
    reasons = [v.reason for v in await _judged(running, tests, *fenced, timeout=0.5)]
    assert "has no function `f`" in reasons[0]
    assert "`f(1)` raised ZeroDivisionError: division by zero" in reasons[1]
    assert "SyntaxError" in reasons[2]
    assert "timeout: it ran longer than 0.5 s" in reasons[3]


async def test_checks_tell_what_the_call_gave(running: Running) -> None:
    tests = "import math\nassert math.isclose(double(2), 4)\nassert double(double(1)) == 4"
    (wrong,) = await _judged(running, tests, SAME)
    assert wrong.score == 0.0
    assert "`assert math.isclose(double(2), 4)` failed: got `2`" in wrong.reason
    (right,) = await _judged(running, tests, DOUBLE)
    assert right.passed


async def test_what_a_test_expects_to_be_raised_is_raised(running: Running) -> None:
    tests = (
        "try:\n    f(0)\n    assert False\n"
        "except ValueError as error:\n    assert 'zero' in str(error)"
    )
    good = "def f(x):\n    if not x: raise ValueError('zero')"
    bad = "def f(x):\n    return x"
    right, wrong = await _judged(running, tests, good, bad)
    assert (right.passed, wrong.passed) == (True, False)
    assert "AssertionError" in wrong.reason


async def test_functions_named_as_tests_are_called(running: Running) -> None:
    tests = "def test_two():\n    xs = [2]\n    assert double(xs[0]) == 4"
    right, wrong = await _judged(running, tests, DOUBLE, SAME)
    assert (right.passed, wrong.passed) == (True, False)


async def test_an_object_that_comes_back_cannot_be_judged(running: Running) -> None:
    code = "class Any:\n    def __eq__(self, other): return True\ndef f(x): return Any()"
    for tests in ("assert f(1) == 2", "y = 2\nassert f(1) == y"):
        (verdict,) = await _judged(running, tests, code)
        assert (verdict.passed, verdict.score) == (False, 0.0)
        assert "which is no plain data" in verdict.reason


async def test_programs_are_judged_by_what_they_print(running: Running) -> None:
    tests = ('{"stdin": "2", "stdout": "4"}', '{"stdin": "3", "stdout": "9"}')
    (verdict,) = await _judged(running, tests, "print(2 * int(input()))")
    assert verdict.score == 0.5
    assert "with the input `3` it printed `6`, expected `9`" in verdict.reason


async def test_code_before_each_draft_counts_as_its_own(running: Running) -> None:
    (verdict,) = await _judged(
        running, "assert f(1) == 3", "def f(x): return two() + x", before="def two(): return 2"
    )
    assert verdict.passed


async def test_a_helper_that_tests_call_is_the_one_put_before(running: Running) -> None:
    before = "import math\ndef poly(xs, x):\n    return sum(c * x**i for i, c in enumerate(xs))\n"
    before += 'def root(xs):\n    """A zero of poly."""\n'
    tests = "def check(candidate):\n  for c in ([1, 1], [2, 1]):\n"
    tests += "    assert math.fabs(poly(c, candidate(c))) < 1e-4"
    cheat = "def poly(xs, x): return 0\ndef root(xs): return 7"
    last = "def root(xs): return 7\ndef poly(xs, x): return 0"
    good = "def root(xs): return -xs[0]"
    verdicts = await _judged(running, tests, cheat, last, good, before=before, entry="root")
    assert [one.passed for one in verdicts] == [False, False, True]
    named = tests.replace("candidate(c)", "root(c)").replace(
        "def check(candidate)", "def test_all()"
    )
    verdicts = await _judged(running, named, cheat, last, good, before=before)
    assert [one.passed for one in verdicts] == [False, False, True]


async def test_drafts_that_mend_what_stands_before_are_judged(running: Running) -> None:
    tests = "y = 2\nassert double(1) == y"
    before = "from __future__ import annotations\ndef double(x):\n    return x"
    right, wrong = await _judged(running, tests, DOUBLE, SAME, before=before)
    assert (right.passed, wrong.passed) == (True, False)


async def test_the_end_of_an_iteration_does_not_end_a_loop_of_the_tests(running: Running) -> None:
    tests = "assert all(map(lambda x: f(x) == x, range(3)))"
    (verdict,) = await _judged(running, tests, "def f(x): raise StopIteration")
    assert (verdict.passed, "StopIteration" in verdict.reason) == (False, True)


async def test_arguments_that_are_no_plain_data_cannot_be_judged(running: Running) -> None:
    for test, why in (
        ("assert f(lambda x: x) == 1", "has a `function`, which is no plain data"),
        (
            "xs = list(range(200_000))\nassert f(xs) == 1",
            "which is larger or deeper than can be sent",
        ),
        ("x = 'x' * 2_000_000\nassert f(x) == 1", "the arguments are larger than can be sent"),
    ):
        (verdict,) = await _judged(running, test, "def f(x): return 1")
        assert (verdict.passed, verdict.score) == (False, 0.0)
        assert "was not judged" in verdict.reason
        assert why in verdict.reason


@pytest.mark.parametrize("tests", ["assert f(1) == 4", "y = 4\nassert f(1) == y"])
async def test_a_number_too_long_to_be_written_is_told_by_its_size(
    running: Running, tests: str
) -> None:
    (verdict,) = await _judged(running, tests, "def f(x): return 10**5000")
    assert "<int of 16610 bits>" in verdict.reason
    right = "import math\nassert f(3000) == math.factorial(3000)"
    (verdict,) = await _judged(running, right, "import math\ndef f(x): return math.factorial(x)")
    assert verdict.passed


@pytest.mark.parametrize("tests", ["assert f(1) == 4", "y = 4\nassert f(1) == y"])
async def test_code_that_is_refused_fails_its_tests(running: Running, tests: str) -> None:
    refused, fine = await _judged(
        running, tests, "```python\nx = '\0'\n```", "```python\ndef f(x): return 4\n```"
    )
    assert (refused.passed, fine.passed) == (False, True)
    assert "NUL" in refused.reason


async def test_one_draft_gets_one_verdict(running: Running) -> None:
    args = {"drafts": Draft(DOUBLE, answer="7"), "tests": ("assert double(1) == 2",)}
    verdict = await unit_tests(_context(running), args)
    assert (verdict.passed, verdict.answer.text) == (True, "7")
    assert verdict.reason == "the only test passed"


def test_scores_of_verdicts_go_to_their_drafts() -> None:
    drafts = (Draft("a", score=9.0), Draft("b"), Draft("c", score=1.0))
    verdicts = (Verdict(True, score=0.5), Verdict(False, score=None))
    found: tuple[Draft, ...] = scored({"drafts": drafts, "verdicts": verdicts})
    assert [draft.score for draft in found] == [0.5, None, None]


# ---- exec


async def test_what_a_program_prints_takes_the_place_of_the_reply(running: Running) -> None:
    draft = Draft("```python\nprint('so')\nprint(int(input()) * 7)\n```", model="m", sample=2)
    (done,) = await exec_(_context(running), {"of": (draft,), "stdin": "6"})
    assert (done.text, done.answer, done.complete) == ("so\n42\n", "42", True)
    assert (done.model, done.sample) == ("m", 2)


async def test_a_program_that_fails_is_a_failed_draft_that_says_why(running: Running) -> None:
    done = await exec_(_context(running), {"of": "print('so')\nopen('/nowhere')"})
    assert (done.finish, done.answer) == (Finish.ERROR, None)
    assert done.text.startswith("so\nFileNotFoundError") or "PermissionError" in done.text
    none = await exec_(_context(running), {"of": Draft("It is 4.")})
    assert (none.finish, none.error) == (Finish.ERROR, "the reply has no Python code")


async def test_a_draft_that_is_not_complete_is_not_run(running: Running) -> None:
    draft = Draft("print(1)", finish=Finish.LENGTH)
    assert await exec_(_context(running), {"of": draft}) is draft
    assert running.ran == []
