"""`graphdsl plan`: what a flow will do, and what it can cost."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import (
    Whole,
    file_argument,
    flow_argument,
    json_option,
    models_option,
    pins_option,
)
from graphdsl.cli.output import BOLD, DIM, paint, print_json, safe, show
from graphdsl.cli.programs import choose, load
from graphdsl.values import PICO

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow
    from graphdsl.api.module import Module
    from graphdsl.compiler.bounds import Bounds
    from graphdsl.compiler.passes.abc import Pass
    from graphdsl.compiler.uses import Use
    from graphdsl.ir.nodes import Graph

PROMPT_TOKENS: Final = 1000
"""Assumed of the longest prompt where nothing is said: a page and a half of English."""


@click.command("plan")
@file_argument
@flow_argument
@click.option("--cost", "only_cost", is_flag=True, help="Only the table of bounds, node by node.")
@click.option(
    "--prompt-tokens",
    type=Whole(0),
    default=PROMPT_TOKENS,
    show_default=True,
    help="Tokens of the longest prompt, for bounds of USD and FLOPs.",
)
@click.option(
    "--emit", type=click.Choice(("ast", "ir", "plan")), help="Print this stage of the compiler."
)
@click.option("--print-between-passes", is_flag=True, help="Print the graph after every pass.")
@pins_option
@models_option
@json_option
def command(
    file: Path,
    flow: str | None,
    only_cost: bool,
    prompt_tokens: int,
    emit: str | None,
    print_between_passes: bool,
    pins: Path | None,
    models: dict[str, str],
    as_json: bool,
) -> int:
    """Show what a flow will do and what it can cost, before anything runs."""
    module = load(file, as_json)
    chosen = choose(module, flow, pins=pins, models=models, as_json=as_json)
    if as_json:
        _print_record(module, chosen, emit, prompt_tokens)
    elif emit is not None:
        show(emitted(module, chosen, emit))
    elif print_between_passes:
        _between_passes(chosen)
    elif only_cost:
        from graphdsl.compiler.cost_table import render_cost

        show(safe(render_cost(chosen.cost(prompt_tokens)).rstrip("\n")))
    else:
        _summary(chosen)
    return Exit.OK


def _hash(flow: Flow, stage: str | None) -> str:
    """The identity of what is printed: the text of `--emit ir` reads back as that graph."""
    from graphdsl.ir.canonical import graph_hash
    from graphdsl.ops.registry import OPERATORS

    return graph_hash(_lowered(flow), OPERATORS) if stage == "ir" else flow.plan().graph_hash


def _lowered(flow: Flow) -> Graph:
    return flow.graph if flow.assignment else flow.open_graph


def emitted(module: Module, flow: Flow, stage: str) -> str:
    """One stage as text: the syntax tree, the graph as it was lowered, or the plan."""
    from graphdsl.compiler.emit import emit_ast, emit_ir, emit_plan

    match stage:
        case "ast":
            return emit_ast(module.program.file).rstrip("\n")
        case "ir":
            return emit_ir(_lowered(flow)).rstrip("\n")
        case _:
            return emit_plan(flow.plan()).rstrip("\n")


def _between_passes(flow: Flow) -> None:
    from graphdsl.compiler.pipeline import optimise
    from graphdsl.ir.text import print_graph

    def after(step: Pass, before: Graph, graph: Graph, seconds: float) -> None:
        changed = "" if graph != before else ", changed nothing"
        show(paint(f"# after {step.name} ({seconds * 1e3:.2f} ms{changed})", BOLD, sys.stdout))
        if graph != before:
            show(print_graph(graph))

    show(paint("# before all passes", BOLD, sys.stdout))
    show(print_graph(flow.graph))
    optimise(flow.graph, after=after)


def _summary(flow: Flow) -> None:
    program, cost = flow.plan(), flow.cost()
    show(paint(safe(flow.signature), BOLD, sys.stdout))
    show(f"  models    {', '.join(_models(program.models.values())) or 'none'}")
    show(f"  calls     {_bounds(cost.calls)}  ({cost.formula})")
    open_end = "" if cost.tokens.high is not None else "; `max_tokens` would bound them"
    show(f"  tokens    {_bounds(cost.tokens)} to complete{open_end}")
    chain = " → ".join(address.removeprefix(f"{flow.name}.") for address in cost.path)
    show(f"  in a row  {_bounds(cost.critical)}" + (f"  ({chain})" if chain else ""))
    if program.memories:
        show(f"  memories  {', '.join(program.memories)}")
    _holes(flow)
    show(paint(f"  graph     {program.graph_hash[:16]}", DIM, sys.stdout))


def _models(specs: Iterable[Any]) -> list[str]:
    return [f"{spec.name} ({spec.backend}{_behind(spec)})" for spec in specs]


def _behind(spec: Any) -> str:
    """The model's own name, or those of the models that it stands for."""
    members = ", ".join(member.name for member in spec.members)
    return f": {members}" if members else f" {spec.model}" if spec.model else ""


