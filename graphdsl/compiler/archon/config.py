"""Reads Archon's JSON: a list of layers, each a list of components.

Archon ignores keys that it does not know, and one misspelt key occurs in many of its own
configurations. Here they are errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from graphdsl.compiler.archon.services import SERVICES
from graphdsl.diagnostics import did_you_mean

_EVERY: Final = frozenset({"type", "model", "model_type", "temperature", "max_tokens", "samples"})
KEYS: Final[Mapping[str, frozenset[str]]] = {
    "generator": _EVERY | {"top_k", "no_system"},
    "fuser": _EVERY | {"top_k", "length_control"},
    "critic": _EVERY,
    "ranker": _EVERY | {"top_k", "use_critiques", "ranker_batch_size"},
    "verifier": _EVERY | {"first_k"},
    "unit_test_generator": _EVERY | {"unit_test_cap"},
    "unit_test_evaluator": _EVERY
    | {"top_k", "first_k", "first_pass", "remove_unit_tests_from_prompt"},
}
"""The keys of each type of component that Archon reads, and `top_k` where its examples have it."""

_COUNTS: Final = frozenset({"max_tokens", "samples", "top_k", "first_k", "unit_test_cap"})
_FLAGS: Final = frozenset(
    {"no_system", "length_control", "use_critiques", "remove_unit_tests_from_prompt"}
)
_NAME: Final = re.compile(r"[\w.:/@+-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a configuration, where, and what to do; a warning stops nothing."""

    place: str
    message: str
    hint: str
    error: bool = True

    def __str__(self) -> str:
        return f"{self.place}: {self.message}; {self.hint}"


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a layer; layers and components count from 1."""

    layer: int
    number: int
    type: str
    model: str
    service: str
    options: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"layer {self.layer}, component {self.number} (`{self.type}`)"

    @property
    def samples(self) -> int:
        """How many candidates it makes; one where it does not say."""
        return int(self.options.get("samples", 1))

    def count(self, key: str) -> int | None:
        """A number that it may have."""
        value = self.options.get(key)
        return None if value is None else int(value)


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration whose keys and values are right; its layers may stand wrongly."""

    name: str
    layers: tuple[tuple[Component, ...], ...]


def read_config(text: str) -> tuple[Config | None, tuple[Problem, ...]]:
    """The configuration, where it can be read, and what is wrong with its keys and values."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        return None, (Problem("the file", f"no JSON: {error}", "it has to be one JSON object"),)
    if not isinstance(read, dict):
        hint = 'write `{"name": …, "layers": [[…], …]}`'
        return None, (Problem("the file", "no JSON object", hint),)
    values = cast("dict[str, Any]", read)
    problems = [*_unknown("the file", values, frozenset({"name", "layers", "custom"}))]
    if values.get("custom"):
        hint = "write their prompts and flows as a program"
        problems.append(Problem("the file", "custom components are Python code", hint))
    layers = values.get("layers")
    if not isinstance(layers, list) or not layers:
        problems.append(Problem("the file", "no layers", 'write `"layers": [[…], …]`'))
        return None, tuple(problems)
    read_layers: list[tuple[Component, ...]] = []
    for number, layer in enumerate(cast("list[Any]", layers), 1):
        components, found = _layer(number, layer)
        read_layers.append(components)
        problems += found
    if any(one.error for one in problems):
        return None, tuple(problems)
    return Config(str(values.get("name", "")), tuple(read_layers)), tuple(problems)


def _layer(number: int, layer: Any) -> tuple[tuple[Component, ...], list[Problem]]:
    if isinstance(layer, dict) and "models" in layer:
        hint = "write its `models` as the layer"
        return (), [Problem(f"layer {number}", "an older form of Archon's, with `models`", hint)]
    if not isinstance(layer, list) or not layer:
        return (), [Problem(f"layer {number}", "no list of components", "write a list of objects")]
    components: list[Component] = []
    problems: list[Problem] = []
    for at, values in enumerate(cast("list[Any]", layer), 1):
        place = f"layer {number}, component {at}"
        if not isinstance(values, dict):
            problems.append(Problem(place, "no JSON object", "write an object with a `type`"))
            continue
        options = cast("dict[str, Any]", values)
        found = list(_component_problems(place, options))
        problems += found
        if not any(one.error for one in found):
            kind, model = str(options["type"]), str(options["model"])
            service = str(options["model_type"])
            components.append(Component(number, at, kind, model, service, options))
    return tuple(components), problems


def _component_problems(place: str, options: dict[str, Any]) -> Iterator[Problem]:
    kind = options.get("type")
    if kind not in KEYS:
        yield Problem(place, f"no type `{kind}`", _near(str(kind), KEYS))
        return
    place = f"{place} (`{kind}`)"
    yield from _unknown(place, options, KEYS[kind])
    model, service = options.get("model"), options.get("model_type")
    if not isinstance(model, str) or not _NAME.fullmatch(model):
        yield Problem(place, f"no model `{model}`", "write the name that the service knows")
    if model == "llm-blender/PairRM":
        hint = "name a chat model; `score(method: full)` has a model compare pairs"
        yield Problem(place, "PairRM runs on weights of its own", hint)
    elif service not in SERVICES:
        yield Problem(place, f"no model_type `{service}`", _near(str(service), SERVICES))
    yield from _values(place, options)
    if kind in ("generator", "fuser") and "top_k" in options:
        hint = "leave it out"
        yield Problem(place, f"`top_k` means nothing for a {kind}", hint, error=False)


def _values(place: str, options: dict[str, Any]) -> Iterator[Problem]:
    for key, value in options.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if key in _COUNTS and value is not None and not (whole and value >= 1):
            yield Problem(place, f"`{key}` is {value!r}", "write a whole number from 1 on")
        elif key in _FLAGS and not isinstance(value, bool):
            yield Problem(place, f"`{key}` is {value!r}", "write `true` or `false`")
    heat = options.get("temperature", 0)
    if isinstance(heat, bool) or not isinstance(heat, int | float) or not 0 <= heat <= 5:
        yield Problem(place, f"`temperature` is {heat!r}", "write a number from 0 to 5")


def _unknown(place: str, options: Mapping[str, Any], known: frozenset[str]) -> Iterator[Problem]:
    for key in options:
        if key not in known:
            yield Problem(place, f"no key `{key}`", _near(key, known))


def _near(name: str, known: Mapping[str, Any] | frozenset[str]) -> str:
    near = did_you_mean(name, sorted(known))
    return f"did you mean `{near[0]}`?" if near else f"there are {', '.join(sorted(known))}"
