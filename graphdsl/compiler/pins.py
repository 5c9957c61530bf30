"""Pins: the assignment that somebody gives to the holes of a graph, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from graphdsl.diagnostics import Diagnostic, Help, Label, Severity, Span, did_you_mean
from graphdsl.errors import CompileError
from graphdsl.ir.nodes import Assignment, Attr, Choices, Domain, Graph, Hole, Interval

UNKNOWN_HOLE: Final = "GD0450"
OUTSIDE_DOMAIN: Final = "GD0451"

PINS: Final = "<pins>"
"""The source that diagnostics about an assignment name."""


def checked_pins(graph: Graph, pins: Mapping[str, str | float]) -> Assignment:
    """The assignment with every value as the hole has it: a label, or a number of the interval.

    Raises CompileError with every address that is no hole and every value that does not fit.
    """
    holes = {hole.address: hole for hole in graph.holes}
    found: Assignment = {}
    problems: list[Diagnostic] = []
    for address, value in pins.items():
        if address not in holes:
            problems.append(_unknown(address, holes))
            continue
        fitting = fit(holes[address].domain, value)
        if fitting is None:
            problems.append(_outside(holes[address], value))
        else:
            found[address] = fitting
    if problems:
        raise CompileError(problems)
    return found


def fit(domain: Domain, value: str | float) -> str | float | None:
    """The label or number of a domain that a pinned value means; None when it means none.

    >>> fit(Choices(("1", "3"), (1, 3)), 3), fit(Interval(0.2, 1.2, 0.2, False), 0.8000001)
    ('3', 0.8)
    """
    if isinstance(domain, Choices):
        label = _label(value)
        return label if label in domain.labels else None
    if isinstance(value, str | bool) or not domain.low <= value <= domain.high:
        return None
    if domain.step is None:
        return value
    at = round((value - domain.low) / domain.step)
    nearest = point(domain.low, domain.step, at, domain.integer)
    close = math.isclose(nearest, value, rel_tol=1e-6, abs_tol=domain.step * 1e-6)
    return nearest if close and nearest <= domain.high else None


def point(low: float, step: float, index: int, integer: bool) -> float:
    """The number that is `index` steps above `low`, without the noise of addition.

    >>> 0.1 + 2 * 0.1, point(0.1, 0.1, 2, integer=False)
    (0.30000000000000004, 0.3)
    """
    number = low + index * step
    return round(number) if integer else float(f"{number:.12g}")


def value_of(hole: Hole, chosen: str | float) -> Attr:
    """The attribute that a label or number of a hole stands for."""
    match hole.domain:
        case Choices(labels, values):
            return values[labels.index(str(chosen))]
        case Interval(integer=integer):
            return round(float(chosen)) if integer else float(chosen)


def _label(value: str | float) -> str:
    """A pinned value as the label that it reads as: pins from JSON may be plain numbers."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def shown(domain: Domain) -> str:
    """A domain as a file would write it."""
    match domain:
        case Choices(labels, _):
            return "[" + ", ".join(labels) + "]"
        case Interval(low, high, step, integer):
            steps = "" if step is None or (integer and step == 1) else f" step {step}"
            return f"{low}..{high}{steps}"


def _unknown(address: str, holes: Mapping[str, Hole]) -> Diagnostic:
    close = did_you_mean(address, holes)
    helps = tuple(Help(f"did you mean `{other}`?") for other in close)
    if not helps and holes:
        helps = (Help("the holes are " + ", ".join(f"`{name}`" for name in list(holes)[:8])),)
    return _error(UNKNOWN_HOLE, f"there is no hole `{address}`", helps)


def _outside(hole: Hole, value: str | float) -> Diagnostic:
    text = _label(value)
    message = f"`{text}` is not in the domain of `{hole.address}`"
    words = hole.domain.labels if isinstance(hole.domain, Choices) and text.isidentifier() else ()
    helps = [Help(f"did you mean `{label}`?") for label in did_you_mean(text, words)]
    helps.append(Help(f"the domain is `{shown(hole.domain)}`"))
    return _error(OUTSIDE_DOMAIN, message, tuple(helps))


def _error(code: str, message: str, helps: tuple[Help, ...]) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, message, Label(Span(PINS, 0, 0)), helps=helps)
