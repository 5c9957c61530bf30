"""The sandbox in which prompt templates are read and rendered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING

from graphdsl.errors import PromptError
from graphdsl.ops.template_filters import FILTERS
from graphdsl.ops.template_values import Absent, View, text_of
from graphdsl.values import Value

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.nodes import Node
    from jinja2.sandbox import ImmutableSandboxedEnvironment

Stretches = Iterable[tuple[str, bool]]
"""A rendered turn in pieces, and whether each came from a value."""

Rendering = Callable[[Mapping[str, Value]], Stretches]
"""Fills a template with values as `template_values.shown` gives them."""

OPEN = "\ue000"
CLOSE = "\ue001"
"""Private-use characters around every interpolated text, so that a rendered turn shows which of
its characters came from values. They are removed from values first, and never sent."""


def unmarked(value: Value) -> str:
    """A value as text without marks of its own."""
    return text_of(value).replace(OPEN, "").replace(CLOSE, "")


def marked(value: Value) -> str:
    """An interpolated value as text between marks."""
    return f"{OPEN}{unmarked(value)}{CLOSE}"


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """The one environment: immutable, sandboxed, strict about names, without globals."""
    from jinja2 import StrictUndefined, Undefined
    from jinja2.runtime import LoopContext
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        """Attributes exist on views and on `loop` only, whatever Python object stands there."""

        def getattr(self, obj: Value, attribute: str) -> Value:
            if isinstance(obj, Absent):
                return obj
            if isinstance(obj, View):
                found = obj.field(attribute)
                return self.undefined(obj=obj, name=attribute) if found is None else found
            if isinstance(obj, LoopContext) and not attribute.startswith("_"):
                return super().getattr(obj, attribute)
            return self.undefined(obj=obj, name=attribute)

    sandbox = Sandbox(
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=marked,
        autoescape=False,
        cache_size=0,
    )
    sandbox.globals.clear()
    sandbox.filters.clear()
    sandbox.filters.update(FILTERS)
    sandbox.tests.clear()
    sandbox.tests["defined"] = lambda value: not isinstance(value, Undefined | Absent)  # pyright: ignore[reportUnknownLambdaType]
    sandbox.tests["undefined"] = lambda value: isinstance(value, Undefined | Absent)  # pyright: ignore[reportUnknownLambdaType]
    sandbox.tests["none"] = lambda value: isinstance(value, Absent)  # pyright: ignore[reportUnknownLambdaType]
    return sandbox


@lru_cache(maxsize=4096)
def rendering(template: str) -> Rendering:
    """How to fill a template; a text in use is compiled once per process.

    Most are text and `{{ name }}`, and are filled without the engine, three times as fast.
    """
    plain = None if OPEN in template or CLOSE in template else _plain(template)
    if plain is not None:
        return partial(_filled, plain)
    return partial(_generated, environment().from_string(template))


def _plain(template: str) -> list[tuple[str, bool]] | None:
    """Texts and names (True) of a template that has nothing else; None for others."""
    from jinja2.nodes import Name, Output, TemplateData

    found: list[tuple[str, bool]] = []
    for statement in environment().parse(template).body:
        parts: Sequence[Node] = statement.nodes if isinstance(statement, Output) else [statement]
        for part in parts:
            if isinstance(part, TemplateData):
                found.append((part.data, False))
            elif isinstance(part, Name):
                found.append((part.name, True))
            else:
                return None
    return found


def _filled(parts: list[tuple[str, bool]], values: Mapping[str, Value]) -> Stretches:
    for text, is_name in parts:
        if not is_name:
            yield text, False
        elif text in values:
            yield unmarked(values[text]), True
        else:
            raise PromptError(f"`{text}` is undefined")


def _generated(template: Template, values: Mapping[str, Value]) -> Stretches:
    for piece in template.generate(values):
        while piece:
            before, opened, rest = piece.partition(OPEN)
            yield before, False
            inside, _, piece = rest.partition(CLOSE)
            if opened:
                yield inside, True
