"""Reading `.name` of a value: the fields of `graphdsl.ir.types.FIELDS`, and of records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from graphdsl.ops.context import Args
from graphdsl.values import Answer, Draft, Value

_DRAFT: Final[Mapping[str, Callable[[Draft], Value]]] = {
    "answer": lambda draft: _answer(draft),
    "finish": lambda draft: draft.finish.value,
    "tokens": lambda draft: draft.usage.completion_tokens,
    "mean_logprob": lambda draft: draft.logprobs.mean if draft.logprobs else None,
}
"""Fields of a draft that are not attributes of the same name and type."""


def field(args: Args) -> Value:
    """The compiler's `field`: input `of`, attribute `name`. Absent where there is none."""
    return read_field(args["of"], args["name"])


def read_field(value: Value, name: str) -> Value:
    """One field of a value; None when the value or the field is absent."""
    match value:
        case dict():
            record: dict[str, Value] = dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            return record.get(name)
        case Draft() if name in _DRAFT:
            return _DRAFT[name](value)
        case _:
            return getattr(value, name, None)


def _answer(draft: Draft) -> Answer | None:
    if draft.answer is None:
        return None
    return Answer(draft.answer, draft.confidence, draft.tie)
