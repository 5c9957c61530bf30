"""The budget's deadline ends code that runs, and code that waits for its turn."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from graphdsl import Budget, Flow, Journal, load
from graphdsl.executors.cpus import usable_cpus
from graphdsl.executors.sandbox.abc import Sandbox

PROGRAM = """edition "2026"

model sim { backend = simulated }

flow run(code: Text) -> Draft {
  done = exec(code, timeout: seconds(300))
  return done
}

flow judge(code: Text, tests: List[Text]) -> Verdict {
  draft = exec(code, timeout: seconds(300))
  verdict = unit_tests(draft, tests: tests, timeout: seconds(300))
  return verdict
}
"""

ENDLESS = "while True: pass"


@pytest.fixture
def flow() -> Flow:
    """Runs a program, which may take five minutes."""
    return load(PROGRAM).flow("run")


async def test_the_deadline_ends_code_that_runs_and_code_that_waits(
    flow: Flow, any_box: Sandbox
) -> None:
    many = usable_cpus() + 1
    results = await asyncio.gather(
        *(
            flow.run(code=ENDLESS, budget=Budget(seconds=0.5), sandbox=any_box.name)
            for _ in range(many)
        )
    )
    for result in results:
        assert result.status == "exhausted"
        assert "timeout: budget exhausted: seconds(0.5)" in result.output.text
        assert result.trace is not None
        assert result.trace.nodes[0].status == "exhausted"


@pytest.mark.parametrize("test", ["assert f(1) == 1", "y = 1\nassert f(1) == y"])
async def test_tests_that_the_deadline_cut_do_not_pass(any_box: Sandbox, test: str) -> None:
    result = (
        await load(PROGRAM)
        .flow("judge")
        .run(
            code="print('def f(x):\\n    while True: pass')",
            tests=[test, "assert f(2) == 2"],
            budget=Budget(seconds=1),
            sandbox=any_box.name,
        )
    )
    assert (result.status, result.output.passed) == ("exhausted", False)


async def test_what_the_deadline_cut_is_run_again_with_more_time(
    flow: Flow, any_box: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "run.journal"
    code = "import time; time.sleep(1); print(7)"
    for seconds, status in ((0.3, "exhausted"), (60, "ok")):
        with Journal.open(path) as journal:
            result = await flow.run(
                code=code,
                budget=Budget(seconds=seconds),
                sandbox=any_box.name,
                journal=journal,
            )
        assert result.status == status
    assert result.output.answer == "7"
