"""A value as Python writes it, whatever it is. Also part of what runs inside a sandbox."""

from __future__ import annotations


def shown(value: object) -> str:
    """Its `repr`; where Python refuses to write a number that long, or a value that deep, what it
    is. Never raises.

    >>> shown([1, "a"]), shown(10**5000)
    ("[1, 'a']", '<int of 16610 bits>')
    """
    try:
        return repr(value)
    except Exception:
        if isinstance(value, int):
            return f"<int of {int.bit_length(value)} bits>"
        return f"<{type(value).__name__}>"
