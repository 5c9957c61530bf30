"""The tables of a page: nodes as a tree, models, and every call with what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from graphdsl.executors.trace import Call, Record
from graphdsl.executors.traces.analysis import Analysis, ModelReport, self_seconds
from graphdsl.executors.traces.markup import classes, line, text
from graphdsl.executors.traces.page_gantt import Row
from graphdsl.prices import dollars
from graphdsl.values import Usage

_COLUMNS: Final = (
    "status",
    "begun",
    "time",
    "itself",
    "calls",
    "in",
    "prefix",
    "out",
    "cost",
    "from cache",
    "notes",
)
_NOT_KEPT: Final = "Prompts and replies were not kept; run with --content to keep them."
_LEFT: Final = {"notes": ' class="words"'}
_SPENT: Final = ("calls", "in", "prefix", "out", "cost", "from cache")
_MODELS: Final = ("samples", *_SPENT, "share", "tokens/s")


def nodes(rows: Sequence[Row], labels: Mapping[str, str], critical: frozenset[str]) -> str:
    """Every node in its place of the tree."""
    return _table("node", _COLUMNS, (_node(row, labels, critical) for row in rows))


def models(analysis: Analysis) -> str:
    """What every model took."""
    return _table("model", _MODELS, map(_model, analysis.models))


def calls(rows: Sequence[Row], labels: Mapping[str, str]) -> str:
    """Every call under its node; prompts and replies where they were kept."""
    return "\n".join(_calls(row, labels) for row in rows if row.calls)


def _table(first: str, columns: Sequence[str], rows: Iterator[str]) -> str:
    heads = "".join(f"<th{_LEFT.get(column, '')}>{column}</th>" for column in (first, *columns))
    body = "\n".join(rows)
    head = f"<thead><tr>{heads}</tr></thead>"
    return f'<div class="wide"><table>{head}<tbody>\n{body}\n</tbody></table></div>'


def _node(row: Row, labels: Mapping[str, str], critical: frozenset[str]) -> str:
    record = row.record
    mark = " ◆" if record.address in critical else ""
    deep = f'<span class="deep">{"·" * row.depth}</span> ' if row.depth else ""
    usage, kept = _own(record), sum(call.origin == "cache" for call in record.calls)
    cells = [
        f'<td title="{text(record.address)}">{deep}{text(labels[record.address])}{mark}</td>',
        f"<td{classes(record.status)}>{text(record.status)}</td>",
        *_cells([f"{record.start:.3f} s", f"{record.seconds:.3f} s"]),
        *_cells([f"{self_seconds(record):.3f} s", *_amounts(usage), _count(kept)]),
        f'<td class="words">{_notes(record)}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _own(record: Record) -> Usage:
    """What the calls of the node itself have cost: a row does not repeat those inside it."""
    total = Usage()
    for call in record.calls:
        total += call.usage
    return total


def _notes(record: Record) -> str:
    notes = [
        f"{count} × {text(note)}" if count > 1 else text(note)
        for note, count in Counter(record.notes).items()
    ]
    if record.spared:
        notes.append(f"{record.spared} not needed")
    return "<br>".join(notes)


def _model(model: ModelReport) -> str:
    rate = "" if model.rate is None else f"{model.rate:.0f}"
    share = f'<td><meter value="{model.share:.4f}">{model.share:.0%}</meter> {model.share:.0%}</td>'
    cells = _cells([str(model.samples), *_amounts(model.usage), _count(model.cached)])
    return f"<tr><td>{text(model.name)}</td>{''.join(cells)}{share}<td>{rate}</td></tr>"


def _calls(row: Row, labels: Mapping[str, str]) -> str:
    count = f"{len(row.calls)} of {len(row.record.calls)}"
    if len(row.calls) == len(row.record.calls):
        count = str(len(row.calls))
    inner = "\n".join(map(_call, row.calls))
    head = f"{text(labels[row.record.address])} <span class='soft'>calls: {count}</span>"
    return f"<details><summary>{head}</summary>\n{inner}\n</details>"


def _call(call: Call) -> str:
    said = line(call.error or call.text or "", 100)
    facts = [call.finish, f"{call.seconds:.3f} s", f"seed {call.seed}"]
    usage = call.usage
    facts.append(f"{usage.prompt_tokens} + {usage.completion_tokens} tokens")
    if usage.cost:
        facts.append(dollars(usage.cost, 3))
    if call.origin != "model":
        facts.append(f"from the {call.origin}")
    head = f"{text(call.model)} {call.sample}"
    bad = classes("error") if call.finish == "error" else ""
    summary = (
        f"<summary><span{bad}>{head}</span> <span class='soft'>{text(' · '.join(facts))}</span> "
        f"{said}</summary>"
    )
    return f"<details>{summary}{_content(call)}</details>"


def _content(call: Call) -> str:
    turns = [(turn.role, turn.content) for turn in call.prompt or ()]
    if call.text is not None:
        turns.append(("reply", call.text))
    if call.error:
        turns.append(("error", call.error))
    if not turns:
        return f'<p class="soft">{_NOT_KEPT}</p>'
    return "".join(
        f'<div class="soft">{text(role)}</div><pre>{text(said)}</pre>' for role, said in turns
    )


def _cells(values: Sequence[str]) -> list[str]:
    return [f"<td>{text(value)}</td>" for value in values]


def _count(count: int) -> str:
    return str(count) if count else ""


def _amounts(usage: Usage) -> list[str]:
    counts = (usage.calls, usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens)
    cost = "unknown" if usage.cost is None else dollars(usage.cost, 3) if usage.cost else ""
    return [*map(_count, counts), cost]
