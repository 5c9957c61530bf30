"""Geometry of a whole drawing: every frame is laid out by itself, then stands as one box.

Coordinates are pixels, y points down. An arrow that leaves or enters a frame does so at a port
on its border, where the inner and the outer way meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from graphdsl.drawing.layering import Edge, Item, Key, Placed, Point, place
from graphdsl.drawing.lines import heading, remarks
from graphdsl.drawing.model import Arrow, Box, Drawing, Frame

LINE: Final = 16.0
"""Height of one line of text."""

_PAD: Final = 16.0
_TITLE: Final = 22.0
_LOOP: Final = 18.0
_CHAR: Final = 6.6
_SMALL: Final = 5.9


@dataclass(frozen=True, slots=True)
class Rect:
    """A box or frame on the page."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is. `ways` are the points of each arrow, bends between unequal x."""

    boxes: dict[str, Rect]
    frames: dict[str, Rect]
    ways: dict[Arrow, tuple[Point, ...]]
    width: float
    height: float


def arrange(drawing: Drawing) -> Layout:
    """Lay the drawing out."""
    return _Arranger(drawing).run()


def text_width(text: str, small: bool = False) -> float:
    """About how wide a line of text is, in pixels; wide scripts count double."""
    cells = sum(2 if ord(char) > 0x2E7F else 1 for char in text)
    return cells * (_SMALL if small else _CHAR)


@dataclass(slots=True)
class _Level:
    """One frame (or the page) while its content is laid out."""

    items: dict[Key, Item] = field(default_factory=dict[Key, Item])
    edges: dict[Edge, None] = field(default_factory=dict[Edge, None])
    loops: list[Arrow] = field(default_factory=list[Arrow])
    placed: Placed | None = None


Piece = tuple[str | None, Edge]
"""A part of an arrow's way: the frame it lies in, and the edge there."""


