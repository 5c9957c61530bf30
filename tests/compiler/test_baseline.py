"""The baselines of a flow: whose question they ask, and what graphs they are."""

from __future__ import annotations

import pytest

import graphdsl
from graphdsl.compiler.baseline import (
    Question,
    first_question,
    majority_vote,
    plain_vote,
    single_sample,
)
from graphdsl.compiler.pipeline import optimise
from graphdsl.errors import InputError
from graphdsl.ir.nodes import Graph, Node

HEAD = """edition "2026"
model sim { backend = simulated }
model cold { backend = simulated  temperature = 0 }
prompt ask(question: Text) "{{ question }} ="
prompt solve(question: Text, plan: Text) "{{ plan }} {{ question }}"
"""


def graph(body: str, params: str = "question: Text", result: str = "Answer") -> Graph:
    """The closed graph of a flow with this body."""
    text = f"{HEAD}flow main({params}) -> {result} {{\n{body}\n}}\n"
    return graphdsl.load(text).flow("main").graph


def question(of: Graph, address: str | None = None) -> Question:
    found = first_question(of, address)
    assert found is not None
    return found


def node(of: Graph, op: str) -> Node:
    (found,) = [one for one in of.body.nodes if one.op == op]
    return found


VOTE = """
  asked = ask(question: question)
  drafts = generate(asked, models: sim, samples: 8, temperature: 0.9, max_tokens: 40)
  return vote(drafts, by: number)
"""


def test_the_vote_asks_the_same_at_the_same_address() -> None:
    flow = graph(VOTE)
    baseline = optimise(majority_vote(question(flow), 5, "number"))
    ours, theirs = node(flow, "generate"), node(baseline, "generate")
    assert theirs.id == ours.id == "main.drafts"
    assert theirs.attr("samples") == 5
    for name in ("models", "temperature", "max_tokens"):
        assert theirs.attr(name) == ours.attr(name)
    assert theirs.attr("until") is None, "all samples of a baseline are drawn"
    assert node(baseline, "vote").attr("by") == "number"
    assert node(baseline, "render") == node(flow, "render")


def test_the_single_sample_extracts_an_answer() -> None:
    baseline = optimise(single_sample(question(graph(VOTE)), "choice"))
    assert node(baseline, "generate").attr("samples") == 1
    assert node(baseline, "extract").attr("by") == "choice"


def test_a_question_that_a_model_wrote_is_passed_over() -> None:
    flow = graph("""
  plan = first(generate("How does one add?", models: sim))
  drafts = generate(solve(question: question, plan: plan.text), models: sim, samples: 2)
  others = generate(ask(question: question), models: cold)
  return vote(concat(drafts, others), by: number)
""")
    assert question(flow).address == "main.others"
    with pytest.raises(InputError, match="made of what models wrote"):
        first_question(flow, "main.drafts")


def test_only_questions_about_an_input_count() -> None:
    flow = graph("""
  names = generate("Name a sage", models: sim)
  return vote(names)
""")
    assert first_question(flow) is None


def test_the_first_round_of_a_loop_is_asked() -> None:
    flow = graph("""
  repeat up to 3 carrying hint: Text = "think" {
    drafts = generate(solve(question: question, plan: hint), models: sim, samples: 3)
    best = vote(drafts, by: number)
    checked = verify(best, by: sim)
    next hint = checked.reason
  } until checked.passed
  return checked.answer
""")
    baseline = optimise(majority_vote(question(flow), 3, "number"))
    assert [one.op for one in baseline.body.nodes].count("repeat") == 0
    (start,) = [one.attr("value") for one in baseline.body.nodes if one.op == "const"]
    assert start == "think"
    text = (
        HEAD
        + "flow main(question: Text) -> Answer { return first(generate(question, models: sim)) }"
    )
    run = graphdsl.load(text).flow("main").changed(lambda _: baseline)
    assert run.run_sync(question="What is 2 + 2?").usage.calls == 3


def test_a_context_that_models_write_is_left_out_and_said() -> None:
    flow = graph("""
  plan = first(generate("How does one add?", models: sim))
  drafts = generate(ask(question: question), context: plan.text, models: sim, samples: 2)
  return vote(drafts, by: number)
""")
    found = question(flow)
    assert found.address == "main.drafts"
    assert found.note is not None
    assert "context" not in dict(found.edges)


def test_the_items_of_a_list_are_no_question() -> None:
    body = """
  drafts = each one in questions up to 3 { yield first(generate(one, models: sim)) }
  return vote(drafts)
"""
    assert first_question(graph(body, "questions: List[Text]")) is None


def test_another_operator_with_a_question_will_do() -> None:
    flow = graph("""
  return collaborate(ask(question: question), nodes: 3, roles: [assistant, fuser], models: [sim])
""")
    assert question(flow).address.startswith("main.return")


def test_a_flow_without_models_has_no_question() -> None:
    assert first_question(graph("return question", result="Text")) is None


def test_an_address_that_asks_nothing_is_refused_with_those_that_do() -> None:
    with pytest.raises(InputError, match=r"no node of `main`.*there are: `main.drafts`"):
        first_question(graph(VOTE), "main.winner")


def test_a_greedy_flow_is_voted_over_at_the_default_temperature() -> None:
    flow = graph("""
  drafts = generate(ask(question: question), models: cold)
  return first(drafts)
""")
    found = question(flow)
    assert node(single_sample(found, "text"), "generate").attr("temperature") == 0
    assert node(majority_vote(found, 3, "text"), "generate").attr("temperature") == 0.7


@pytest.mark.parametrize(
    ("body", "samples"),
    [
        (VOTE, 8),
        (VOTE.replace("by: number", "by: text"), None),
        (VOTE.replace("models: sim", "models: [sim, cold]"), None),
        (VOTE.replace("temperature: 0.9", "temperature: [0.5, 0.9]"), None),
        (VOTE.replace("by: number)", "by: number, stop: decided)"), 8),
        (VOTE.replace("by: number)", "by: number, stop: posterior)"), None),
        (VOTE.replace("by: number)", "by: number, weights: confidence)"), None),
        (VOTE.replace("samples: 8", "samples: 8, enough: 3"), None),
        (VOTE.replace("temperature: 0.9", "temperature: 0"), None),
        ("return first(generate(ask(question: question), models: sim))", None),
    ],
)
def test_a_plain_vote_is_known(body: str, samples: int | None) -> None:
    assert plain_vote(graph(body), "number") == samples
