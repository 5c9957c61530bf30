"""A model as a text: `vllm:smollm2,base_url=http://127.0.0.1:8000/v1`, for commands and scripts.

`BACKEND:NAME`, and options behind commas, which are named and typed as in a `model` block. An
option that is a list is given several times, a comma within a value is written `\\,`, and
`env:MY_KEY` is the value of an environment variable. No error repeats a value: it may be a key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError
from graphdsl.hidden import looks_like_key
from graphdsl.ir.backends import COMPOSITES, BackendKind, Option, backend_kind, backend_names
from graphdsl.ir.entities import EnvVar
from graphdsl.ir.option_rules import (
    ARTICLES,
    address_problem,
    conflict,
    is_variable,
    out_of_range,
)

SIMULATED: Final = "simulated"

_COMMA: Final = re.compile(r"(?<!\\),")
_LOGIN: Final = re.compile(r"://[^/]*@")
_ADDRESS: Final = re.compile(r".*://|[^/\\]*:[^@]*@(?!.*\.gguf$)", re.DOTALL)
_ENV: Final = re.compile(r"env:(.*)|env\(\s*[\"']?(.*?)[\"']?\s*\)")
_INTEGER: Final = re.compile(r"[+-]?\d+(_\d+)*")
_LISTS: Final = frozenset({"texts", "places", "models"})
_SINGLE: Final = {"texts": "text", "places": "place"}


@dataclass(frozen=True, slots=True)
class ModelText:
    """What a text says: the kind of backend, the model's own name, options by name.

    `members` are the names of declared models, for options that hold models.
    """

    kind: BackendKind
    model: str
    options: Mapping[str, Any]
    members: Mapping[str, tuple[str, ...]]


def read_model(text: object, name: str) -> ModelText:
    """The model that stands behind the declared name `name`.

    A text without the name of a backend is an embedded model: a name of the catalogue, or the
    path of a file. `simulated` alone is a simulation. Raises `InputError`.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"`{name}` is given no model; write for example `{name}=simulated`")
    if text == SIMULATED:
        return ModelText(_kind(SIMULATED), "", {}, {})
    head, colon, rest = text.partition(":")
    kind = backend_kind(head)
    if kind is not None:
        if not colon:
            raise InputError(f"`{head}` is a backend; write {_written(name, kind)}")
        return _read(kind, rest, name)
    _refuse_near_miss(head if colon else "", text, name)
    _refuse_address(_kind("embedded"), text, name)
    _refuse_unknown(head if colon else "", text, name)
    return ModelText(_kind("embedded"), text, {}, {})


def _kind(name: str) -> BackendKind:
    kind = backend_kind(name)
    assert kind is not None
    return kind


def _refuse_near_miss(head: str, text: str, name: str) -> None:
    """`opnai:gpt` is no file and no name of the catalogue: a backend was meant."""
    near = did_you_mean(head, backend_names()) if len(head) > 3 else ()
    if near and not text.endswith(".gguf"):
        raise InputError(f"`{name}`: there is no backend `{head}`; did you mean `{near[0]}`?")


def _refuse_unknown(head: str, text: str, name: str) -> None:
    """A word before a colon is a backend, unless it is a drive (`C:`) or part of a file's name.

    One with digits may be a model with a tag, such as `llama3:8b`.
    """
    word = head.replace("_", "").isalpha() and 1 < len(head) <= 40
    if not word or text.endswith(".gguf"):
        return
    listed = ", ".join(f"`{known}`" for known in backend_names())
    raise InputError(f"`{name}`: there is no backend `{head}`; there are {listed}")


def _refuse_address(kind: BackendKind, model: str, name: str) -> None:
    """Names of models are shown and kept, and an address may hold a password."""
    local = kind.name == "embedded" and _ADDRESS.match(model) is not None
    if local or _LOGIN.search(model) or looks_like_key(model):
        raise InputError(
            f"`{name}`: an address or a key is no name of a model; write for example "
            f"`{name}=openai:NAME,base_url=http://127.0.0.1:8000/v1`"
        )


def _written(name: str, kind: BackendKind) -> str:
    """How a model of that kind is written, as an example."""
    needed = [kind.option(key) for key in kind.required]
    examples = [f",{_example(option)}" for option in needed if option is not None]
    return f"`{name}={kind.name}:{'NAME' if kind.named else ''}{''.join(examples)}`"


def _read(kind: BackendKind, rest: str, name: str) -> ModelText:
    model, *parts = (part.replace("\\,", ",") for part in _COMMA.split(rest))
    _refuse_address(kind, model, name)
    given = _given(kind, parts, name)
    if kind.named and not model:
        raise InputError(f"`{name}`: `{kind.name}` needs a name; write {_written(name, kind)}")
    if kind.name in COMPOSITES and model:
        raise InputError(f"`{name}`: a `{kind.name}` has no name; write {_written(name, kind)}")
    for key in kind.required:
        if key not in given:
            raise InputError(f"`{name}`: `{kind.name}` needs `{key}`; write {_written(name, kind)}")
    pairs = {option: given[option.name] for option in kind.options if option.name in given}
    options = {o.name: _value(o, texts, name) for o, texts in pairs.items() if o.kind != "models"}
    members = {o.name: _members(o, texts, name) for o, texts in pairs.items() if o.kind == "models"}
    wrong = conflict(kind, given, options.get("run"))
    if wrong is not None:
        raise InputError(f"`{name}`: {wrong.reason}; {wrong.help}")
    return ModelText(kind, model, options, members)