class _Arranger:
    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing
        self.boxes = {box.id: box for box in drawing.boxes}
        self.frames = {frame.id: frame for frame in drawing.frames}
        self.levels: dict[str | None, _Level] = {None: _Level()}
        self.levels.update({frame.id: _Level() for frame in drawing.frames})
        self.pieces: dict[Arrow, list[Piece]] = {}

    def run(self) -> Layout:
        for arrow in self.drawing.arrows:
            self.pieces[arrow] = list(self.split(arrow))
            if arrow.kind == "loop":
                self.levels[self.boxes[arrow.target].frame].loops.append(arrow)
        for frame in reversed(self.drawing.frames):
            self.lay(frame.id)
        self.lay(None)
        return self.read()

    # ---- arrows, cut at the borders of frames

    def above(self, frame: str | None) -> list[str | None]:
        """The frame and all around it, innermost first, the page last."""
        chain: list[str | None] = []
        while frame is not None:
            chain.append(frame)
            frame = self.frames[frame].parent
        return [*chain, None]

    def split(self, arrow: Arrow) -> Iterable[Piece]:
        source, target = self.boxes[arrow.source], self.boxes[arrow.target]
        out, into = self.above(source.frame), self.above(target.frame)
        meet = next(frame for frame in out if frame in into)
        here: Key = ("box", source.id)
        for frame in out[: out.index(meet)]:
            yield self.piece(frame, here, ("out", source.id), source.id)
            here = ("frame", str(frame))
        for frame in reversed(into[: into.index(meet)]):
            outer = self.frames[str(frame)].parent
            yield self.piece(outer, here, ("frame", str(frame)), source.id)
            here = ("in", source.id)
        last = ("loop", target.id) if arrow.kind == "loop" else ("box", target.id)
        yield self.piece(target.frame, here, last, source.id)

    def piece(self, frame: str | None, tail: Key, head: Key, source: str) -> Piece:
        edge = Edge(tail, head, source)
        self.levels[frame].edges.setdefault(edge)
        return frame, edge

    # ---- one level

    def lay(self, frame: str | None) -> None:
        level = self.levels[frame]
        for box in self.drawing.boxes:
            if box.frame == frame:
                width, height = box_size(box)
                key = ("box", box.id)
                level.items[key] = Item(key, width, height, right=box.kind == "carried")
        for inner in self.drawing.frames:
            if inner.parent == frame:
                level.items["frame", inner.id] = self.as_item(inner)
        for edge in level.edges:
            for key, rank in ((edge.tail, -1), (edge.head, 1)):
                if key not in level.items:
                    level.items[key] = Item(key, 2, 0, rank, right=key[0] == "loop")
        level.placed = place(list(level.items.values()), list(level.edges))

    def as_item(self, frame: Frame) -> Item:
        """A frame that is laid out, seen from outside, with the ports on its border."""
        level = self.levels[frame.id]
        placed = _placed(level)
        dx, _ = self.inset(level)
        ports = {
            (key[0], key[1]): x + dx + 1
            for key, (x, _) in placed.at.items()
            if key[0] in ("in", "out")
        }
        width, height = self.outer_size(frame, level)
        return Item(("frame", frame.id), width, height, ports=ports)

    def inset(self, level: _Level) -> Point:
        return _PAD, _PAD / 2 + _TITLE

    def outer_size(self, frame: Frame, level: _Level) -> tuple[float, float]:
        placed = _placed(level)
        margin = _LOOP * (len(level.loops) + 1) if level.loops else 0.0
        width = max(placed.width + 2 * _PAD + margin, text_width(frame.title) + 2 * _PAD)
        foot = _PAD + (_LOOP if level.loops else 0.0)
        return width, placed.height + _PAD / 2 + _TITLE + foot

    # ---- the page

    def read(self) -> Layout:
        origins: dict[str | None, Point] = {None: (_PAD, _PAD)}
        frames: dict[str, Rect] = {}
        for frame in self.drawing.frames:
            x, y = self.absolute(frame.parent, ("frame", frame.id), origins)
            width, height = self.outer_size(frame, self.levels[frame.id])
            frames[frame.id] = Rect(x, y, width, height)
            dx, dy = self.inset(self.levels[frame.id])
            origins[frame.id] = (x + dx, y + dy)
        boxes = {
            box.id: Rect(*self.absolute(box.frame, ("box", box.id), origins), *box_size(box))
            for box in self.drawing.boxes
        }
        ways = {arrow: self.way(arrow, origins, boxes, frames) for arrow in self.drawing.arrows}
        page = _placed(self.levels[None])
        _spread(ways, boxes)
        return Layout(boxes, frames, ways, page.width + 2 * _PAD, page.height + 2 * _PAD)

    def absolute(self, frame: str | None, key: Key, origins: dict[str | None, Point]) -> Point:
        x, y = _placed(self.levels[frame]).at[key]
        return origins[frame][0] + x, origins[frame][1] + y

    def way(
        self,
        arrow: Arrow,
        origins: dict[str | None, Point],
        boxes: dict[str, Rect],
        frames: dict[str, Rect],
    ) -> tuple[Point, ...]:
        points: list[Point] = []
        for frame, edge in self.pieces[arrow]:
            x, y = origins[frame]
            points += [(x + a, y + b) for a, b in _placed(self.levels[frame]).ways[edge]]
        if arrow.kind != "loop":
            return tuple(points)
        home = self.boxes[arrow.target].frame or ""
        return tuple(points) + self.back(arrow, points[-1], boxes[arrow.target], frames[home])

    def back(self, arrow: Arrow, last: Point, target: Rect, frame: Rect) -> tuple[Point, ...]:
        """From the foot of the frame along its right side, up to the carried value."""
        lane = self.levels[self.boxes[arrow.target].frame].loops.index(arrow) + 1
        right = frame.x + frame.width - _PAD / 2 - _LOOP * (lane - 0.5)
        foot = frame.y + frame.height - _PAD / 2 - 4 * (lane - 1)
        middle = target.y + target.height / 2
        return (last[0], foot), (right, foot), (right, middle), (target.x + target.width, middle)


def _placed(level: _Level) -> Placed:
    if level.placed is None:
        raise RuntimeError("a frame was used before it was laid out")
    return level.placed


def box_size(box: Box) -> tuple[float, float]:
    """Width and height of a box that holds its lines."""
    lines = [text_width(line, small=True) for line in remarks(box)]
    width = max([text_width(heading(box)), *lines]) + 28
    return max(width, 64.0), LINE * (1 + len(lines)) + 14


def _spread(ways: dict[Arrow, tuple[Point, ...]], boxes: dict[str, Rect]) -> None:
    """Let arrows that end at one box end side by side, in the order in which they arrive."""
    arriving: dict[str, list[Arrow]] = {}
    for arrow in ways:
        if arrow.kind != "loop":
            arriving.setdefault(arrow.target, []).append(arrow)
    for target, arrows in arriving.items():
        step = min(18.0, boxes[target].width * 0.6 / len(arrows))
        arrows.sort(key=lambda arrow: ways[arrow][-3][0])
        for index, arrow in enumerate(arrows):
            shift = (index - (len(arrows) - 1) / 2) * step
            way = ways[arrow]
            ways[arrow] = (*way[:-2], *((x + shift, y) for x, y in way[-2:]))
