"""Packages that few operators need: imported where they are used, and named where they are not."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from graphdsl.errors import ExtraMissing

METHODS: Final = "methods"
"""The extra of the operators."""


def extra(module: str, what: str) -> Any:
    """A module of the extra `methods`; `what` needs it, in the words of a program.

    Raises `ExtraMissing`.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise ExtraMissing(package, extra=METHODS, what=what) from error
