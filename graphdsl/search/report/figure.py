"""What all charts of a page share: a frame, axes, marks, and labels that keep out of each other's
way. Sizes are in pixels of a picture that is scaled to the width of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphdsl.executors.traces.markup import text
from graphdsl.search.report.axes import Axis

WIDTH: Final = 640
HEIGHT: Final = 360
LEFT: Final = 56
RIGHT: Final = 18
TOP: Final = 14
BOTTOM: Final = 44

_CHARACTER: Final = 6.1
"""About how wide a character of a label is."""

_LINE: Final = 13


def figure(name: str, parts: Sequence[str], caption: str, *, height: int = HEIGHT) -> str:
    """A picture with its caption; `name` says to those who cannot see it what it shows."""
    inner = "\n".join(parts)
    return (
        f'<figure class="chart">\n<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{text(name)}">\n{inner}\n</svg>\n'
        f"<figcaption>{caption}</figcaption>\n</figure>"
    )


def frame(
    across: Axis,
    up: Axis,
    across_title: str,
    across_words: Callable[[float], str],
    up_words: Callable[[float], str],
) -> Iterator[str]:
    """Lines, round values and the name of the axis below; that above goes into the caption."""
    bottom, left = HEIGHT - BOTTOM, LEFT
    for value in up.ticks():
        y = num(up.at(value))
        yield f'<line class="tick" x1="{left}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        said = text(up_words(value))
        yield f'<text x="{left - 6}" y="{y}" dy="4" text-anchor="end">{said}</text>'
    for value in across.ticks():
        x = num(across.at(value))
        yield f'<line class="tick" x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}"/>'
        said = text(across_words(value))
        yield f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{said}</text>'
    middle = num((LEFT + WIDTH - RIGHT) / 2)
    yield (
        f'<text class="axis" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{text(across_title)}</text>"
    )


@dataclass(slots=True)
class Labels:
    """Labels beside marks, each where it overlaps none before it; `taken` are their boxes."""

    taken: list[tuple[float, float, float, float]] = field(
        default_factory=list[tuple[float, float, float, float]]
    )

    def keep_out(self, x: float, y: float, reach: float) -> None:
        """Nothing is to be written on this mark."""
        self.taken.append((x - reach, y - reach, x + reach, y + reach))

    def put(self, x: float, y: float, said: str, kind: str = "") -> str:
        """A label for the mark at a place: beside it, above or below, on whichever side is free."""
        width = _CHARACTER * len(said)
        places = [
            (side, y + _LINE * step)
            for step in (0, -1, 1, -2, 2, -3, 3)
            for side in (x + 9, x - 9 - width)
        ]
        inside = [
            (left, middle)
            for left, middle in places
            if left >= LEFT and left + width <= WIDTH - 2 and TOP <= middle <= HEIGHT - BOTTOM
        ] or [(max(LEFT, min(x + 9, WIDTH - 2 - width)), y)]
        left, middle = next(
            (place for place in inside if not self._overlaps(*place, width)), inside[0]
        )
        self.taken.append((left, middle - 6, left + width, middle + 6))
        style = f' class="{kind}"' if kind else ""
        return f'<text{style} x="{num(left)}" y="{num(middle)}" dy="4">{text(said)}</text>'

    def _overlaps(self, left: float, middle: float, width: float) -> bool:
        return any(
            left < right and x < left + width and middle - 6 < bottom and y < middle + 6
            for x, y, right, bottom in self.taken
        )


def num(value: float) -> str:
    """A coordinate, to a tenth of a pixel.

    >>> num(3.0), num(3.14159)
    ('3', '3.1')
    """
    return f"{value:.1f}".removesuffix(".0")
