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
    is no answer; it is null where there is one. `doubtful` is the part of `usage` that stands for
    calls whose end nobody saw, at its worst case, and `settled` the rest: the true spend lies
    between `settled` and `usage`. `saved` is what samples from the cache would have cost. A run
    that did not end well goes on with `graphdsl run --resume RUN_ID`.
    """

    ok: bool
    run_id: str
    status: Literal["ok", "exhausted", "failed"]
    value: Any
    answer: str | None
    confidence: float | None
    usage: UsageRecord
    usd: float | None
    doubtful: UsageRecord
    settled: UsageRecord
    saved: UsageRecord
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
    doubtful: UsageRecord | None = None
    saved: UsageRecord | None = None
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
    first. The true spend lies between `settled` and `usage`; `doubtful` is the difference. `saved`
    is what samples from the cache would have cost.
    `run_id` names the whole: in traces as a batch, and for `graphdsl run --resume`.
    """

    ok: bool
    run_id: str
    interrupted: bool
    items: int
    done: int
    statuses: dict[str, int]
    errors: list[ErrorCount]
    usage: UsageRecord
    doubtful: UsageRecord
    settled: UsageRecord
    saved: UsageRecord
    seconds: float
    out: str | None


class EvalItem(Record):
    """One run on one item.

    `line` is that of the data, `item` its `id` where it has one, `replica` counts from 0. `score`
    is from 0 to 1; it is 0 where there is none, and `reason` says why. `value` is as in a run.
    `saved` is what samples from the cache would have cost: with it added, `usage` is what the run
    costs by itself.
    """

    line: int
    item: str
    replica: int
    target: Any
    status: Literal["ok", "exhausted", "failed"]
    score: float
    reason: str | None
    value: Any
    answer: str | None
    usage: UsageRecord
    saved: UsageRecord
    seconds: float
    run_id: str | None


class EvalLine(EvalItem):
    """One line of `graphdsl eval --out FILE`: a run, and the row that it belongs to."""

    row: str
    kind: Literal["flow", "single", "majority"]
    level: str | None


class EvalRow(Record):
    """The flow (at one level), or a baseline: a `single` sample, or a `majority` of `samples`.

    `level` is the level of the flow, or the one that a vote was matched to, and `size` that level
    as a number. `same_as` names the row that does the same: its runs are not listed twice. Of the
    `planned` runs so many are `done`, on `items` items. `mean` is the score, `low` to `high` its
    95 % interval. `failed` runs gave no answer, of `unscored` ones no score could be computed:
    both count as wrong, and `reasons` say why. `exhausted` runs ended at their own budget. Costs
    are means of one run, samples from the cache counted as if they had been paid for; null is
    unknown. `cost_ratio` is the cost over that of the flow. Seconds are those of `seconds_of` runs
    of which no sample came from the cache; null where there is none.
    """

    name: str
    kind: Literal["flow", "single", "majority"]
    level: str | None
    size: float | None
    samples: int | None
    same_as: str | None
    note: str | None
    planned: int
    done: int
    items: int
    mean: float | None
    low: float | None
    high: float | None
    failed: int
    unscored: int
    exhausted: int
    reasons: list[ErrorCount]
    tokens_per_item: float | None
    usd_per_item: float | None
    calls_per_item: float | None
    flops_per_item: float | None
    cost_ratio: float | None
    seconds_median: float | None
    seconds_p95: float | None
    seconds_of: int
    usage: UsageRecord
    saved: UsageRecord
    runs: list[EvalItem]


class EvalComparison(Record):
    """The flow less a baseline, over the items that both have.

    `low` to `high` is the 95 % interval of the difference, items being paired. `better` and
    `worse` count items. `p` is the exact p-value of "no difference"; `verdict` is `unclear` above
    0.05, and where the interval holds 0. `cost_ratio` is the flow's cost over the baseline's.
    `items_needed` is about how many would show a true difference of this size, where these do not,
    and answers are right or wrong.
    """

    name: str
    baseline: str
    level: str | None
    items: int
    difference: float
    low: float
    high: float
    better: int
    worse: int
    cost_ratio: float | None
    p: float
    verdict: Literal["better", "worse", "unclear"]
    items_needed: int | None
    sentence: str


class EvalArise(Record):
    """ARISE over `levels`, which are rows in order: each step of an item from wrong to right earns
    the tokens of the level before over those of the level after, each step back costs the inverse.
    `improved` and `degraded` count steps; `left_out` items took no tokens at some level."""

    levels: list[str]
    mean: float
    standard_error: float | None
    items: int
    improved: int
    degraded: int
    left_out: int


class EvalSaturation(Record):
    """The curve `limit` (1 - (1 - p)^N) through levels that are numbers; after `enough` units one
    more adds at most `least_gain`."""

    limit: float
    p: float
    least_gain: float
    enough: int


