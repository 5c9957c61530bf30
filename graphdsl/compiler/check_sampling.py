"""Samples that cannot differ: several of them at temperature 0 (rule G7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.call_graph import calls_in
from graphdsl.compiler.check_settings import setting_entry
from graphdsl.compiler.entities import literal, pool_models
from graphdsl.compiler.program import Module
from graphdsl.compiler.report import warning
from graphdsl.compiler.session import Session
from graphdsl.diagnostics import Label, Span
from graphdsl.ops.signatures.words import LISTWISE
from graphdsl.syntax import tree


@dataclass(frozen=True, slots=True)
class _Alike:
    """A count of an operator that means nothing at temperature 0.

    `models` are the parameter of those who are asked. `given`: the call's `temperature` is theirs;
    else they have their own. `several`: each of several models gives something else.
    """

    count: str
    what: str
    models: str
    given: bool = True
    several: bool = False

    @property
    def fewer(self) -> str:
        """What to do instead."""
        return "draw one sample" if self.what == "sample" else f"write `{self.count}: 1`"


_ALIKE: Final[Mapping[str, tuple[_Alike, ...]]] = {
    "generate": (_Alike("samples", "sample", "models"),),
    "continue": (_Alike("samples", "continuation", "by"),),
    "score": (_Alike("repeats", "judgement", "by"),),
    "tree_search": (
        _Alike("width", "candidate", "models", several=True),
        _Alike("branch", "continuation", "models"),
        _Alike("repeats", "judgement", "by", given=False),
    ),
}


_ONE_ORDER: Final = ("verdict", "hybrid", "full")


def warn_same_samples(module: Module, session: Session) -> None:
    """Warn where an operator asks for several replies greedily, as far as the file tells."""
    for flow in module.flows.values():
        for call in calls_in(flow.body):
            for alike in _ALIKE.get(str(call.callee), ()):
                _warn(call, alike, module, session)


def _warn(call: tree.Call, alike: _Alike, module: Module, session: Session) -> None:
    given = {arg.name.text: arg.value for arg in call.args if arg.name is not None}
    samples = given.get(alike.count)
    count = None if samples is None else literal(samples)
    if samples is None or not isinstance(count, int) or count < 2 or not _equal(call, given):
        return
    place = _greedy(given, alike, module)
    models = list(_models(given.get(alike.models), module)) if alike.several else []
    if place is None or len(models) > 1:
        return
    where = "set `temperature: 0.8`" if alike.given else "set the temperature of the model"
    session.report(
        warning(
            codes.SAME_SAMPLES,
            f"{count} {alike.what}s at temperature 0 are one {alike.what} {count} times",
            samples.span,
            "all alike",
            secondary=(Label(place, "temperature 0 here"),),
            helps=(f"{where}, or {alike.fewer}",),
        )
    )


def _equal(call: tree.Call, given: Mapping[str, tree.Expr]) -> bool:
    """Whether all that is asked for is asked in the same words: not where a judge sees the
    candidates in another order each time, and neighbours or a reference in both orders."""
    if str(call.callee) != "score":
        return True
    method = str(given.get("method"))
    return method in _ONE_ORDER or (method in LISTWISE and str(given.get("shuffle")) == "no")


def _greedy(given: Mapping[str, tree.Expr], alike: _Alike, module: Module) -> Span | None:
    """Where it says that the temperature is 0: in the call, else in all the models."""
    temperature = given.get("temperature") if alike.given else None
    if temperature is not None:
        return temperature.span if literal(temperature) == 0 else None
    models = _models(given.get(alike.models), module)
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
