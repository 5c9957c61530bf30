"""Accuracy of one sample and of a vote of eight on one-digit sums, on the embedded model.

    python benchmarks/sums.py [--samples 8] [--items 48]

Runs both flows of `examples/sums.tts` over the items of `examples/data/sums.jsonl`, with the run
seed 0, so that a second run gives the same answers. Intervals are 95 % Wilson intervals; the last
line counts the items on which only one of the two was right.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
from pathlib import Path

import graphdsl

EXAMPLES = Path(__file__).parent.parent / "examples"
AT_ONCE = 4


async def right(flow: graphdsl.Flow, rows: list[dict[str, str]]) -> tuple[list[bool], int]:
    """Whether each item was answered rightly, and the calls that it took."""
    room = asyncio.Semaphore(AT_ONCE)

    async def ask(row: dict[str, str]) -> tuple[bool, int]:
        async with room:
            result = await flow.run(question=row["question"])
            return result.value == row["answer"], result.usage.calls

    outcomes = await asyncio.gather(*(ask(row) for row in rows))
    return [outcome for outcome, _ in outcomes], sum(calls for _, calls in outcomes)


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The Wilson score interval of a proportion."""
    share = hits / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return (centre - spread) / scale, (centre + spread) / scale


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=8, choices=(2, 4, 8, 16))
    parser.add_argument("--items", type=int, default=48)
    options = parser.parse_args()
    lines = (EXAMPLES / "data" / "sums.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[: options.items]]
    module = graphdsl.load(EXAMPLES / "sums.tts")
    voting = module.flow("sums").with_({"sums.drafts.samples": str(options.samples)})
    print(f"{'flow':<16}{'right':>10}{'accuracy':>10}   95 % interval    calls")
    found: list[list[bool]] = []
    for name, flow in (("one sample", module.flow("one_sample")), ("vote", voting)):
        hits, calls = await right(flow, rows)
        low, high = wilson(sum(hits), len(hits))
        share = f"{sum(hits)}/{len(hits)}"
        print(
            f"{name:<16}{share:>10}{sum(hits) / len(hits):>10.2f}   {low:.2f} – {high:.2f}", end=""
        )
        print(f"{calls:>12}", flush=True)
        found.append(hits)
    pairs = list(zip(*found, strict=True))
    print(f"only the vote right: {pairs.count((False, True))}, ", end="")
    print(f"only the single sample: {pairs.count((True, False))}")


if __name__ == "__main__":
    asyncio.run(main())
