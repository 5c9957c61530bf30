"""Traces made by hand, for tests of what is read from them."""

from __future__ import annotations

from typing import Any

from graphdsl.executors.trace import Call, Record, Trace
from graphdsl.values import PICO, Message, Usage

CENT = PICO // 100
HOSTILE = "</pre><script>alert(1)</script>\x1b[31m\u202e<img src=x onerror=alert(2)>"


def call(start: float, seconds: float, model: str = "m", sample: int = 0, **known: Any) -> Call:
    """A call of 10 + 5 tokens, half of the prompt cached, for one cent."""
    usage = known.pop("usage", Usage(1, 10, 5, 5, 0, CENT))
    finish = known.pop("finish", "stop")
    return Call(model, sample, 7, finish, usage, start, seconds, **known)


def cached(start: float, model: str = "m", sample: int = 0) -> Call:
    """A sample from the cache, which saved what `call` costs."""
    saved = Usage(1, 10, 0, 5, 0, CENT)
    return call(start, 0.0, model, sample, usage=Usage(), origin="cache", saved=saved)


def node(
    name: str, start: float, end: float | None, after: str | None = None, **known: Any
) -> Record:
    """A node of the flow `f`; `after` is the name of another one."""
    op = known.pop("op", "generate")
    status = known.pop("status", "ok")
    before = None if after is None else f"f.{after}"
    return Record(f"f.{name}", op, start, end, status, after=before, **known)


def trace(*nodes: Record, seconds: float = 0.0, **known: Any) -> Trace:
    """A run of these nodes; it lasted until the last of them ended, unless told otherwise."""
    ends = [one.end for one in nodes if one.end is not None]
    found = Trace("run-1", "f", "hash", 1_700_000_000.0, nodes=list(nodes), **known)
    found.seconds = seconds or max(ends, default=0.0)
    for record in found.walk():
        for one in record.calls:
            found.usage += one.usage
    return found


def diamond() -> Trace:
    """`a`, then `slow` and `quick` at once, then `best`: the slow branch decides."""
    a = node("a", 0.0, 1.0, calls=[call(0.0, 0.6), call(0.2, 0.8, sample=1)])
    slow = node("slow", 1.0, 3.0, "a", calls=[call(1.5, 1.5, "big")])
    quick = node("quick", 1.0, 1.5, "a", calls=[cached(1.0)], notes=["`m` is asked again: busy"])
    quick.retries = 1
    best = node("best", 3.0, 3.5, "slow", op="vote")
    return trace(a, slow, quick, best, seconds=4.0)


def told() -> Trace:
    """A call whose prompt, reply and error were written by an enemy."""
    prompt = (Message("system", "Be careful."), Message("user", HOSTILE))
    calls = [
        call(0.0, 1.0, prompt=prompt, text=HOSTILE),
        call(0.0, 1.0, sample=1, finish="error", prompt=prompt, text="", error=HOSTILE),
    ]
    drafts = node("drafts", 0.0, 1.0, calls=calls, notes=[HOSTILE])
    models = {"m": "openai:gpt-4.1-mini"}
    return trace(drafts, inputs={"q": HOSTILE}, value=HOSTILE, models=models)
