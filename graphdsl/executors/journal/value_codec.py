"""Values of a graph as JSON data, and back: complete and exact, for journals.

Texts, bools, None, whole numbers and finite ones stand for themselves, a record is an object. All
else is an array whose first item names its kind. The prompt of a draft is named by its digest; a
prompt is long, and the drafts of a node share it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final, cast

from graphdsl.values import (
    Answer,
    Doc,
    Draft,
    Finish,
    LogprobStats,
    Message,
    Messages,
    Usage,
    Value,
    Verdict,
)

Prompts = Mapping[str, Messages]
"""Prompts by digest."""

_WHOLE: Final = 2**63
"""Whole numbers below it are written in decimal; readers of JSON refuse very long ones."""


def digest_of(messages: Messages) -> str:
    """16 bytes that name a prompt, in hex."""
    found = blake2b(digest_size=16)
    for turn in messages.turns:
        found.update(f"{turn.role}\x1f{turn.content}\x1e".encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def encode_value(value: Value, prompts: dict[str, Messages]) -> Any:
    """The value as JSON data; prompts of drafts are added to `prompts`.

    Raises `TypeError` for what is no value.
    """
    kind: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is str or kind is bool or value is None:
        return value
    encode = _ENCODERS.get(kind)
    if encode is None:
        encode = next((_ENCODERS[base] for base in kind.__mro__ if base in _ENCODERS), None)
    if encode is None:
        if isinstance(value, Mapping):
            return _record(cast("Mapping[Any, Any]", value), prompts)
        raise TypeError(f"a `{kind.__name__}` is no value of a graph")
    return encode(value, prompts)


def decode_value(data: Any, prompts: Prompts) -> Value:
    """The value that `encode_value` had. Raises `ValueError` for what is no such data."""
    if isinstance(data, list):
        items = cast("list[Any]", data)
        try:
            return _DECODERS[items[0]](items, prompts)
        except (IndexError, KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"not a value of a graph: {str(items)[:80]}") from error
    if isinstance(data, dict):
        record = cast("dict[str, Any]", data)
        return {name: decode_value(item, prompts) for name, item in record.items()}
    return data


def encode_usage(usage: Usage) -> list[int | None]:
    """A usage as its numbers, in the order of its fields."""
    return [
        usage.calls,
        usage.prompt_tokens,
        usage.cached_tokens,
        usage.completion_tokens,
        usage.unknown,
        usage.cost,
        usage.flops,
    ]


def decode_usage(data: list[Any]) -> Usage:
    """The usage of those numbers."""
    return Usage(*data)


def encode_messages(messages: Messages) -> list[list[str]]:
    """A prompt as pairs of role and text."""
    return [[turn.role, turn.content] for turn in messages.turns]


def decode_messages(data: list[list[str]]) -> Messages:
    """The prompt of those pairs."""
    return Messages(tuple(Message(role, content) for role, content in data))


# ---- one function per type


def _text(value: str, _prompts: dict[str, Messages]) -> Any:
    return str(value)


def _whole(value: int, _prompts: dict[str, Messages]) -> Any:
    return int(value) if -_WHOLE < value < _WHOLE else ["i", hex(value)]


def _number(value: float, _prompts: dict[str, Messages] | None = None) -> Any:
    return value if math.isfinite(value) else ["f", repr(float(value))]


def _optional(value: float | None) -> Any:
    return None if value is None else _number(value)


def _items(mark: str, value: tuple[Value, ...] | list[Value], prompts: dict[str, Messages]) -> Any:
    return [mark, *[encode_value(item, prompts) for item in value]]


def _record(value: Mapping[Any, Any], prompts: dict[str, Messages]) -> Any:
    if all(type(name) is str for name in value):
        return {name: encode_value(item, prompts) for name, item in value.items()}
    pairs = value.items()
    return ["r", *[[encode_value(k, prompts), encode_value(v, prompts)] for k, v in pairs]]


def _answer(value: Answer, _prompts: dict[str, Messages]) -> Any:
    return ["A", value.text, _optional(value.confidence), value.tie, value.error]


def _draft(value: Draft, prompts: dict[str, Messages]) -> Any:
    prompt = None
    if value.prompt is not None:
        prompt = digest_of(value.prompt)
        prompts[prompt] = value.prompt
    return [*encode_draft(value), prompt]


def encode_draft(draft: Draft) -> list[Any]:
    """A draft as JSON data, without its prompt."""
    stats = draft.logprobs
    return [
        "D",
        draft.text,
        draft.answer,
        _optional(draft.score),
        _optional(draft.confidence),
        draft.finish.value,
        encode_usage(draft.usage),
        draft.model,
        draft.sample,
        draft.seed,
        None if stats is None else [stats.tokens, _number(stats.total), _number(stats.minimum)],
        draft.error,
        draft.tie,
        _optional(draft.temperature),
    ]


def decode_draft(data: list[Any], prompt: Messages | None = None) -> Draft:
    """The draft of `encode_draft`, with the prompt that it answers."""
    _, text, answer, score, confidence, finish, usage, model, sample, seed, *rest = data
    stats, error, tie, temperature = rest
    return Draft(
        text,
        answer,
        _float(score),
        _float(confidence),
        Finish(finish),
        decode_usage(usage),
        model,
        sample,
        seed,
        None if stats is None else LogprobStats(stats[0], _known(stats[1]), _known(stats[2])),
        error,
        tie,
        prompt,
        _float(temperature),
    )


def _verdict(value: Verdict, prompts: dict[str, Messages]) -> Any:
    answer = _answer(value.answer, prompts)
    return ["V", value.passed, value.reason, _optional(value.score), answer, value.finish.value]


def _doc(value: Doc, prompts: dict[str, Messages]) -> Any:
    return ["O", value.id, value.text, _number(value.score), encode_value(value.meta, prompts)]


def _messages(value: Messages, _prompts: dict[str, Messages]) -> Any:
    return ["M", *encode_messages(value)]


def _float(data: Any) -> float | None:
    return None if data is None else _known(data)


def _known(data: Any) -> float:
    return float(data[1]) if isinstance(data, list) else data  # pyright: ignore[reportUnknownArgumentType]


def _read_answer(data: list[Any], _prompts: Prompts) -> Answer:
    return Answer(data[1], _float(data[2]), data[3], data[4] if len(data) > 4 else None)


def _read_draft(data: list[Any], prompts: Prompts) -> Draft:
    prompt = None if data[-1] is None else prompts[data[-1]]
    return decode_draft(data[:-1], prompt)


def _read_verdict(data: list[Any], prompts: Prompts) -> Verdict:
    answer = _read_answer(data[4], prompts)
    return Verdict(data[1], data[2], _float(data[3]), answer, Finish(data[5]))


_ENCODERS: Final[Mapping[type, Callable[[Any, dict[str, Messages]], Any]]] = {
    str: _text,
    bool: lambda value, _prompts: value,
    int: _whole,
    float: _number,
    tuple: lambda value, prompts: _items("t", value, prompts),
    list: lambda value, prompts: _items("l", value, prompts),
    dict: _record,
    Draft: _draft,
    Answer: _answer,
    Verdict: _verdict,
    Doc: _doc,
    Messages: _messages,
    Message: lambda value, _prompts: ["m", value.role, value.content],
}

_DECODERS: Final[Mapping[str, Callable[[list[Any], Prompts], Value]]] = {
    "i": lambda data, _prompts: int(data[1], 16),
    "f": lambda data, _prompts: float(data[1]),
    "t": lambda data, prompts: tuple([decode_value(item, prompts) for item in data[1:]]),
    "l": lambda data, prompts: [decode_value(item, prompts) for item in data[1:]],
    "r": lambda data, prompts: {
        decode_value(key, prompts): decode_value(item, prompts) for key, item in data[1:]
    },
    "D": _read_draft,
    "A": _read_answer,
    "V": _read_verdict,
    "O": lambda data, prompts: Doc(
        data[1], data[2], _known(data[3]), decode_value(data[4], prompts)
    ),
    "M": lambda data, _prompts: decode_messages(data[1:]),
    "m": lambda data, _prompts: Message(data[1], data[2]),
}
