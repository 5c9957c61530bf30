"""The sandbox in which prompt templates are read and rendered."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from graphdsl.ops.template_filters import FILTERS
from graphdsl.ops.template_values import Absent, View, text_of
from graphdsl.values import Value

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

OPEN = "\ue000"
CLOSE = "\ue001"
"""Private-use characters around every interpolated text, so that a rendered turn shows which of
its characters came from values. They are removed from values first, and never sent."""

_NO_MARKS = {ord(OPEN): None, ord(CLOSE): None}


def marked(value: Value) -> str:
    """An interpolated value as text between marks."""
    return f"{OPEN}{text_of(value).translate(_NO_MARKS)}{CLOSE}"


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
def compiled(template: str) -> Template:
    """The compiled template; a text in use is compiled once per process."""
    return environment().from_string(template)
