"""Whether anybody can see the `confidence` of a draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphdsl.compiler.passes.readers import Readers, Reading
from graphdsl.ir.nodes import Graph, Node, Symbol, ValueId

_TEXTS: Final = frozenset({"Text", "List[Text]", "Text?", "Messages"})
"""What `convert` makes without a confidence."""

_PLAIN: Final = frozenset({"Text", "Number", "Bool"})
"""Types of fields that hold no draft and no answer."""

_SILENT: Final = frozenset(
    {
        ("generate", "prompt"),
        ("generate", "context"),
        ("vote", "drafts"),
        ("rank", "using"),
        ("rank", "question"),
        ("critique", "drafts"),
        ("critique", "question"),
        ("fuse", "drafts"),
        ("fuse", "using"),
        ("fuse", "question"),
        ("verify", "question"),
        ("revise", "using"),
        ("revise", "question"),
        ("recall", "query"),
        ("remember", "text"),
        ("remember", "key"),
        ("count", "items"),
        ("texts", "items"),
        ("join", "texts"),
        ("contains", "text"),
        ("contains", "part"),
        ("compare", "left"),
        ("compare", "right"),
        ("passing", "verdicts"),
        ("conformal", "drafts"),
        ("conformal", "calibration"),
    }
)
"""Edges through which no confidence passes: texts and answers are read, or it is replaced."""

_THROUGH: Final = frozenset(
    {
        "list",
        "record",
        "concat",
        "append",
        "first",
        "last",
        "otherwise",
        "take",
        "complete",
        "passing",
        "best",
        "race",
        "select",
        "exec",
        "extract",
        "rank",
        "revise",
        "scored",
        "shortest",
        "unit_tests",
        "verify",
    }
)
"""Operators whose value holds what they are given, its confidence included."""

_YIELDS: Final = frozenset({"if", "each"})
_EXPORTS: Final = frozenset({"within", "repeat"})
"""Forms whose value, or a field of it, is what their regions give."""


class Confidence:
    """What becomes of the confidence of drafts in one closed graph."""

    def __init__(self, graph: Graph, readers: Readers) -> None:
        self._readers = readers
        self._templates: Mapping[Symbol, str] = {
            Symbol("prompt", spec.name): " ".join(text for _, text in spec.turns)
            for spec in graph.prompts
        }

    def shows(self, value: ValueId) -> bool:
        """True unless it is certain that nobody sees the confidence of the draft or drafts here.

        Whatever this does not know counts as somebody who looks.
        """
        return self._shows(value, set())

    def _shows(self, value: ValueId, seen: set[ValueId]) -> bool:
        if value in seen:
            return False
        seen.add(value)
        return any(self._seen_by(reading, seen) for reading in self._readers.of(value))

    def _seen_by(self, reading: Reading, seen: set[ValueId]) -> bool:
        node = reading.node
        if node is None:
            return True
        if reading.result:
            return self._given(node, reading.name, seen)
        if (node.op, reading.name) in _SILENT:
            return node.op == "vote" and node.attr("weights") == "confidence"
        match node.op:
            case "field":
                return self._field(node, seen)
            case "convert":
                return node.attr("to") not in _TEXTS and self._shows(node.id, seen)
            case "render":
                prompt = node.attr("prompt")
                known = self._templates.get(prompt) if isinstance(prompt, Symbol) else None
                return known is None or "confidence" in known
            case "each" | "fold":
                return self._item(node, seen)
            case op:
                return op not in _THROUGH or self._shows(node.id, seen)

    def _given(self, node: Node, name: str, seen: set[ValueId]) -> bool:
        """What a region gives to the form that holds it."""
        if node.op in _YIELDS:
            return self._shows(node.id, seen)
        if node.op not in _EXPORTS or name.startswith("next."):
            return True
        for reading in self._readers.of(node.id):
            reader = reading.node
            another = reader is not None and reader.op == "field" and reader.attr("name") != name
            if not another and self._seen_by(reading, seen):
                return True
        return False

    def _field(self, node: Node, seen: set[ValueId]) -> bool:
        """A field of a draft, an answer, a verdict or a record."""
        if node.attr("name") == "confidence":
            return True
        return str(node.type).rstrip("?") not in _PLAIN and self._shows(node.id, seen)

    def _item(self, node: Node, seen: set[ValueId]) -> bool:
        """A loop over drafts: its variable is one of them."""
        return node.op != "each" or self._shows(node.regions[0].params[0][0], seen)
