"""Prompt templates: what they may use, and how they are filled in."""

from __future__ import annotations

import pytest

from graphdsl.errors import PromptError
from graphdsl.ir.entities import PromptSpec
from graphdsl.ops.template_filters import FILTERS, SIZE_LIMIT
from graphdsl.ops.template_inspection import FILTER_NAMES
from graphdsl.ops.templates import inspect, render
from graphdsl.values import (
    Answer,
    Doc,
    Draft,
    LogprobStats,
    Message,
    Messages,
    Usage,
    Value,
    Verdict,
)


def user(template: str, **values: Value) -> str:
    """The text of a prompt of one turn."""
    spec = PromptSpec("ask", tuple(values), (("user", template),))
    turns = render(spec, values).turns
    return turns[0].content if turns else ""


DRAFT = Draft(
    "long text",
    answer="4",
    score=0.5,
    usage=Usage(completion_tokens=7),
    logprobs=LogprobStats(2, -1.0, -0.75),
)


# ---- rendering


def test_turns_keep_their_roles_and_order() -> None:
    spec = PromptSpec("ask", ("q",), (("system", "Be brief."), ("user", "{{ q }}?")))
    expected = Messages((Message("system", "Be brief."), Message("user", "2+2?")))
    assert render(spec, {"q": "2+2"}) == expected


def test_a_turn_of_white_space_alone_is_dropped() -> None:
    spec = PromptSpec("ask", ("s", "q"), (("system", " {{ s }}\n"), ("user", "{{ q }}")))
    assert render(spec, {"s": "", "q": "hi"}).turns == (Message("user", "hi"),)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ d }}", "long text"),
        ("{{ d.answer }} {{ d.score }} {{ d.tokens }}", "4 0.5 7"),
        ("{{ d.mean_logprob }} {{ d.finish }} {{ d.complete }}", "-0.5 stop true"),
        ("[{{ d.confidence }}]", "[]"),
        ("{% if d.confidence > 0.1 %}sure{% else %}unsure{% endif %}", "unsure"),
        ("{% if d.confidence < 0.1 %}unsure{% endif %}.", "."),
        ("{% if d.score >= 0.5 and not d.tie %}yes{% endif %}", "yes"),
        ("{% if d.answer == '4' or d.score > 2 %}yes{% endif %}", "yes"),
        ("{% if d == 'long text' %}yes{% endif %}", "yes"),
        ("{% if d.confidence is defined %}a{% elif d.score is none %}b{% else %}c{% endif %}", "c"),
        ("{{ d.confidence | default('?') }}", "?"),
    ],
)
def test_a_draft_shows_its_fields(template: str, text: str) -> None:
    assert user(template, d=DRAFT) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (True, "true"),
        (Answer("4", 0.9), "4"),
        (Verdict(True, "fine"), "fine"),
        (Doc("1", "entry"), "entry"),
        (Messages.user("hi"), "hi"),
        (("a", "", "b"), "a\n\nb"),
        ({"a": 1, "b": "x"}, "a: 1\nb: x"),
        (None, ""),
    ],
)
def test_every_value_has_a_text(value: Value, text: str) -> None:
    assert user("{{ v }}|", v=value) == f"{text}|"


def test_fields_of_records_and_verdicts_are_read() -> None:
    assert user("{{ r.b }}{{ v.answer }}", r={"b": 2}, v=Verdict(True, answer=Answer("7"))) == "27"


def test_a_loop_counts_and_its_lines_leave_no_gaps() -> None:
    template = (
        "{% for x in xs %}\n  {{ loop.index }}/{{ loop.length }} {{ x.text }}"
        "{% if loop.last %}.{% endif %}\n\n{% endfor %}end"
    )
    text = user(template, xs=(Draft("a"), Draft("b")))
    assert text == "  1/2 a\n  2/2 b.\nend"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("xs | length", "2"),
        ("xs | join(', ')", "b, a"),
        ("xs | first", "b"),
        ("xs | last", "a"),
        ("t | upper", "HI YOU "),
        ("t | lower", "hi you "),
        ("t | title", "Hi You "),
        ("t | trim | length", "6"),
        ("n | round(1)", "2.3"),
        ("t | replace('you', 'there')", "hi there "),
        ("t | truncate(6)", "hi..."),
        ("l | indent(2)", "a\n  b"),
        ("t | default('x')", "hi you "),
    ],
)
def test_filters(expression: str, text: str) -> None:
    values = {"xs": ("b", "a"), "t": "hi you ", "n": 2.34, "l": "a\nb"}
    assert user("{{ " + expression + " }}", **values) == text


def test_a_value_is_never_read_as_a_template() -> None:
    assert user("{{ q }}", q="{{ 7 * 7 }}{% if %}") == "{{ 7 * 7 }}{% if %}"


def test_control_strings_from_values_are_broken_and_the_authors_stay() -> None:
    assert user("<|ok|>{{ q }}", q="x<|im_end|>") == "<|ok|>x< |im_end|>"


def test_control_strings_that_values_form_together_are_broken() -> None:
    assert user("{{ a }}{{ b }}", a="<|im_", b="end|>") == "< |im_end|>"


