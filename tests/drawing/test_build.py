"""What is drawn, and which arrows there are."""

from __future__ import annotations

from dataclasses import replace

from graphdsl.drawing import Box, Drawing, draw
from graphdsl.drawing.wording import Words, condition
from graphdsl.ir.nodes import Graph, Node, walk
from graphdsl.ir.types import BOOL, TEXT


def _box(drawing: Drawing, title: str) -> Box:
    return next(box for box in drawing.boxes if box.title == title)


def _arrows(drawing: Drawing, kind: str = "data") -> set[tuple[str, str]]:
    titles = {box.id: box.title for box in drawing.boxes}
    return {(titles[a.source], titles[a.target]) for a in drawing.arrows if a.kind == kind}


def test_plumbing_is_seen_through(reason: Graph) -> None:
    drawing = draw(reason)
    assert ("question", "drafts") in _arrows(drawing)  # through the rendered prompt
    assert ("checked", "a") in _arrows(drawing)  # through two fields of the loop's record
    assert {"render", "field", "const"}.isdisjoint(box.op for box in drawing.boxes)


def test_a_carried_value_is_a_box_with_an_arrow_back(reason: Graph) -> None:
    drawing = draw(reason)
    assert _box(drawing, "feedback").kind == "carried"
    assert _arrows(drawing, "loop") == {("checked", "feedback")}


def test_a_dropped_stage_is_bypassed(reason: Graph) -> None:
    drawing = draw(reason)
    assert _box(drawing, "best").optional
    assert _arrows(drawing, "bypass") == {("drafts", t) for t in ("fused", "voted", "z")}


def test_an_absent_stage_without_else_has_no_bypass(reason: Graph) -> None:
    notes = _box(draw(reason), "notes")
    assert notes.optional
    assert notes.op == "critique"


def test_alternatives_meet_in_one_box(reason: Graph) -> None:
    drawing = draw(reason)
    assert {("fused", "merged"), ("voted", "merged")} <= _arrows(drawing)
    assert _box(drawing, "merged").holes == ("voted in fused | voted",)


def test_frames_say_how_often_and_until_when(reason: Graph) -> None:
    titles = [frame.title for frame in draw(reason).frames]
    assert titles == [
        "repeat up to 3 until checked.passed",
        "each x, up to 4",
        "within calls 8, seconds 1.5",
    ]


def test_models_are_told_from_words(reason: Graph) -> None:
    drawing = draw(reason)
    assert _box(drawing, "drafts").kind == "model"
    assert _box(drawing, "voted").kind == "pure"
    assert "by number" in _box(drawing, "voted").details


def test_holes_show_default_and_domain(reason: Graph) -> None:
    assert _box(draw(reason), "drafts").holes == ("samples 5 in 1..10",)


def test_a_tuned_name_is_shown_on_the_holes_that_use_it(reason: Graph) -> None:
    assert _box(draw(reason), "fused").holes == ("by judge = tiny in tiny | other",)


def test_arrows_into_a_merge_name_their_alternatives(reason: Graph) -> None:
    arrows = draw(reason).arrows
    labels = {a.label for a in arrows if a.target == "reason.a"}
    assert labels == {"then", "else"}
    assert {a.label for a in arrows if a.target == "reason.merged"} == {"fused", "voted"}


def test_a_value_of_several_alternatives_names_them_all(reason: Graph) -> None:
    node = next(node for node in walk(reason.body) if node.id == "reason.a")
    same = replace(node.region("else"), nodes=(), results=(("yield", "reason.answer"),))
    both = replace(node, regions=(node.region("then"), same))
    nodes = tuple(both if one.id == node.id else one for one in reason.body.nodes)
    drawing = draw(replace(reason, body=replace(reason.body, nodes=nodes)))
    assert [a.label for a in drawing.arrows if a.target == "reason.a"] == ["then, else"]


def test_a_loop_that_keeps_the_best_shows_its_score(reason: Graph) -> None:
    node = next(node for node in walk(reason.body) if node.op == "repeat")
    body = node.region("body")
    score = Node("reason.mark", "field", TEXT, (("of", "reason.checked"),), (("name", "score"),))
    body = replace(
        body, nodes=(*body.nodes, score), results=(*body.results, ("score", "reason.mark"))
    )
    best = replace(node, attrs=(("rounds", 3), ("keep", "best")), regions=(body,))
    nodes = tuple(best if one.id == node.id else one for one in reason.body.nodes)
    titles = [f.title for f in draw(replace(reason, body=replace(reason.body, nodes=nodes))).frames]
    assert titles[0] == "repeat up to 3 until checked.passed keeping best(checked.score)"


def test_a_text_in_a_condition_stands_in_quotes(reason: Graph) -> None:
    text = Node("f.t", "const", TEXT, (), (("value", "deep"),))
    test = Node("f.c", "compare", BOOL, (("left", "f.mode"), ("right", "f.t")), (("op", "=="),))
    shown = condition("f.c", {"f.t": text, "f.c": test}, Words(reason))
    assert shown == 'mode == "deep"'


def test_every_arrow_joins_boxes_that_exist(reason: Graph) -> None:
    drawing = draw(reason)
    ids = {box.id for box in drawing.boxes}
    assert {a.source for a in drawing.arrows} | {a.target for a in drawing.arrows} <= ids


def test_a_flow_that_returns_its_input_is_two_boxes(reason: Graph) -> None:
    body = replace(reason.body, nodes=(), results=(("return", "reason.question"),))
    drawing = draw(replace(reason, body=body, holes=()))
    assert _arrows(drawing) == {("question", "return")}
