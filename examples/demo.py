"""Self-consistency on a very small model: eight samples of each question, voted into one answer.

`make demo` runs it. The graph is examples/sums.tts; nothing here knows how it samples or votes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import graphdsl
from graphdsl.ops.extract import find_answer

HERE = Path(__file__).parent
QUESTIONS = 4


def answers(result: graphdsl.Result) -> list[str]:
    """What each sample answered, in sample order.

    A dash where it gave no number, `cut` where the token limit cut it off: those do not vote.
    """
    calls = [call for node in result.trace.walk() for call in node.calls] if result.trace else []
    calls.sort(key=lambda call: call.sample)
    return [answer(call.text or "") if call.finish == "stop" else "cut" for call in calls]


def answer(text: str) -> str:
    """The number that a text ends up with, or a dash."""
    found = find_answer(text, "number")
    return found.shown if found else "-"


def ask(flow: graphdsl.Flow, question: str, target: str) -> tuple[Sequence[str], bool]:
    """Run one question and print it: the samples, the vote, how sure and what it cost."""
    result = flow.run_sync(question=question, content=True)
    samples = answers(result)
    right = result.value == target
    print(f"{question}")
    print(f"  samples     {'  '.join(samples)}")
    print(f"  vote        {result.value}  ({'right' if right else f'wrong, it is {target}'})")
    confidence = "unknown" if result.confidence is None else f"{result.confidence:.0%}"
    usage = result.usage
    tokens = usage.prompt_tokens + usage.completion_tokens
    print(f"  confidence  {confidence}, {usage.calls} calls, {tokens} tokens, ", end="")
    print(f"{result.seconds:.1f} s\n", flush=True)
    return samples, right


def main() -> int:
    """Ask the first questions of the data set and sum up."""
    flow = graphdsl.load(HERE / "sums.tts").flow("sums")
    lines = (HERE / "data" / "sums.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:QUESTIONS]]
    print(f"{flow.signature}: at most {flow.cost().calls.high} calls per question\n")
    start = time.perf_counter()
    outcomes = [ask(flow, row["question"], row["answer"]) for row in rows]
    single = sum(
        sample == row["answer"]
        for row, (samples, _) in zip(rows, outcomes, strict=True)
        for sample in samples
    )
    drawn = sum(len(samples) for samples, _ in outcomes)
    voted = sum(right for _, right in outcomes)
    print(f"single samples: {single} of {drawn} right; votes: {voted} of {len(rows)} right", end="")
    print(f" ({time.perf_counter() - start:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