class EvalReport(Record):
    """`graphdsl eval`.

    `metric` compares `by` that word, null where each target decides; votes of baselines compare by
    `vote`. `unit` is what baselines cost the same in (`tokens`, `usd` or `calls`); null where there
    are none. `rows` are those of the flow in the order of the levels, then a single sample, then a
    majority vote for each level. `arise` is over the levels, or from the single sample to the flow
    where there is one level. `complete` is false where the budget `exhausted`, or an interruption,
    left runs out. `usage` is what all of it has cost, with the runs that were cut off. `run_id` is
    the batch of its traces, and `concurrency` how many runs were made at once.
    """

    ok: bool
    run_id: str
    flow: str
    metric: str
    by: str | None
    vote: str
    items: int
    repeats: int
    seed: int
    concurrency: int
    unit: str | None
    complete: bool
    interrupted: bool
    exhausted: str | None
    rows: list[EvalRow]
    comparisons: list[EvalComparison]
    arise: EvalArise | None
    saturation: EvalSaturation | None
    notes: list[str]
    usage: UsageRecord
    saved: UsageRecord
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
    """One sample; times are in seconds since the run began.

    `kind` is the class of its `error`. `usage` is what it has cost this run. `origin` says whether
    the model was asked, or the cache had it, or an earlier life of the run; `saved` is what a
    sample from the cache would have cost. For the first `wait` of its `seconds` it waited, until
    its last attempt was sent: all of them where none was.
    """

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
    kind: str | None
    origin: Literal["model", "cache", "journal"]
    saved: UsageRecord
    wait: float


class NodeRecord(Record):
    """One evaluation of a node. A node inside a loop has the round in its address.

    `after` is the node whose end made this one ready; null for one that needed none. `spared`
    counts samples that were not needed any more, `passes` those that went on to another model.
    """

    address: str
    op: str
    start: float
    end: float | None
    status: Literal["ok", "failed", "cancelled", "skipped", "exhausted"]
    notes: list[str]
    calls: list[CallRecord]
    children: list[NodeRecord]
    after: str | None
    spared: int
    passes: int
    retries: int


class HopRecord(Record):
    """A node on the critical path: when it began, and how long it took.

    `wait` are the seconds for which it could have begun earlier. `inner` is the path through what
    ran inside it.
    """

    address: str
    start: float
    seconds: float
    wait: float
    inner: list[HopRecord]


class CountsRecord(Record):
    """What did not go the straight way.

    `cached` and `replayed` samples came from the cache and from an earlier life of the run.
    `retries` are further attempts at a call, `passes` samples that went on to another model,
    `spared` those that were not needed any more, `unknown` calls whose end nobody saw.
    """

    cached: int
    replayed: int
    retries: int
    passes: int
    spared: int
    unknown: int


class NodeTotals(Record):
    """All evaluations of one node of the program together.

    `seconds` adds them up, also concurrent ones. Of these, `model_seconds` were spent with a call
    under way, and `self_seconds` with neither a call nor a node inside it. `critical` says that
    some are on the critical path; `path_seconds` are those of these, and `wait_seconds` what these
    waited although all that they needed was there. `share`, in [0, 1], is its part of the money of
    the run, or of the tokens where no money was spent.
    """

    address: str
    op: str
    times: int
    status: Literal["ok", "failed", "cancelled", "skipped", "exhausted"]
    critical: bool
    seconds: float
    self_seconds: float
    model_seconds: float
    path_seconds: float
    wait_seconds: float
    usage: UsageRecord
    share: float
    saved: UsageRecord
    counts: CountsRecord


class ModelTotals(Record):
    """All samples of one model, `cached` of them from the cache. `prefix_hits` and `rate` are as in
    the analysis."""

    name: str
    samples: int
    cached: int
    usage: UsageRecord
    share: float
    prefix_hits: float | None
    rate: float | None


class AnalysisRecord(Record):
    """What the trace says when it is added up.

    `path` is the critical path, and `efficiency`, in [0, 1], the part of the time that its nodes
    took. `prefix_hits`, in [0, 1], is the part of the prompt tokens that engines had computed
    before. `rate` is completion tokens per second while a model was asked. `in_flight` is how many
    samples were under way at most. `saved` is what samples from the cache would have cost, and
    `virtual` what the graph costs by itself, with nothing in the cache. `earlier` is the part of
    `usage` that stands with no sample: what a resumed run had spent on calls that brought none.
    """

    path: list[HopRecord]
    efficiency: float
    nodes: list[NodeTotals]
    models: list[ModelTotals]
    usage: UsageRecord
    saved: UsageRecord
    virtual: UsageRecord
    earlier: UsageRecord
    counts: CountsRecord
    prefix_hits: float | None
    rate: float | None
    in_flight: int


