"""Geometry: nothing overlaps, frames hold what is in them, arrows join their boxes."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.drawing import Arrow, Box, Drawing, Frame, draw
from graphdsl.drawing.layout import Layout, Rect, arrange
from graphdsl.ir.nodes import Graph

Shape = list["int | Shape"]
"""A tree: numbers are boxes (their title length), lists are frames."""


@st.composite
def drawings(pick: st.DrawFn) -> Drawing:
    """Boxes in nested frames with arrows from earlier to later ones."""
    size = st.integers(1, 30)
    shape: Shape = pick(
        st.recursive(
            st.lists(size, min_size=1, max_size=5),
            lambda inner: st.lists(size | inner, min_size=1, max_size=4),
            max_leaves=14,
        )
    )
    boxes: list[Box] = []
    frames: list[Frame] = []
    _flatten(shape, None, boxes, frames)
    pairs = list(combinations([box.id for box in boxes], 2))
    chosen = pick(st.lists(st.sampled_from(pairs), unique=True, max_size=20)) if pairs else []
    arrows = [Arrow(a, b, "then", pick(st.sampled_from(["data", "bypass"]))) for a, b in chosen]
    for frame in frames:
        arrows += _carried(frame.id, pick(st.integers(0, 3)), boxes)
    return Drawing("d", tuple(boxes), tuple(arrows), tuple(frames))


def _carried(frame: str, count: int, boxes: list[Box]) -> list[Arrow]:
    """Add carried values to a frame; loop arrows to them, and arrows to what uses them."""
    inside = [box.id for box in boxes if box.frame == frame and box.kind != "carried"]
    arrows: list[Arrow] = []
    for index in range(count if inside else 0):
        name = f"{frame}c{index}"
        boxes.append(Box(name, name, "carried", "carried", frame))
        arrows += [Arrow(inside[-1], name, name, "loop"), Arrow(name, inside[0])]
    return arrows


def _flatten(shape: Shape, frame: str | None, boxes: list[Box], frames: list[Frame]) -> None:
    for item in shape:
        if isinstance(item, int):
            kind = "merge" if item % 5 == 0 else "pure"
            boxes.append(Box(f"b{len(boxes)}", "x" * item, "vote", kind, frame))
        else:
            inner = f"f{len(frames)}"
            frames.append(Frame(inner, inner, "repeat", frame))
            _flatten(item, inner, boxes, frames)


def _apart(a: Rect, b: Rect) -> bool:
    return (
        a.x + a.width <= b.x
        or b.x + b.width <= a.x
        or a.y + a.height <= b.y
        or b.y + b.height <= a.y
    )


def _inside(inner: Rect, outer: Rect) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def _check(drawing: Drawing, layout: Layout) -> None:
    for a, b in combinations(layout.boxes.values(), 2):
        assert _apart(a, b)
    page = Rect(0, 0, layout.width, layout.height)
    for box in drawing.boxes:
        outer = layout.frames[box.frame] if box.frame else page
        assert _inside(layout.boxes[box.id], outer)
        for frame in drawing.frames:
            if frame.id not in _around(drawing, box.frame):
                assert _apart(layout.boxes[box.id], layout.frames[frame.id])
    for frame in drawing.frames:
        assert _inside(
            layout.frames[frame.id], layout.frames[frame.parent] if frame.parent else page
        )


def _around(drawing: Drawing, frame: str | None) -> set[str]:
    parents = {one.id: one.parent for one in drawing.frames}
    found: set[str] = set()
    while frame is not None:
        found.add(frame)
        frame = parents[frame]
    return found


def _check_ways(drawing: Drawing, layout: Layout) -> None:
    """Arrows leave at the foot of their source, arrive on top, and cross no box on the way."""
    for arrow, way in layout.ways.items():
        source, target = layout.boxes[arrow.source], layout.boxes[arrow.target]
        assert abs(way[0][1] - (source.y + source.height)) < 0.01
        assert source.x <= way[0][0] <= source.x + source.width
        assert abs(way[-1][1] - target.y) < 0.01
        assert target.x <= way[-1][0] <= target.x + target.width
        for (x0, y0), (x1, y1) in pairwise(way):
            line = _line((x0, y0), (x1, y1))
            for other in drawing.boxes:
                if other.id not in (arrow.source, arrow.target):
                    assert _apart(line, layout.boxes[other.id])


@given(drawings())
@settings(max_examples=60, deadline=None)
def test_nothing_overlaps_in_any_drawing(drawing: Drawing) -> None:
    _check(drawing, arrange(drawing))


@given(drawings())
@settings(max_examples=60, deadline=None)
def test_arrows_go_around_boxes_in_any_drawing(drawing: Drawing) -> None:
    _check_ways(drawing, arrange(drawing))


def test_a_bypass_begins_beside_the_data_of_its_box(reason: Graph) -> None:
    ways = arrange(draw(reason)).ways
    starts = {
        kind: {way[0] for arrow, way in ways.items() if arrow.kind == kind}
        for kind in ("data", "bypass")
    }
    assert starts["bypass"]
    assert starts["bypass"].isdisjoint(starts["data"])


def test_lanes_of_two_carried_values_do_not_touch() -> None:
    boxes = (
        Box("t", "t", "carried", "carried", "f"),
        Box("ok", "ok", "carried", "carried", "f"),
        Box("v", "v", "verify", "model", "f"),
    )
    arrows = (Arrow("t", "v"), Arrow("v", "t", "t", "loop"), Arrow("v", "ok", "ok", "loop"))
    ways = arrange(Drawing("d", boxes, arrows, (Frame("f", "f", "repeat"),))).ways
    (a, b) = (list(pairwise(ways[arrow][-6:])) for arrow in arrows[1:])
    for one in a:
        assert all(_apart(_line(*one), _line(*other)) for other in b)


def _line(a: tuple[float, float], b: tuple[float, float]) -> Rect:
    return Rect(min(a[0], b[0]), min(a[1], b[1]), abs(a[0] - b[0]), abs(a[1] - b[1]))


def test_a_flow_with_every_form_is_laid_out(reason: Graph) -> None:
    drawing = draw(reason)
    layout = arrange(drawing)
    _check(drawing, layout)
    _check_ways(drawing, layout)


def test_a_large_flow_is_laid_out() -> None:
    boxes = tuple(Box(f"b{i}", f"b{i}", "vote", "pure") for i in range(300))
    arrows = tuple(Arrow(f"b{i // 3}", f"b{i}") for i in range(1, 300))
    drawing = Drawing("wide", boxes, arrows, ())
    _check(drawing, arrange(drawing))
