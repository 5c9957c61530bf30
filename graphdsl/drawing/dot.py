"""Graphviz (https://graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from graphdsl.drawing.lines import alternatives, heading, remarks
from graphdsl.drawing.model import Arrow, Box, Drawing

_HEAD: Final = (
    "  rankdir=TB; compound=true; fontname=Helvetica; fontsize=11; nodesep=0.35; ranksep=0.45;",
    '  node [shape=box, style="rounded,filled", fontname=Helvetica, fontsize=11,'
    ' fillcolor="#f6f7f9", color="#8a94a6"];',
    '  edge [color="#5b6575", fontname=Helvetica, fontsize=9, arrowsize=0.7];',
)
_COLOURS: Final = {
    "model": ("#e8f0fe", "#3367d6"),
    "pure": ("#f6f7f9", "#8a94a6"),
    "merge": ("#fff6e0", "#c98a00"),
    "carried": ("#f3ecff", "#7b4bd1"),
    "input": ("#e9f7ef", "#2e8b57"),
    "output": ("#e9f7ef", "#2e8b57"),
}


def to_dot(drawing: Drawing) -> str:
    """A digraph with one cluster per frame."""
    labels = alternatives(drawing)
    arrows = (f"  {_arrow(arrow, labels.get(arrow, ''))}" for arrow in drawing.arrows)
    body = [*_group(drawing, None, "  "), *arrows]
    return "\n".join([f"digraph {quote(drawing.title)} {{", *_HEAD, *body, "}"]) + "\n"


def _group(drawing: Drawing, parent: str | None, pad: str) -> Iterator[str]:
    for box in drawing.boxes:
        if box.frame == parent:
            yield pad + _box(box)
    for frame in drawing.frames:
        if frame.parent == parent:
            yield f"{pad}subgraph {quote('cluster_' + frame.id)} {{"
            yield f'{pad}  label={quote(frame.title)}; style="rounded"; color="#b6bfcc";'
            yield from _group(drawing, frame.id, pad + "  ")
            yield f"{pad}}}"


def _box(box: Box) -> str:
    fill, stroke = _COLOURS[box.kind]
    label = quote("\n".join((heading(box), *remarks(box))))
    dashed = ', style="rounded,filled,dashed"' if box.optional else ""
    return f'{quote(box.id)} [label={label}, fillcolor="{fill}", color="{stroke}"{dashed}];'


def _arrow(arrow: Arrow, label: str) -> str:
    ends = f"{quote(arrow.source)} -> {quote(arrow.target)}"
    match arrow.kind:
        case "loop":
            return f"{ends} [style=dashed, constraint=false, label={quote('next round')}];"
        case "bypass":
            return f"{ends} [style=dotted, label={quote(label or 'else')}];"
        case _:
            return f"{ends} [label={quote(label)}];" if label else f"{ends};"


def quote(text: str) -> str:
    r"""A quoted id or label; line breaks become left-to-right breaks of the label.

    >>> print(quote('say "hi" \\'))
    "say \"hi\" \\"
    """
    shown = "".join(char for char in text if char == "\n" or char.isprintable())
    inner = shown.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inner}"'
