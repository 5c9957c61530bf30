"""A recorded reply as one line of JSON.

It is one flat object. These of its fields say what was asked, and one that is left out fits
whatever is asked: `temperature`, `max_tokens`, `top_p`, `stop`, `kind` (`chat`, `complete`),
`schema` (a digest). `model` and `text` must be there, and `prompt` (a digest of the rendered
prompt) or `item` (the data item that it was about; it decides only where there is no `prompt`).
`sample` is 0 where it is left out. The others tell what came back; unknown ones are ignored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from graphdsl.executors.bank_record import PARAMETERS, Recorded
from graphdsl.executors.json_shape import object_of
from graphdsl.values import Finish, LogprobStats, Usage

_LARGEST: Final = 2**53
"""Whole numbers up to here are the same as fractions."""

_FINISHES: Final = {
    finish.value: finish for finish in (Finish.STOP, Finish.STOP_SEQ, Finish.LENGTH)
}
"""How a reply can have ended: a failed call is not recorded."""


class BadRecord(ValueError):
    """A line that is no record; the message says what is wrong with it."""


def to_line(record: Recorded) -> bytes:
    """A record as one line of JSON in ASCII, with its line break."""
    asked = dict(record.parameters)
    if "stop" in asked:
        asked["stop"] = list(asked["stop"])
    found: dict[str, Any] = {
        "dataset": record.dataset,
        "item": record.item,
        "prompt": record.prompt,
        "messages": record.asked,
        "sample": record.sample,
        "model": record.model,
    }
    found = {name: value for name, value in found.items() if value is not None} | asked
    return json.dumps(found | {"seed": record.seed} | _told(record)).encode() + b"\n"


def _told(record: Recorded) -> dict[str, Any]:
    """What came back."""
    told = record.usage
    return {
        "text": record.text,
        "finish": record.finish.value,
        "prompt_tokens": told.prompt_tokens,
        "cached_tokens": told.cached_tokens,
        "completion_tokens": told.completion_tokens,
        **_logprob_fields(record.logprobs),
        "latency_s": round(record.seconds, 6),
    }


def from_line(line: bytes | str) -> Recorded:
    """The record on a line of JSON. Raises `BadRecord`."""
    try:
        found: object = json.loads(line)
    except UnicodeDecodeError:
        raise BadRecord("it is not a text in UTF-8") from None
    except RecursionError:
        raise BadRecord("it is nested too deeply") from None
    except ValueError:
        raise BadRecord("it is not JSON") from None
    fields = object_of(found)
    if fields is None:
        raise BadRecord("it is not a JSON object")
    return _parsed(fields)


def _parsed(fields: dict[str, Any]) -> Recorded:
    model, text = fields.get("model"), fields.get("text")
    if not isinstance(model, str) or not model:
        raise BadRecord('it has no `model`; write `"model": "…"`')
    if not isinstance(text, str):
        raise BadRecord('it has no `text`; write `"text": "…"`')
    prompt, item = _text(fields, "prompt"), _item(fields)
    if not prompt and item is None:
        raise BadRecord('it has neither `prompt` nor `item`; write `"item": 0` for the first item')
    usage = Usage(
        1,
        _count(fields, "prompt_tokens"),
        _count(fields, "cached_tokens"),
        _count(fields, "completion_tokens"),
    )
    return Recorded(
        model,
        text,
        prompt or None,
        item,
        _count(fields, "sample"),
        _whole(fields, "seed"),
        {name: _READ[name](fields, name) for name in PARAMETERS if _stated(fields, name)},
        _finish(fields),
        usage,
        _logprobs(fields, usage.completion_tokens),
        _amount(fields, "latency_s"),
        _text(fields, "dataset"),
        fields.get("messages"),
    )


def _stated(fields: dict[str, Any], name: str) -> bool:
    """Whether a record says it. Every request has a kind and a temperature, so null says nothing
    there; elsewhere it says that the request had none."""
    return name in fields and (fields[name] is not None or name not in ("kind", "temperature"))


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRecord(f"its `{name}` is not a text")
    return value


def _item(fields: dict[str, Any]) -> str | None:
    """A number and its digits name the same item."""
    value = fields.get("item")
    if value is None or isinstance(value, str):
        return value
    if type(value) is not int:
        raise BadRecord("its `item` is neither a whole number nor a text")
    return str(value)


def _whole(fields: dict[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if type(value) is not int and value is not None:
        raise BadRecord(f"its `{name}` is not a whole number")
    return value


def _count(fields: dict[str, Any], name: str) -> int:
    value = _whole(fields, name) or 0
    if value < 0:
        raise BadRecord(f"its `{name}` is below 0")
    return value


def _number(fields: dict[str, Any], name: str) -> float | None:
    value = fields.get(name)
    if value is None or (type(value) is float and math.isfinite(value)):
        return value
    if type(value) is not int or abs(value) > _LARGEST:
        raise BadRecord(f"its `{name}` is not a number")
    return float(value)


def _amount(fields: dict[str, Any], name: str) -> float:
    value = _number(fields, name) or 0.0
    if value < 0:
        raise BadRecord(f"its `{name}` is below 0")
    return value


def _texts(fields: dict[str, Any], name: str) -> tuple[str, ...]:
    value: Any = fields.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):  # pyright: ignore[reportUnknownVariableType]
        raise BadRecord(f"its `{name}` is not a list of texts")
    return tuple(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _kind(fields: dict[str, Any], name: str) -> str | None:
    value = _text(fields, name)
    if value not in ("chat", "complete"):
        raise BadRecord(f"its `{name}` is neither `chat` nor `complete`")
    return value


_READ: Final[Mapping[str, Callable[[dict[str, Any], str], Any]]] = {
    "kind": _kind,
    "temperature": _number,
    "max_tokens": _whole,
    "top_p": _number,
    "stop": _texts,
    "schema": _text,
}


def _finish(fields: dict[str, Any]) -> Finish:
    value = fields.get("finish", "stop")
    finish = _FINISHES.get(value) if isinstance(value, str) else None
    if finish is None:
        known = ", ".join(f"`{name}`" for name in _FINISHES)
        raise BadRecord(f"its `finish` is none of {known}")
    return finish


def _logprob_fields(stats: LogprobStats | None) -> dict[str, Any]:
    if stats is None or not (math.isfinite(stats.total) and math.isfinite(stats.minimum)):
        return {}
    return {
        "mean_logprob": stats.mean,
        "logprob_total": stats.total,
        "logprob_min": stats.minimum,
        "logprob_tokens": stats.tokens,
    }


def _logprobs(fields: dict[str, Any], completion_tokens: int) -> LogprobStats | None:
    """Where only the mean was recorded it stands for the least, which is at most that."""
    mean, total = _number(fields, "mean_logprob"), _number(fields, "logprob_total")
    tokens = _whole(fields, "logprob_tokens")
    tokens = completion_tokens if tokens is None else tokens
    if total is None:
        total = None if mean is None else mean * tokens
    if total is None or tokens < 1:
        return None
    least = _number(fields, "logprob_min")
    return LogprobStats(tokens, total, total / tokens if least is None else least)