def _holes(flow: Flow) -> None:
    """What a search may change, at the values that run now."""
    from graphdsl.drawing.wording import Words

    words = Words(flow.open_graph)
    for index, hole in enumerate(flow.open_graph.holes):
        pinned = flow.assignment.get(hole.address)
        value = words.default(hole) if pinned is None else f"{pinned} (pinned)"
        lead = "  holes     " if index == 0 else " " * 12
        show(safe(f"{lead}{hole.address} = {value} in {words.domain(hole)}"))


def _bounds(bounds: Bounds) -> str:
    if bounds.high is None:
        return f"{bounds.low:,} or more"
    return f"{bounds.high:,}" if bounds.low == bounds.high else f"{bounds.low:,} to {bounds.high:,}"


def _print_record(module: Module, flow: Flow, emit: str | None, prompt_tokens: int) -> None:
    from graphdsl.cli.schemas import PlanReport

    program, cost = flow.plan(), flow.cost(prompt_tokens)
    rows = [
        {
            "address": row.address,
            "op": row.op,
            "calls": _pair(row.calls),
            "completion_tokens": _pair(row.tokens),
            "formula": row.formula,
            "usd": _usd(row.usd.high),
            "flops": row.flops.high,
        }
        for row in cost.rows
    ]
    print_json(
        PlanReport.model_validate(
            {
                "flow": flow.name,
                "signature": flow.signature,
                "models": [
                    {"name": spec.name, "backend": spec.backend, "model": spec.model}
                    for spec in program.models.values()
                ],
                "graph_hash": _hash(flow, emit),
                "holes": _hole_records(flow),
                "calls": _pair(cost.calls),
                "completion_tokens": _pair(cost.tokens),
                "critical_calls": _pair(cost.critical),
                "critical_path": list(cost.path),
                "formula": cost.formula,
                "nodes": rows,
                "prompt_tokens": prompt_tokens,
                "usd": _usd(cost.usd.high) if cost.usd else None,
                "flops": cost.flops.high if cost.flops else None,
                "prices": [_call_record(use, prompt_tokens) for use in cost.uses],
                "text": None if emit is None else emitted(module, flow, emit),
            }
        )
    )


def _call_record(use: Use, prompt_tokens: int) -> dict[str, Any]:
    """What one call of a model takes at most; `CallCost` in `graphdsl.cli.schemas`."""
    from graphdsl.prices import price_of

    price = price_of(use.model)
    return {
        "model": use.model.name,
        "max_tokens": use.max_tokens,
        "usd": _usd(use.worst(prompt_tokens)),
        "flops": use.operations(prompt_tokens),
        "source": None if price is None else price.source,
    }


def _usd(amount: int | None) -> float | None:
    return None if amount is None else amount / PICO


def _pair(bounds: Bounds) -> dict[str, int | None]:
    return {"low": bounds.low, "high": bounds.high}


def _hole_records(flow: Flow) -> list[dict[str, Any]]:
    from graphdsl.drawing.wording import Words

    words = Words(flow.open_graph)
    return [
        {
            "address": hole.address,
            "value": flow.assignment.get(hole.address, hole.default),
            "domain": words.domain(hole),
        }
        for hole in flow.open_graph.holes
    ]
