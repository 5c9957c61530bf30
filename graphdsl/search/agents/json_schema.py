"""Values checked against the part of JSON Schema that the agents' replies need."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

Schema = Mapping[str, Any]

_MOST: Final = 100
"""Entries of a list and properties of an object that are looked at."""


def problems(value: object, schema: Schema, place: str = "the reply") -> Iterator[str]:
    """What is wrong with a value, one line each; nothing where it fits.

    Read are `type` (one word), `properties`, `required`, `items`, `minItems`, `maxItems`, `enum`,
    `minimum` and `maximum`. Properties that the schema does not name do no harm, whatever it says
    of them. Of long lists the first 100 entries are checked.

    >>> list(problems({"n": "x"}, {"type": "object", "properties": {"n": {"type": "number"}}}))
    ['`n` is a text, not a number']
    """
    kind = schema.get("type")
    if isinstance(kind, str) and not _is(value, kind):
        yield f"{place} is {_a(value)}, not {_KINDS.get(kind, kind)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} is none of {', '.join(map(str, schema['enum'][:_MOST]))}"
    match value:
        case dict():
            yield from _of_object(cast(dict[str, Any], value), schema, place)
        case list():
            yield from _of_list(cast(list[Any], value), schema, place)
        case bool() | str() | None:
            return
        case int() | float():
            if not schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf):
                yield f"{place} is out of its bounds"
        case _:
            return


def _of_object(value: Mapping[str, Any], schema: Schema, place: str) -> Iterator[str]:
    inside = "" if place == "the reply" else f"{place.strip('`')}."
    for name in schema.get("required", ()):
        if name not in value:
            yield f"`{inside}{name}` is missing"
    for name, part in schema.get("properties", {}).items():
        if name in value:
            yield from problems(value[name], part, f"`{inside}{name}`")


def _of_list(value: list[Any], schema: Schema, place: str) -> Iterator[str]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
    if not least <= len(value) <= most:
        bound = f"at most {most}" if len(value) > most else f"at least {least}"
        yield f"{place} has {len(value)} entries, not {bound}"
    if "items" in schema:
        for at, item in enumerate(value[:_MOST]):
            yield from problems(item, schema["items"], f"`{place.strip('`')}[{at}]`")


def _is(value: object, kind: str) -> bool:
    match kind:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "integer":
            return not isinstance(value, bool) and (
                isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            )
        case "number":
            finite = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
            return finite and not isinstance(value, bool)
        case _:
            return True


_KINDS: Final = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "boolean": "true or false",
    "null": "null",
    "integer": "a whole number",
    "number": "a number",
}


def _a(value: object) -> str:
    """What a value is, in a word."""
    kinds = ("null", "boolean", "integer", "number", "string", "array", "object")
    return next((_KINDS[kind] for kind in kinds if _is(value, kind)), "something else")
