"""Mermaid flowcharts (https://mermaid.js.org/syntax/flowchart.html)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from graphdsl.drawing.lines import alternatives, heading, remarks
from graphdsl.drawing.model import Arrow, Box, Drawing

_SHAPES: Final = {
    "input": ("([", "])"),
    "output": ("([", "])"),
    "merge": ("{{", "}}"),
    "carried": ("(", ")"),
    "model": ("[", "]"),
    "pure": ("[", "]"),
}
_STYLES: Final = (
    "classDef model fill:#e8f0fe,stroke:#3367d6,color:#10243e;",
    "classDef pure fill:#f6f7f9,stroke:#8a94a6,color:#1f2733;",
    "classDef merge fill:#fff6e0,stroke:#c98a00,color:#3d2b00;",
    "classDef carried fill:#f3ecff,stroke:#7b4bd1,color:#2a1452;",
    "classDef input fill:#e9f7ef,stroke:#2e8b57,color:#0f3320;",
    "classDef output fill:#e9f7ef,stroke:#2e8b57,color:#0f3320;",
)


def to_mermaid(drawing: Drawing) -> str:
    """A flowchart. Ids are numbers, so that no name of a program can be a word of Mermaid."""
    ids = {box.id: f"n{index}" for index, box in enumerate(drawing.boxes)}
    frames = {frame.id: f"f{index}" for index, frame in enumerate(drawing.frames)}
    lines = ["flowchart TD", *_group(drawing, None, ids, frames, "  ")]
    labels = alternatives(drawing)
    lines += [f"  {_arrow(arrow, ids, labels.get(arrow, ''))}" for arrow in drawing.arrows]
    lines += [f"  {style}" for style in _STYLES]
    return "\n".join(lines) + "\n"


def _group(
    drawing: Drawing, parent: str | None, ids: dict[str, str], frames: dict[str, str], pad: str
) -> Iterator[str]:
    for box in drawing.boxes:
        if box.frame == parent:
            yield f"{pad}{_box(box, ids[box.id])}"
    for frame in drawing.frames:
        if frame.parent == parent:
            yield f'{pad}subgraph {frames[frame.id]} ["{escape(frame.title)}"]'
            yield from _group(drawing, frame.id, ids, frames, pad + "  ")
            yield f"{pad}end"


def _box(box: Box, key: str) -> str:
    left, right = _SHAPES[box.kind]
    text = "<br/>".join([f"<b>{escape(heading(box))}</b>", *map(escape, remarks(box))])
    return f'{key}{left}"{text}"{right}:::{box.kind}'


def _arrow(arrow: Arrow, ids: dict[str, str], label: str) -> str:
    link = "-->" if arrow.kind == "data" else "-.->"
    text = {"loop": "|next round|", "bypass": "|else|"}.get(arrow.kind, "")
    text = f'|"{escape(label)}"|' if label else text
    return f"{ids[arrow.source]} {link}{text} {ids[arrow.target]}"


def escape(text: str) -> str:
    """Text inside a quoted label, on one line: entities for what Mermaid or HTML would read.

    >>> escape('a "b" <i>#1')
    'a &quot;b&quot; &lt;i&gt;&num;1'
    """
    text = "".join(char if char.isprintable() else " " for char in text)
    for char, entity in _ENTITIES:
        text = text.replace(char, entity)
    return text


_ENTITIES: Final = (
    ("&", "&amp;"),
    ("#", "&num;"),
    ('"', "&quot;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ("`", "&#96;"),
    ("\\", "&#92;"),
)
