"""Reading a trace that somebody else may have written: what is wrong in it is said here, once.

Everything that shows or adds up a trace may then rely on its types, and on numbers that can be
added and drawn. Importing this takes a while (pydantic), so import it where a trace is read.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from graphdsl.executors.trace import Trace


def read_trace(data: str | bytes) -> Trace:
    """The trace in a JSON text, as `Trace.to_dict` makes it; what it has beside that is dropped.

    Raises ValueError, whose text says what is wrong where: "`seconds` must be a number".
    """
    try:
        found: Any = json.loads(data)
    except RecursionError:
        raise ValueError(_DEEP) from None
    except UnicodeDecodeError:
        raise ValueError("it is not a text in UTF-8") from None
    except ValueError as error:  # also a number of thousands of digits
        raise ValueError(f"it is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise ValueError("it must hold an object")
    if "version" in found:
        _refuse_other_version(cast("dict[str, Any]", found)["version"])
    try:
        return Trace.from_dict(_Trace.model_validate(found).model_dump())
    except ValidationError as error:
        raise ValueError(_first(error)) from None
    except RecursionError:
        raise ValueError(_DEEP) from None


_DEEP: Final = "it is nested too deeply"


def _refuse_other_version(version: object) -> None:
    if version != 1 or isinstance(version, bool):
        shown = repr(version) if isinstance(version, int | str) else type(version).__name__
        raise ValueError(f"unknown version of a trace: {shown[:40]}")


def _text(value: object) -> str:
    """Also one with halves of characters, which pydantic does not take: models write such."""
    if isinstance(value, str):
        return value
    raise PydanticCustomError("text", "must be a text")


_Text = Annotated[str, PlainValidator(_text)]
_Seconds = Annotated[float, Field(ge=-1e9, le=1e9)]
"""Some thirty years."""

_Count = Annotated[int, Field(ge=0, lt=2**63)]


class _Checked(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class _Usage(_Checked):
    """`usd` and what follows came with later versions."""

    calls: _Count
    prompt_tokens: _Count
    cached_tokens: _Count
    completion_tokens: _Count
    unknown: _Count = 0
    usd: Annotated[float, Field(ge=0, le=1e15)] | None = None
    flops: Annotated[int, Field(ge=0, lt=10**30)] = 0


def _nothing() -> _Usage:
    return _Usage(calls=0, prompt_tokens=0, cached_tokens=0, completion_tokens=0, usd=0.0)


class _Turn(_Checked):
    role: _Text
    content: _Text


class _Call(_Checked):
    model: _Text
    sample: _Count
    seed: int | None
    finish: _Text
    usage: _Usage
    start: _Seconds
    seconds: _Seconds
    error: _Text | None = None
    prompt: list[_Turn] | None = None
    text: _Text | None = None
    kind: _Text | None = None
    origin: Literal["model", "cache", "journal"] = "model"
    saved: _Usage = Field(default_factory=_nothing)
    wait: Annotated[float, Field(ge=0, le=1e9)] = 0.0


class _Record(_Checked):
    address: _Text
    op: _Text
    start: _Seconds
    end: _Seconds | None = None
    status: Literal["ok", "failed", "cancelled", "skipped", "exhausted"] = "ok"
    notes: list[_Text]
    calls: list[_Call]
    children: list[_Record]
    after: _Text | None = None
    spared: _Count = 0
    passes: _Count = 0
    retries: _Count = 0


class _Trace(_Checked):
    version: int
    run_id: _Text
    flow: _Text
    graph_hash: _Text
    started: Annotated[float, Field(ge=0, le=2e11)]
    """Before the year 8308: what calendars can show."""
    seed: int = 0
    inputs: dict[_Text, _Text] = {}
    status: Literal["ok", "failed", "cancelled", "exhausted"] = "ok"
    seconds: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    usage: _Usage
    value: _Text = ""
    error: _Text | None = None
    nodes: list[_Record]
    models: dict[_Text, _Text] = {}
    file: _Text = ""
    batch: _Text = ""


_WORDS: Final = {
    "missing": "is missing",
    "text": "must be a text",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, in words: "`nodes[0].calls[2].start` must be a number"."""
    first = error.errors(include_url=False, include_input=False)[0]
    kind, limits = first["type"], first.get("ctx", {})
    if kind.startswith("recursion"):
        return _DEEP
    place = f"`{_place(first['loc'])}`"
    if kind == "literal_error":
        return f"{place} must be one of {str(limits['expected']).replace(chr(39), '`')}"
    if bound := next((name for name in _BOUNDS if name in limits), None):
        return f"{place} must be {_BOUNDS[bound]} {limits[bound]:g}"
    return f"{place} {_WORDS.get(kind, 'is not what it should be')}"


_BOUNDS: Final = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def _place(parts: tuple[int | str, ...]) -> str:
    found = ""
    for part in parts:
        found += f"[{part}]" if isinstance(part, int) else f".{part}" if found else part
    return found[:100]
