"""The kinds of backends that a file may name, those that other packages bring included.

Other packages add kinds through the entry point group `graphdsl.backends`. None of them is loaded
before its backend is named, and what one of them does wrong is a `BackendError` that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from graphdsl.errors import BackendError
from graphdsl.ir.backend_kind import (
    CALLING,
    CAPABILITIES,
    PRICES,
    SAMPLING,
    TIMEOUT,
    BackendKind,
    Option,
)
from graphdsl.ir.backend_table import BACKENDS, COMPOSITES

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "BACKENDS",
    "CALLING",
    "CAPABILITIES",
    "COMPOSITES",
    "GROUP",
    "PRICES",
    "SAMPLING",
    "TIMEOUT",
    "BackendKind",
    "Option",
    "backend_kind",
    "backend_names",
    "declared_capabilities",
    "package_of",
    "plugin",
]

GROUP: Final = "graphdsl.backends"
"""Entry points of other packages, each named like its kind; see `plugin` for what it stands for."""

_LONGEST: Final = 200
"""Characters of what the code of others says about itself."""


def backend_kind(name: str) -> BackendKind | None:
    """The kind of that name, from this package or another; None when there is none.

    Raises `BackendError` where the other package cannot be loaded, or is not the only one.
    """
    kind = BACKENDS.get(name)
    if kind is not None:
        return kind
    found = plugin(name)
    return None if found is None else found.kind


def backend_names() -> tuple[str, ...]:
    """The names of all kinds, each once; nothing is loaded for them."""
    return (*BACKENDS, *_entries())


def plugin(name: str) -> Any:
    """What the entry point of that name stands for: an object with `kind` and `open`, or None.

    None for a kind of this package as well: no other package can replace it. Raises
    `BackendError` where it cannot be loaded, is no such object, or comes from several packages.
    """
    loaded = _load(name)
    if loaded.problem:
        raise BackendError(loaded.problem)
    return loaded.found


def package_of(name: str) -> str:
    """Which package a kind of another package comes from, for messages."""
    return _package(_entries()[name][0])


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What an entry point stands for, or what is wrong with it."""

    found: Any = None
    problem: str = ""


@cache
def _load(name: str) -> _Loaded:
    """Failures are kept as well: the code of others runs once, however often a file names it."""
    if name not in _entries():
        return _Loaded()
    entry, *more = _entries()[name]
    if more:
        several = " and ".join(f"`{one.value}` of {_package(one)}" for one in (entry, *more))
        why = f"the backend `{name}` comes from {several}; uninstall all but one of them"
        return _Loaded(problem=why)
    try:
        found = entry.load()
    except (Exception, SystemExit) as error:  # whatever the code of others may do
        why = f"the backend `{name}` of {_package(entry)} cannot be loaded: {_reason(error)}"
        return _Loaded(problem=why)
    kind = getattr(found, "kind", None)
    if isinstance(kind, BackendKind) and kind.name == name and hasattr(found, "open"):
        return _Loaded(found)
    why = f"`{entry.value}` of {_package(entry)} is no `BackendPlugin` of kind `{name}`"
    return _Loaded(problem=why)


def _package(entry: EntryPoint) -> str:
    return f"the package `{entry.dist.name}`" if entry.dist else "another package"


def _reason(error: BaseException) -> str:
    """The kind of an error and what it says, on one line."""
    says = " ".join(str(error).split())[:_LONGEST]
    return f"{type(error).__name__}: {says}" if says else type(error).__name__


@cache
def _entries() -> dict[str, tuple[EntryPoint, ...]]:
    """The entry points of all packages by name, without those named like a kind of this one."""
    from importlib.metadata import entry_points

    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=GROUP):
        if entry.name not in BACKENDS:
            found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def declared_capabilities(backend: str, options: Mapping[str, Any]) -> frozenset[str]:
    """What a model of that backend with these options can do, as far as the file tells.

    Everything, where the backend is unknown: that has been reported. Raises as `backend_kind`.
    """
    kind = backend_kind(backend)
    if kind is None:
        return frozenset(CAPABILITIES)
    has = frozenset(options.get("has") or ())
    return (kind.capabilities | has) - frozenset(options.get("lacks") or ())
