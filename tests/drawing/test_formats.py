"""The formats of a drawing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from graphdsl.drawing import FORMATS, Arrow, Box, Drawing, Frame, draw, render
from graphdsl.ir.nodes import Graph

GOLDEN = Path(__file__).parent.parent / "golden" / "drawing"
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '"]; </text><script>alert(1)</script> `&amp; \\ %%{init}%% #quot; --> end \x1b[31m\n'


@pytest.fixture
def hostile() -> Drawing:
    """A drawing whose every text tries to break out of its place."""
    return Drawing(
        HOSTILE,
        (
            Box("a" + HOSTILE, HOSTILE, "generate", "model", "f" + HOSTILE, (HOSTILE,), (HOSTILE,)),
            Box("b" + HOSTILE, HOSTILE, "vote", "pure"),
        ),
        (Arrow("a" + HOSTILE, "b" + HOSTILE, HOSTILE),),
        (Frame("f" + HOSTILE, HOSTILE, "repeat"),),
    )


@pytest.mark.parametrize("form", ["mermaid", "dot"])
def test_text_formats_are_as_they_were(
    form: str, reason: Graph, golden: Callable[[Path, str], None]
) -> None:
    golden(GOLDEN / f"reason.{form}", render(draw(reason), form))


def test_svg_holds_every_text_of_the_drawing(reason: Graph) -> None:
    drawing = draw(reason)
    texts = {
        text.text for text in ElementTree.fromstring(render(drawing, "svg")).iter(f"{SVG}text")
    }
    assert {frame.title for frame in drawing.frames} <= texts
    assert {"drafts = generate", "question: Text", "return: Answer"} <= texts


def test_svg_refers_to_nothing_outside(reason: Graph) -> None:
    svg = render(draw(reason), "svg").replace("http://www.w3.org/2000/svg", "")
    assert "http" not in svg
    assert "<script" not in svg


def test_svg_stays_well_formed_whatever_the_texts_are(hostile: Drawing) -> None:
    tree = ElementTree.fromstring(render(hostile, "svg"))
    assert {element.tag.removeprefix(SVG) for element in tree.iter()} == {
        *("svg", "title", "style", "defs", "marker", "path", "rect", "g", "text")
    }


def test_mermaid_labels_cannot_end_early(hostile: Drawing) -> None:
    lines = render(hostile, "mermaid").splitlines()
    nodes = [line for line in lines if line.strip().startswith(("n0", "n1", "subgraph"))]
    assert len(nodes) == 4  # two boxes, one frame, one arrow
    for line in nodes:
        assert line.count('"') in (0, 2)
        assert "<script" not in line


def test_dot_quotes_are_balanced(hostile: Drawing) -> None:
    text = render(hostile, "dot").replace("\\\\", "").replace('\\"', "")
    assert all(line.count('"') % 2 == 0 for line in text.splitlines())


def test_json_has_boxes_arrows_and_frames(reason: Graph) -> None:
    drawing = draw(reason)
    found = json.loads(render(drawing, "json"))
    assert [box["id"] for box in found["boxes"]] == [box.id for box in drawing.boxes]
    assert len(found["arrows"]) == len(drawing.arrows)
    assert len(found["frames"]) == len(drawing.frames)


def test_html_holds_the_svg_and_loads_nothing(hostile: Drawing) -> None:
    page = render(hostile, "html")
    assert "<svg" in page
    assert "src=" not in page
    assert "<script" not in page


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_every_format_is_the_same_each_time(form: str, reason: Graph) -> None:
    assert render(draw(reason), form) == render(draw(reason), form)
