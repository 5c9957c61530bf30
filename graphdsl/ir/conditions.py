"""Which parameters of an operator mean something, by the values that others have or may have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphdsl.ir.signatures import Parameter

Values = Callable[[str], Collection[Any] | None]
"""All values that a parameter may have, by its name; None among them stands for none given. The
whole is None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Applies:
    """Whether a parameter means something: under some values (`may`), under all (`must`)."""

    may: bool
    must: bool


_ALWAYS: Final = Applies(may=True, must=True)


def applies(param: Parameter, params: Mapping[str, Parameter], values: Values) -> Applies:
    """Whether a parameter means something. What decides about it must itself mean something."""
    if param.when is None:
        return _ALWAYS
    other = applies(params[param.when.param], params, values)
    found = values(param.when.param)
    if not other.may or found is None:
        return Applies(other.may, must=False)
    fits = [param.when.fits(value) for value in found]
    return Applies(any(fits), must=other.must and all(fits))


def idle(params: Sequence[Parameter], attrs: Mapping[str, Any]) -> frozenset[str]:
    """The parameters that mean nothing, by closed attributes."""
    if all(param.when is None for param in params):
        return frozenset()
    named = {param.name: param for param in params}
    return frozenset(
        param.name
        for param in params
        if not applies(param, named, lambda name: (attrs.get(name, named[name].preset),)).may
    )
