"""What it costs to run code in a sandbox, beside a bare interpreter in the same process.

`python benchmarks/sandbox.py [--runs N] [--json]`: for each kind that works here, the median
milliseconds of an empty program, of one call of a function, and of one check (two sandboxes), and
how often they are those of `python -I -S -c pass`. The kinds take turns, so that a busy machine
disturbs all of them alike.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable

from graphdsl.executors.sandbox.abc import Sandbox
from graphdsl.executors.sandbox.bundle import python
from graphdsl.executors.sandbox.chosen import probed
from graphdsl.executors.sandbox.kinds import KINDS
from graphdsl.ops.execution import Checks, Execution, FunctionCall, Outcome

CODE = "def f(x): return x"
WORKS = {
    "program": Execution("pass"),
    "call": Execution(CODE, calls=(FunctionCall("f", (1,)),)),
    "check": Execution(CODE, checks=Checks("__check__(0, lambda: f(1) == 1)", {"f": "f"}, 1)),
}


async def _bare() -> None:
    process = await asyncio.create_subprocess_exec(python(), "-I", "-S", "-c", "pass")
    await process.wait()


def _executed(box: Sandbox, work: Execution) -> Callable[[], Awaitable[None]]:
    async def execute() -> None:
        done = await box.execute(work)
        assert done.outcome is Outcome.OK, done

    return execute


async def _measured(runs: int) -> dict[str, float]:
    """Median milliseconds by name."""
    tasks: dict[str, Callable[[], Awaitable[None]]] = {"bare": _bare}
    for kind in KINDS:
        if (box := (await probed(kind)).sandbox) is not None:
            tasks |= {f"{kind.name} {name}": _executed(box, work) for name, work in WORKS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(runs):
        for name, task in tasks.items():
            begin = time.perf_counter()
            await task()
            seconds[name].append(time.perf_counter() - begin)
    return {name: 1000 * statistics.median(found) for name, found in seconds.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(_measured(options.runs))
    if options.json:
        print(json.dumps({name: round(value, 2) for name, value in found.items()}))
        return
    for name, value in found.items():
        print(f"{name:<22} {value:8.1f} ms   {value / found['bare']:5.1f} x bare")


if __name__ == "__main__":
    main()
