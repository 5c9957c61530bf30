"""Which packages a node needs: looked for before a run begins, not when its calls are paid for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

from graphdsl.errors import ExtraMissing
from graphdsl.ops.extras import METHODS

_MATHS: Final = ("math_verify", "math-verify")
_SCIPY: Final = ("scipy", "scipy")
_THREADS: Final = ("threadpoolctl", "threadpoolctl")

_NEEDS: Final = (
    (("vote", "group"), "by", "maths", _MATHS),
    (("score",), "equal", "maths", _MATHS),
    (("group",), "by", "embedding", _SCIPY),
    (("vote",), "prune", "weibull", _SCIPY),
    (("vote",), "prune", "weibull", _THREADS),
    (("tree_search",), "policy", "ets", _SCIPY),
)
"""Operators, the parameter and the word that need a module, and the package that has it."""


def require_packages(op: str, attrs: Mapping[str, Any]) -> None:
    """Raises `ExtraMissing` where a package is not installed that this node needs."""
    for operators, name, word, (module, package) in _NEEDS:
        if op in operators and attrs.get(name) == word and not _installed(module):
            raise ExtraMissing(package, extra=METHODS, what=f"`{name}: {word}`")


def slow(op: str, attrs: Mapping[str, Any]) -> bool:
    """True for a pure node that may take seconds: it waits for another process, or imports a
    package that takes its time. It must run neither on the event loop nor at compile time."""
    return op == "vote" and (attrs.get("by") == "maths" or attrs.get("prune") == "weibull")


@cache
def _installed(module: str) -> bool:
    return find_spec(module) is not None
