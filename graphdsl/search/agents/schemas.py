"""The shapes of an agent's replies, as JSON schemas.

They are flat and strict (every property required, none besides), as providers of structured replies
want them, and small enough for small models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Schema = Mapping[str, object]


def _record(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Schema, most: int) -> Schema:
    return {"type": "array", "items": items, "maxItems": most}


_TEXT: Final[Schema] = {"type": "string"}
_SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
_NODE: Final[Schema] = {"type": "integer", "minimum": 1}

_CHANGE: Final = _record(hole=_TEXT, value=_TEXT)

UPDATES: Final = _record(
    why=_TEXT, updates=_list(_record(hole=_TEXT, value=_TEXT, probability=_SHARE), 32)
)
"""New probabilities of values, one value of one hole each."""

MIXES: Final = _record(why=_TEXT, mixes=_list({"type": "integer", "minimum": 1}, 2))
"""The numbers of two mixes of models out of a list."""

GUIDELINES: Final = _record(guidelines=_list(_TEXT, 5))
"""What was learnt, in a few sentences."""

PROPOSALS: Final = _record(proposals=_list(_record(changes=_list(_CHANGE, 16)), 16))
"""Graphs to try, each as changes to the best one."""

NEXT_GRAPH: Final = _record(
    why=_TEXT,
    roles=_list(_record(node=_NODE, role=_TEXT), 64),
    edges=_list(_record(source=_NODE, target=_NODE), 128),
    table=_list(_record(source=_NODE, target=_NODE, probability=_SHARE), 128),
)
"""The next graph of `agent_reinforce_faithful`, and its table of edge probabilities."""
