"""How the nodes of a trace are called, and which of them people want to see."""

from __future__ import annotations

from dataclasses import replace

from graphdsl.executors.trace import Record, Trace, without_rounds
from graphdsl.ir.addresses import written_name
from graphdsl.ops.core import CORE


def labels(trace: Trace) -> dict[str, str]:
    """What stands for a node, by address: `drafts[2] = generate`.

    A node that the program gives no name is shown by its op alone.
    """
    ops = {without_rounds(record.address): record.op for record in trace.walk()}
    found: dict[str, str] = {}
    for record in trace.walk():
        plain = without_rounds(record.address)
        name, rounds = written_name(plain, ops), record.address.removeprefix(plain)
        named = f"{name}{rounds} = {record.op}"
        found[record.address] = record.op + rounds if name in ("", record.op) else named
    return found


def told(records: list[Record]) -> list[Record]:
    """The records without the plumbing."""
    return [
        replace(record, children=told(record.children)) for record in records if is_told(record)
    ]


def is_told(record: Record) -> bool:
    """False for plumbing (fields, prompts, conversions) that went well."""
    return record.op not in CORE or record.status == "failed" or bool(record.notes)
