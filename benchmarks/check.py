"""Process time of `graphdsl check`: a 50-line file cold, and a 10,000-line file.

    python benchmarks/check.py

Process time (user + system) of whole child processes, beside `python -c pass` in the same run,
since a machine that starts Python slowly starts everything slowly.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 7

HEAD = """edition "2026"
model tiny { backend = simulated  accuracy = 0.6 }
prompt ask(question: Text, hints: Text) {
  system "You are careful."
  user "{{ hints }} {{ question }} Give only the final answer."
}
"""

FLOW = """
# Stage number {n}.
flow stage_{n}(question: Text) -> Answer {{
  tune judge = tiny in [tiny]
  drafts = generate(
    ask(question: question, hints: ""),
    models: tiny,
    samples: 5 in [1, 3, 5, 10],
    temperature: 0.8 in 0.2..1.2 step 0.2,
  )
  optional notes = critique(drafts, by: judge)
  optional ranked = rank(drafts, using: notes, keep: 3 in 1..5, by: judge) else drafts
  merged = choice {{ fused: fuse(ranked, by: judge), voted: vote(ranked, by: number) }}
  checked = verify(merged, by: judge)
  return checked.answer
}}
"""


def program(lines: int) -> str:
    """A file of about `lines` lines."""
    per_flow = FLOW.count("\n")
    flows = max(1, round((lines - HEAD.count("\n")) / per_flow))
    return HEAD + "".join(FLOW.format(n=n) for n in range(flows))


def process_seconds(command: list[str]) -> float:
    """User + system seconds of one child process."""
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    return (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small.tts"), Path(folder, "large.tts")
        small.write_text(program(50), encoding="utf-8")
        large.write_text(program(10_000), encoding="utf-8")
        python = [sys.executable, "-c", "pass"]
        check = [sys.executable, "-m", "graphdsl", "check"]
        process_seconds([*check, str(small)])  # builds the grammar's tables once
        rows: dict[str, list[float]] = {"bare": [], "small": [], "large": []}
        for round_number in range(ROUNDS):
            rows["bare"].append(process_seconds(python))
            rows["small"].append(process_seconds([*check, str(small)]))
            if round_number < 2:
                rows["large"].append(process_seconds([*check, str(large)]))
        report(rows, small, large)


def report(rows: dict[str, list[float]], small: Path, large: Path) -> None:
    """One line per case: median, minimum, and the bar."""
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in (small, large)}
    print(f"{'case':<34}{'median':>10}{'min':>10}{'bar':>10}")
    cases = (
        ("python -c pass", rows["bare"], ""),
        (f"check, {lines[small]} lines, cold process", rows["small"], "0.250 s"),
        (f"check, {lines[large]} lines", rows["large"], "5 s"),
    )
    for title, seconds, bar in cases:
        print(f"{title:<34}{statistics.median(seconds):>8.3f} s{min(seconds):>8.3f} s{bar:>10}")


if __name__ == "__main__":
    main()
