"""What `--json` prints: one model per command. docs/json.md is generated from this file.

A later version may add fields; it does not remove or rename them, nor change their meaning.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """Base: nothing that is not documented is printed."""

    model_config = ConfigDict(extra="forbid")


# ---- diagnostics and errors


class Place(Record):
    """A piece of a file. Offsets are from 0, lines and columns from 1, in characters."""

    path: str
    start: int
    end: int
    start_line: int | None
    start_column: int | None
    end_line: int | None
    end_column: int | None


class LabelRecord(Place):
    """Another place that matters."""

    text: str


class EditRecord(Place):
    """Replace this place by the text."""

    text: str


class HelpRecord(Record):
    """What to write instead."""

    text: str
    applicability: Literal["safe", "maybe", "has_placeholders"]
    edit: EditRecord | None


class DiagnosticRecord(Place):
    """One problem of a program. `graphdsl explain CODE` has a page about each code."""

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    label: str
    labels: list[LabelRecord]
    notes: list[str]
    helps: list[HelpRecord]
    data: dict[str, Any]


class ProgramErrors(Record):
    """Any command, when the program has errors; exit code 1."""

    ok: Literal[False] = False
    diagnostics: list[DiagnosticRecord]


class ErrorDetail(Record):
    """What went wrong. `kind` is `usage`, `input`, `file`, `program`, `backend`, `budget`,
    `interrupted` or `defect`."""

    kind: str
    message: str


class ErrorReport(Record):
    """Any command, when it cannot do its work."""

    ok: Literal[False] = False
    error: ErrorDetail


# ---- check, fmt, explain


class CheckedFile(Record):
    """One file: whether it has no error, its flows, and everything that was found.

    `error` says why it could not be read at all.
    """

    path: str
    ok: bool
    error: str | None
    flows: list[str]
    diagnostics: list[DiagnosticRecord]


class CheckReport(Record):
    """`graphdsl check`."""

    ok: bool
    files: list[CheckedFile]


class FormattedFile(Record):
    """One file: whether its text differs from the canonical form."""

    path: str
    changed: bool
    diagnostics: list[DiagnosticRecord]


class FmtReport(Record):
    """`graphdsl fmt`. `written` says whether any file was rewritten."""

    ok: bool
    written: bool
    files: list[FormattedFile]


class ExplainReport(Record):
    """`graphdsl explain CODE`. The page is Markdown."""

    ok: Literal[True] = True
    code: str
    title: str
    page: str


class CodeTitle(Record):
    """A diagnostic code and what it is about."""

    code: str
    title: str


class CodesReport(Record):
    """`graphdsl explain` without a code."""

    ok: Literal[True] = True
    codes: list[CodeTitle]


# ---- graph, plan


class BoxRecord(Record):
    """One box of a drawing. The id is the node's address."""

    id: str
    title: str
    op: str
    kind: Literal["input", "output", "model", "pure", "merge", "carried"]
    frame: str | None
    details: list[str]
    holes: list[str]
    optional: bool


class ArrowRecord(Record):
    """A value that goes from one box to another."""

    source: str
    target: str
    label: str
    kind: Literal["data", "loop", "bypass"]


class FrameRecord(Record):
    """A loop, branch, scope or optional stage around boxes."""

    id: str
    title: str
    kind: str
    parent: str | None


class DrawingRecord(Record):
    """A flow as it is drawn."""

    title: str
    boxes: list[BoxRecord]
    arrows: list[ArrowRecord]
    frames: list[FrameRecord]


class GraphReport(Record):
    """`graphdsl graph`. `text` is the drawing in the format."""

    ok: Literal[True] = True
    flow: str
    format: str
    text: str
    drawing: DrawingRecord


class Range(Record):
    """At least and at most; `high` is null where nothing bounds it."""

    low: int
    high: int | None


class NodeCost(Record):
    """What one node can cost in a whole run. `formula` is the arithmetic of one evaluation.

    `usd` and `flops` are the most, as in the report.
    """

    address: str
    op: str
    calls: Range
    completion_tokens: Range
    formula: str
    usd: float | None
    flops: int | None