class TraceReport(Record):
    """`graphdsl trace`: what the file of a saved trace holds, and what it adds up to.

    `models` says what is behind the names of the program. `file` is where the program was read,
    `batch` the `run --data` that the run was an item of; both are empty where there is none.
    """

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
    models: dict[str, str]
    file: str
    batch: str
    analysis: AnalysisRecord


class PastRun(Record):
    """One past run without its nodes. The fields are those of its trace.

    `saved_calls` samples came from the cache, and would have cost `saved_usd`.
    """

    run_id: str
    flow: str
    graph_hash: str
    file: str
    batch: str
    started: float
    status: str
    seconds: float
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    unknown: int
    usd: float | None
    saved_calls: int
    saved_usd: float | None


class PastRunsReport(Record):
    """`graphdsl trace --list`: past runs, newest first."""

    ok: Literal[True] = True
    runs: list[PastRun]


# ---- studies


class TrialRecord(Record):
    """A candidate of a study.

    `standing`: of a `front` one nothing that was seen beats it, a `finalist` is certified as well,
    a `dropped` one lost its race early, a `beaten` one saw all its items, of a `refused` one a run
    may cost more than is allowed. `quality` is its mean over the `items` of the search part, which
    is biased for whoever won there, and `shrunken` that mean drawn towards what is usual; null
    where it never ran. `costs` are means of one run. `moment`, in [0, 1], is the share of the
    budget that had been used when it was first seen. `baseline` is empty for one that is none.
    """

    number: int
    identity: str
    assignment: dict[str, str | float]
    baseline: str
    standing: Literal["front", "finalist", "dropped", "beaten", "refused"]
    items: int
    quality: float | None
    shrunken: float | None
    costs: dict[str, float]
    moment: float


class AblatedRecord(Record):
    """What a node adds: the quality of a graph less its quality with `change` made at the node.

    `low` to `high` is an interval of the difference over `items` items, paired.
    """

    node: str
    change: str
    difference: float
    low: float
    high: float
    items: int


class StudyReport(Record):
    """A finished study: what its file holds, and what it has shown.

    `front` are identities of trials. `certificate` is null where the budget did not reach so far:
    then nothing is claimed. `budget`, `spent` and `saved` (what the same runs would have taken
    without sharing) are amounts by unit; `search.calls` is the part of the search in `calls`.
    `points` is the number of graphs of the space, null where it is a continuum. `items` counts
    them by part of the data. `distribution` has probabilities by address and label. `graph` is the
    open graph as text, empty where it is not known. `verdict` is the result in one sentence.
    """

    ok: bool = True
    name: str
    flow: str
    strategy: str
    seed: int
    minimise: list[str]
    ending: str
    trials: list[TrialRecord]
    front: list[str]
    certificate: dict[str, Any] | None
    budget: dict[str, float]
    spent: dict[str, float]
    saved: dict[str, float]
    points: int | None
    items: dict[str, int]
    facts: dict[str, str]
    distribution: dict[str, dict[str, float]]
    remarks: list[str]
    graph: str = ""
    ablation: list[AblatedRecord] = Field(default_factory=list[AblatedRecord])
    verdict: str


class ShownStudyReport(StudyReport):
    """`graphdsl report`: the study in the file.

    `certified` says whether there is a certificate that can be shown. `problems` say what was wrong
    with parts of the file that a report can do without. `written` are the files that were asked
    for; `stored` is the name of the study in the storage of Optuna, null where none was asked for.
    """

    certified: bool
    problems: list[str]
    written: list[str]
    stored: str | None


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