def _given(kind: BackendKind, parts: Sequence[str], name: str) -> dict[str, list[str]]:
    """The texts of every option, by its name."""
    found: dict[str, list[str]] = {}
    for number, part in enumerate(parts, 1):
        key, equals, value = part.partition("=")
        key = key.strip()
        if not equals:
            raise InputError(
                f"`{name}`: option {number} behind the name of the model has no `=`; options are "
                f"written `key=value`, and a comma that belongs to a value `\\,`"
            )
        option = kind.option(key)
        if option is None:
            raise InputError(f"`{name}`: {_no_option(kind, key)}")
        if key in found and option.kind not in _LISTS:
            raise InputError(f"`{name}`: `{key}` is given twice")
        found.setdefault(key, []).append(value)
    return found


def _no_option(kind: BackendKind, key: str) -> str:
    names = [option.name for option in kind.options]
    near = did_you_mean(key, names)
    listed = ", ".join(f"`{known}`" for known in names)
    hint = f"did you mean `{near[0]}`?" if near else f"it has {listed}"
    known = key.isidentifier() and len(key) < 40
    return f"`{kind.name}` has no option {f'`{key}`' if known else 'of that name'}; {hint}"


# ---- values


def _value(option: Option, texts: Sequence[str], name: str) -> Any:
    if option.kind not in _LISTS:
        return _one(option, option.kind, texts[0], name)
    values = tuple(_one(option, _SINGLE[option.kind], text, name) for text in texts)
    return values[0] if option.kind == "places" and len(values) == 1 else values


def _one(option: Option, kind: str, text: str, name: str) -> Any:
    """The value that one text stands for. Raises `InputError`."""
    match kind:
        case "number" | "int":
            return _number(option, text, name)
        case "bool" if text in ("true", "false"):
            return text == "true"
        case "text" | "word" if not option.words or text in option.words:
            return text
        case "text" | "word" if option.words:
            near = did_you_mean(text, option.words)
            words = ", ".join(f"`{word}`" for word in option.words)
            raise _wrong(option, name, f"did you mean `{near[0]}`?" if near else f"it has {words}")
        case "place" | "secret":
            return _place(option, text, name)
        case _:
            raise _wrong(option, name)


def _number(option: Option, text: str, name: str) -> int | float:
    whole = _INTEGER.fullmatch(text)
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        raise _wrong(option, name) from None
    if not math.isfinite(value) or (option.kind == "int" and not whole):
        raise _wrong(option, name)
    if out_of_range(option, value):
        raise _wrong(option, name)
    return value


def _place(option: Option, text: str, name: str) -> str | EnvVar:
    found = _ENV.fullmatch(text)
    if found is not None:
        variable = found[1] or found[2] or ""
        if not is_variable(variable):
            raise _wrong(option, name, "this cannot be the name of an environment variable")
        return EnvVar(variable)
    if option.kind == "secret":
        reason = "a key itself would be seen in lists of processes and commands"
        raise _wrong(option, name, reason)
    problem = address_problem(text) if option.name == "base_url" else None
    if problem is not None:
        raise _wrong(option, name, f"it {problem.reason}")
    if not text:
        raise _wrong(option, name)
    return text


def _members(option: Option, texts: Sequence[str], name: str) -> tuple[str, ...]:
    members = tuple(dict.fromkeys(text.strip() for text in texts))
    if "" in members or (option.high is not None and len(members) > option.high):
        raise _wrong(option, name)
    return members


# ---- what is wrong


def _wrong(option: Option, name: str, reason: str = "") -> InputError:
    why = f"; {reason}" if reason else ""
    what = _what(option)
    return InputError(
        f"`{option.name}` of `{name}` must be {what}, such as `{_example(option)}`{why}"
    )


def _what(option: Option) -> str:
    match option.kind:
        case "number" | "int":
            impossible = math.inf if option.high is not None else -math.inf
            return f"{ARTICLES[option.kind]} {out_of_range(option, impossible)}".strip()
        case "place" | "places" if option.name == "base_url":
            return "an address or `env:NAME`"
        case "place" | "places":
            return "a text or `env:NAME`"
        case "secret":
            return "`env:NAME` with the name of an environment variable"
        case "models":
            one = option.high == 1
            return "the name of a declared model" if one else "names of declared models"
        case _ if option.words:
            return "one of its words"
        case _:
            return ARTICLES[_SINGLE.get(option.kind, option.kind)]


def _example(option: Option) -> str:
    return f"{option.name}={_EXAMPLES.get(option.name) or _typical(option)}"


_EXAMPLES: Final = {
    "base_url": "http://127.0.0.1:8000/v1",
    "bank": "bank.jsonl",
    "models": "one,models=other",
}


def _typical(option: Option) -> str:
    """A value that the option may have."""
    match option.kind:
        case "number" | "int":
            usual = 8 if option.kind == "int" else 0.5
            low = -math.inf if option.low is None else option.low
            high = math.inf if option.high is None else option.high
            return f"{max(low, min(high, usual)):g}"
        case "bool":
            return "true"
        case "secret" | "place" | "places":
            return "env:MY_KEY" if option.kind == "secret" else "env:NAME"
        case _:
            return option.words[0] if option.words else "NAME"
