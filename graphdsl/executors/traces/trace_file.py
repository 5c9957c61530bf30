"""Reading a trace that somebody else may have written: what is wrong in it is said here, once.

Everything that shows or adds up a trace may then rely on its types, and on numbers that can be
added and drawn. Importing this takes a while (pydantic), so import it where a trace is read.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from graphdsl.executors.checked_json import (
    TOO_DEEP,
    Checked,
    Text,
    first_problem,
    json_object,
    refuse_other_version,
)
from graphdsl.executors.trace import Trace


def read_trace(data: str | bytes) -> Trace:
    """The trace in a JSON text, as `Trace.to_dict` makes it; what it has beside that is dropped.

    Raises ValueError, whose text says what is wrong where: "`seconds` must be a number".
    """
    found = json_object(data)
    if "version" in found:
        refuse_other_version(found["version"], 1, "a trace")
    try:
        return Trace.from_dict(_Trace.model_validate(found).model_dump())
    except ValidationError as error:
        raise ValueError(first_problem(error)) from None
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


_Seconds = Annotated[float, Field(ge=-1e9, le=1e9)]
"""Some thirty years."""

_Count = Annotated[int, Field(ge=0, lt=2**63)]


class _Usage(Checked):
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


class _Turn(Checked):
    role: Text
    content: Text


class _Call(Checked):
    model: Text
    sample: _Count
    seed: int | None
    finish: Text
    usage: _Usage
    start: _Seconds
    seconds: _Seconds
    error: Text | None = None
    prompt: list[_Turn] | None = None
    text: Text | None = None
    kind: Text | None = None
    origin: Literal["model", "cache", "journal"] = "model"
    saved: _Usage = Field(default_factory=_nothing)
    wait: Annotated[float, Field(ge=0, le=1e9)] = 0.0


class _Record(Checked):
    address: Text
    op: Text
    start: _Seconds
    end: _Seconds | None = None
    status: Literal["ok", "failed", "cancelled", "skipped", "exhausted"] = "ok"
    notes: list[Text]
    calls: list[_Call]
    children: list[_Record]
    after: Text | None = None
    spared: _Count = 0
    passes: _Count = 0
    retries: _Count = 0


class _Trace(Checked):
    version: int
    run_id: Text
    flow: Text
    graph_hash: Text
    started: Annotated[float, Field(ge=0, le=2e11)]
    """Before the year 8308: what calendars can show."""
    seed: int = 0
    inputs: dict[Text, Text] = Field(default_factory=dict[str, str])
    status: Literal["ok", "failed", "cancelled", "exhausted"] = "ok"
    seconds: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    usage: _Usage
    value: Text = ""
    error: Text | None = None
    nodes: list[_Record]
    models: dict[Text, Text] = Field(default_factory=dict[str, str])
    file: Text = ""
    batch: Text = ""
