"""From the intermediate representation to a drawing.

Plumbing (fields, lists, records, conversions, constants, rendered prompts) is seen through: an
arrow runs from the operation that makes a value to the operation that uses it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from graphdsl.drawing.model import Arrow, Box, Drawing, Frame
from graphdsl.drawing.wording import Words, condition, listed, shorten
from graphdsl.ir.addresses import written_name
from graphdsl.ir.nodes import (
    Attr,
    Choices,
    Graph,
    Hole,
    HoleRef,
    Node,
    Region,
    Symbol,
    ValueId,
    walk,
)
from graphdsl.ops.registry import OPERATORS

Sources = tuple[tuple[str, str], ...]
"""The boxes that a value comes from, in order: id, and kind of arrow (`data` or `bypass`)."""

_PLUMBING: Final = frozenset({"const", "absent", "list", "record", "field", "convert", "render"})
_LOGIC: Final = frozenset({"compare", "and", "or", "not"})


def draw(graph: Graph) -> Drawing:
    """The drawing of a flow, with its holes when it is open."""
    sketch = _Sketch(graph)
    return sketch.finish()


class _Sketch:
    """The boxes found so far, and where each value comes from."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.words = Words(graph)
        self.nodes = {node.id: node for node in walk(graph.body)}
        self.ops = {node.id: node.op for node in self.nodes.values()}
        self.boxes: dict[str, Box] = {}
        self.frames: dict[str, Frame] = {}
        self.arrows: dict[tuple[str, str, str], str] = {}
        self.sources: dict[ValueId, Sources] = {}
        self.fields: dict[tuple[ValueId, str], Sources] = {}

    # ---- the whole

    def finish(self) -> Drawing:
        for declared, (value, kind) in zip(self.graph.inputs, self.graph.body.params, strict=True):
            self.add(Box(value, declared.name, str(kind), "input"))
        self.region(self.graph.body, None)
        end = "return"  # addresses begin with the flow, so no node is called so
        self.add(Box(end, "return", str(self.graph.result), "output"))
        self.connect(self.of(dict(self.graph.body.results)["return"]), end)
        return _tidy(
            Drawing(
                self.graph.flow,
                tuple(self.boxes.values()),
                tuple(Arrow(a, b, label, kind) for (a, b, kind), label in self.arrows.items()),
                tuple(self.frames.values()),
            )
        )

    def region(self, region: Region, frame: str | None) -> None:
        for node in region.nodes:
            self.node(node, frame)

    def node(self, node: Node, frame: str | None) -> None:
        match node.op:
            case op if op in _PLUMBING or op in _LOGIC:
                self.see_through(node)
            case "repeat" | "fold":
                self.loop(node, frame)
            case "each":
                self.each(node, frame)
            case "if":
                self.branch(node, frame)
            case "choice":
                self.choice(node, frame)
            case "optional":
                self.optional(node, frame)
            case "within":
                self.within(node, frame)
            case _:
                self.operation(node, frame)

    # ---- values

    def add(self, box: Box) -> None:
        self.boxes[box.id] = box
        self.sources[box.id] = ((box.id, "data"),)

    def of(self, value: ValueId | None) -> Sources:
        return () if value is None else self.sources.get(value, ())

    def connect(self, sources: Sources, target: str, label: str = "") -> None:
        for source, kind in sources:
            if kind == "data" or (source, target, "data") not in self.arrows:
                self.arrows.setdefault((source, target, kind), label)

    def see_through(self, node: Node) -> None:
        if node.op == "field":
            record, name = node.input("of") or "", str(node.attr("name"))
            self.sources[node.id] = self.fields.get((record, name), self.of(record))
            return
        for name, value in node.inputs:
            self.fields[node.id, name] = self.of(value)
        self.sources[node.id] = _union(self.of(value) for _, value in node.inputs)

    # ---- operations

    def operation(self, node: Node, frame: str | None) -> None:
        models = any(self.names_models(value) for _, value in node.attrs)
        self.add(
            Box(
                node.id,
                self.name(node),
                node.op,
                "model" if models else "pure",
                frame,
                self.details(node),
                self.holes(node),
            )
        )
        for name, value in node.inputs:
            self.connect(self.of(value), node.id, name)

    def names_models(self, attr: Attr) -> bool:
        """True for a model, several, or a hole that a search fills with one."""
        hole = self.words.hole(attr.address) if isinstance(attr, HoleRef) else None
        if hole is not None:
            domain = hole.domain
            return isinstance(domain, Choices) and any(map(self.names_models, domain.values))
        if isinstance(attr, tuple):
            return any(map(self.names_models, attr))
        return isinstance(attr, Symbol) and attr.kind == "model"

    def details(self, node: Node) -> tuple[str, ...]:
        prompt = self.nodes.get(node.input("prompt") or "")
        asked = self.words.value(prompt.attr("prompt")) if prompt is not None else ""
        return listed((*self.settings(node), f"prompt {asked}" if asked else ""))

    def settings(self, node: Node) -> list[str]:
        """Attributes that are not holes and not what the operator does anyway."""
        operator = OPERATORS.get(node.op)
        lines: list[str] = []
        for name, attr in node.attrs:
            param = operator.param(name) if operator else None
            value = self.words.value(attr)
            usual = param is not None and param.default in (attr, value)
            if isinstance(attr, HoleRef) or attr is None or usual:
                continue
            bare = self.names_models(attr) or isinstance(attr, Symbol)
            lines.append(value if bare else f"{name} {value}")
        return lines

    def holes(self, node: Node) -> tuple[str, ...]:
        return listed(
            f"{name}{self.tuned(node, name, attr)} {self.words.open_value(attr)}"
            for name, attr in node.attrs
            if isinstance(attr, HoleRef)
        )

    def tuned(self, node: Node, name: str, attr: HoleRef) -> str:
        """The name of a hole that is not written here: ` judge =` for `tune judge`."""
        own = attr.address.startswith(f"{node.id}.")
        tune = attr.address.rsplit(".", 1)[-1]
        return "" if own else " =" if tune == name else f" {tune} ="

    def name(self, node: Node) -> str:
        """As the file names it, else what it does."""
        return written_name(node.id, self.ops) or node.op

    # ---- control

    def frame(self, node: Node, title: str, kind: str, parent: str | None, part: str = "") -> str:
        key = f"{node.id}.{part}" if part else node.id
        self.frames[key] = Frame(key, shorten(title, 80), kind, parent)
        return key

    def loop(self, node: Node, parent: str | None) -> None:
        inside = self.frame(node, self.loop_title(node), node.op, parent)
        body = node.region("body")
        results = dict(body.results)
        carried = [name.removeprefix("next.") for name in results if name.startswith("next.")]
        for value, _ in body.params:
            name = value.rsplit(".", 1)[-1]
            if name in carried:
                self.add(Box(value, name, "carried", "carried", inside))
                self.connect(self.of(node.input(name)), value)
            else:
                self.sources[value] = self.of(node.input("items"))
        self.region(body, inside)
        for value, _ in body.params:
            name = value.rsplit(".", 1)[-1]
            for source, _ in self.of(results.get(f"next.{name}")):
                if source != value:
                    self.arrows.setdefault((source, value, "loop"), name)
        self.export(node, {name.removeprefix("next."): v for name, v in body.results})

    def loop_title(self, node: Node) -> str:
        bound = self.words.open_value(node.attr("bound" if node.op == "fold" else "rounds"))
        if node.op == "fold":
            return f"fold up to {bound}"
        results = dict(node.region("body").results)
        if "until" not in results:
            return f"repeat {bound}"
        ends = condition(results["until"], self.nodes, self.words)
        title = f"repeat up to {bound} until {ends}"
        if node.attr("keep") != "best":
            return title
        return f"{title} keeping best({condition(results['score'], self.nodes, self.words)})"

    def each(self, node: Node, parent: str | None) -> None:
        body = node.region("body")
        variable = body.params[0][0]
        name = variable.rsplit(".", 1)[-1]
        bound = self.words.open_value(node.attr("bound"))
        inside = self.frame(node, f"each {name}, up to {bound}", "each", parent)
        self.sources[variable] = self.of(node.input("items"))
        self.region(body, inside)
        self.sources[node.id] = self.of(dict(body.results)["yield"])

    def within(self, node: Node, parent: str | None) -> None:
        budget = node.attr("budget")
        pairs = budget if isinstance(budget, tuple) else ()
        limits = ", ".join(
            f"{self.words.value(pair[0])} {self.words.open_value(pair[1])}"
            for pair in pairs
            if isinstance(pair, tuple) and len(pair) == 2
        )
        body = node.region("body")
        self.region(body, self.frame(node, f"within {limits}", "within", parent))
        self.export(node, dict(body.results))

    def export(self, node: Node, results: dict[str, ValueId]) -> None:
        for name, value in results.items():
            self.fields[node.id, name] = self.of(value)
        self.sources[node.id] = _union(
            self.of(value) for name, value in results.items() if name not in ("until", "score")
        )

    def branch(self, node: Node, parent: str | None) -> None:
        test = node.input("condition")
        title = f"if {condition(test or '', self.nodes, self.words)}"
        merged = Box(node.id, self.name(node), shorten(title), "merge", parent)
        self.alternatives(node, merged)
        self.connect(self.of(test), node.id, "if")

    def choice(self, node: Node, parent: str | None) -> None:
        hole = self.hole_of(node)
        default = "" if hole is None else str(hole.default)
        domain = "choice" if hole is None else f"{default} in {self.words.domain(hole)}"
        merged = Box(node.id, self.name(node), "choice", "merge", parent, (), listed((domain,)))
        self.alternatives(node, merged)

    def alternatives(self, node: Node, merged: Box) -> None:
        for region in node.regions:
            title = f"{merged.title}: {region.name}"
            inside = self.frame(node, title, "branch", merged.frame, region.name)
            self.region(region, inside)
        self.add(merged)
        labels: dict[tuple[str, str], list[str]] = {}
        for region in node.regions:
            for source in self.of(dict(region.results)["yield"]):
                labels.setdefault(source, []).append(region.name)
        for source, names in labels.items():
            self.connect((source,), node.id, ", ".join(names))

    def optional(self, node: Node, parent: str | None) -> None:
        hole = self.hole_of(node)
        default = "" if hole is None else f" ({hole.default})"
        title = f"optional {node.id.removesuffix('.optional').rpartition('.')[2]}{default}"
        region = node.region("body")
        self.region(region, self.frame(node, title, "optional", parent))
        bypass = tuple((source, "bypass") for source, _ in self.of(node.input("else")))
        self.sources[node.id] = _union((self.of(dict(region.results)["yield"]), bypass))

    def hole_of(self, node: Node) -> Hole | None:
        attr = node.attr("hole")
        return self.words.hole(attr.address if isinstance(attr, HoleRef) else str(attr))


