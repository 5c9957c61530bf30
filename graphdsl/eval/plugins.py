"""Metrics that other packages bring: entry points of the group `graphdsl.metrics`.

Each is named like its metric and stands for an object as `graphdsl.eval.metrics.Metric` describes
it. None is loaded before its metric is named, and what its package does wrong is an `InputError`
that names it. No other package can replace a metric of this one.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from graphdsl.errors import InputError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "graphdsl.metrics"
"""Where packages name their metrics."""

_LONGEST: Final = 200
"""Characters of what the code of others says about itself."""


def plugin_names() -> tuple[str, ...]:
    """The names of the metrics of other packages, each once; nothing is loaded for them."""
    return tuple(_entries())


def plugin(name: str) -> Any:
    """The metric of that name of another package, None without one.

    Raises `InputError` where it cannot be loaded, is no metric, or comes from several packages.
    """
    if name not in _entries():
        return None
    entry, *more = _entries()[name]
    if more:
        several = " and ".join(f"`{one.value}` of {_package(one)}" for one in (entry, *more))
        why = f"the metric `{name}` comes from {several}; uninstall all but one of them"
        raise InputError(why)
    try:
        found = entry.load()
    except (Exception, SystemExit) as error:  # whatever the code of others may do
        why = f"the metric `{name}` of {_package(entry)} cannot be loaded: {_reason(error)}"
        raise InputError(why) from error
    if callable(getattr(found, "score", None)) and getattr(found, "name", None) == name:
        return found
    raise InputError(f"`{entry.value}` of {_package(entry)} is no `Metric` named `{name}`")


def _package(entry: EntryPoint) -> str:
    return f"the package `{entry.dist.name}`" if entry.dist else "another package"


def _reason(error: BaseException) -> str:
    """The kind of an error and what it says, on one line."""
    says = " ".join(str(error).split())[:_LONGEST]
    return f"{type(error).__name__}: {says}" if says else type(error).__name__


@cache
def _entries() -> dict[str, tuple[EntryPoint, ...]]:
    """The entry points of all packages by name."""
    from importlib.metadata import entry_points

    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=GROUP):
        found[entry.name] = (*found.get(entry.name, ()), entry)
    return found
