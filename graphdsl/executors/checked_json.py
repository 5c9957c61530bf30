"""JSON that somebody else may have written: checked once, with words for what is wrong in it.

Importing this takes a while (pydantic), so import it where a file is read.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

TOO_DEEP: Final = "it is nested too deeply"


class Checked(BaseModel):
    """Base: types as they are, finite numbers, and what is not named is dropped."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


def _text(value: object) -> str:
    """Also one with halves of characters, which pydantic does not take: models write such."""
    if isinstance(value, str):
        return value
    raise PydanticCustomError("text", "must be a text")


Text = Annotated[str, PlainValidator(_text)]


def json_object(data: str | bytes) -> dict[str, Any]:
    """The object in a JSON text. Raises ValueError, whose text says what is wrong."""
    try:
        found: Any = json.loads(data)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except UnicodeDecodeError:
        raise ValueError("it is not a text in UTF-8") from None
    except ValueError as error:  # also a number of thousands of digits
        raise ValueError(f"it is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise ValueError("it must hold an object")
    return cast("dict[str, Any]", found)


def refuse_other_version(version: object, known: int, what: str) -> None:
    """Raise ValueError for a version of a file (`what`) other than the one that is known."""
    if version != known or isinstance(version, bool):
        shown = repr(version) if isinstance(version, int | str) else type(version).__name__
        raise ValueError(f"unknown version of {what}: {shown[:40]}")


_WORDS: Final = {
    "missing": "is missing",
    "text": "must be a text",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}
_BOUNDS: Final = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong, in words: "`nodes[0].calls[2].start` must be a number"."""
    first = error.errors(include_url=False, include_input=False)[0]
    kind, limits = first["type"], first.get("ctx", {})
    if kind.startswith("recursion"):
        return TOO_DEEP
    place = f"`{_place(first['loc'])}`"
    if kind == "literal_error":
        return f"{place} must be one of {str(limits['expected']).replace(chr(39), '`')}"
    if bound := next((name for name in _BOUNDS if name in limits), None):
        return f"{place} must be {_BOUNDS[bound]} {limits[bound]:g}"
    return f"{place} {_WORDS.get(kind, 'is not what it should be')}"


def _place(parts: tuple[int | str, ...]) -> str:
    found = ""
    for part in parts:
        found += f"[{part}]" if isinstance(part, int) else f".{part}" if found else part
    return found[:100]
