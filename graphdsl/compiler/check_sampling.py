"""Samples that cannot differ: several of them at temperature 0 (rule G7)."""

from __future__ import annotations

from collections.abc import Iterator

from graphdsl.compiler import codes
from graphdsl.compiler.call_graph import calls_in
from graphdsl.compiler.check_settings import setting_entry
from graphdsl.compiler.entities import literal, pool_models
from graphdsl.compiler.program import Module
from graphdsl.compiler.report import warning
from graphdsl.compiler.session import Session
from graphdsl.diagnostics import Label, Span
from graphdsl.syntax import tree


def warn_same_samples(module: Module, session: Session) -> None:
    """Warn where `generate` draws several samples greedily, as far as the file tells."""
    for flow in module.flows.values():
        for call in calls_in(flow.body):
            if str(call.callee) == "generate":
                _warn(call, module, session)


def _warn(call: tree.Call, module: Module, session: Session) -> None:
    given = {arg.name.text: arg.value for arg in call.args if arg.name is not None}
    samples = given.get("samples")
    count = None if samples is None else literal(samples)
    place = _greedy(given, module)
    if samples is None or not isinstance(count, int) or count < 2 or place is None:
        return
    session.report(
        warning(
            codes.SAME_SAMPLES,
            f"{count} samples at temperature 0 are one sample {count} times",
            samples.span,
            "all alike",
            secondary=(Label(place, "temperature 0 here"),),
            helps=("set `temperature: 0.8`, or draw one sample",),
        )
    )


def _greedy(given: dict[str, tree.Expr], module: Module) -> Span | None:
    """Where it says that the temperature is 0: in the call, else in all the models."""
    temperature = given.get("temperature")
    if temperature is not None:
        return temperature.span if literal(temperature) == 0 else None
    models = _models(given.get("models"), module)
    entries = [setting_entry(where, model, "temperature") for where, model in models]
    if not entries or any(entry is None or literal(entry.value) != 0 for entry in entries):
        return None
    return next((entry.span for entry in entries if entry is not None), None)


def _models(expr: tree.Expr | None, module: Module) -> Iterator[tuple[Module, tree.Model]]:
    """The models that an argument names; none where only the caller knows."""
    match expr:
        case tree.ListExpr(items=items):
            for item in items:
                yield from _models(item, module)
        case tree.Hole(value=value):
            yield from _models(value, module)
        case tree.Ref():
            found = module.find(expr)
            if found is not None and isinstance(found[1], tree.Model):
                yield found[0], found[1]
            elif found is not None and isinstance(found[1], tree.Pool):
                for _, where, model in pool_models(found[0], found[1]):
                    yield where, model
        case _:
            return
