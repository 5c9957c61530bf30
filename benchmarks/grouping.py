"""What it costs to put drafts with equal answers together.

Run `python benchmarks/grouping.py [DRAFTS]`. The first part groups so many drafts, 10,000 by
default, of some 900 characters each with the operator `group`; a second of it is one of processor
time of this process, and the best of five runs counts. Their answers are plain numbers, which
`maths` compares in this process, too. The second part compares 100 different expressions with each
other, in the process that does so, by the clock: there the machine should do nothing else. Fifty of
them are pairs that are equal, fifty are plain numbers.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from graphdsl.ops.context import Context
from graphdsl.ops.group import group
from graphdsl.ops.maths.equality import joined_maths
from graphdsl.ops.maths.process import comparer
from graphdsl.values import Draft

BAR = 0.100  # seconds for 10,000 drafts by number
RUNS = 5
REASONING = (
    "First we count what there is at the beginning, which is 16 a day. "
    "Then we take away what is eaten, so that 16 - 3 = 13 are left.\n"
)
ENDS = ("Answer: {}", "So \\[ 13 \\times 2 = \\boxed{{{}}} \\]", "#### {}", "**Answer:** ${}.00")


def drafts(count: int) -> list[Draft]:
    """Replies with one of a hundred answers, as they come from `generate`: with a text answer."""
    chance = Random(0)
    made: list[Draft] = []
    for number in range(count):
        answer = str(chance.randrange(100))
        text = REASONING * 7 + ENDS[number % len(ENDS)].format(answer)
        made.append(Draft(text, answer))
    return made


def best(work: Callable[[], object], runs: int = RUNS) -> float:
    """Seconds of processor time of the fastest run."""
    seconds: list[float] = []
    for _ in range(runs):
        gc.collect()
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def grouping(given: list[Draft], by: str) -> Callable[[], Any]:
    """The operator on these drafts; of its context it asks to keep the value and to hear notes."""
    args = {"drafts": given, "by": by}
    context = cast(Context, SimpleNamespace(keep=lambda: None, note=print))
    return lambda: asyncio.run(cast(Any, group(context, args)))


def expressions() -> list[str]:
    """Fifty expressions, each second one equal to that before it, and fifty numbers."""
    made: list[str] = []
    for number in range(2, 27):
        made += [f"(x+{number})^2", f"x^2+{2 * number}x+{number**2}"]
    return made + [str(number) for number in range(50)]


def main(count: int) -> int:
    """Print the tables; 1 when the bar is missed."""
    given = drafts(count)
    length = sum(len(draft.text) for draft in given) // count
    print(f"group of {count:,} drafts of {length} characters, best of {RUNS} runs, processor time")
    seconds = {by: best(grouping(given, by)) for by in ("text", "number", "maths")}
    for by, took in seconds.items():
        print(f"  by {by:<8}{took * 1000:>9.0f} ms {took / count * 1e6:>8.1f} µs a draft")
    met = seconds["number"] <= BAR * count / 10_000
    print(f"  bar, by number {BAR * count / 10:>5.0f} ms   {'met' if met else 'MISSED'}")
    keys = expressions()
    began = time.perf_counter()
    comparer().compare(["x", "y"], [(0, 1)], join=False)
    started = time.perf_counter()
    sets = len(set(joined_maths(keys)))
    took = time.perf_counter() - started
    again = best(lambda: joined_maths(keys))
    print(f"100 different answers by maths: {sets} groups, by the clock")
    print(f"  start of the process, once {started - began:>8.2f} s")
    print(f"  parsing and comparing      {took:>8.2f} s")
    print(f"  again, from memory         {again:>8.4f} s")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
