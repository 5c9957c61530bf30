"""Geometry of a whole drawing: every frame is laid out by itself, then stands as one box.

Coordinates are pixels, y points down. An arrow that leaves or enters a frame does so at a port
on its border, where the inner and the outer way meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphdsl.drawing.layering import Edge, Item, Key, Placed, Point, place
from graphdsl.drawing.lines import alternatives, heading, remarks
from graphdsl.drawing.model import Arrow, Box, Drawing, Frame

LINE: Final = 16.0
"""Height of one line of text."""

_PAD: Final = 16.0
_TITLE: Final = 22.0
_LOOP: Final = 18.0
_LANE: Final = 8.0
_LABEL: Final = 22.0
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
    """Where everything is. `ways` are the points of each arrow, bends between unequal x.

    The last six points of a loop arrow are joined by straight lines. `labels` are the texts on
    arrows into a merge; each stands on the last line of its arrow, just above the box.
    """

    boxes: dict[str, Rect]
    frames: dict[str, Rect]
    ways: dict[Arrow, tuple[Point, ...]]
    labels: dict[Arrow, str]
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
        self.labels = alternatives(drawing)
        self.merges = {arrow.target for arrow in self.labels}

    def run(self) -> Layout:
        for arrow in self.drawing.arrows:
            self.pieces[arrow] = list(self.split(arrow))
            if arrow.kind == "loop":
                self.levels[self.boxes[arrow.target].frame].loops.append(arrow)
        for frame in reversed(self.drawing.frames):
            self.lay(frame.id)
        self.lay(None)
        for level in self.levels.values():
            level.loops.sort(key=lambda arrow: -_placed(level).at["box", arrow.target][0])
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
        strand = _strand(arrow)
        for frame in out[: out.index(meet)]:
            yield self.piece(frame, here, ("out", strand), strand)
            here = ("frame", str(frame))
        for frame in reversed(into[: into.index(meet)]):
            outer = self.frames[str(frame)].parent
            yield self.piece(outer, here, ("frame", str(frame)), strand)
            here = ("in", strand)
        last = ("loop", target.id) if arrow.kind == "loop" else ("box", target.id)
        yield self.piece(target.frame, here, last, strand)

    def piece(self, frame: str | None, tail: Key, head: Key, strand: str) -> Piece:
        edge = Edge(tail, head, strand)
        self.levels[frame].edges.setdefault(edge)
        return frame, edge

    # ---- one level

    def lay(self, frame: str | None) -> None:
        level = self.levels[frame]
        for box in self.drawing.boxes:
            if box.frame == frame:
                width, height = self.size(box)
                key = ("box", box.id)
                tall = height + self.headroom(box)
                level.items[key] = Item(key, width, tall, right=box.kind == "carried")
        for inner in self.drawing.frames:
            if inner.parent == frame:
                level.items["frame", inner.id] = self.as_item(inner)
        for edge in level.edges:
            for key, rank in ((edge.tail, -1), (edge.head, 1)):
                if key not in level.items:
                    level.items[key] = Item(key, 2, 0, rank, right=key[0] == "loop")
        level.placed = place(list(level.items.values()), list(level.edges))

    def size(self, box: Box) -> tuple[float, float]:
        """Width and height of a box; a merge is as wide as the labels that stand above it."""
        width, height = box_size(box)
        if box.id not in self.merges:
            return width, height
        arriving = [arrow for arrow in self.drawing.arrows if arrow.target == box.id]
        return max(width, sum(map(self.room, arriving)) + 16), height

    def headroom(self, box: Box) -> float:
        """Height above a box where the labels of its arrows stand."""
        return _LABEL if box.id in self.merges else 0.0

    def room(self, arrow: Arrow) -> float:
        """How much of its box's upper side an arrow takes."""
        return max(18.0, text_width(self.labels.get(arrow, ""), small=True) + 12)

    def as_item(self, frame: Frame) -> Item:
        """A frame that is laid out, seen from outside, with the ports on its border."""
        level = self.levels[frame.id]
        placed = _placed(level)
        dx, _ = inset(level)
        ports = {
            (key[0], key[1]): x + dx + 1
            for key, (x, _) in placed.at.items()
            if key[0] in ("in", "out")
        }
        width, height = self.outer_size(frame, level)
        return Item(("frame", frame.id), width, height, ports=ports)

    def outer_size(self, frame: Frame, level: _Level) -> tuple[float, float]:
        placed = _placed(level)
        margin = _LOOP * (len(level.loops) + 1) if level.loops else 0.0
        width = max(placed.width + 2 * _PAD + margin, text_width(frame.title) + 2 * _PAD)
        foot = _PAD + (_LOOP + _LANE * len(level.loops) if level.loops else 0.0)
        return width, placed.height + inset(level)[1] + foot

    # ---- the page

    def read(self) -> Layout:
        origins: dict[str | None, Point] = {None: (_PAD, _PAD)}
        frames: dict[str, Rect] = {}
        for frame in self.drawing.frames:
            x, y = self.absolute(frame.parent, ("frame", frame.id), origins)
            width, height = self.outer_size(frame, self.levels[frame.id])
            frames[frame.id] = Rect(x, y, width, height)
            dx, dy = inset(self.levels[frame.id])
            origins[frame.id] = (x + dx, y + dy)
        boxes: dict[str, Rect] = {}
        for box in self.drawing.boxes:
            x, y = self.absolute(box.frame, ("box", box.id), origins)
            boxes[box.id] = Rect(x, y + self.headroom(box), *self.size(box))
        ways = {arrow: self.way(arrow, origins, boxes, frames) for arrow in self.drawing.arrows}
        page = _placed(self.levels[None])
        self.spread(ways, boxes)
        _part(ways, boxes)
        width, height = page.width + 2 * _PAD, page.height + 2 * _PAD
        return Layout(boxes, frames, ways, self.labels, width, height)

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
        target = boxes[arrow.target]
        if arrow.kind != "loop":
            return (*points[:-1], (points[-1][0], target.y))
        home = self.boxes[arrow.target].frame or ""
        return tuple(points) + self.back(arrow, points[-1], target, frames[home])

    def back(self, arrow: Arrow, last: Point, target: Rect, frame: Rect) -> tuple[Point, ...]:
        """From the foot of the frame along its right side, and down on the carried value.

        The lane of a value further right lies inside that of a value further left, so that they
        do not cross.
        """
        loops = self.levels[self.boxes[arrow.target].frame].loops
        lane = loops.index(arrow)
        right = frame.x + frame.width - _PAD / 2 - _LOOP * (len(loops) - lane - 0.5)
        foot = frame.y + frame.height - _PAD / 2 - _LANE * (len(loops) - lane - 1)
        over = target.y - 12 - _LANE * lane
        x = target.x + target.width / 2
        return (last[0], foot), (right, foot), (right, over), (x, over), (x, target.y)

    def spread(self, ways: dict[Arrow, tuple[Point, ...]], boxes: dict[str, Rect]) -> None:
        """Let arrows that end at one box end side by side, in the order in which they arrive."""
        arriving: dict[str, list[Arrow]] = {}
        for arrow in ways:
            arriving.setdefault(arrow.target, []).append(arrow)
        for target, arrows in arriving.items():
            arrows.sort(key=lambda arrow: ways[arrow][-3][0])
            most = 1.0 if target in self.merges else 0.6
            rooms = [self.room(arrow) for arrow in arrows]
            scale = min(1.0, boxes[target].width * most / sum(rooms))
            at = -sum(rooms) / 2
            for arrow, room in zip(arrows, rooms, strict=True):
                ways[arrow] = _shifted(ways[arrow], -2, (at + room / 2) * scale)
                at += room


