"""Writes a checked configuration of Archon as a program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Final

from graphdsl.compiler.archon.config import Component, Config, Problem
from graphdsl.compiler.archon.services import SERVICES
from graphdsl.diagnostics import Source
from graphdsl.syntax.format import format_source

_RETRIES: Final = 10
"""How often Archon asks again where a critique or a verdict cannot be read."""


@dataclass
class _State:
    """What has been written, and the names of what the next layer reads."""

    models: dict[tuple[str, ...], str] = field(default_factory=dict[tuple[str, ...], str])
    lines: list[str] = field(default_factory=list[str])
    notes: list[Problem] = field(default_factory=list[Problem])
    question: str = "question"
    drafts: str = ""
    count: int = 0
    critiques: str = ""
    tests: str = ""

    def model(self, one: Component) -> str:
        """The declared model of a component, with its settings."""
        key = (one.service, one.model, *(str(one.options.get(each)) for each in _SETTINGS))
        if key not in self.models:
            slug = re.sub(r"\W+", "_", one.model.rpartition("/")[2].lower()).strip("_")
            base = f"m_{slug}" if not slug[:1].isalpha() else f"{slug}_model"
            others = set(self.models.values())
            numbered = (f"{base}_{number}" for number in count(2))
            self.models[key] = next(each for each in chain([base], numbered) if each not in others)
        return self.models[key]

    def bind(self, name: str, value: str) -> str:
        """One more statement; its name."""
        self.lines.append(f"{name} = {value}")
        return name

    def replaced(self, drafts: str, count: int) -> None:
        """Other candidates take the place of those before, and have no critiques."""
        self.drafts, self.count, self.critiques = drafts, count, ""


_SETTINGS: Final = ("temperature", "max_tokens")


def write_program(config: Config) -> tuple[str, tuple[Problem, ...]]:
    """The program in canonical form, and what it does in another way than Archon."""
    state = _State()
    for layer in config.layers:
        _WRITERS[layer[0].type](state, layer)
    if state.count > 1:
        hint = "end with one fuser of one sample, or with a ranker of `top_k` 1"
        note = f"{state.count} candidates are left, and the first of them is the answer"
        state.notes.append(Problem("the last layer", note, hint, error=False))
    text = _text(config, state)
    return format_source(Source("<archon>", text)).text, tuple(state.notes)


def _text(config: Config, state: _State) -> str:
    title = "".join(each for each in config.name if each.isprintable()).strip()[:80]
    used = [file for file in ("base", "code") if f": {file}." in "\n".join(state.lines)]
    imports = "".join(f'import "std/{file}.tts" as {file}\n' for file in used)
    written = " ".join(state.lines)
    needed = [one for one in state.lines if not _unread(one, written)]
    body = "\n".join(f"  {line}" for line in needed)
    named = set(re.findall(r"\w+", body))
    blocks = [_block(name, key) for key, name in state.models.items() if name in named]
    begin = f'# From a configuration of Archon: {title or "without a name"}.\n\nedition "2026"\n'
    return (
        f"{begin}\n{imports}\n"
        + "\n".join(blocks)
        + f"\nflow main(question: Text) -> Draft {{\n{body}\n  return first({state.drafts})\n}}\n"
    )


def _unread(line: str, written: str) -> bool:
    """Whether a statement makes critiques that no other reads."""
    name = line.partition(" = ")[0]
    return name.startswith("critiques_") and len(re.findall(rf"\b{name}\b", written)) == 1


def _block(name: str, key: tuple[str, ...]) -> str:
    service, model, *values = key
    kind = SERVICES[service]
    pairs = zip(_SETTINGS, values, strict=True)
    settings = [
        f"backend = {kind.backend}",
        f'name = "{kind.prefix}{model}"',
        *kind.settings,
        *(f"{each} = {value}" for each, value in pairs if value != "None"),
    ]
    inner = "\n".join(f"  {one}" for one in settings)
    return f"model {name} {{\n{inner}\n}}\n"


def _generators(state: _State, layer: Sequence[Component]) -> None:
    parts = [
        state.bind(
            f"drafts_{one.number}",
            f"generate(question, models: {state.model(one)}, samples: {one.samples})",
        )
        for one in layer
    ]
    name = parts[0] if len(parts) == 1 else state.bind("drafts", f"concat({', '.join(parts)})")
    state.replaced(name, sum(one.samples for one in layer))


def _fusers(state: _State, layer: Sequence[Component]) -> None:
    parts: list[str] = []
    using = f", using: {state.critiques}" if state.critiques else ""
    for one in layer:
        short = ", prompt: base.fuse_short" if one.options.get("length_control") else ""
        asks = f"by: {state.model(one)}, question: {state.question}{short}"
        call = f"fuse({state.drafts}{using}, {asks})"
        name = f"fused_{one.layer}_{one.number}"
        if one.samples > 1:
            seats = ", ".join(f'"{at}"' for at in range(1, one.samples + 1))
            call = f"each _seat in [{seats}] up to {one.samples} {{\n    yield {call}\n  }}"
        else:
            call = f"[{call}]"
        parts.append(state.bind(name, call))
    layer_name = f"fused_{layer[0].layer}"
    name = parts[0] if len(parts) == 1 else state.bind(layer_name, f"concat({', '.join(parts)})")
    state.replaced(name, sum(one.samples for one in layer))


def _critic(state: _State, layer: Sequence[Component]) -> None:
    (one,) = layer
    state.critiques = state.bind(
        f"critiques_{one.layer}",
        f"critique({state.drafts}, by: {state.model(one)}, question: {state.question}, "
        f"retries: {_RETRIES})",
    )


def _ranker(state: _State, layer: Sequence[Component]) -> None:
    (one,) = layer
    uses = state.critiques and one.options.get("use_critiques")
    keep = one.count("top_k")
    call = (
        f"rank({state.drafts}{f', using: {state.critiques}' if uses else ''}, "
        f"by: {state.model(one)}, question: {state.question}{f', keep: {keep}' if keep else ''})"
    )
    _drop(state, one)
    left = min(keep or state.count, state.count)
    state.replaced(state.bind(f"ranked_{one.layer}", call), left)


def _verifier(state: _State, layer: Sequence[Component]) -> None:
    (one,) = layer
    verdicts = f"verdicts_{one.layer}"
    _judge(state, verdicts, one, state.question, "")
    first = one.count("first_k")
    enough = f", enough: {first}" if first else ""
    call = f"passing({state.drafts}, {verdicts}{enough})"
    _drop(state, one)
    state.replaced(state.bind(f"verified_{one.layer}", call), state.count)


def _judge(state: _State, name: str, one: Component, question: str, prompt: str) -> None:
    """One verdict for each candidate."""
    call = f"verify(one, by: {state.model(one)}, question: {question}, retries: {_RETRIES}{prompt})"
    head = f"each one in {state.drafts} up to {state.count}"
    state.bind(name, f"{head} {{\n    yield {call}\n  }}")


def _test_generator(state: _State, layer: Sequence[Component]) -> None:
    (one,) = layer
    wrote = f"written_{one.layer}"
    prompt = f"code.state_tests(question: {state.question})"
    state.bind(wrote, f"first(generate({prompt}, models: {state.model(one)}))")
    cap = one.count("unit_test_cap")
    tests = f"parse_list({wrote}.text)"
    state.tests = state.bind(f"tests_{one.layer}", f"take({tests}, {cap})" if cap else tests)


def _test_evaluator(state: _State, layer: Sequence[Component]) -> None:
    (one,) = layer
    asked = state.bind(
        f"asked_{one.layer}",
        f'join([{state.question}, "Tests:", join({state.tests}, separator: "\\n")])',
    )
    verdicts = f"verdicts_{one.layer}"
    _judge(state, verdicts, one, asked, ", prompt: code.evaluate_tests")
    keep = one.count("top_k") or state.count
    if one.options.get("first_k") or one.options.get("first_pass"):
        hint = "the best are the same where one passes all tests"
        note = "all candidates are judged, where Archon stops at the first that pass"
        state.notes.append(Problem(one.place, note, hint, error=False))
    call = f"select(scored({state.drafts}, {verdicts}), method: top, keep: {keep})"
    _drop(state, one)
    state.replaced(state.bind(f"tested_{one.layer}", call), min(keep, state.count))
    if not one.options.get("remove_unit_tests_from_prompt", False):
        state.question = asked


def _drop(state: _State, one: Component) -> None:
    """Says that critiques are not put into another order together with their candidates."""
    if state.critiques:
        hint = "put the critic after it, where a later layer is to read critiques"
        note = "critiques are not carried beyond this layer, where Archon reorders them"
        state.notes.append(Problem(one.place, note, hint, error=False))


_WRITERS: Final = {
    "generator": _generators,
    "fuser": _fusers,
    "critic": _critic,
    "ranker": _ranker,
    "verifier": _verifier,
    "unit_test_generator": _test_generator,
    "unit_test_evaluator": _test_evaluator,
}