class CallCost(Record):
    """The most that one call of a model takes, with the assumed prompt.

    `max_tokens` limits its reply. `usd` is null where nobody knows the price or nothing limits
    the reply, `flops` where the model says no `flops_per_token`. `source` is where the price is
    from: the file, the table, or `local` for what runs here and is free.
    """

    model: str
    max_tokens: int | None
    usd: float | None
    flops: int | None
    source: str | None


class UsedModel(Record):
    """A model that the flow uses: its name in the program and what is behind it."""

    name: str
    backend: str
    model: str


class HoleRecord(Record):
    """A value that a search may change: what runs now, and what may."""

    address: str
    value: str | float
    domain: str


class PlanReport(Record):
    """`graphdsl plan`. `text` is the stage that --emit names.

    `graph_hash` is that of the graph that runs; with --emit ir, of the graph in `text`. `usd` and
    `flops` are the most that a run can take with prompts of at most `prompt_tokens` tokens
    (--prompt-tokens); they are null where that is not known of some model in `prices`.
    """

    ok: Literal[True] = True
    flow: str
    signature: str
    models: list[UsedModel]
    graph_hash: str
    holes: list[HoleRecord]
    calls: Range
    completion_tokens: Range
    critical_calls: Range
    critical_path: list[str]
    formula: str
    nodes: list[NodeCost]
    text: str | None
    prompt_tokens: int
    usd: float | None
    flops: int | None
    prices: list[CallCost]


# ---- run, test, trace


class UsageRecord(Record):
    """What was spent.

    `unknown` are those of `calls` whose end nobody saw: they may have been charged, and count
    with their worst case. `usd` is null where a model without a known price was called, which is
    not the same as 0. `flops` are operations of models that say how many a token takes; those of
    others are not counted, so 0 means that none were counted, not that there were none.
    """

    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    unknown: int
    usd: float | None
    flops: int


class RunReport(Record):
    """`graphdsl run` on one input.

    `value` is a text, number, bool, list or object; a draft is an object with `text`, `answer`,
    `score`, `confidence`, `finish`, `model`, `sample`, `seed`, `tokens`, `error` and `tie`.
    `exhausted` is the limit that ran out, as the program would write it. `error` says why there
    is no answer; it is null where there is one.
    """

    ok: bool
    run_id: str
    status: Literal["ok", "exhausted", "failed"]
    value: Any
    answer: str | None
    confidence: float | None
    usage: UsageRecord
    usd: float | None
    seconds: float
    exhausted: str | None
    error: str | None


class DataLine(Record):
    """One line that `graphdsl run --data` writes, in the order of the input.

    `line` is the number of the input line and `data` its object. The other fields are those of
    a run; where the run could not be made there are only `status` and `error`.
    """

    line: int
    data: dict[str, Any]
    status: Literal["ok", "exhausted", "failed"]
    error: str | None
    value: Any = None
    answer: str | None = None
    confidence: float | None = None
    usage: UsageRecord | None = None
    usd: float | None = None
    seconds: float | None = None
    exhausted: str | None = None


class ErrorCount(Record):
    """Why items did not end well (the first line of it), and how many of them."""

    message: str
    count: int


class DataReport(Record):
    """`graphdsl run --data FILE --out FILE --json`.

    `errors` are the reasons of items that did not end well, at most 5, the most frequent first.
    `out` is the file that holds the lines of this run; null when an interruption came before the
    first.
    """

    ok: bool
    interrupted: bool
    items: int
    done: int
    statuses: dict[str, int]
    errors: list[ErrorCount]
    usage: UsageRecord
    seconds: float
    out: str | None


class CaseRecord(Record):
    """One test. `value` is what the flow returned; `error` says why there is none.

    `expected` is the condition as the program writes it.
    """

    path: str
    line: int
    title: str
    passed: bool
    expected: str
    value: Any = None
    usage: UsageRecord | None = None
    seconds: float | None = None
    error: str | None = None


class BrokenFile(Record):
    """A program whose tests could not be run: its errors, or why it could not be read."""

    path: str
    error: str | None
    diagnostics: list[DiagnosticRecord]


class CasesReport(Record):
    """`graphdsl test`."""

    ok: bool
    passed: int
    failed: int
    tests: list[CaseRecord]
    broken: list[BrokenFile]


class TurnRecord(Record):
    """One turn of a prompt."""

    role: str
    content: str


