"""The pass `quorum` and races and weighted votes: who ends a list, and who must see all of it."""

from __future__ import annotations

from typing import Any

import pytest

from graphdsl.compiler.bounds import Bounds
from graphdsl.compiler.check import check
from graphdsl.compiler.cost import cost
from graphdsl.compiler.lower import lower
from graphdsl.compiler.pipeline import optimise
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from graphdsl.ir.nodes import Graph, walk

HEAD = """edition "2026"
model m { backend = simulated }
"""

DRAWN = "drafts = generate(q, models: m, samples: 9)\n"

EACH = (
    DRAWN + "xs = each d in drafts up to 9 { v = verify(d, by: m) yield first(scored([d], [v])) }\n"
)


def graph_of(body: str, result: str = "List[Draft]") -> Graph:
    """The graph of a flow, before the passes."""
    checked = check(Source("x.tts", f"{HEAD}flow main(q: Text) -> {result} {{\n{body}\n}}\n"))
    assert checked.module is not None, checked.diagnostics
    return specialise(lower(checked.module, "main"), {})


def rules(body: str, result: str = "List[Draft]") -> dict[str, object]:
    """The rules that are attached, by the name of the list."""
    found = {
        n.id.removeprefix("main."): n.attr("until")
        for n in walk(optimise(graph_of(body, result)).body)
    }
    return {name: until for name, until in found.items() if until is not None}


def codes(body: str) -> list[str]:
    """The codes of what is reported about a flow."""
    text = f"{HEAD}flow main(q: Text) -> List[Draft] {{\n{body}\n}}\n"
    return [found.code for found in check(Source("x.tts", text)).diagnostics]


@pytest.mark.parametrize(
    ("race", "until"),
    [
        ("race(drafts)", ("any_complete", 1)),
        ("race(drafts, take: 4)", ("any_complete", 4)),
        ("race(complete(drafts), take: 2)", ("any_complete", 2)),
        ("race(drafts, accept: answered)", ("any_answered", "text", 1)),
        ("race(drafts, take: 2, accept: answered, by: number)", ("any_answered", "number", 2)),
    ],
)
def test_a_race_ends_the_samples_that_only_it_reads(race: str, until: tuple[Any, ...]) -> None:
    body = f"{DRAWN}return {race}"
    assert rules(body) == {"drafts": until}
    assert codes(body) == []
    assert cost(optimise(graph_of(body))).calls == Bounds(until[-1], 9)


def test_a_race_of_scored_drafts_ends_the_scoring() -> None:
    body = f"{EACH}return race(xs, take: 2, accept: scored, at_least: 0.5)"
    assert rules(body) == {"xs": ("any_scored", 0.5, 2)}
    assert codes(body) == []
    assert rules(f"{EACH}return race(xs)") == {"xs": ("any_complete", 1)}


@pytest.mark.parametrize(
    "body",
    [
        f"{DRAWN}return concat(race(drafts), drafts)",
        f"{DRAWN}c = complete(drafts) return concat(race(c), c)",
        f"{DRAWN}return concat(race(complete(drafts)), drafts)",
        f"{DRAWN}return race(shortest(drafts))",
        f"{DRAWN}return race([first(drafts)])",
        "return race(generate(q, models: m, samples: 9, enough: 2))",
    ],
)
def test_a_race_that_spares_nothing_is_told(body: str) -> None:
    assert all(rule == ("items", 1) for rule in rules(body).values())
    assert codes(body) == ["GD0811"]


def test_a_race_for_all_needs_no_rule_and_one_for_more_is_an_error() -> None:
    assert rules(f"{DRAWN}return race(drafts, take: 9)") == {}
    assert codes(f"{DRAWN}return race(drafts, take: 9)") == []
    assert codes(f"{DRAWN}return race(drafts, take: 10)") == ["GD0527"]


@pytest.mark.parametrize(
    "more",
    [
        "weights: score",
        "weights: normalised",
        "weights: probability",
        "weights: confidence",
        "prune: weibull",
        "prune: quantile",
    ],
)
def test_a_vote_whose_votes_weigh_differently_sees_all_drafts(more: str) -> None:
    body = f"{DRAWN}v = vote(drafts, by: number, {more}) return [v.text]"
    assert rules(body, "List[Text]") == {}
    plain = f"{DRAWN}v = vote(drafts, by: number, weights: one, prune: none) return [v.text]"
    assert rules(plain, "List[Text]") == {"drafts": ("vote", "number", 1)}


def test_a_vote_by_confidence_sees_that_of_the_votes_before_it() -> None:
    inner = "ws = each d in take(drafts, 3) up to 3 { g = generate(d, models: m, samples: 5)\n"
    inner += "w = vote(g, by: number) yield w }\n"
    plain = f"{DRAWN}{inner}v = vote(ws, by: number) return [v.text]"
    assert ("vote", "number", 1) in rules(plain, "List[Text]").values()
    weighed = f"{DRAWN}{inner}v = vote(ws, by: number, weights: confidence) return [v.text]"
    assert ("vote", "number", 1) not in rules(weighed, "List[Text]").values()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("weights: score, stop: decided", ["GD0318"]),
        ("weights: one, stop: decided", []),
        ("prune: quantile, stop: posterior", ["GD0318"]),
        ("prune: none, stop: posterior", []),
        ("prune: none in [none, weibull], stop: decided", []),
        ("weights: one in [one, score], stop: decided", []),
        ("share: 0.5", ["GD0318"]),
        ("prune: quantile, share: 0.5", []),
    ],
)
def test_what_a_vote_cannot_use_is_reported(more: str, expected: list[str]) -> None:
    assert codes(f"{DRAWN}return [vote(drafts, by: number, {more})]") == expected


def test_a_hole_for_weights_takes_the_rule_away_where_they_differ() -> None:
    body = f"{DRAWN}return [vote(drafts, by: number, stop: decided, weights: one in [one, score])]"
    checked = check(Source("x.tts", f"{HEAD}flow main(q: Text) -> List[Draft] {{\n{body}\n}}\n"))
    assert checked.module is not None
    graph = lower(checked.module, "main")
    (hole,) = graph.holes
    for word, until in (("one", ("vote", "number", 1)), ("score", None)):
        closed = optimise(specialise(graph, {hole.address: word}))
        (drawn,) = (node for node in walk(closed.body) if node.op == "generate")
        assert drawn.attr("until") == until
