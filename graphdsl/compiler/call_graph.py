"""Which flow calls which: order for checking, recursion, and depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from graphdsl.compiler import codes
from graphdsl.compiler.check_specialised import MAX_CALL_DEPTH
from graphdsl.compiler.program import Module
from graphdsl.compiler.report import error
from graphdsl.diagnostics import Diagnostic, Label
from graphdsl.ops.registry import OPERATORS
from graphdsl.syntax import tree

Caller = tuple[Module, tree.Flow]


def calls_in(node: object) -> Iterator[tree.Call]:
    """Every call within a part of the tree."""
    waiting: list[Any] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple):
            waiting.extend(reversed(current))  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(current, tree.Node) and not isinstance(current, tree.Name):
            if isinstance(current, tree.Call):
                yield current
            waiting.extend(getattr(current, part.name) for part in reversed(fields(current)))


def order(modules: Sequence[Module], diagnostics: list[Diagnostic]) -> list[Caller]:
    """All flows, callees before callers; circles and calls that are too deep are reported."""
    found: list[Caller] = []
    depth: dict[int, int] = {}
    for module in modules:
        for flow in module.flows.values():
            _visit((module, flow), found, depth, diagnostics)
    return found


def _visit(
    start: Caller, found: list[Caller], depth: dict[int, int], diagnostics: list[Diagnostic]
) -> None:
    """Depth first without recursion, since a chain of calls may be long."""
    if id(start[1]) in depth:
        return
    path: list[tuple[Caller, Iterator[tuple[tree.Call, Caller]]]] = [(start, _callees(start))]
    open_flows = {id(start[1])}
    deepest = {id(start[1]): 0}
    while path:
        caller, callees = path[-1]
        key = id(caller[1])
        for call, callee in callees:
            other = id(callee[1])
            if other in open_flows:
                diagnostics.append(_circle(call, callee, [step for step, _ in path]))
            elif other in depth:
                deepest[key] = max(deepest[key], depth[other] + 1)
            else:
                path.append((callee, _callees(callee)))
                open_flows.add(other)
                deepest[other] = 0
                break
        else:
            path.pop()
            open_flows.discard(key)
            depth[key] = deepest[key]
            found.append(caller)
            if depth[key] == MAX_CALL_DEPTH:
                diagnostics.append(_too_deep(caller[1]))
            if path:
                above = id(path[-1][0][1])
                deepest[above] = max(deepest[above], depth[key] + 1)


def _callees(caller: Caller) -> Iterator[tuple[tree.Call, Caller]]:
    module, flow = caller
    hidden = {param.name.text for param in flow.params}
    for call in calls_in(flow.body):
        if str(call.callee) in OPERATORS:  # a flow of that name was reported
            continue
        target = module.find(call.callee)
        if target is not None and call.callee.parts[0].text not in hidden:
            where, declared = target
            if isinstance(declared, tree.Flow):
                yield call, (where, declared)


def _circle(call: tree.Call, callee: Caller, path: list[Caller]) -> Diagnostic:
    names = [flow.name.text for _, flow in path]
    start = next(i for i, (_, flow) in enumerate(path) if flow is callee[1])
    chain = " → ".join([*names[start:], names[start]])
    message = f"flow `{callee[1].name.text}` calls itself: {chain}"
    return error(
        codes.RECURSION,
        message,
        call.callee.span,
        "calls it again",
        secondary=(Label(callee[1].name.span, "the flow"),),
        helps=("to do something again use `repeat up to N … until …`",),
    )


def _too_deep(flow: tree.Flow) -> Diagnostic:
    message = f"flow `{flow.name.text}` calls flows more than {MAX_CALL_DEPTH - 1} deep"
    return error(codes.CALLS_TOO_DEEP, message, flow.name.span)
