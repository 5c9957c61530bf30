"""AST → IR: a flow of a checked program as an open graph (`graphdsl.ir.nodes`).

Calls of flows are inlined, names become addresses, holes stay open for `specialise`. The rules
are in the files beside this one: `lower_statement`, `lower_loop`, `lower_form`,
`lower_expression`, `lower_call`, `lower_flow`, `lower_static`, `lower_coerce`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from graphdsl.compiler.check_types import type_of
from graphdsl.compiler.entities import memory_spec, model_spec, prompt_spec
from graphdsl.compiler.lower_call import call
from graphdsl.compiler.lower_expression import expression
from graphdsl.compiler.lower_flow import argument, body
from graphdsl.compiler.lower_form import form
from graphdsl.compiler.lower_site import Building, Rules, Scope, Shared, Site, Typed, Value
from graphdsl.compiler.lower_statement import statements
from graphdsl.compiler.program import Module
from graphdsl.diagnostics import Diagnostic, Help, Label, Severity, Span, did_you_mean
from graphdsl.errors import CompileError
from graphdsl.ir.entities import MemorySpec, ModelSpec, PromptSpec
from graphdsl.ir.nodes import Choices, Graph, Hole, Input, Region, Symbol
from graphdsl.ir.prune import mentioned
from graphdsl.ir.types import ENTITY_TYPES, OptionalOf
from graphdsl.syntax import tree

NEEDS_DEFAULT: Final = "GD0452"
NO_SUCH_FLOW: Final = "GD0453"

_RULES: Final = Rules(expression, call, form, statements)


def lower(module: Module, flow: str) -> Graph:
    """The graph of a flow of a checked module, run by itself.

    Parameters of compile-time types, those whose default is a hole, and those that are used where
    a value must be known at compile time are fixed to their defaults; the others are inputs.

    Raises CompileError when there is no such flow (GD0453) or a parameter that has to be fixed
    has no default (GD0452).
    """
    item = module.flows.get(flow)
    if item is None:
        raise CompileError([_no_such_flow(module, flow)])
    fixed = frozenset(param.name.text for param in item.params if _is_fixed(param))
    while True:
        graph, needed = _attempt(module, item, fixed)
        if needed <= fixed:
            return graph
        fixed |= needed


def _is_fixed(param: tree.Param) -> bool:
    return type_of(param.type) in ENTITY_TYPES or isinstance(param.default, tree.Hole)


def _attempt(
    module: Module, flow: tree.Flow, fixed: frozenset[str]
) -> tuple[Graph, frozenset[str]]:
    """The graph when these parameters are fixed, and all parameters found to have to be."""
    _require_defaults(flow, fixed)
    shared = Shared(_RULES, {param.name.text: param.default for param in flow.params})
    site = Site(shared, module, flow.name.text, Scope(), Building())
    free = [param for param in flow.params if param.name.text not in fixed]
    params = tuple(_bind_input(site, param) for param in free)
    for param in flow.params:
        if param not in free:
            spot = f"{site.path}.{param.name.text}"
            known = argument(site, type_of(param.type), param.default, spot)
            site.scope.own[param.name.text] = known
    result = body(site, flow)
    region = Region("body", params, site.region.nodes(), (("return", result.id),))
    inputs = tuple(_input(param) for param in free)
    graph = Graph(flow.name.text, inputs, region, type_of(flow.result))
    return _with_tables(graph, shared), frozenset(shared.needed)


def _require_defaults(flow: tree.Flow, fixed: frozenset[str]) -> None:
    missing = [
        _needs_default(flow, param)
        for param in flow.params
        if param.name.text in fixed and param.default is None and not param.type.optional
    ]
    if missing:
        raise CompileError(missing)


def _bind_input(site: Site, param: tree.Param) -> Typed:
    """A run-time parameter: a parameter of the graph's body."""
    name = param.name.text
    typed = Typed(site.shared.fresh(f"{site.path}.{name}"), type_of(param.type))
    site.scope.own[name] = Value(typed, input=name)
    return typed


def _input(param: tree.Param) -> Input:
    name, kind = param.name.text, type_of(param.type)
    match param.default:
        case tree.String(value=value) | tree.Number(value=value) | tree.Bool(value=value):
            return Input(name, kind, required=False, default=value)
        case _:
            return Input(name, kind, required=not isinstance(kind, OptionalOf))


def _with_tables(graph: Graph, shared: Shared) -> Graph:
    """The graph with its holes and the specs of all that they or its nodes refer to."""
    holes = tuple(_without_flows(hole) for hole in shared.holes.values())
    graph = replace(graph, holes=holes)
    found: dict[str, dict[Symbol, None]] = {"model": {}, "prompt": {}, "memory": {}}
    for symbol in mentioned(graph):
        found[symbol.kind][symbol] = None
    return replace(
        graph,
        models=tuple(_model(shared, symbol) for symbol in found["model"]),
        prompts=tuple(_prompt(shared, symbol) for symbol in found["prompt"]),
        memories=tuple(_memory(shared, symbol) for symbol in found["memory"]),
    )


def _without_flows(hole: Hole) -> Hole:
    """A hole over flows as a hole over their names: only `choice` nodes refer to it."""
    if not isinstance(hole.domain, Choices):
        return hole
    values = tuple(
        value.name if isinstance(value, Symbol) and value.kind == "flow" else value
        for value in hole.domain.values
    )
    return replace(hole, domain=Choices(hole.domain.labels, values))


def _model(shared: Shared, symbol: Symbol) -> ModelSpec:
    module, item = shared.declared[symbol]
    assert isinstance(item, tree.Model)
    return model_spec(module, item)


def _prompt(shared: Shared, symbol: Symbol) -> PromptSpec:
    module, item = shared.declared[symbol]
    assert isinstance(item, tree.Prompt)
    return prompt_spec(module, item)


def _memory(shared: Shared, symbol: Symbol) -> MemorySpec:
    module, item = shared.declared[symbol]
    assert isinstance(item, tree.Memory)
    return memory_spec(module, item)


def _needs_default(flow: tree.Flow, param: tree.Param) -> Diagnostic:
    name = param.name.text
    return Diagnostic(
        NEEDS_DEFAULT,
        Severity.ERROR,
        f"flow `{flow.name}` cannot be run by itself: its parameter `{name}` has no default",
        Label(param.span, "has to be known at compile time"),
        helps=(Help(f"give `{name}` a default, or call the flow from another one"),),
    )


def _no_such_flow(module: Module, flow: str) -> Diagnostic:
    names = did_you_mean(flow, module.flows) or tuple(module.flows)
    listed = ", ".join(f"`{name}`" for name in names)
    return Diagnostic(
        NO_SUCH_FLOW,
        Severity.ERROR,
        f"there is no flow `{flow}` in this file",
        Label(Span(module.source.name, 0, 0)),
        helps=(Help(f"there is {listed}"),) if names else (),
    )
