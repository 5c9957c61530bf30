"""Numbers and names as a report writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.result import Trial

UNKNOWN: Final = "—"

UNITS: Final[Mapping[str, str]] = {
    "usd": "US dollars",
    "flops": "FLOPs",
    "seconds": "seconds",
    "calls": "calls",
    "tokens": "tokens",
    "prompt_tokens": "prompt tokens",
    "completion_tokens": "completion tokens",
}
"""Costs by name, in words."""


def unit(name: str) -> str:
    """A cost in words; one that is not known here as it is called.

    >>> unit("usd"), unit("joules_used")
    ('US dollars', 'joules used')
    """
    return UNITS.get(name, name.replace("_", " "))


def percent(value: float, digits: int = 1) -> str:
    """A share of 1 as percent.

    >>> percent(0.7125), percent(float("nan"))
    ('71.2 %', '—')
    """
    return f"{100 * value:.{digits}f} %" if math.isfinite(value) else UNKNOWN


def points(value: float) -> str:
    """A difference of qualities in percentage points, with its sign.

    >>> points(0.0912), points(-0.03)
    ('+9.1', '−3.0')
    """
    if not math.isfinite(value):
        return UNKNOWN
    sign = "−" if round(100 * value, 1) < 0 else "+"
    return f"{sign}{abs(100 * value):.1f}"


def amount(name: str, value: float | None) -> str:
    """A cost with as many digits as help.

    >>> amount("usd", 0.000457), amount("seconds", 0.0421), amount("tokens", 1234.5)
    ('$0.00046', '42 ms', '1,234')
    >>> amount("flops", 3.2e12), amount("calls", 4.5), amount("calls", None), amount("usd", 0.0)
    ('3.2e+12', '4.5', '—', '$0')
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if name == "usd":
        return f"${value:,.2f}" if value >= 1 else f"${_short(value)}"
    if name == "seconds":
        return f"{1000 * value:.0f} ms" if 0 < value < 0.9995 else f"{_short(value)} s"
    return _short(value)


def tick(name: str, value: float) -> str:
    """A round cost beside an axis.

    >>> tick("usd", 0.001), tick("usd", 1e-6), tick("tokens", 1500), tick("seconds", 0.5)
    ('$0.001', '$1e-06', '1,500', '0.5 s')
    """
    said = f"{value:,.6g}" if abs(value) < 1e7 else f"{value:.1e}"
    return f"${said}" if name == "usd" else f"{said} s" if name == "seconds" else said


def _short(value: float) -> str:
    """Two digits below 100, whole numbers up to ten millions, then powers of ten."""
    if value == int(value) and abs(value) < 1e7:
        return f"{int(value):,}"
    if abs(value) >= 1e7:
        return f"{value:.1e}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    if abs(value) < 1e-4:
        return f"{value:.1e}"
    decimals = max(1, 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def times(ratio: float) -> str:
    """How many times as much.

    >>> times(17.0), times(0.4512), times(1.04)
    ('17', '0.45', '1.0')
    """
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 0.995 else f"{ratio:.2g}"


def label(trial: Trial) -> str:
    """What a candidate is called: the name of its baseline, or its number."""
    return trial.baseline or f"trial {trial.number}"


def short(address: str) -> str:
    """The address of a hole without its flow, which all of them begin with.

    >>> short("reason.drafts.samples"), short("width")
    ('drafts.samples', 'width')
    """
    head, dot, tail = address.partition(".")
    return tail if dot else head


def pins(assignment: Assignment) -> str:
    """An assignment as `--with` takes it.

    >>> pins({"a.n": 8.0, "a.m": "big"})
    '{"a.n": 8, "a.m": "big"}'
    """
    import json

    return json.dumps({key: _whole(value) for key, value in assignment.items()}, ensure_ascii=False)


def chosen(assignment: Assignment, usual: Mapping[str, str | float], most: int = 6) -> str:
    """What an assignment says that is not usual anyway, in a few words.

    >>> chosen({"f.d.samples": 8, "f.by": "big"}, {"f.by": "big"})
    'd.samples 8'
    >>> chosen({"f.by": "big"}, {"f.by": "big"})
    'all defaults'
    """
    said = [
        f"{short(address)} {_about(value)}"
        for address, value in assignment.items()
        if str(_whole(value)) != str(_whole(usual.get(address, "")))
    ]
    if not said:
        return "all defaults" if assignment else "no choices"
    more = len(said) - most
    return ", ".join(said[:most]) + (f" and {more} more" if more > 0 else "")


def _about(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _whole(value: str | float) -> str | float:
    """8 for 8.0: a number of samples is written without a point."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return round(value, 12) if isinstance(value, float) else value
