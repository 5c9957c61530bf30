"""Lines of source that the parser reads in a second, beside lark's own parser.

Run `python benchmarks/parse.py [LINES]`. Both parse one generated file in the same process, by
turns, and the best of five runs counts. Seconds are those of this thread on a processor, so that
other work on the machine disturbs less. Ours includes limits, lexing and the finished syntax
tree with positions; lark's is its plain `Tree` without positions, from the same grammar.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphdsl.diagnostics import Source
from graphdsl.syntax.lark_tables import make_parser
from graphdsl.syntax.lexing import lex
from graphdsl.syntax.limits import Limits
from graphdsl.syntax.parse import parse
from graphdsl.syntax.prebuilt import GRAMMAR

BAR = 15_000  # lines per second that `parse` must reach
RUNS = 5
SAMPLE = Path(__file__).parent.parent / "tests" / "golden" / "parse" / "everything.tts"


def generate(lines: int) -> str:
    """At least so many lines: the items of the sample file over and over."""
    head, _, items = SAMPLE.read_text(encoding="utf-8").partition("\n")
    times = -(-lines // (items.count("\n") + 1))
    return f"{head}\n" + f"{items}\n" * times


def best(work: Callable[[], object]) -> float:
    """Seconds of processor time of the fastest run."""
    seconds: list[float] = []
    for _ in range(RUNS):
        gc.collect()
        began = time.thread_time()
        work()
        seconds.append(time.thread_time() - began)
    return min(seconds)


def main(lines: int) -> int:
    """Print the table; 1 when the bar is missed."""
    text = generate(lines)
    count = text.count("\n")
    source, limits = Source("generated.tts", text), Limits(file_bytes=1 << 30)
    lark: Any = make_parser(Path(GRAMMAR).read_text(encoding="utf-8"))
    file, diagnostics = parse(source, limits)
    assert file.items
    assert not diagnostics
    rates = {
        "graphdsl, syntax tree": count / best(lambda: parse(source, limits)),
        "graphdsl, tokens only": count / best(lambda: lex(source)),
        "lark, plain Tree": count / best(lambda: lark.parse(text, start="start")),
    }
    ours, theirs = rates["graphdsl, syntax tree"], rates["lark, plain Tree"]
    print(f"{count} lines, {len(text)} characters, best of {RUNS} runs, processor time")
    for name, rate in rates.items():
        print(f"  {name:<24}{rate:>10,.0f} lines/s {rate / theirs:>7.2f} x lark")
    print(f"  {'bar':<24}{BAR:>10,.0f} lines/s   {'met' if ours >= BAR else 'MISSED'}")
    return 0 if ours >= BAR else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
