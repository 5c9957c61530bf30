"""Parameters that mean something only with certain words: given, required and kept only there."""

from __future__ import annotations

import pytest

from graphdsl.compiler.check import check
from graphdsl.compiler.lower import lower
from graphdsl.compiler.pipeline import optimise
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from graphdsl.ir.canonical import graph_hash
from graphdsl.ir.nodes import Graph, Node, walk
from graphdsl.ir.spec import verify
from graphdsl.ops.registry import ANY_WORD, OPERATORS

HEAD = """edition "2026"
model tiny { backend = simulated }
model blind { backend = simulated  lacks = ["label_scores", "relevance_scores"] }
model judge { backend = simulated }
prompt ready(question: Text, candidate: Text) {
  user "{{ question }} {{ candidate }}"
  assistant "It is "
}
"""
FLOW = "flow main(q: Text) -> List[Draft] {\n  d = generate(q, models: tiny, samples: 3)\n"


def program(body: str, more: str = "") -> Source:
    return Source("x.tts", f"{HEAD}{more}{FLOW}  {body}\n}}\n")


def found(body: str, more: str = "") -> list[tuple[str, str]]:
    return [
        (problem.code, problem.message)
        for problem in check(program(body, more)).diagnostics
        if problem.is_error
    ]


def codes(body: str, more: str = "") -> list[str]:
    return [code for code, _ in found(body, more)]


def graph_of(body: str, more: str = "") -> Graph:
    checked = check(program(body, more))
    assert checked.module is not None
    assert [problem for problem in checked.diagnostics if problem.is_error] == []
    graph = lower(checked.module, "main")
    verify(graph, "open", OPERATORS)
    return graph


def scoring(graph: Graph) -> Node:
    (node,) = (node for node in walk(graph.body) if node.op == "score")
    return node


def test_every_condition_names_an_earlier_static_parameter_and_its_words() -> None:
    for operator in OPERATORS.values():
        names = [param.name for param in operator.params]
        conditions = [(param.name, param.when) for param in operator.params if param.when]
        conditions += [(names[-1], ask.when) for ask in operator.asks if ask.when]
        for name, when in conditions:
            other = operator.param(when.param)
            assert other is not None
            assert other.static
            assert names.index(other.name) < names.index(name) or name == names[-1]
            assert set(when.words) <= ANY_WORD
        assert {ask.of for ask in operator.asks} <= {param.name for param in operator.askers}
        readers = {param.reader for param in operator.params if param.reader is not None}
        assert readers <= {param.name for param in operator.askers}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return score(d, method: verdict, by: tiny)", []),
        ("return score(d, method: likelihood)", []),
        ("return score(d, method: verdict)", ["GD0302"]),
        ("return score(d, method: likelihood, by: tiny)", ["GD0318"]),
        ("return score(d, method: oracle)", ["GD0302"]),
        ("return score(d, method: oracle, answer: 4)", []),
        ("return score(d, method: length, answer: 4)", ["GD0318"]),
        ("return score(d, method: judge, by: tiny, trusted: 2)", ["GD0318"]),
        ("return score(d, method: judge, by: tiny, meta: tiny, trusted: 2)", []),
        ("return score(d, method: verdict, by: tiny, meta: tiny, trusted: 2)", ["GD0318"]),
        ("return score(d, method: likelihood in [likelihood, verdict], by: tiny)", []),
        ("return score(d, method: likelihood in [likelihood, verdict])", ["GD0302"]),
        ("return score(d, method: likelihood in [likelihood, length], by: tiny)", ["GD0318"]),
        ("tune how = length in [length, judge] return score(d, method: how, by: tiny)", []),
        ("tune how = length in [length, judge] return score(d, method: how)", ["GD0302"]),
        ("return [vote(d, share: 0.2)]", ["GD0318"]),
        ("return [vote(d, prune: quantile, share: 0.2)]", []),
        ("return score(d, method: jugde, by: tiny)", ["GD0306"]),
    ],
)
def test_an_argument_is_given_exactly_where_it_means_something(
    body: str, expected: list[str]
) -> None:
    assert codes(body) == expected


def test_the_report_says_which_word_decides_and_where_the_argument_belongs() -> None:
    (problem,) = check(program("return score(d, method: length, trusted: 1)")).diagnostics
    assert problem.message == "`trusted` of `score` means nothing without `meta`"
    (problem,) = check(program("return score(d, method: length, shuffle: no)")).diagnostics
    assert problem.message == "`shuffle` of `score` means nothing with `method: length`"
    assert [help.text for help in problem.helps] == [
        "leave `shuffle` away; it belongs to `method: judge`, `method: listwise`"
    ]


