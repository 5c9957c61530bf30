"""Values as JSON that says what they were, and back. Used on both sides; trusts neither.

JSON has no tuples, sets, bytes, infinities or keys that are no texts; those become an object of one
key that names the type, such as `{"tuple": [1, 2]}`. What is none of the built-in types becomes
`{"opaque": [type, excerpt]}`, what is too much `{"large": [type, ""]}`. Nothing is ever unpickled,
evaluated or looked up by name.
"""

from __future__ import annotations

from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING, cast
from graphdsl.ops.hashes import collide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Final

    Part = Callable[[object], Any]


DEPTH: Final = 60
"""How deep values may be nested."""

ITEMS: Final = 100_000
"""How many parts a value may have."""

EXCERPT: Final = 200
"""Characters of the text that stands for what cannot be sent."""

_EXACT: Final = 2**53


class Malformed(Exception):
    """What was received is not what `encode` makes."""


class Opaque:
    """Stands for a value that is no plain data, or (`large`) more of it than is sent: its type's
    name and an excerpt of its text."""

    __slots__ = ("excerpt", "kind", "large")

    def __init__(self, kind: str, excerpt: str, *, large: bool = False) -> None:
        self.kind = kind
        self.excerpt = excerpt
        self.large = large

    @property
    def why(self) -> str:
        """Why it stands here, after `which`."""
        return (
            "which is larger or deeper than can be sent" if self.large else "which is no plain data"
        )

    def __repr__(self) -> str:
        return self.excerpt or f"<{self.kind}>"


def encode(value: object) -> Any:
    """JSON-compatible data for a value; what is too deep, too large or no plain data is opaque.

    Subclasses count as what they are based on, without asking their methods.
    """
    left = [ITEMS]
    try:
        return _encode(value, DEPTH, left)
    except _TooLarge:
        return {"large": [type(value).__name__, ""]}


def encode_all(values: Iterable[object]) -> tuple[list[Any], str]:
    """The data of each, and why not all can be sent as what they are; else an empty text."""
    encoded = [encode(value) for value in values]
    opaque = next((found for data in encoded if (found := _opaque(data)) is not None), None)
    return encoded, "" if opaque is None else f"an argument has a `{opaque.kind}`, {opaque.why}"


def _opaque(data: Any) -> Opaque | None:
    """The first part of encoded data that stands for something else."""
    left = [data]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += cast("list[Any]", part)
        elif isinstance(part, dict):
            ((name, content),) = cast("dict[str, Any]", part).items()
            if name in ("opaque", "large"):
                return cast("Opaque", _MADE[name](content))
            left.append(content)
    return None


class _TooLarge(Exception):
    pass


def _encode(value: object, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if depth < 0 or left[0] < 0:
        raise _TooLarge
    if value is None or value is True or value is False:
        return value
    for kind, encoded in _ENCODERS:
        if isinstance(value, kind):
            return encoded(value, lambda part: _encode(part, depth - 1, left))
    if hasattr(type(value), "__next__"):
        return {"iter": _items(_some(cast("Iterable[object]", value), left[0]), depth - 1, left)}
    return {"opaque": [type(value).__name__, _excerpt(value)]}


def _items(values: Iterable[object], depth: int, left: list[int]) -> list[Any]:
    return [_encode(part, depth, left) for part in values]


def _some(values: Iterable[object], most: int) -> list[object]:
    found: list[object] = []
    for value in values:
        found.append(value)
        if len(found) > most:
            raise _TooLarge
    return found


def _excerpt(value: object) -> str:
    try:
        return str(repr(value))[:EXCERPT]
    except Exception:
        return ""


def _int(value: Any, part: Part) -> Any:
    number = int.__index__(value)
    return number if -_EXACT < number < _EXACT else {"int": hex(number)}


def _float(value: Any, part: Part) -> Any:
    number = float.__float__(value)
    return {"float": number.hex()} if number - number != 0.0 else number


_dict_items: Final[Callable[[Any], Iterable[tuple[Any, Any]]]] = cast("Any", dict).items
_list_items: Final[Callable[[Any], Iterable[Any]]] = cast("Any", list).__iter__


def _dict(value: Any, part: Part) -> Any:
    return {"dict": [[part(key), part(item)] for key, item in _dict_items(value)]}


def _named(name: str, kind: Any) -> Callable[[Any, Part], Any]:
    return lambda value, part: {name: [part(item) for item in kind.__iter__(value)]}


_ENCODERS: Final[tuple[tuple[type, Callable[[Any, Part], Any]], ...]] = (
    (str, lambda value, part: str.__str__(value)),
    (int, _int),
    (float, _float),
    (list, lambda value, part: [part(item) for item in _list_items(value)]),
    (tuple, _named("tuple", tuple)),
    (dict, _dict),
    (set, _named("set", set)),
    (frozenset, _named("frozenset", frozenset)),
    (bytes, lambda value, part: {"bytes": bytes.hex(value)}),
    (bytearray, lambda value, part: {"bytearray": bytearray.hex(value)}),
    (
        complex,
        lambda value, part: {"complex": [_float(value.real, part), _float(value.imag, part)]},
    ),
    (range, lambda value, part: {"range": [_int(n, part) for n in _bounds(value)]}),
)


def _bounds(value: range) -> tuple[int, int, int]:
    return value.start, value.stop, value.step


def decode(data: Any) -> Any:
    """The value that `encode` was given, of built-in types only. Raises `Malformed`."""
    try:
        return _decode(data, DEPTH + 1)
    except (TypeError, ValueError, LookupError, OverflowError, RecursionError) as error:
        raise Malformed(f"not a value: {type(error).__name__}") from error


def _decode(data: Any, depth: int) -> Any:
    if depth < 0:
        raise Malformed("not a value: nested too deep")
    if isinstance(data, list):
        return _decoded(data, depth)
    if not isinstance(data, dict):
        return data
    ((name, content),) = cast("dict[str, Any]", data).items()
    if name == "dict":
        keys = [_decode(key, depth - 1) for key, _ in content]
        return dict(
            zip(_apart(keys), [_decode(item, depth - 1) for _, item in content], strict=True)
        )
    if name in ("set", "frozenset"):
        return _MADE_OF_ITEMS[name](_apart(_decoded(content, depth)))
    if name in _MADE_OF_ITEMS:
        return _MADE_OF_ITEMS[name](_decoded(content, depth))
    return _MADE[name](content)


def _apart(keys: list[Any]) -> list[Any]:
    if collide(keys):
        raise Malformed("not a value: its hashes collide")
    return keys


def _decoded(items: Any, depth: int) -> list[Any]:
    return [_decode(item, depth - 1) for item in items]


_MADE_OF_ITEMS: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "iter": iter,
    "complex": lambda parts: complex(*parts),
    "range": lambda parts: range(*parts),
}

_MADE: Final[dict[str, Callable[[Any], Any]]] = {
    "int": lambda text: int(text, 16),
    "float": float.fromhex,
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "opaque": lambda parts: Opaque(str(parts[0])[:EXCERPT], str(parts[1])[:EXCERPT]),
    "large": lambda parts: Opaque(str(parts[0])[:EXCERPT], "", large=True),
}