class SavedRecord(Record):
    """What hits would have cost. `unpriced` of the calls are of models whose price nobody knows,
    and not in `usd`."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    usd: float
    unpriced: int


class CachedModel(Record):
    """The answers of one model, and their bytes."""

    model: str
    answers: int
    bytes: int


class CacheReport(Record):
    """`graphdsl cache stats`. Counts are of all processes since the file was made, or cleared.

    `path` is null where the environment says that nothing is cached. `bytes` of the file are in
    use; beyond `limit`, the answers that were used least recently go: `evicted` have. `notes` say
    what is wrong with the file.
    """

    ok: Literal[True] = True
    path: str | None
    limit: int
    answers: int
    bytes: int
    hits: int
    misses: int
    evicted: int
    saved: SavedRecord
    models: list[CachedModel]
    notes: list[str]


class ClearedReport(Record):
    """`graphdsl cache clear`: how many answers were dropped."""

    ok: Literal[True] = True
    dropped: int


class CachePathReport(Record):
    """`graphdsl cache path`: null where the environment says that nothing is cached."""

    ok: Literal[True] = True
    path: str | None


class WhenRecord(Record):
    """A condition on another parameter: it is one of `words`, or is given where there are none."""

    param: str
    words: list[str]


class AsksRecord(Record):
    """A capability that a call asks of the models in parameter `of`, always or only `when`."""

    capability: str
    of: str
    when: WhenRecord | None


class ParamRecord(Record):
    """A parameter of an operator. `static` ones must be known at compile time; those with `units`
    take a quantity such as `seconds(10)`."""

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
    units: list[str]
    when: WhenRecord | None


class OperatorRecord(Record):
    """An operator of the language."""

    name: str
    doc: str
    signature: str
    result: str
    family: str
    calls_models: bool
    effect: bool
    chance: bool
    asks: list[AsksRecord]
    source: str
    params: list[ParamRecord]


class OpsReport(Record):
    """`graphdsl ops`."""

    ok: Literal[True] = True
    operators: list[OperatorRecord]


class ConversionProblem(Record):
    """What is wrong with a configuration and where, or (no `error`) what its program does else."""

    place: str
    message: str
    hint: str
    error: bool


class ConvertReport(Record):
    """`graphdsl convert`. `text` is the program; there is none where a problem is an error."""

    ok: bool
    text: str | None
    problems: list[ConversionProblem]


class MethodRecord(Record):
    """A published method as a flow of the package: its file, what it is, and how it is run."""

    file: str
    name: str
    doc: str
    text: str
    command: str


class MethodsReport(Record):
    """`graphdsl methods`."""

    ok: Literal[True] = True
    methods: list[MethodRecord]


# ---- memory


class EntryRecord(Record):
    """One entry of a memory, from version `added_in` on; `removed_in` is the first without it.

    `split` and `content` (a hash of the inputs) are those of the run that wrote a text. A concept
    has been written by many.
    """

    id: int
    kind: Literal["text", "concept"]
    key: str | None
    text: str
    created: float
    added_in: int
    removed_in: int | None
    split: str | None
    content: str | None
    run: str | None


class MemoryReport(Record):
    """`graphdsl memory list` and `show`: entries of a version."""

    ok: Literal[True] = True
    version: int
    entries: list[EntryRecord]


class FoundEntry(Record):
    """One entry that fits a query; the id is its key, if it has one."""

    id: str
    kind: Literal["text", "concept"]
    text: str
    score: float


class FoundReport(Record):
    """`graphdsl memory search`: the best first."""

    ok: Literal[True] = True
    entries: list[FoundEntry]


class VersionRecord(Record):
    """One commit. `erased` entries are gone from all versions; one that is not `readable` was
    compacted away."""

    version: int
    created: float
    run: str | None
    split: str | None
    note: str
    added: int
    removed: int
    erased: int
    readable: bool


class VersionsReport(Record):
    """`graphdsl memory versions`: the newest first."""

    ok: Literal[True] = True
    versions: list[VersionRecord]


class ExportReport(Record):
    """`graphdsl memory export`. `entries` is null where they went into the file `out`."""

    ok: Literal[True] = True
    count: int
    out: str | None
    entries: list[dict[str, Any]] | None


class MemoryChangeReport(Record):
    """`graphdsl memory import`, `restore`, `remove`, `forget` and `compact`: how many entries it
    was about, null where that is not counted, and the newest version now."""

    ok: Literal[True] = True
    path: str
    version: int
    count: int | None


class SandboxKind(Record):
    """A kind of sandbox as it was tried here. `why` says why it does not work. `allows` lists what
    a weak kind does not keep away. `strength` is what it keeps apart where it works."""

    name: str
    strength: Literal["strong", "confined", "weak"]
    works: bool
    why: str | None
    allows: list[str]


class SandboxReport(Record):
    """`graphdsl sandbox`: the kinds, the best first. `asked` is the name that was given (`auto`:
    the best that works, no weak one), `used` the kind that it stands for here, if any."""

    ok: bool
    asked: str
    used: str | None
    kinds: list[SandboxKind]


REPORTS: Final[dict[str, tuple[type[Record], ...]]] = {
    "check": (CheckReport,),
    "fmt": (FmtReport,),
    "explain": (ExplainReport, CodesReport),
    "graph": (GraphReport,),
    "plan": (PlanReport,),
    "run": (RunReport, DataReport, DataLine),
    "eval": (EvalReport, EvalLine),
    "test": (CasesReport,),
    "report": (ShownStudyReport,),
    "trace": (TraceReport, PastRunsReport),
    "models": (ModelsReport, PulledReport, ModelsCheckReport),
    "cache": (CacheReport, ClearedReport, CachePathReport),
    "memory": (MemoryReport, FoundReport, VersionsReport, ExportReport, MemoryChangeReport),
    "sandbox": (SandboxReport,),
    "ops": (OpsReport,),
    "convert": (ConvertReport,),
    "methods": (MethodsReport,),
}
"""What each command prints when it does its work."""

FAILURES: Final[tuple[type[Record], ...]] = (ProgramErrors, ErrorReport)
"""What every command prints when it does not."""
