"""Short texts for what a graph holds: attributes, holes, conditions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from graphdsl.ir.nodes import Attr, Choices, Graph, Hole, HoleRef, Interval, Node, Symbol

MOST: int = 40
"""Characters of one text in a drawing; the rest is cut, with an ellipsis."""


def shorten(text: str, most: int = MOST) -> str:
    """One line of at most `most` characters.

    >>> shorten("a  long\\nstory", 8)
    'a long …'
    """
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def number(value: float) -> str:
    """A number without a needless point.

    >>> number(3.0), number(0.25)
    ('3', '0.25')
    """
    return f"{value:g}"


class Words:
    """Wording of the attributes and conditions of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._holes = {hole.address: hole for hole in graph.holes}

    def hole(self, address: str) -> Hole | None:
        """The hole of that address, if the graph is open there."""
        return self._holes.get(address)

    def value(self, attr: Attr) -> str:
        """An attribute as text; a hole shows its default."""
        match attr:
            case HoleRef(address):
                hole = self.hole(address)
                return address if hole is None else self.default(hole)
            case Symbol(_, name):
                return name
            case tuple():
                return ", ".join(self.value(item) for item in attr)
            case bool():
                return "true" if attr else "false"
            case int() | float():
                return number(attr)
            case None:
                return ""
            case str():
                return shorten(attr)

    def literal(self, attr: Attr) -> str:
        """A constant as it is written: a text stands in quotes."""
        text = self.value(attr)
        return json.dumps(text, ensure_ascii=False) if isinstance(attr, str) else text

    def default(self, hole: Hole) -> str:
        """What runs when nobody decides: a label, or a number."""
        default = hole.default
        return default if isinstance(default, str) else number(default)

    def domain(self, hole: Hole) -> str:
        """What a search may try.

        An interval reads `low..high`, a finite domain `a | b | c`.
        """
        match hole.domain:
            case Choices(labels, _):
                return shorten(" | ".join(labels))
            case Interval(low, high, step, integer):
                tail = "" if step is None or (integer and step == 1) else f" step {number(step)}"
                return f"{number(low)}..{number(high)}{tail}"

    def open_value(self, attr: Attr) -> str:
        """An attribute with its domain where it is a hole: `3 in 1..4`."""
        hole = self.hole(attr.address) if isinstance(attr, HoleRef) else None
        return self.value(attr) + ("" if hole is None else f" in {self.domain(hole)}")


def condition(value: str, nodes: Mapping[str, Node], words: Words) -> str:
    """The text of a value as it may have been written: `checked.passed`, `score >= 0.5`."""
    node = nodes.get(value)
    if node is None:
        return _last(value)
    inner = [condition(source, nodes, words) for _, source in node.inputs]
    match node.op:
        case "const":
            return next((words.literal(attr) for _, attr in node.attrs), "")
        case "field":
            name = words.value(node.attr("name"))
            record = nodes.get(node.input("of") or "")
            hidden = record is not None and record.op in ("repeat", "fold", "within", "record")
            return name if hidden else f"{inner[0]}.{name}"
        case "compare":
            return f"{inner[0]} {words.value(node.attr('op'))} {inner[1]}"
        case "and" | "or":
            return f" {node.op} ".join(inner)
        case "not":
            return f"not {inner[0]}"
        case "convert":
            return inner[0]
        case _:
            return _last(value)


def _last(address: str) -> str:
    return address.rsplit(".", 1)[-1]


def listed(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines that say something."""
    return tuple(shorten(line) for line in lines if line)