def _union(many: Iterable[Sources]) -> Sources:
    """Every source once; data wins over bypass."""
    kinds: dict[str, str] = {}
    for sources in many:
        for source, kind in sources:
            if kinds.get(source) != "data":
                kinds[source] = kind
    return tuple(kinds.items())


def _tidy(drawing: Drawing) -> Drawing:
    """Drop empty frames; a branch or optional stage of one box needs no frame around it."""
    frames = {frame.id: frame for frame in drawing.frames}
    boxes = list(drawing.boxes)
    for frame in reversed(drawing.frames):
        inside = [index for index, box in enumerate(boxes) if box.frame == frame.id]
        nested = [other for other in frames.values() if other.parent == frame.id]
        alone = len(inside) == 1 and not nested and frame.kind in ("branch", "optional")
        if (inside or nested) and not alone:
            continue
        del frames[frame.id]
        for index in inside:
            boxes[index] = _freed(boxes[index], frame)
    return replace(drawing, boxes=tuple(boxes), frames=tuple(frames.values()))


def _freed(box: Box, frame: Frame) -> Box:
    """The only box of a frame, without the frame: it takes over its name and its freedom."""
    name = frame.id.removesuffix(".optional").rsplit(".", 1)[-1]
    named = name not in ("then", "else") and box.kind != "merge"
    return replace(
        box,
        frame=frame.parent,
        title=name if named else box.title,
        optional=box.optional or frame.kind == "optional",
    )