def _placed(level: _Level) -> Placed:
    if level.placed is None:
        raise RuntimeError("a frame was used before it was laid out")
    return level.placed


def box_size(box: Box) -> tuple[float, float]:
    """Width and height of a box that holds its lines."""
    lines = [text_width(line, small=True) for line in remarks(box)]
    width = max([text_width(heading(box)), *lines]) + 28
    return max(width, 64.0), LINE * (1 + len(lines)) + 14


def inset(level: _Level) -> Point:
    """Where the content of a frame begins: below its title and the lanes of its loops."""
    return _PAD, _PAD / 2 + _TITLE + _LANE * len(level.loops)


def _strand(arrow: Arrow) -> str:
    """Data from one box runs together; a bypass, and each loop, has a line of its own."""
    match arrow.kind:
        case "loop":
            return f"{arrow.source} loop {arrow.target}"
        case "bypass":
            return f"{arrow.source} bypass"
        case _:
            return arrow.source


def _part(ways: dict[Arrow, tuple[Point, ...]], boxes: dict[str, Rect]) -> None:
    """Let the strands that leave one box begin side by side, in the order in which they go."""
    leaving: dict[str, dict[str, list[Arrow]]] = {}
    for arrow in ways:
        leaving.setdefault(arrow.source, {}).setdefault(_strand(arrow), []).append(arrow)
    for source, strands in leaving.items():
        step = min(18.0, boxes[source].width * 0.6 / len(strands))
        order = sorted(strands.values(), key=lambda arrows: _mean_x(ways, arrows))
        for index, arrows in enumerate(order):
            shift = (index - (len(order) - 1) / 2) * step
            for arrow in arrows:
                ways[arrow] = _shifted(ways[arrow], 2, shift)


def _mean_x(ways: dict[Arrow, tuple[Point, ...]], arrows: Sequence[Arrow]) -> float:
    """Where arrows go from their source."""
    return sum(ways[arrow][2][0] for arrow in arrows) / len(arrows)


def _shifted(way: Sequence[Point], ends: int, shift: float) -> tuple[Point, ...]:
    """The first (`ends` 2) or last (-2) two points moved to the right."""
    moved = {i % len(way) for i in (range(ends) if ends > 0 else range(ends, 0))}
    return tuple((x + shift, y) if i in moved else (x, y) for i, (x, y) in enumerate(way))
