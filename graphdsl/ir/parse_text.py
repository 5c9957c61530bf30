"""Reads the textual IR that `text.print_graph` writes."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from graphdsl.errors import InputError
from graphdsl.ir.nodes import Graph

if TYPE_CHECKING:
    from lark import Lark, UnexpectedInput

_GRAMMAR = Path(__file__).with_name("ir.lark")


class IrTextError(InputError):
    """A text that is not IR; `line` and `column` count from 1."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        self.line = line
        self.column = column
        super().__init__(f"line {line}, column {column}: {reason}")


def parse_graph(text: str) -> Graph:
    """The graph that a text describes, without spans. Raises `IrTextError`.

    The text is only read, not judged: `spec.verify` says whether the graph is valid.
    """
    from lark import UnexpectedInput

    try:
        return cast(Graph, cast(Any, _parser()).parse(text))
    except UnexpectedInput as error:
        raise IrTextError(_reason(error, text), *_position(error, text)) from error


@cache
def _parser() -> Lark:
    from lark import Lark

    from graphdsl.ir.text_builder import Builder

    return Lark(
        _GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        maybe_placeholders=False,
        transformer=Builder(),
    )


def _position(error: UnexpectedInput, text: str) -> tuple[int, int]:
    if error.line >= 1:
        return error.line, error.column
    before = text.rstrip()
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _reason(error: UnexpectedInput, text: str) -> str:
    """What stands there; `pos_in_stream` is None at the end of the text."""
    token: Any = getattr(error, "token", None)
    if token is not None and token.type != "$END":
        return f"unexpected {json.dumps(str(token))}"
    at = error.pos_in_stream
    if token is None and at is not None and at < len(text):
        return f"unexpected {json.dumps(text[at])}"
    return "the text ends too early"