ABOUT = """flow rate(d: List[Draft], how: Scorer, m: Model = tiny) -> List[Draft] {
  return score(d, method: how, by: m)
}
flow bare(d: List[Draft], how: Scorer = likelihood) -> List[Draft] {
  s = score(d, method: how)
  return s
}
"""


def test_a_flow_may_give_what_only_some_words_use() -> None:
    assert codes("return rate(d, how: likelihood)", ABOUT) == []
    assert codes("return rate(d, how: verdict)", ABOUT) == []
    node = scoring(graph_of("return rate(d, how: likelihood)", ABOUT))
    assert node.attr("by") is None


def test_a_flow_that_lacks_what_a_word_needs_does_not_fit_it() -> None:
    assert codes("return bare(d)", ABOUT) == []
    ((code, message),) = found("return bare(d, how: verdict)", ABOUT)
    assert code == "GD0317"
    assert message.endswith("`score` needs `by` with `method: verdict`")


# ---- capabilities


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return score(d, method: verdict, by: blind)", []),
        ("return score(d, method: probability, by: blind)", ["GD0610"]),
        ("return score(d, method: verdict in [verdict, probability], by: blind)", ["GD0610"]),
        ("return score(d, method: outcome, by: tiny in [tiny, blind])", ["GD0610"]),
        ("return score(d, method: judge, by: blind, meta: tiny)", []),
        ("return score(d, method: judge, by: tiny, meta: blind)", ["GD0610"]),
        ("return rate(d, how: verdict, m: blind)", []),
        ("return rate(d, how: probability, m: blind)", ["GD0610"]),
    ],
)
def test_models_of_the_named_parameter_must_be_able_under_the_condition(
    body: str, expected: list[str]
) -> None:
    assert codes(body, ABOUT) == expected


def test_a_prompt_that_is_to_be_continued_asks_that_only_of_its_reader() -> None:
    models = 'model shut { backend = simulated  lacks = ["prefix_continuation"] }\n'
    call = "return tree_search(q, models: {}, by: {}, method: probability, grading: ready)"
    assert codes(call.format("tiny", "shut"), models) == ["GD0610"]
    both = "return score(d, method: judge, by: tiny, meta: shut, judging: ready)"
    assert "GD0610" not in codes(both, models)


# ---- graphs


HOLES = (
    "return score(d, method: judge in [judge, length], by: tiny in [tiny, judge], "
    "repeats: 2 in [1, 2])"
)


def test_holes_of_an_argument_belong_to_the_words_that_use_it() -> None:
    holes = {hole.address: hole.when for hole in graph_of(HOLES).holes}
    only = (("main.return.method", ("judge",)),)
    assert holes["main.return.by"] == holes["main.return.repeats"] == only


def test_a_closed_node_has_only_what_its_word_uses() -> None:
    graph = graph_of(HOLES)
    for word, expected in (("judge", True), ("length", False)):
        closed = specialise(graph, {"main.return.method": word})
        verify(closed, "closed", OPERATORS)
        assert (scoring(closed).attr("by") is not None) is expected
        assert (scoring(closed).attr("repeats") is not None) is expected


def test_an_edge_that_means_nothing_is_cut_when_the_word_is_chosen() -> None:
    body = "return score(d, method: length in [length, oracle], answer: q)"
    graph = graph_of(body)
    assert scoring(graph).input("answer") is not None
    assert scoring(specialise(graph)).input("answer") is None
    same = graph_of("return score(d, method: length)")
    assert graph_hash(optimise(specialise(graph)), OPERATORS) == graph_hash(
        optimise(specialise(same)), OPERATORS
    )


def test_a_word_comes_before_whatever_else_is_called_so() -> None:
    node = scoring(graph_of("return score(d, method: judge, by: judge)"))
    assert node.attr("method") == "judge"
    more = "flow f(d: List[Draft], full: Model = judge) -> List[Draft] {\n"
    more += "  return score(d, method: full, by: full)\n}\n"
    assert scoring(graph_of("return f(d)", more)).attr("method") == "full"


def test_reserved_words_may_be_words_of_parameters() -> None:
    graph = graph_of("g = group(d, by: model in [text, model, choice]) return flatten(g)")
    assert [hole.default for hole in graph.holes] == ["model"]
