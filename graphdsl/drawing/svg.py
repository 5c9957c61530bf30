"""A self-contained SVG, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Final

from graphdsl.drawing.layering import Point
from graphdsl.drawing.layout import LINE, Layout, Rect, arrange
from graphdsl.drawing.lines import heading, remarks
from graphdsl.drawing.model import Arrow, Box, Drawing, Frame

_STYLE: Final = """
  text { font: 12px ui-sans-serif, system-ui, 'Helvetica Neue', Arial, sans-serif; fill: #1f2733 }
  .head { font-weight: 600 }
  .note { font-size: 11px; fill: #4a5568 }
  .hole { font-size: 11px; fill: #7b4bd1 }
  .page { fill: #ffffff }
  .frame rect { fill: #64748b; fill-opacity: .06; stroke: #b6bfcc }
  .title { font-size: 11px; font-weight: 600; fill: #5b6575; stroke: #f4f5f8; stroke-width: 4px;
    stroke-linejoin: round; paint-order: stroke }
  .frame.optional rect { stroke-dasharray: 5 4; stroke: #7b4bd1 }
  .box rect { stroke-width: 1.2; fill: #f6f7f9; stroke: #8a94a6 }
  .box.model rect { fill: #e8f0fe; stroke: #3367d6 }
  .box.merge rect { fill: #fff6e0; stroke: #c98a00 }
  .box.carried rect { fill: #f3ecff; stroke: #7b4bd1 }
  .box.input rect, .box.output rect { fill: #e9f7ef; stroke: #2e8b57 }
  .box.maybe rect { stroke-dasharray: 5 4 }
  .arrow { fill: none; stroke: #5b6575; stroke-width: 1.3 }
  .arrow.loop { stroke: #7b4bd1; stroke-dasharray: 5 4 }
  .arrow.bypass { stroke: #8a94a6; stroke-dasharray: 2 4 }
  .tip { fill: #5b6575 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6e9ef }
    .note { fill: #a9b4c4 }
    .hole { fill: #c4a6ff }
    .page { fill: #14181f }
    .frame rect { stroke: #465063 }
    .title { fill: #a9b4c4; stroke: #191e26 }
    .box rect { fill: #222936; stroke: #6b7789 }
    .box.model rect { fill: #1a2a4a; stroke: #6d9bff }
    .box.merge rect { fill: #3a2f12; stroke: #e0aa2b }
    .box.carried rect { fill: #2c2145; stroke: #b794f6 }
    .box.input rect, .box.output rect { fill: #16301f; stroke: #4fbf83 }
    .arrow { stroke: #93a0b4 }
    .tip { fill: #93a0b4 }
  }
"""
_TIP: Final = (
    '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path class="tip" d="M0 0.5 L8 4 L0 7.5 z"/></marker>'
)
_CORNER: Final = 8.0


def to_svg(drawing: Drawing) -> str:
    """The drawing as one SVG document that refers to nothing outside itself."""
    layout = arrange(drawing)
    width, height = _n(layout.width), _n(layout.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>{_text(drawing.title)}</title>",
        f"<style>{_STYLE}</style>",
        f"<defs>{_TIP}</defs>",
        f'<rect class="page" width="{width}" height="{height}"/>',
        *_parts(drawing, layout),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _parts(drawing: Drawing, layout: Layout) -> Iterator[str]:
    for frame in drawing.frames:
        rect = _rect(layout.frames[frame.id], 10)
        yield f'<g class="frame {frame.kind}">{rect}</g>'
    for arrow in drawing.arrows:
        yield _arrow(arrow, layout.ways[arrow])
    for frame in drawing.frames:
        yield _title(frame, layout.frames[frame.id])
    for arrow, label in layout.labels.items():
        x, y = layout.ways[arrow][-1]
        yield _line("title", x, y - 12, label)
    for box in drawing.boxes:
        yield _box(box, layout.boxes[box.id])


def _title(frame: Frame, at: Rect) -> str:
    return (
        f'<text class="title" x="{_n(at.x + 12)}" y="{_n(at.y + 18)}">{_text(frame.title)}</text>'
    )


def _box(box: Box, at: Rect) -> str:
    centre = at.x + at.width / 2
    first = at.y + 7 + LINE * 0.78
    texts = [_line("head", centre, first, heading(box))]
    for index, line in enumerate(remarks(box), 1):
        style = "hole" if line.startswith("◇") else "note"
        texts.append(_line(style, centre, first + LINE * index, line))
    rounded = at.height / 2 if box.kind in ("input", "output", "carried") else 7
    kind = f"{box.kind} maybe" if box.optional else box.kind
    tip = f"<title>{_text(box.id)}</title>"
    return f'<g class="box {kind}">{tip}{_rect(at, rounded)}{"".join(texts)}</g>'


def _line(style: str, x: float, y: float, text: str) -> str:
    return (
        f'<text class="{style}" x="{_n(x)}" y="{_n(y)}" text-anchor="middle">{_text(text)}</text>'
    )


def _rect(at: Rect, rounded: float) -> str:
    return (
        f'<rect x="{_n(at.x)}" y="{_n(at.y)}" width="{_n(at.width)}" height="{_n(at.height)}" '
        f'rx="{_n(rounded)}"/>'
    )


def _arrow(arrow: Arrow, way: Sequence[Point]) -> str:
    path = _bent(way) if arrow.kind != "loop" else _bent(way[:-5]) + _cornered(way[-6:])
    names = f"{arrow.source} → {arrow.target}" + (f" ({arrow.label})" if arrow.label else "")
    return (
        f'<path class="arrow {arrow.kind}" d="{path}" marker-end="url(#tip)">'
        f"<title>{_text(names)}</title></path>"
    )


def _bent(way: Sequence[Point]) -> str:
    """Vertical lines, joined by curves that begin and end vertically."""
    parts = [f"M{_n(way[0][0])} {_n(way[0][1])}"]
    for (x0, y0), (x1, y1) in pairwise(way):
        if abs(x0 - x1) < 0.5:
            parts.append(f"L{_n(x1)} {_n(y1)}")
        else:
            middle = _n((y0 + y1) / 2)
            parts.append(f"C{_n(x0)} {middle} {_n(x1)} {middle} {_n(x1)} {_n(y1)}")
    return " ".join(parts)


def _cornered(way: Sequence[Point]) -> str:
    """Straight lines with round corners, going on from the first point."""
    parts: list[str] = []
    for before, corner, after in zip(way, way[1:], way[2:], strict=False):
        start, end = _towards(corner, before), _towards(corner, after)
        parts.append(
            f" L{_n(start[0])} {_n(start[1])} "
            f"Q{_n(corner[0])} {_n(corner[1])} {_n(end[0])} {_n(end[1])}"
        )
    return "".join(parts) + f" L{_n(way[-1][0])} {_n(way[-1][1])}"


def _towards(corner: Point, other: Point) -> Point:
    """The point near `corner` on the way to `other`, where rounding begins."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = max((dx * dx + dy * dy) ** 0.5, 0.001)
    reach = min(_CORNER, length / 2) / length
    return corner[0] + dx * reach, corner[1] + dy * reach


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    """Escaped, without characters that XML does not allow."""
    return escape("".join(char for char in text if char.isprintable()))
