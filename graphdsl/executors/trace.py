"""What happened in a run: a tree of nodes, and under each the calls that it made.

Plain data with `to_dict` and `from_dict`; times are seconds since the run began. A node of a
loop's body stands under the loop's node, its address extended by the round: `reason.drafts[2]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from graphdsl.values import PICO, Message, Usage

STATUSES = ("ok", "failed", "cancelled", "skipped", "exhausted")
"""Of a node. `failed`: it broke, or none of its calls came back. `skipped`: in the branch not
taken. `exhausted`: a budget kept it from a sample."""


ORIGINS = ("model", "cache", "journal")
"""Where a sample came from: a model asked now, the cache, or an earlier life of the run."""


@dataclass(slots=True)
class Call:
    """One sample. `prompt` and `text` are kept only when the run was asked to keep content.

    `kind` is the class of its `error`. `usage` is what it has cost this run. `origin` is one of
    `ORIGINS`; what came from the cache cost nothing, and `saved` is what it would have cost. Of its
    `seconds` from `start` to the end it waited for the first `wait`, until its last attempt was
    sent: for a place at the model, or for the budget. That is all of them where none was sent.
    """

    model: str
    sample: int
    seed: int | None
    finish: str
    usage: Usage
    start: float
    seconds: float
    error: str | None = None
    prompt: tuple[Message, ...] | None = None
    text: str | None = None
    kind: str | None = None
    origin: str = "model"
    saved: Usage = field(default_factory=Usage)
    wait: float = 0.0

    @property
    def sent(self) -> float:
        """When it was sent, in seconds since the run began; its end where it never was."""
        return self.start + min(self.wait, self.seconds)

    @property
    def end(self) -> float:
        """When it ended, in seconds since the run began."""
        return self.start + self.seconds


@dataclass(slots=True)
class Record:
    """One node: when it ran, how it went, what it called and what ran inside it.

    `after` is the address of the node whose end made this one ready, None for one that needed
    none: following it backwards gives the critical path. `spared` counts samples that were not
    needed any more, because the outcome was decided without them. `passes` counts how often a
    sample went on to another model, because one did not answer it, and `retries` how often one was
    asked again.
    """

    address: str
    op: str
    start: float
    end: float | None = None
    status: str = "ok"
    notes: list[str] = field(default_factory=list[str])
    calls: list[Call] = field(default_factory=list[Call])
    children: list[Record] = field(default_factory=list["Record"])
    after: str | None = None
    spared: int = 0
    passes: int = 0
    retries: int = 0

    @property
    def usage(self) -> Usage:
        """What its calls and those of its children spent."""
        total = Usage()
        for record in self.walk():
            for call in record.calls:
                total += call.usage
        return total

    @property
    def seconds(self) -> float:
        """From start to end; 0 for a node that did not end."""
        return 0.0 if self.end is None else self.end - self.start

    def walk(self) -> Iterator[Record]:
        """This record and all below it, each before its children."""
        stack: list[Record] = [self]
        while stack:
            record = stack.pop()
            yield record
            stack.extend(reversed(record.children))


@dataclass(slots=True)
class Trace:
    """One run. `started` is seconds since the epoch; `inputs` are shown as texts.

    `models` says what is behind the names of the program: `openai:gpt-4.1-mini`. `file` is where
    the program was read, and `batch` names the `run --data` that this was an item of; both are
    empty where that is not known, or was not so.
    """

    run_id: str
    flow: str
    graph_hash: str
    started: float
    seed: int = 0
    inputs: dict[str, str] = field(default_factory=dict[str, str])
    status: str = "ok"
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    value: str = ""
    error: str | None = None
    nodes: list[Record] = field(default_factory=list[Record])
    models: dict[str, str] = field(default_factory=dict[str, str])
    file: str = ""
    batch: str = ""

    def walk(self) -> Iterator[Record]:
        """Every node, each before its children."""
        for record in self.nodes:
            yield from record.walk()

    def to_dict(self) -> dict[str, Any]:
        """As JSON-compatible data; `from_dict` reads it back."""
        data = {name: getattr(self, name) for name in Trace.__slots__}
        data["usage"] = self.usage.to_dict()
        data["nodes"] = [_plain_record(record) for record in self.nodes]
        data["inputs"], data["models"] = dict(self.inputs), dict(self.models)
        return {"version": 1, **data}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Trace:
        """A trace from `to_dict`'s data. Raises ValueError when it is of another version."""
        if data.get("version") != 1:
            raise ValueError(f"unknown version of a trace: {data.get('version')!r}")
        known = {name: data[name] for name in Trace.__slots__ if name in data}
        known["usage"] = _usage(data["usage"])
        known["nodes"] = [_record(node) for node in data["nodes"]]
        return Trace(**known)


def _plain_record(record: Record) -> dict[str, Any]:
    """As JSON has it; `dataclasses.asdict` would take several times as long."""
    data = {name: getattr(record, name) for name in Record.__slots__}
    data["notes"] = list(record.notes)
    data["calls"] = [_plain_call(call) for call in record.calls]
    data["children"] = [_plain_record(child) for child in record.children]
    return data


def _plain_call(call: Call) -> dict[str, Any]:
    data = {name: getattr(call, name) for name in Call.__slots__}
    data["usage"], data["saved"] = call.usage.to_dict(), call.saved.to_dict()
    if call.prompt is not None:
        data["prompt"] = [{"role": one.role, "content": one.content} for one in call.prompt]
    return data


def _usage(data: Mapping[str, Any]) -> Usage:
    """A usage of a file; nobody knows the cost of one that was written without."""
    known: dict[str, Any] = dict(data)
    usd = known.pop("usd", None)
    return Usage(**known, cost=None if usd is None else round(Decimal(repr(usd)) * PICO))


def _record(data: Mapping[str, Any]) -> Record:
    known: dict[str, Any] = dict(data)
    known["calls"] = [_call(call) for call in data["calls"]]
    known["children"] = [_record(child) for child in data["children"]]
    return Record(**known)


def _call(data: Mapping[str, Any]) -> Call:
    known: dict[str, Any] = dict(data)
    known["usage"] = _usage(data["usage"])
    if "saved" in known:
        known["saved"] = _usage(known["saved"])
    if known["prompt"] is not None:
        known["prompt"] = tuple(Message(**turn) for turn in known["prompt"])
    return Call(**known)


@dataclass(frozen=True, slots=True)
class NodeSummary:
    """All evaluations of one node (every round of a loop) together."""

    address: str
    op: str
    times: int
    status: str
    seconds: float
    usage: Usage


def summary(trace: Trace) -> list[NodeSummary]:
    """One line per node of the program, in order of first evaluation.

    `status` is the worst that occurred; `seconds` adds up evaluations, also concurrent ones.
    """
    found: dict[str, NodeSummary] = {}
    for record in trace.walk():
        address = without_rounds(record.address)
        one = NodeSummary(address, record.op, 1, record.status, record.seconds, record.usage)
        seen = found.get(address)
        found[address] = one if seen is None else _together(seen, one)
    return list(found.values())


def without_rounds(address: str) -> str:
    """The address of the node in the program: `reason.drafts[2]` is `reason.drafts`."""
    return address.partition("[")[0]


def _together(a: NodeSummary, b: NodeSummary) -> NodeSummary:
    worst = max(a.status, b.status, key=("skipped", "ok", "cancelled", "exhausted", "failed").index)
    return NodeSummary(
        a.address, a.op, a.times + b.times, worst, a.seconds + b.seconds, a.usage + b.usage
    )
