"""Prompt templates: `inspect` says what one uses, `render` fills a prompt with values.

A template is rendered once, in a sandbox. What a value says is never read as a template, and
chat control strings that come from values are broken (see `graphdsl.ops.neutral`).
"""

from __future__ import annotations

from collections.abc import Mapping

from graphdsl.errors import PromptError
from graphdsl.ir.entities import PromptSpec
from graphdsl.ops.neutral import neutralise_within
from graphdsl.ops.template_environment import Stretches, rendering
from graphdsl.ops.template_filters import SIZE_LIMIT
from graphdsl.ops.template_inspection import Problem as Problem
from graphdsl.ops.template_inspection import TemplateInfo as TemplateInfo
from graphdsl.ops.template_inspection import Use as Use
from graphdsl.ops.template_inspection import inspect as inspect
from graphdsl.ops.template_values import shown
from graphdsl.values import Message, Messages, Value


def render(prompt: PromptSpec, values: Mapping[str, Value]) -> Messages:
    """The turns of a prompt with its parameters filled in; a parameter left out is absent.

    White space is kept as written, except the line end after a `{% … %}` and at the end of the
    text. A turn of white space alone is dropped. Raises `PromptError` when a template cannot be
    rendered with these values, or a turn is longer than `SIZE_LIMIT` characters.
    """
    seen = {name: shown(values.get(name)) for name in prompt.params}
    turns = (Message(role, _turn(prompt.name, template, seen)) for role, template in prompt.turns)
    return Messages(tuple(turn for turn in turns if turn.content.strip()))


def _turn(name: str, template: str, values: Mapping[str, Value]) -> str:
    try:
        return _joined(rendering(template)(values))
    except PromptError as error:
        raise PromptError(f"prompt `{name}`: {error}") from error
    except _failures() as error:
        raise PromptError(f"prompt `{name}` cannot be rendered: {error}") from error


def _failures() -> tuple[type[Exception], ...]:
    """What a template raises for values that it cannot show."""
    from jinja2 import TemplateError

    return TemplateError, TypeError, ValueError, ArithmeticError


def _joined(stretches: Stretches) -> str:
    """The whole text, its control strings neutralised where values brought them in."""
    texts: list[str] = []
    regions: list[tuple[int, int]] = []
    at = 0
    for text, inside in stretches:
        if inside:
            regions.append((at, at + len(text)))
        texts.append(text)
        at += len(text)
        if at > SIZE_LIMIT:
            raise PromptError(f"a turn may have at most {SIZE_LIMIT} characters, this has more")
    return neutralise_within("".join(texts), regions)