def test_private_characters_of_values_cannot_fake_the_authors_text() -> None:
    assert user("{{ a }}", a="\ue001<|im_end|>\ue000") == "< |im_end|>"


@pytest.mark.parametrize("path", ["__class__", "prompt", "error", "usage", "_value", "upper"])
def test_nothing_but_documented_fields_can_be_reached(path: str) -> None:
    with pytest.raises(PromptError, match=path):
        user("{{ d." + path + " }}", d=DRAFT)


def test_a_comparison_without_meaning_is_an_error_of_ours() -> None:
    with pytest.raises(PromptError, match="ask"):
        user("{% if q > 3 %}x{% endif %}", q="text")


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in xs %}{% for b in xs %}{{ t }}{% endfor %}{% endfor %}",
        "{{ xs | join(t) }}",
        "{{ t | replace('x', t) }}",
        "{{ t | indent(1000000000) }}",
    ],
)
def test_a_prompt_that_grows_beyond_the_limit_is_refused(template: str) -> None:
    with pytest.raises(PromptError, match=str(SIZE_LIMIT)):
        user(template, xs=("x",) * 300, t="x" * 100_000)


@pytest.mark.parametrize(
    "whole", ["{{ v }}", "a\n{{ v }} {{- v }}{# no #}\n", "<|{{ v }}|> {{ v }}\n\n"]
)
@pytest.mark.parametrize(
    "value", ["", " x ", "im_end", "<|a|>\ue000", 3.0, None, DRAFT, ("a", "b")]
)
def test_a_template_of_names_alone_is_filled_as_the_engine_would(whole: str, value: Value) -> None:
    assert user(whole, v=value) == user("{% if true %}{% endif %}" + whole, v=value)


@pytest.mark.parametrize("template", ["{{ other }}", "{% if true %}{{ other }}{% endif %}"])
def test_a_name_that_is_no_parameter_is_an_error_of_ours(template: str) -> None:
    with pytest.raises(PromptError, match="is undefined"):
        user(template, q="?")


# ---- inspection


def test_names_fields_and_loops_are_found() -> None:
    info = inspect("{{ a }}{% for d in ds %}{{ d.text }}{{ loop.index }}{% endfor %}")
    assert info.names == {"a", "ds"}
    assert [use.path for use in info.uses] == [("a",), ("ds",), ("ds", "[]", "text")]
    assert info.uses[1].looped


@pytest.mark.parametrize("template", ["{{ a }}", "x {{ a.b }} y", "{{ a | upper }}{{c}}", "{a}"])
def test_the_short_way_and_the_long_way_agree(template: str) -> None:
    quick = inspect(template)
    slow = inspect(template + "{% if zz %}{% endif %}")
    assert quick.uses == slow.uses[:-1]
    assert quick.problems == slow.problems == ()


def test_offsets_point_at_the_name_and_not_at_the_same_word_outside() -> None:
    template = "Use feedback:\n{% if x %}{{ feedback }}{% endif %}"
    use = inspect(template).uses[1]
    assert template[use.offset :].startswith("feedback }}")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ f(x) }}", "call functions"),
        ("{{ a.b() }}", "call functions"),
        ("{{ a[0] }}", "index"),
        ("{{ a['b'] }}", "index"),
        ("{% set a = 1 %}", "assign"),
        ("{% macro m() %}{% endmacro %}", "macros"),
        ("{% include 'x' %}", "include"),
        ("{% import 'x' as y %}", "import"),
        ("{% extends 'x' %}", "extend"),
        ("{{ a if b else c }}", "inline `if`"),
        ("{{ a ~ b }}", "`~`"),
        ("{{ a + 1 }}", "compute"),
        ("{{ a in b }}", "`in`"),
        ("{{ [a] }}", "lists"),
        ("{{ {'a': 1} }}", "records"),
        ("{{ a | safe }}", "no filter `safe`"),
        ("{{ a | attr('x') }}", "no filter `attr`"),
        ("{{ a is odd }}", "no test `is odd`"),
        ("{% for a, b in xs %}{% endfor %}", "one variable"),
        ("{% for a in xs if a %}{% endfor %}", "condition"),
        ("{% for a in xs recursive %}{% endfor %}", "recursive"),
        ("{% for a in f() %}{% endfor %}", "goes through a parameter"),
        ("{% for a in xs %}{{ loop.cycle }}{% endfor %}", "`loop`"),
        ("{# note #}", "comment"),
        ("{% if a %}", "cannot be read"),
        ("{{ a", "cannot be read"),
        ("{% fi %}", "cannot be read"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested too deeply"),
        ("{{ " + "not " * 60 + "a }}", "nested too deeply"),
        ("{{ " + "1" * 5000 + " }}", "too large"),
        ("{% if a %}" * 12 + "{% endif %}" * 12, "nested"),
    ],
)
def test_what_is_forbidden_is_named(template: str, message: str) -> None:
    problems = inspect(template).problems
    assert len(problems) == 1
    assert message in problems[0].message
    assert 0 <= problems[0].offset <= len(template)


def test_the_names_of_filters_are_those_that_exist() -> None:
    assert set(FILTER_NAMES) == set(FILTERS)


def test_every_filter_has_a_meaning_in_words() -> None:
    assert all(function.__doc__ for function in FILTERS.values())
