"""Addresses as people read them: the name that the file gives a node, if it gives one."""

from __future__ import annotations

from collections.abc import Mapping

_HOLDS_STATEMENTS = frozenset({"repeat", "each", "fold", "if", "within", "optional", "choice"})
_HAS_LABELS = frozenset({"if", "choice"})


def written_name(address: str, ops: Mapping[str, str]) -> str:
    """The name of a node within the form or flow around it; empty for an unnamed argument.

    `ops` gives the op of every node by address. A node of an inlined flow keeps the path from
    the name that the call was bound to.

    >>> ops = {"f.a": "vote", "f.a.drafts": "concat", "f.y": "if", "f.y.else.b": "vote"}
    >>> [written_name(address, ops) for address in ("f.a", "f.a.drafts", "f.y.else.b", "f.call.c")]
    ['a', '', 'b', 'call.c']
    """
    parts = address.split(".")
    for size in range(len(parts) - 1, 0, -1):
        around = ops.get(".".join(parts[:size]))
        if around is None:
            continue
        if around not in _HOLDS_STATEMENTS:
            return ""
        inner = parts[size + 1 :] if around in _HAS_LABELS else parts[size:]
        return ".".join(inner or parts[-1:])
    return ".".join(parts[1:])