class CallRecord(Record):
    """One sample; times are in seconds since the run began."""

    model: str
    sample: int
    seed: int | None
    finish: str
    usage: UsageRecord
    start: float
    seconds: float
    error: str | None
    prompt: list[TurnRecord] | None
    text: str | None


class NodeRecord(Record):
    """One evaluation of a node. A node inside a loop has the round in its address."""

    address: str
    op: str
    start: float
    end: float | None
    status: Literal["ok", "failed", "cancelled", "skipped", "exhausted"]
    notes: list[str]
    calls: list[CallRecord]
    children: list[NodeRecord]


class TraceReport(Record):
    """`graphdsl trace`; the same as the file of a saved trace."""

    ok: Literal[True] = True
    version: int
    run_id: str
    flow: str
    graph_hash: str
    started: float = Field(description="seconds since the epoch")
    seed: int
    inputs: dict[str, str]
    status: str
    seconds: float
    usage: UsageRecord
    value: str
    error: str | None
    nodes: list[NodeRecord]


# ---- models, ops


class ModelRecord(Record):
    """A model known by name. `path` is null while it is not on this machine."""

    name: str
    description: str
    licence: str
    parameters: int
    bytes: int
    path: str | None


class ModelsReport(Record):
    """`graphdsl models list`."""

    ok: Literal[True] = True
    models: list[ModelRecord]


class PulledReport(Record):
    """`graphdsl models pull NAME`, `models path NAME` and `models convert NAME`."""

    ok: Literal[True] = True
    name: str
    path: str
    fetched: bool


class PriceRecord(Record):
    """What a model takes, in US dollars: per million tokens, per call, per hour of its machine.

    `source` is where that is from: the file, the table, or `local` for what runs here and is free.
    """

    usd_per_mtok_in: float
    usd_per_mtok_cached: float
    usd_per_mtok_out: float
    usd_per_call: float
    usd_per_hour: float
    source: str


class CheckedReplica(Record):
    """One of several addresses of a model: whether it answers by itself.

    `host` is null where the variable that holds the address is not set.
    """

    host: str | None
    ok: bool
    kind: str | None
    error: str | None
    seconds: float | None


class CheckedModel(Record):
    """A declared model: whether it answers, and what it can do.

    `hosts` are those of its addresses. `error` says why it does not answer, `kind` is the class of
    that error. `seconds` is what one token took. `members` are the models that may be called in its
    place. A group is ok when one of them is, and has no capabilities of its own; a replay with
    `otherwise` is ok when its bank can be read. `price` is null where nobody knows it. `replicas`
    has every address where there are several: the model is ok when one of them answers, and
    `seconds` is what the quickest took.
    """

    name: str
    backend: str
    model: str
    hosts: list[str]
    ok: bool
    kind: str | None
    error: str | None
    seconds: float | None
    capabilities: list[str] | None
    max_in_flight: int | None
    context_tokens: int | None
    price: PriceRecord | None
    members: list[str]
    replicas: list[CheckedReplica]


class ModelsCheckReport(Record):
    """`graphdsl models check FILE`."""

    ok: bool
    models: list[CheckedModel]


class ParamRecord(Record):
    """A parameter of an operator. `static` ones must be known at compile time."""

    name: str
    doc: str
    types: list[str]
    words: list[str]
    required: bool
    default: Any
    static: bool
    low: float | None
    high: float | None
    integer: bool
    many: bool


class OperatorRecord(Record):
    """An operator of the language."""

    name: str
    doc: str
    signature: str
    result: str
    calls_models: bool
    effect: bool
    source: str
    params: list[ParamRecord]


class OpsReport(Record):
    """`graphdsl ops`."""

    ok: Literal[True] = True
    operators: list[OperatorRecord]


REPORTS: Final[dict[str, tuple[type[Record], ...]]] = {
    "check": (CheckReport,),
    "fmt": (FmtReport,),
    "explain": (ExplainReport, CodesReport),
    "graph": (GraphReport,),
    "plan": (PlanReport,),
    "run": (RunReport, DataReport, DataLine),
    "test": (CasesReport,),
    "trace": (TraceReport,),
    "models": (ModelsReport, PulledReport, ModelsCheckReport),
    "ops": (OpsReport,),
}
"""What each command prints when it does its work."""

FAILURES: Final[tuple[type[Record], ...]] = (ProgramErrors, ErrorReport)
"""What every command prints when it does not."""
