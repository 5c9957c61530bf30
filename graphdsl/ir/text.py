"""The textual IR: one readable, diffable text per graph. `parse_text.parse_graph` reads it back.

::

    graph reason(question: Text) -> Answer {
      model @tiny = embedded "smollm2-135m" {temperature: 0.8}
      hole "reason.drafts.samples" = 5 in [1, 3, 5]
      body(%reason.question: Text) {
        %reason.drafts: List[Draft] = generate(prompt: %reason.question) {models: [@tiny]}
        => return: %reason.drafts
      }
    }

Every attribute has one spelling: `none`, `true`, `5` (int), `5.0` (float), `"text"` with the
escapes of JSON, `@tiny` (a model), `prompt @solve`, `memory @notes`, `?"address"` (a hole),
`[a, b]`. Options of models may also be `env "NAME"` (an environment variable) and models, written
as they are declared. Names that are not words are quoted. Spans are not printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from graphdsl.ir.entities import EnvVar, MemorySpec, ModelSpec, PromptSpec
from graphdsl.ir.nodes import (
    Attr,
    Choices,
    Graph,
    Hole,
    HoleRef,
    Input,
    Interval,
    Node,
    Region,
    Symbol,
)

_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.]*")
_PATH = re.compile(r"[A-Za-z0-9_.]+")


def print_graph(graph: Graph) -> str:
    """The text of a graph; `parse_graph` of it equals the graph, spans excepted."""
    inputs = ", ".join(map(_input, graph.inputs))
    lines = [f"graph {_key(graph.flow)}({inputs}) -> {graph.result} {{"]
    for text in _declarations(graph):
        lines += [f"  {line}" for line in text]
    lines += _region(graph.body, 1)
    return "\n".join([*lines, "}", ""])


def print_attr(value: Any) -> str:
    """One attribute as text.

    >>> print_attr((1, 1.0, "a\\n", Symbol("prompt", "solve"), HoleRef("f.n"), None))
    '[1, 1.0, "a\\\\n", prompt @solve, ?"f.n", none]'
    """
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return quote(value)
        case Symbol(kind, name):
            return _at(name) if kind == "model" else f"{kind} {_at(name)}"
        case HoleRef(address):
            return f"?{quote(address)}"
        case EnvVar(name):
            return f"env {quote(name)}"
        case ModelSpec():
            return _model(value)
        case _:
            return "[" + ", ".join(map(print_attr, value)) + "]"


def label_of(value: Attr) -> str:
    """The label that an alternative has unless the file gives another: its plain text."""
    match value:
        case str():
            return value
        case Symbol(_, name):
            return name
        case _:
            return print_attr(value)


def quote(text: str) -> str:
    """A JSON string whose letters stay readable; whatever is invisible is escaped.

    >>> quote('é"\\u2028')
    '"é\\\\"\\\\u2028"'
    """
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in quoted)


def _declarations(graph: Graph) -> Iterator[list[str]]:
    for model in graph.models:
        yield [_model(model)]
    for prompt in graph.prompts:
        yield list(_prompt(prompt))
    for memory in graph.memories:
        yield [_memory(memory)]
    for hole in graph.holes:
        yield [_hole(hole)]


def _input(value: Input) -> str:
    default = "" if value.required else f" = {print_attr(value.default)}"
    return f"{_key(value.name)}: {value.type}{default}"


def _model(model: ModelSpec) -> str:
    options = _attrs(model.options.items())
    return f"model {_at(model.name)} = {_key(model.backend)} {quote(model.model)} {options}"


def _memory(memory: MemorySpec) -> str:
    return (
        f"memory {_at(memory.name)} = {print_attr(memory.store)} {_attrs(memory.options.items())}"
    )


def _prompt(prompt: PromptSpec) -> Iterator[str]:
    yield f"prompt {_at(prompt.name)}({', '.join(map(_key, prompt.params))}) {{"
    for role, template in prompt.turns:
        first, *rest = template.split("\n")
        if not rest:
            yield f"  {_key(role)} {quote(first)}"
            continue
        yield f"  {_key(role)}"
        yield from (f"    {quote(line + chr(10))}" for line in (first, *rest[:-1]))
        yield f"    {quote(rest[-1])}"
    yield "}"


def _hole(hole: Hole) -> str:
    conditions = ", ".join(
        f"{quote(address)} in [{', '.join(map(quote, labels))}]" for address, labels in hole.when
    )
    when = f" when {conditions}" if conditions else ""
    return f"hole {quote(hole.address)} = {_domain(hole)}{when}"


def _domain(hole: Hole) -> str:
    match hole.domain:
        case Choices(labels, values):
            shown = dict(zip(labels, values, strict=True))
            plain = {label for label, value in shown.items() if label_of(value) == label}
            items = [
                print_attr(value) if label in plain else f"{quote(label)}: {print_attr(value)}"
                for label, value in shown.items()
            ]
            default = str(hole.default)
            start = print_attr(shown[default]) if default in plain else quote(default)
            return f"{start} in [{', '.join(items)}]"
        case Interval(low, high, step, integer):
            steps = "" if step is None else f" step {step!r}"
            kind = " integer" if integer else ""
            return f"{hole.default!r} in {low!r}..{high!r}{steps}{kind}"


def _region(region: Region, depth: int) -> Iterator[str]:
    pad = "  " * depth
    params = ", ".join(f"{_id(name)}: {kind}" for name, kind in region.params)
    yield f"{pad}{_key(region.name)}({params}) {{"
    for node in region.nodes:
        yield f"{pad}  {_node(node)}"
        for inner in node.regions:
            yield from _region(inner, depth + 2)
    yield f"{pad}  => {_edges(region.results)}".rstrip()
    yield f"{pad}}}"


def _node(node: Node) -> str:
    attrs = f" {_attrs(node.attrs)}" if node.attrs else ""
    return f"{_id(node.id)}: {node.type} = {_key(node.op)}({_edges(node.inputs)}){attrs}"


def _edges(edges: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{_key(name)}: {_id(value)}" for name, value in edges)


def _attrs(attrs: Iterable[tuple[str, Any]]) -> str:
    return "{" + ", ".join(f"{_key(name)}: {print_attr(value)}" for name, value in attrs) + "}"


def _key(name: str) -> str:
    return name if _WORD.fullmatch(name) else quote(name)


def _id(name: str) -> str:
    return f"%{name if _PATH.fullmatch(name) else quote(name)}"


def _at(name: str) -> str:
    return f"@{name if _PATH.fullmatch(name) else quote(name)}"
