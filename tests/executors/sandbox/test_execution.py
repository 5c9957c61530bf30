"""Programs, calls and checks: what comes back from a sandbox."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from graphdsl.executors.sandbox.abc import Command, Kind, Sandbox
from graphdsl.executors.sandbox.chosen import probed
from graphdsl.executors.sandbox.executing import SOURCE, KindSandbox
from graphdsl.executors.sandbox.kinds import KINDS
from graphdsl.ops.execution import Checks, Execution, FunctionCall, Limits, Outcome


async def test_a_program_reads_its_input_and_prints(box: Sandbox) -> None:
    source = "import sys\nprint(input().upper())\nprint('é', file=sys.stderr)"
    done = await box.execute(Execution(source, "grüße\n"))
    assert (done.outcome, done.stdout, done.stderr) == (Outcome.OK, "GRÜSSE\n", "é\n")
    assert (done.sandbox, done.seconds > 0) == (box.name, True)


async def test_an_exception_is_told_in_one_line_with_its_traceback(any_box: Sandbox) -> None:
    done = await any_box.execute(Execution("def f():\n    return 1 / 0\nf()"))
    assert (done.outcome, done.error) == (Outcome.ERROR, "ZeroDivisionError: division by zero")
    assert 'File "<code>", line 2, in f' in done.stderr
    assert "candidate.py" not in done.stderr


async def test_an_exit_status_is_an_error_unless_it_is_0(any_box: Sandbox) -> None:
    fine = await any_box.execute(Execution("import sys; print('x', end=''); sys.exit()"))
    assert (fine.outcome, fine.stdout) == (Outcome.OK, "x")
    bad = await any_box.execute(Execution("import sys; sys.exit('no')"))
    assert (bad.outcome, bad.stderr, bad.error) == (Outcome.ERROR, "no\n", "its exit status is 1")


async def test_code_that_is_no_python_is_an_error(any_box: Sandbox) -> None:
    assert (await any_box.execute(Execution("def f(:"))).error.startswith("SyntaxError")


async def test_functions_registered_for_the_end_and_threads_finish(any_box: Sandbox) -> None:
    source = """
import atexit, threading, time
atexit.register(print, "last")
threading.Thread(target=lambda: (time.sleep(0.1), print("thread"))).start()
"""
    assert (await any_box.execute(Execution(source))).stdout == "thread\nlast\n"


async def test_the_library_and_an_event_loop_work(box: Sandbox) -> None:
    source = """
import asyncio, decimal, hashlib, json, random, re, sqlite3, tempfile, zoneinfo
async def one(): return 1
with tempfile.TemporaryFile() as file: file.write(b"x")
print(asyncio.run(one()), sqlite3.connect(":memory:").execute("select 2").fetchone())
"""
    assert (await box.execute(Execution(source))).stdout == "1 (2,)\n"


async def test_other_packages_are_not_in_sight(any_box: Sandbox) -> None:
    done = await any_box.execute(Execution("import graphdsl.ops"))
    assert done.error.startswith("ModuleNotFoundError")


VALUES: list[Any] = [
    None,
    True,
    0,
    -(10**40),
    1.5,
    math.inf,
    "é\ud800",
    b"\x00",
    (1, [2, (3,)]),
    {1: "a", (2, 3): [None]},
    {1, 2},
    frozenset({"x"}),
    1 + 2j,
    range(1, 9, 2),
]


async def test_values_keep_their_types(any_box: Sandbox) -> None:
    calls = tuple(FunctionCall("f", (value,), {"named": value}) for value in VALUES)
    source = "def f(x, named): return x, named, type(x).__name__"
    done = await any_box.execute(Execution(source, calls=calls))
    expected = [(value, value, type(value).__name__) for value in VALUES]
    assert [one.value for one in done.returned] == expected
    assert [type(one.value[0]) for one in done.returned] == [type(value) for value in VALUES]


async def test_calls_share_their_module_and_errors_end_none_of_the_others(any_box: Sandbox) -> None:
    source = "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen) // x"
    calls = tuple(FunctionCall("f", (x,)) for x in (1, 0, 1))
    done = await any_box.execute(Execution(source, calls=calls))
    assert [one.value for one in done.returned] == [1, None, 3]
    assert done.returned[1].error.startswith("ZeroDivisionError")


async def test_calls_after_the_end_say_how_it_ended(any_box: Sandbox) -> None:
    source = "import time\ndef f(x):\n    while x: pass\n    return x"
    calls = (FunctionCall("f", (0,)), FunctionCall("f", (1,)), FunctionCall("f", (0,)))
    work = Execution(source, calls=calls, limits=Limits(seconds=0.5))
    outcomes = [one.outcome for one in (await any_box.execute(work)).returned]
    assert outcomes == [Outcome.OK, Outcome.TIMEOUT, Outcome.TIMEOUT]


async def test_a_list_that_a_function_changes_is_changed_for_the_checks(any_box: Sandbox) -> None:
    source = "def f(xs, seen):\n    xs.sort()\n    seen.add(3)\n    raise KeyError('x')"
    program = """
