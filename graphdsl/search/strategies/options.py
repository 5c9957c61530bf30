"""The options that a program gives to its strategy."""

from __future__ import annotations

from graphdsl.search.strategy import Setting


def whole(setting: Setting, name: str, default: int) -> int:
    """A count of at least 1. Raises ValueError for anything else, as an interface may give it."""
    value = setting.options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError(f"`{name}` is a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"`{name}` is at least 1, not {value!r}")
    return int(value)


def share(setting: Setting, name: str, default: float) -> float:
    """A number above 0 and up to 1. Raises ValueError for anything else."""
    value = setting.options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError(f"`{name}` is a number above 0 and up to 1, not {value!r}")
    return float(value)
