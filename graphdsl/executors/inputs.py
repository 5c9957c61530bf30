"""Inputs of a run: native Python values checked against the flow's parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError
from graphdsl.ir.types import ListOf, Named, OptionalOf, RecordOf, Type
from graphdsl.plan import Program
from graphdsl.values import Answer, Doc, Draft, Messages, Value, Verdict


def bind_inputs(program: Program, given: Mapping[str, Any]) -> list[Value]:
    """The values of the flow's parameters, in order; defaults fill what is not given.

    Raises `InputError` naming every parameter that is missing or unknown, or the first value
    that does not fit its type.
    """
    check_names(program, given)
    types = dict(program.params)
    missing = [
        name
        for name, kind in program.params
        if name not in given and name not in program.defaults and not isinstance(kind, OptionalOf)
    ]
    if missing:
        names = ", ".join(f"`{name}: {types[name]}`" for name in missing)
        raise InputError(f"flow `{program.flow}` needs {names}")
    return [_bound(name, kind, given, program.defaults) for name, kind in program.params]


def check_names(program: Program, given: Iterable[str]) -> None:
    """Raises `InputError` for a name that no parameter of the flow has."""
    names = [param for param, _ in program.params]
    for name in given:
        if name not in names:
            raise InputError(_unknown(program, name))


def _bound(name: str, kind: Type, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Value:
    return fit(given[name] if name in given else defaults.get(name), kind, name)


def _unknown(program: Program, name: str) -> str:
    names = [param for param, _ in program.params]
    near = did_you_mean(name, names)
    known = ", ".join(f"`{param}`" for param in near or names) or "none"
    hint = f"did you mean {known}?" if near else f"its parameters: {known}"
    return f"flow `{program.flow}` has no parameter `{name}`; {hint}"


def fit(value: Any, kind: Type, name: str) -> Value:
    """A native value as one of the language's type. Raises `InputError` naming `name`."""
    match kind:
        case OptionalOf(item):
            return None if value is None else fit(value, item, name)
        case ListOf(item) if isinstance(value, list | tuple):
            items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
            return tuple(fit(part, item, f"{name}[{at}]") for at, part in enumerate(items))
        case RecordOf(fields) if isinstance(value, Mapping):
            record = cast(Mapping[str, Any], value)
            return {key: fit(record.get(key), want, f"{name}.{key}") for key, want in fields}
        case Named(word) if word in _FITS and (fitted := _FITS[word](value)) is not None:
            return fitted
        case _:
            raise InputError(f"`{name}` must be a `{kind}`, not {_shown(value)}")


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text `{value if len(value) <= 40 else value[:39] + '…'}`"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "a record"
        case _:
            return f"a `{type(value).__name__}`"  # pyright: ignore[reportUnknownArgumentType]


def _number(value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _draft(value: Any) -> Value:
    return Draft(value) if isinstance(value, str) else _is(Draft)(value)


def _docs(value: Any) -> Value:
    if not isinstance(value, list | tuple):
        return None
    items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
    docs = tuple(_doc(item, str(at)) for at, item in enumerate(items))
    return None if None in docs else docs


def _doc(value: Any, key: str = "0") -> Value:
    return Doc(key, value) if isinstance(value, str) else _is(Doc)(value)


def _is(kind: type) -> Callable[[Any], Value]:
    return lambda value: value if isinstance(value, kind) else None


_FITS: Final[Mapping[str, Callable[[Any], Value]]] = {
    "Text": _is(str),
    "Number": _number,
    "Bool": _is(bool),
    "Draft": _draft,
    "Verdict": _is(Verdict),
    "Answer": lambda value: Answer(value) if isinstance(value, str) else _is(Answer)(value),
    "Messages": lambda value: (
        Messages.user(value) if isinstance(value, str) else _is(Messages)(value)
    ),
    "Doc": _doc,
    "Docs": _docs,
}
"""The value as that type, or None when it does not fit."""