xs, seen = [2, 1], set()
try:
    f(xs, seen)
except KeyError:
    raised = True
__check__(0, lambda: raised)
"""
    done = await any_box.execute(Execution(source, checks=Checks(program, {"f": "f"}, 1)))
    assert done.checked[0].passed is True
    source, program = (
        "def f(xs): xs.sort()",
        "xs = [2, 1]\nf(xs)\n__check__(0, lambda: xs == [1, 2])",
    )
    done = await any_box.execute(Execution(source, checks=Checks(program, {"f": "f"}, 1)))
    assert done.checked[0].passed is True


async def test_checks_that_call_nothing_say_nothing(any_box: Sandbox) -> None:
    checks = Checks("__check__(0, lambda: 1 == 1)", {"f": "f"}, 1)
    done = await any_box.execute(Execution("def f(): pass", checks=checks))
    assert done.checked[0].passed is None


async def test_what_is_too_large_is_refused_before_anything_starts(any_box: Sandbox) -> None:
    done = await any_box.execute(Execution("#" * (SOURCE + 1)))
    assert (done.outcome, "1,000,000" in done.error) == (Outcome.REFUSED, True)


async def test_what_is_refused_answers_every_call_and_check(any_box: Sandbox) -> None:
    calls = (FunctionCall("f"), FunctionCall("f"))
    checks = Checks("", {"f": "f"}, 3)
    large = Checks("#" * 8_000_001, {"f": "f"}, 1)
    assert not (await any_box.execute(Execution("", checks=large))).checked[0].passed
    for source in ("x = '\0'", "#" * (SOURCE + 1)):
        called = await any_box.execute(Execution(source, calls=calls))
        assert [one.outcome for one in called.returned] == [Outcome.REFUSED] * 2
        checked = await any_box.execute(Execution(source, checks=checks))
        assert [one.passed for one in checked.checked] == [False] * 3


async def test_arguments_that_cannot_be_sent_say_so(any_box: Sandbox) -> None:
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    calls = (FunctionCall("f", (deep,)), FunctionCall("f", ("x" * 70_000_000,)))
    done = await any_box.execute(Execution("def f(x): return 1", calls=calls))
    assert [one.plain for one in done.returned] == [False, False]
    assert all("than can be sent" in one.error for one in done.returned)


class Counting:
    """A kind that counts how many sandboxes there are at a time."""

    def __init__(self, kind: Kind) -> None:
        self.name, self.strength = kind.name, kind.strength
        self.missing, self._command = kind.missing, kind.command
        self.begun = 0

    def command(self, limits: Limits) -> Command:
        self.begun += 1
        return self._command(limits)


async def test_only_so_many_run_at_a_time() -> None:
    working = [kind for kind in KINDS if (await probed(kind)).works]
    if not working:
        pytest.skip("no sandbox works here")
    counting = Counting(working[0])
    box = KindSandbox(counting, at_once=1)
    work = Execution("import time; time.sleep(3600)", limits=Limits(seconds=3600))
    tasks = [asyncio.create_task(box.execute(work)) for _ in range(3)]
    await asyncio.sleep(0.2)
    assert counting.begun == 1
    await box.aclose()
    assert all(task.cancelled() for task in tasks)
    assert (await box.execute(Execution("print(1)"))).stdout == "1\n"
