"""A small value that matches a JSON schema: what a simulated model writes where one is asked for.

Objects have their required properties, arrays as few items as they may. The answer of the sample
stands where the schema has room for it: as the property `answer`, as the whole value, or as the
item of an `enum` that it is. Everything else is drawn. Keywords that restrict a value in a way
that is not understood here are refused, rather than ignored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from graphdsl.executors.splitmix import Draws

Schema = Mapping[str, Any]

_DEEPEST: Final = 32
_LONGEST: Final = 10_000
"""Most items and characters that a schema may ask for."""

_FILLER: Final = "text "
_SPAN: Final = 9
"""How far a number may lie from its only bound."""

_REFUSED: Final = frozenset(
    {"pattern", "format", "multipleOf", "uniqueItems", "contains", "not", "allOf", "if"}
    | {"patternProperties", "minProperties", "dependentRequired", "dependentSchemas"}
)


def example(schema: Schema, answer: str, draws: Draws) -> Any:
    """A value that matches the schema. Raises `ValueError` for a schema that it cannot fill."""
    try:
        return _Example(schema, answer, draws).value(schema, wanted=True, depth=0)
    except TypeError as error:
        raise ValueError(f"the schema is malformed: {error}") from error


class _Example:
    """One value in the making: `wanted` says that the answer belongs where the value stands."""

    def __init__(self, root: Schema, answer: str, draws: Draws) -> None:
        self._root = root
        self._answer = answer
        self._draws = draws

    def value(self, schema: Any, *, wanted: bool, depth: int) -> Any:
        if schema is True:
            schema = {}
        if depth > _DEEPEST:
            raise ValueError("the schema has no value that can be written down")
        found = _mapping(schema)
        if refused := sorted(_REFUSED & found.keys()):
            raise ValueError(f"a simulated model cannot follow `{refused[0]}` in a schema")
        if "$ref" in found:
            return self.value(self._referred(found["$ref"]), wanted=wanted, depth=depth + 1)
        if "const" in found:
            return found["const"]
        if "enum" in found:
            return self._choice(_list(found["enum"]))
        for union in ("anyOf", "oneOf"):
            if found.get(union):
                return self.value(_list(found[union])[0], wanted=wanted, depth=depth + 1)
        return self._of_type(found, wanted, depth)

    def _of_type(self, schema: Schema, wanted: bool, depth: int) -> Any:
        match _type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "string":
                return self._text(schema, wanted)
            case "integer" | "number" as kind:
                return self._number(schema, wanted, whole=kind == "integer")
            case "boolean":
                return bool(self._draws.word() & 1)
            case "null":
                return None
            case other:
                raise ValueError(f"a schema cannot have the type `{other}`")

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties = _mapping(schema.get("properties", {}))
        names = map(str, _list(schema.get("required", [])))
        return {
            name: self.value(properties.get(name, {}), wanted=name == "answer", depth=depth + 1)
            for name in names
        }

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        first = _list(schema.get("prefixItems", []))
        count = min(_size(schema, "minItems", len(first)), _size(schema, "maxItems", _LONGEST))
        kinds = [*first[:count], *[schema.get("items", {})] * (count - len(first))]
        return [self.value(kind, wanted=False, depth=depth + 1) for kind in kinds]

    def _text(self, schema: Schema, wanted: bool) -> str:
        least, most = _size(schema, "minLength", 0), _size(schema, "maxLength", _LONGEST)
        text = self._answer if wanted else _FILLER.strip()
        if len(text) < least:
            text = (text + " " + _FILLER * least)[:least]
        return text[:most]

    def _number(self, schema: Schema, wanted: bool, *, whole: bool) -> float:
        low, high = _bounds(schema, whole)
        if low > high:
            raise ValueError("no number lies between the bounds in the schema")
        if wanted and (known := _number_in(self._answer, whole)) is not None:
            return min(max(known, low), high)
        if low == -math.inf:
            low = 0 if high >= 0 else high - _SPAN
        if high == math.inf:
            high = low + _SPAN
        if whole:
            return int(low) + self._draws.word() % (int(high) - int(low) + 1)
        return low + (high - low) * self._draws.uniform()

    def _choice(self, values: list[Any]) -> Any:
        if not values:
            raise ValueError("an `enum` in the schema has no values")
        drawn = values[self._draws.word() % len(values)]
        return next((value for value in values if str(value) == self._answer), drawn)

    def _referred(self, reference: Any) -> Any:
        """What a reference within the schema means, as in `#/$defs/Person`."""
        path = str(reference)
        found: Any = self._root
        for step in filter(None, path.removeprefix("#").split("/")):
            place = _mapping(found)
            if step not in place:
                raise ValueError(f"the schema refers to `{path}`, which it does not have")
            found = place[step]
        return found


def _mapping(value: Any) -> Schema:
    if isinstance(value, Mapping):
        return value  # pyright: ignore[reportUnknownVariableType] (JSON from outside)
    raise ValueError(f"an object belongs where the schema has `{value}`")


def _list(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    raise ValueError(f"a list belongs where the schema has `{value}`")


def _size(schema: Schema, keyword: str, default: int) -> int:
    size = int(schema.get(keyword, default))
    if size > _LONGEST and keyword.startswith("min"):
        raise ValueError(f"`{keyword}` is {size}, and a simulated model writes {_LONGEST} at most")
    return size


def _type(schema: Schema) -> str:
    """The type of the values; of several the first, and without one what the keywords are for."""
    named = schema.get("type")
    if isinstance(named, str):
        return named
    if named:
        return str(_list(named)[0])
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _bounds(schema: Schema, whole: bool) -> tuple[float, float]:
    """The least and the greatest number; exclusive bounds of fractions lie a thousandth away."""
    step = 1 if whole else 0.001
    lows = [schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf) + step]
    highs = [schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - step]
    low, high = max(lows), min(highs)
    if not whole:
        return low, high
    return (
        low if math.isinf(low) else math.ceil(low),
        high if math.isinf(high) else math.floor(high),
    )


def _number_in(answer: str, whole: bool) -> float | None:
    try:
        number = int(answer) if whole else float(answer)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
