"""One graph with every kind of region, for all formats."""

from __future__ import annotations

import pytest

from graphdsl.ir.nodes import (
    Attr,
    Choices,
    Graph,
    Hole,
    HoleRef,
    Input,
    Interval,
    Node,
    Region,
    Symbol,
)
from graphdsl.ir.types import (
    ANSWER,
    BOOL,
    DOCS,
    DRAFT,
    DRAFTS,
    MESSAGES,
    TEXT,
    TEXTS,
    VERDICT,
    Type,
)


def _node(
    name: str,
    op: str,
    kind: Type,
    inputs: dict[str, str] | None = None,
    attrs: dict[str, Attr] | None = None,
    regions: tuple[Region, ...] = (),
) -> Node:
    edges = tuple((key, f"reason.{value}") for key, value in (inputs or {}).items())
    return Node(f"reason.{name}", op, kind, edges, tuple((attrs or {}).items()), regions)


def _body(*nodes: Node, **results: str) -> tuple[Region, ...]:
    named = tuple((key.replace("__", "."), f"reason.{value}") for key, value in results.items())
    return (Region("body", (), nodes, named),)


def _by(name: str) -> dict[str, Attr]:
    return {"by": Symbol("model", name)}


def _round() -> Region:
    """Draft, perhaps criticise and rank, fuse or vote, verify."""
    judge: dict[str, Attr] = {"by": HoleRef("reason.judge")}
    ranked = _node("best.of", "rank", DRAFTS, {"drafts": "drafts", "using": "notes"}, judge)
    nodes = (
        _node(
            "asked",
            "render",
            MESSAGES,
            {"question": "question", "hints": "hints"},
            {"prompt": Symbol("prompt", "solve")},
        ),
        _node(
            "drafts",
            "generate",
            DRAFTS,
            {"prompt": "asked", "context": "feedback"},
            {
                "models": (Symbol("model", "tiny"), Symbol("model", "other")),
                "samples": HoleRef("reason.drafts.samples"),
            },
        ),
        _node(
            "notes",
            "optional",
            TEXTS,
            {},
            {"hole": HoleRef("reason.notes")},
            _body(
                _node("notes.of", "critique", TEXTS, {"drafts": "drafts"}, judge),
                **{"yield": "notes.of"},
            ),
        ),
        _node(
            "best",
            "optional",
            DRAFTS,
            {"else": "drafts"},
            {"hole": HoleRef("reason.best")},
            _body(ranked, **{"yield": "best.of"}),
        ),
        _node(
            "merged",
            "choice",
            DRAFT,
            {},
            {"hole": HoleRef("reason.merged")},
            (
                Region(
                    "fused",
                    (),
                    (_node("merged.fused", "fuse", DRAFT, {"drafts": "best"}, judge),),
                    (("yield", "reason.merged.fused"),),
                ),
                Region(
                    "voted",
                    (),
                    (_node("merged.voted", "vote", DRAFT, {"drafts": "best"}, {"by": "number"}),),
                    (("yield", "reason.merged.voted"),),
                ),
            ),
        ),
        _node("checked", "verify", VERDICT, {"draft": "merged"}, _by("tiny")),
        _node("why", "field", TEXT, {"of": "checked"}, {"name": "reason"}),
        _node("passed", "field", BOOL, {"of": "checked"}, {"name": "passed"}),
    )
    results = {"next.feedback": "why", "until": "passed", "checked": "checked", "best": "best"}
    return Region(
        "body",
        (("reason.feedback", TEXT),),
        nodes,
        tuple((key, f"reason.{value}") for key, value in results.items()),
    )


def _holes() -> tuple[Hole, ...]:
    models = tuple(Symbol("model", name) for name in ("tiny", "other"))
    return (
        Hole("reason.judge", "tiny", Choices(("tiny", "other"), models)),
        Hole("reason.drafts.samples", 5, Interval(1, 10, 1, True)),
        Hole("reason.notes", "on", Choices(("on", "off"), (True, False))),
        Hole("reason.best", "on", Choices(("on", "off"), (True, False))),
        Hole("reason.merged", "voted", Choices(("fused", "voted"), ("fused", "voted"))),
    )


@pytest.fixture
def reason() -> Graph:
    """Recall; a loop of five stages; each; if; within."""
    revised = _node("ys.z", "revise", DRAFT, {"draft": "ys.x"}, _by("tiny"))
    each = Region("body", (("reason.ys.x", DRAFT),), (revised,), (("yield", "reason.ys.z"),))
    scope = _body(_node("v", "vote", DRAFT, {"drafts": "ys"}, {"by": "number"}), v="v")
    nodes = (
        _node(
            "hints",
            "recall",
            DOCS,
            {"query": "question"},
            {"memory": Symbol("memory", "lessons"), "top": 3},
        ),
        _node("start", "const", TEXT, {}, {"value": ""}),
        _node(
            "repeat",
            "repeat",
            TEXT,
            {"feedback": "start"},
            {"rounds": 3, "keep": "last"},
            (_round(),),
        ),
        _node("result", "field", VERDICT, {"of": "repeat"}, {"name": "checked"}),
        _node("ranked", "field", DRAFTS, {"of": "repeat"}, {"name": "best"}),
        _node("ys", "each", DRAFTS, {"items": "ranked"}, {"bound": 4}, (each,)),
        _node("within", "within", DRAFT, {}, {"budget": (("calls", 8), ("seconds", 1.5))}, scope),
        _node("voted", "field", DRAFT, {"of": "within"}, {"name": "v"}),
        _node("answer", "field", ANSWER, {"of": "result"}, {"name": "answer"}),
        _node("good", "field", BOOL, {"of": "result"}, {"name": "passed"}),
        _node(
            "a",
            "if",
            ANSWER,
            {"condition": "good"},
            {},
            (
                Region("then", (), (), (("yield", "reason.answer"),)),
                Region(
                    "else",
                    (),
                    (_node("a.e", "extract", ANSWER, {"of": "voted"}),),
                    (("yield", "reason.a.e"),),
                ),
            ),
        ),
    )
    body = Region("body", (("reason.question", TEXT),), nodes, (("return", "reason.a"),))
    return Graph("reason", (Input("question", TEXT),), body, ANSWER, _holes())
