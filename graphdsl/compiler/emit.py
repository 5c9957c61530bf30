"""What `plan --emit ast|ir|plan` prints: every stage as text, and as JSON-able data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from graphdsl.diagnostics import Span
from graphdsl.ir.nodes import Graph
from graphdsl.ir.text import print_graph, quote
from graphdsl.ir.types import ListOf, Named, OptionalOf, RecordOf, Unknown
from graphdsl.plan import Plan, Program, Step
from graphdsl.syntax import tree

_TYPES = Named | ListOf | OptionalOf | RecordOf | Unknown


def emit_ast(file: tree.File) -> str:
    """The syntax tree, one node or field a line, children indented. Spans are left out."""
    return "\n".join(_tree("", file, 0)) + "\n"


def emit_ir(graph: Graph) -> str:
    """The textual IR."""
    return print_graph(graph)


def emit_plan(program: Program) -> str:
    """The steps as a table: index, address, op, inputs by slot, what each waits for."""
    params = ", ".join(f"{name}: {kind}" for name, kind in program.params)
    head = f"plan {program.flow}({params}) -> {program.result}   # {program.graph_hash}"
    return "\n".join([head, *_plan(program.plan, 1)]) + "\n"


def to_json(value: Any) -> Any:
    """Any stage as JSON-able data: records have their class under `kind`, types are texts.

    A span is `[start, end]`; a mapping's keys are texts.
    """
    match value:
        case Span():
            return [value.start, value.end]
        case _ if isinstance(value, _TYPES):
            return str(value)
        case Enum():
            return value.value
        case _ if is_dataclass(value) and not isinstance(value, type):
            parts = {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
            return {"kind": type(value).__name__, **{_plain(k): v for k, v in parts.items()}}
        case Mapping():
            pairs: list[tuple[Any, Any]] = list(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
            return {str(name): to_json(item) for name, item in pairs}
        case tuple() | list():
            items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            return [to_json(item) for item in items]
        case _:
            return value


def _plain(name: str) -> str:
    """A field called `kind` gives way to the name of the class."""
    return f"{name}_" if name == "kind" else name


def _tree(name: str, value: Any, depth: int) -> Iterator[str]:
    """A named part of the tree: a leaf on its own line, else a heading and what is below it."""
    head = "  " * depth + (f"{name}: " if name else "")
    match value:
        case tree.Name() | tree.Ref():
            yield f"{head}{value}"
        case tree.Node():
            parts = [(f.name, getattr(value, f.name)) for f in fields(value) if f.name != "span"]
            yield f"{head}{type(value).__name__}"
            for field, part in parts:
                yield from _tree(field, part, depth + 1)
        case () | None:
            return
        case tuple():
            items: tuple[Any, ...] = value  # pyright: ignore[reportUnknownVariableType]
            yield head.rstrip()
            for item in items:
                yield from _tree("", item, depth + 1)
        case _:
            yield f"{head}{_leaf(value)}"


def _leaf(value: Any) -> str:
    return quote(value) if isinstance(value, str) else str(value).lower()


def _plan(plan: Plan, depth: int) -> Iterator[str]:
    pad = "  " * depth
    named = [f"{name} = s{slot}" for slot, name in enumerate(plan.params)]
    first = len(plan.params)
    named += [f"s{first + i} = outer s{slot}" for i, slot in enumerate(plan.captures)]
    named += [f"s{slot} = {_value(value)}" for slot, value in plan.constants]
    if named:
        yield f"{pad}{', '.join(named)}"
    for cells, step in zip(_aligned(plan), plan.steps, strict=True):
        yield f"{pad}{cells}".rstrip()
        for name, region in step.regions:
            yield f"{pad}  {name}({', '.join(region.params)})"
            yield from _plan(region, depth + 2)
    yield f"{pad}=> {', '.join(f'{name} = s{slot}' for name, slot in plan.results)}".rstrip()


def _aligned(plan: Plan) -> list[str]:
    waits = _waits(plan)
    rows = [
        (
            f"{step.index}",
            f"s{step.slot}",
            step.address,
            f"{step.op}({', '.join(f'{name}: s{slot}' for name, slot in step.inputs)})",
            f"waits for {', '.join(map(str, waits[step.index]))}" if waits[step.index] else "ready",
            _attrs(step),
        )
        for step in plan.steps
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)] if rows else []
    return [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]


def _waits(plan: Plan) -> list[list[int]]:
    """For each step the steps that it waits for."""
    found: list[list[int]] = [[] for _ in plan.steps]
    for step in plan.steps:
        for dependent in step.dependents:
            found[dependent].append(step.index)
    return found


def _attrs(step: Step) -> str:
    given = [f"{name}: {_value(value)}" for name, value in step.attrs.items()]
    return "{" + ", ".join(given) + "}" if given else ""


def _value(value: Any) -> str:
    """A value as the IR writes it; an entity by its name."""
    match value:
        case None:
            return "none"
        case str():
            return quote(value)
        case bool():
            return str(value).lower()
        case tuple() | list():
            items: tuple[Any, ...] = tuple(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            return f"[{', '.join(map(_value, items))}]"
        case Mapping():
            pairs: list[tuple[Any, Any]] = list(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
            return "{" + ", ".join(f"{name}: {_value(item)}" for name, item in pairs) + "}"
        case _ if is_dataclass(value):
            name: str | None = getattr(value, "name", None)
            return f"@{name}" if name is not None else _limits(value)
        case _:
            return repr(value)


def _limits(budget: Any) -> str:
    given = {field.name: getattr(budget, field.name) for field in fields(budget)}
    return _value([f"{unit} {limit}" for unit, limit in given.items() if limit is not None])
