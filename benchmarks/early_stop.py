"""What stopping early saves, at which answers: calls, completion tokens and time.

    python benchmarks/early_stop.py [--samples 32] [--questions 40] [--embedded 6]

Every question is voted on with all samples, with `stop: decided` (exact), with `stop: posterior`
at 0.95, and by first-finish search (`enough` = a quarter of the samples). `same` is the share of
questions with the answer of all samples. A sample that was cut off counts as a call, and with the
tokens that it had. The simulated models take 20 ms for 24 tokens on the average (log-normal), with
8 places; their accuracy is how often a sample is right. `--embedded` questions are put to
smollm2-135m (0: none), which answers a small sum and is metered token by token.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass

from graphdsl.compiler.check import check
from graphdsl.compiler.lower import lower
from graphdsl.compiler.pipeline import optimise
from graphdsl.compiler.planner import plan
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.run_options import RunOptions
from graphdsl.plan import Program

SIMULATED = """model m {{ backend = simulated  accuracy = {accuracy}  latency = 0.02
  latency_spread = 0.7  slots = 8 }}"""
EMBEDDED = 'model m { backend = embedded  name = "smollm2-135m"  max_tokens = 64  slots = 4 }'
FLOW = """edition "2026"
{model}
flow main(q: Text) -> Answer {{
  drafts = generate(q, models: m, samples: {samples}, temperature: 0.9{enough})
  return vote(drafts, by: number{stop})
}}
"""


@dataclass
class Row:
    """What all questions took with one rule."""

    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
    same: int = 0


def rules(samples: int) -> dict[str, tuple[str, str]]:
    """By name: the argument of `generate` and that of `vote`."""
    return {
        "all": ("", ""),
        "decided": ("", ", stop: decided"),
        "posterior": ("", ", stop: posterior"),
        "first-finish": (f", enough: {max(1, samples // 4)}", ""),
    }


def program(model: str, samples: int, enough: str, stop: str) -> Program:
    """The optimised program of a vote."""
    text = FLOW.format(model=model, samples=samples, enough=enough, stop=stop)
    checked = check(Source("bench.tts", text))
    assert checked.module is not None
    return plan(optimise(specialise(lower(checked.module, "main"), {})))


def questions(count: int) -> Iterator[str]:
    """Sums that a small model may get right."""
    for number in range(count):
        yield f"What is {3 + 7 * number % 50} + {2 + 5 * number % 40}? End with Answer: <number>."


async def measured(model: str, samples: int, count: int) -> dict[str, Row]:
    """Every rule on every question, one run after the other."""
    rows = {name: Row() for name in rules(samples)}
    async with Backends() as backends:
        for seed, question in enumerate(questions(count)):
            whole: object = None
            for name, (enough, stop) in rules(samples).items():
                start, options = time.perf_counter(), RunOptions(seed=seed, trace=False)
                result = await execute(
                    program(model, samples, enough, stop),
                    {"q": question},
                    backends=backends,
                    options=options,
                )
                row, answer = rows[name], result.output.text
                whole = answer if name == "all" else whole
                row.calls += result.usage.calls
                row.tokens += result.usage.completion_tokens
                row.seconds += time.perf_counter() - start
                row.same += answer == whole
    return rows


def show(title: str, rows: dict[str, Row], count: int) -> None:
    """One table."""
    print(f"\n{title}")
    print(f"{'rule':<14}{'calls':>8}{'tokens':>9}{'saved':>8}{'seconds':>9}{'same':>7}")
    everything = rows["all"].tokens or 1
    for name, row in rows.items():
        saved = 1 - row.tokens / everything
        print(
            f"{name:<14}{row.calls:>8}{row.tokens:>9}{saved:>8.0%}{row.seconds:>9.2f}"
            f"{row.same / count:>7.0%}"
        )


def main() -> None:
    """Parse the arguments and print the tables."""
    parser = argparse.ArgumentParser(description="What stopping early saves.")
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--embedded", type=int, default=6)
    given = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}, {given.samples} samples")
    for accuracy in (0.9, 0.6, 0.3):
        model = SIMULATED.format(accuracy=accuracy)
        rows = asyncio.run(measured(model, given.samples, given.questions))
        show(f"simulated, accuracy {accuracy}, {given.questions} questions", rows, given.questions)
    if given.embedded:
        rows = asyncio.run(measured(EMBEDDED, given.samples, given.embedded))
        show(f"smollm2-135m, {given.embedded} questions", rows, given.embedded)


if __name__ == "__main__":
    main()
