"""Other models behind the names that a program declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError
from graphdsl.ir.backends import BACKENDS, SAMPLING, Option
from graphdsl.ir.entities import ModelSpec
from graphdsl.ir.nodes import Graph

SIMULATED: Final = "simulated"


def overridden(graph: Graph, models: Mapping[str, str]) -> Graph:
    """The graph with other models: catalogue names or files by declared name.

    `simulated` stands for a simulation, which keeps the sampling options only. Raises
    `InputError` for a name that the graph does not use.
    """
    if not models:
        return graph
    declared = [spec.name for spec in graph.models]
    for name in models:
        if name not in declared:
            near = did_you_mean(name, declared)
            hint = f"did you mean `{near[0]}`?" if near else f"it has {_listed(declared)}"
            raise InputError(f"`{graph.flow}` uses no model `{name}`; {hint}")
    return replace(
        graph, models=tuple(_other(spec, models.get(spec.name)) for spec in graph.models)
    )


def _other(spec: ModelSpec, model: str | None) -> ModelSpec:
    if model is None:
        return spec
    if model == SIMULATED:
        return replace(spec, model="", backend=SIMULATED, options=_kept(spec, SAMPLING))
    options = _kept(spec, BACKENDS["embedded"].options)
    return replace(spec, model=model, backend="embedded", options=options)


def _kept(spec: ModelSpec, known: Iterable[Option]) -> dict[str, object]:
    """The options that the other model has as well."""
    names = {option.name for option in known}
    return {name: value for name, value in spec.options.items() if name in names}


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
