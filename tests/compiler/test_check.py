"""The checker: one bad file per code, good programs stay silent, nothing makes it raise."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.compiler import codes
from graphdsl.compiler.check import check
from graphdsl.compiler.program import Checked
from graphdsl.diagnostics import Diagnostic, Source
from graphdsl.explain import codes as explained
from graphdsl.explain import explain
from graphdsl.ir.types import DRAFT, DRAFTS, TEXT
from graphdsl.rendering import render

Golden = Callable[[Path, str], None]

ROOT = Path(__file__).parents[1]
BAD = ROOT / "golden" / "bad"
CODES = sorted(value for name, value in vars(codes).items() if name.isupper())
FILES = {code: sorted(BAD.glob(f"{code}-*.tts")) for code in CODES}
RICH = ROOT / "golden" / "good" / "rich.tts"
HEAD = 'edition "2026"\n\nmodel tiny { backend = simulated }\n\n'


def check_file(path: Path) -> Checked:
    return check(Source(path.name, path.read_text(encoding="utf-8")), path.parent)


def check_flow(body: str, params: str = "question: Text", result: str = "Draft") -> Checked:
    return check(Source("x.tts", f"{HEAD}flow main({params}) -> {result} {{\n{body}\n}}\n"))


def found(checked: Checked) -> list[str]:
    return [diagnostic.code for diagnostic in checked.diagnostics]


def at(diagnostic: Diagnostic, checked: Checked) -> str:
    """The characters that the primary label marks."""
    span = diagnostic.primary.span
    return checked.sources[span.source].text[span.start : span.end]


@pytest.mark.parametrize("code", CODES)
def test_the_bad_file_of_a_code_gives_exactly_that_code(code: str, golden: Golden) -> None:
    assert FILES[code], f"no bad file for {code}"
    for path in FILES[code]:
        checked = check_file(path)
        assert found(checked) == [code]
        shown = "\n".join(render(item, checked.sources) for item in checked.diagnostics)
        golden(path.with_suffix(".out"), shown.rstrip("\n") + "\n")


@pytest.mark.parametrize("code", CODES)
def test_messages_follow_the_house_style(code: str) -> None:
    for path in FILES[code]:
        (diagnostic,) = check_file(path).diagnostics
        first = diagnostic.message[0]
        assert not first.isupper()
        assert not diagnostic.message.endswith(".")
        assert diagnostic.message.count("`") % 2 == 0


@pytest.mark.parametrize("code", CODES)
def test_the_examples_of_a_page_are_wrong_and_right(code: str) -> None:
    page = explain(code)
    assert page is not None
    assert page.startswith(f"# {code}: ")
    (bad,) = re.findall(r"```tts bad\n(.*?)```", page, re.DOTALL)
    (good,) = re.findall(r"```tts\n(.*?)```", page, re.DOTALL)
    assert found(check(Source(FILES[code][0].name, bad), BAD)) == [code]
    assert found(check(Source("good.tts", good), BAD)) == []


def test_every_code_of_the_package_has_a_page_and_every_page_a_code() -> None:
    assert len(set(CODES)) == len(CODES)
    package = Path(codes.__file__).parents[1]
    text = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    assert set(re.findall(r'"(GD[0-9]{4})"', text)) == set(explained())


def test_every_bad_file_has_a_page() -> None:
    assert {path.name[:6] for path in BAD.glob("GD*.tts")} <= set(explained())


def test_every_code_is_reported_somewhere() -> None:
    sources = [p.read_text() for p in Path(codes.__file__).parent.glob("*.py")]
    text = "\n".join(sources)
    names = [name for name in vars(codes) if name.isupper()]
    assert [name for name in names if f"codes.{name}" not in text] == []


def test_a_rich_program_has_no_diagnostics() -> None:
    checked = check_file(RICH)
    assert [item.message for item in checked.diagnostics] == []
    assert checked.ok


def test_types_of_names_and_expressions_are_kept() -> None:
    checked = check_flow(
        "drafts = generate(question, models: tiny)\n  top = vote(drafts)\n  return top"
    )
    text = checked.sources["x.tts"].text
    kinds = {text[span.start : span.end]: kind for span, kind in checked.types.items()}
    assert kinds["drafts"] == DRAFTS
    assert kinds["vote(drafts)"] == DRAFT
    assert kinds["question"] == TEXT


def test_an_unknown_name_is_reported_once_and_silences_what_follows() -> None:
    body = "a = generate(qestion, models: tiny)\n  b = vote(oops)\n  return concat(a, [b])"
    checked = check_flow(body, result="List[Draft]")
    assert found(checked) == ["GD0201", "GD0201"]


def test_a_misspelt_name_has_a_suggestion_with_an_edit() -> None:
    checked = check_flow("return first(generate(quesiton, models: tiny))")
    (diagnostic,) = checked.diagnostics
    edit = diagnostic.helps[0].edit
    assert edit is not None
    assert edit.text == "question"
    assert at(diagnostic, checked) == "quesiton"


def test_a_type_mismatch_shows_where_the_type_comes_from() -> None:
    checked = check_flow(
        "drafts = generate(question, models: tiny)\n  top = vote(drafts)\n  return vote(top)"
    )
    (diagnostic,) = checked.diagnostics
    assert diagnostic.secondary[0].text == "`top` is `Draft`, because `vote` gives that"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return first(generate(question, models: tiny, samples: 2.5))", "GD0307"),
        ("return first(generate(question, models: tiny, samples: 3 in 1..5 step 0))", "GD0402"),
        ("return first(generate(question, models: tiny, samples: 2 in 1..5 step 2))", "GD0401"),
        ("return first(generate(question, models: tiny, temperature: 0.5 in [0.5, 7]))", "GD0307"),
        ("return first(generate(question, models: tiny, samples: [1, 2]))", "GD0305"),
        ("return first(generate(question, models: question))", "GD0301"),
        ("return first(generate(question, models: [tiny, 3]))", "GD0301"),
        ("return first(generate(tiny, models: tiny))", "GD0312"),
        ("x = tiny.name\n  return first(generate(x, models: tiny))", "GD0210"),
        ("x = missing.name\n  return first(generate(x, models: tiny))", "GD0201"),
        ("repeat 2.5 { d = generate(question, models: tiny) }\n  return first(d)", "GD0501"),
        (
            "repeat 2 { d = generate(question, models: tiny) return first(d) }\n  return first(d)",
            "GD0407",
        ),
        ("tune m = main in [main]\n  return first(generate(question, models: m))", "GD0301"),
        ("return first(generate(question, models: tiny, stop: [join([question])]))", "GD0305"),
        ("a = [1, generate(question, models: tiny)]\n  return a", "GD0308"),
        ("a = { x: 1, x: 2 }\n  return first(generate(question, models: tiny))", "GD0218"),
        (
            "within [calls(3)] { d = generate(question, models: tiny) }\n"
            "  within [calls(3)] { e = generate(question, models: tiny) }\n  return first(d)",
            "GD0203",
        ),
        ("return first(generate(question, models: tiny, samples: 1_000_001))", "GD0307"),
        ("return first(concat())", "GD0302"),
        ("return vote(generate(question, models: tiny), number)", "GD0303"),
        ("return vote(generate(question, models: tiny), by: question)", "GD0301"),
        ('return vote(generate(question, models: tiny), by: "number")', "GD0306"),
        ("return std.roles.fuse(question)", "GD0201"),
        ("return first(generate(question, models: tiny, context: None))", "GD0201"),
        ("return first(generate(question, tiny, 3))", "GD0303"),
        ("next x = 3\n  return first(generate(question, models: tiny))", "GD0408"),
    ],
)
def test_a_wrong_flow_gives_exactly_one_code(body: str, code: str) -> None:
    assert found(check_flow(body)) == [code]


@pytest.mark.parametrize(
    "body",
    [
        "n = 3\n  return first(generate(question, models: tiny, samples: n))",
        "judge = tiny\n  return first(generate(question, models: judge))",
        "best = vote(generate(question, models: tiny))\n"
        "  return best(generate(best, models: tiny))",
        "a = generate(question, models: tiny)\n"
        "  within [calls(3)] as s { repeat 2 { b = generate(question, models: tiny) } }\n"
        "  c = if s.exhausted { x = first(a) yield x } else { x = first(b) yield x }\n  return c",
        "tune t = 0.5 in 0.1..0.9\n  a = best(generate(question, models: tiny))\n"
        "  b = if a.confidence > t { yield a } else { yield revise(a, by: tiny) }\n  return b",
        'repeat 2 carrying a: Text = "" { repeat 2 { d = generate(question, context: a, '
        "models: tiny) next a = join(texts(d)) } }\n  return first(d)",
    ],
)
def test_a_right_flow_gives_nothing(body: str) -> None:
    assert found(check_flow(body)) == []


def test_names_in_a_budget_scope_feed_its_exhausted() -> None:
    body = (
        "within [calls(3)] { d = generate(question, models: tiny)\n v = vote(d) }\n"
        "  a = first(generate(question, models: tiny, samples: 2))\n"
        "  b = if exhausted { yield a } else { yield revise(a, by: tiny) }\n  return b"
    )
    assert found(check_flow(body)) == []


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        ("return generate(question, models: tiny)", "take one of them: `vote(…)`"),
        ("d = generate(question, models: tiny)\n  return d", "take one of them: `vote(d)`"),
        ("return first(generate(question, tiny))", "name it: `models: tiny`"),
        ("return first(generate(question, models: tiny, samples: 1,000))", "write `1_000`"),
        (
            "within [calls(1,000)] { d = generate(question, models: tiny) }\n  return first(d)",
            "write `1_000`",
        ),
        ("return first(generate(question, models: tiny, seed: null))", "leave it out"),
        (
            "a = first(generate(question, models: tiny))\n"
            "  b = if False { yield a } else { yield a }\n  return b",
            "write `false`",
        ),
        (
            "a = first(generate(question, models: tiny))\n"
            '  b = if question in ["3", "5"] { yield a } else { yield a }\n  return b',
            'write `question == "3" or question == "5"`',
        ),
        ("next x = 3\n  return first(generate(question, models: tiny))", "bind it: `x = …`"),
    ],
)
def test_a_habit_from_elsewhere_gets_advice(body: str, advice: str) -> None:
    (diagnostic,) = check_flow(body).diagnostics
    assert advice in diagnostic.helps[0].text


@pytest.mark.parametrize(
    ("block", "advice"),
    [
        ('test "t" { given = { question: "x" }  expect = true }', "add `flow = name`"),
        (
            'test "t" { flow = main }',
            'add `given = { question: "…" }`, `expect = answer == "4"`',
        ),
        (
            "search s { flow = main  maximise = accuracy(by: number)  budget = [calls(99)] }",
            'add `data = jsonl("dev.jsonl", input: "question", target: "answer")`',
        ),
    ],
)
def test_only_the_missing_keys_of_a_block_are_advised(block: str, advice: str) -> None:
    flow = "flow main(question: Text) -> Draft { return first(generate(question, models: tiny)) }"
    (diagnostic,) = check(Source("x.tts", f"{HEAD}{flow}\n{block}\n")).diagnostics
    assert [each.text for each in diagnostic.helps] == [advice]


def test_a_flow_with_an_operators_name_is_one_report() -> None:
    text = (
        f"{HEAD}flow vote(q: Text) -> Draft {{\n  d = generate(q, models: tiny)\n"
        "  return vote(d)\n}\nflow main(q: Text) -> Draft { return vote(question: q, by: 3) }\n"
    )
    assert found(check(Source("x.tts", text))) == ["GD0206"]


@pytest.mark.parametrize(
    ("template", "message", "marked"),
    [
        ("a {% if q %} b", "`{% if … %}` is not closed", "{% if q %}"),
        ("{% for x in q %}{% if x %}{% endfor %}", "`{% if … %}` is not closed", "{% if x %}"),
        ("a {{ q", "`{{` is not closed", "{{"),
        ("a {{ q }\nb {{ q }}", "`{{` is not closed", "{{"),
        ("a {{ q }} {% if q", "`{%` is not closed", "{%"),
        ("{{ q }} {% endif %}", "`{% endif %}` closes nothing", "{% endif %}"),
        ("{% if q %}{% elseif q %}{% endif %}", "a template has no tag `elseif`", "{% elseif q %}"),
        ("{# {{ #}{{ '{{' }} {{ \n q }} {% if q %}", "`{% if … %}` is not closed", "{% if q %}"),
    ],
)
def test_a_tag_without_its_partner_is_marked(template: str, message: str, marked: str) -> None:
    text = f'edition "2026"\nprompt p(q: Text) """{template}"""\n'
    checked = check(Source("x.tts", text))
    (diagnostic,) = checked.diagnostics
    assert (diagnostic.message, at(diagnostic, checked)) == (message, marked)
    assert diagnostic.helps


def test_a_loop_over_a_text_in_a_template_is_one_report() -> None:
    text = 'edition "2026"\nprompt p(q: Text) "{% for c in q %}{{ c }}{{ c.text }}{% endfor %}"\n'
    checked = check(Source("x.tts", text))
    (diagnostic,) = checked.diagnostics
    assert at(diagnostic, checked) == "q"


def test_a_parameter_used_at_compile_time_must_be_static_in_callers() -> None:
    source = (
        f"{HEAD}flow several(question: Text, n: Number) -> List[Draft] {{\n"
        "  return generate(question, models: tiny, samples: n)\n}\n\n"
        "flow main(question: Text) -> Draft {\n"
        "  a = several(question, n: 2)\n  b = several(question, n: count(a))\n"
        "  return vote(concat(a, b))\n}\n"
    )
    checked = check(Source("x.tts", source))
    (diagnostic,) = checked.diagnostics
    assert diagnostic.code == "GD0305"
    assert at(diagnostic, checked) == "count(a)"
    assert any("compile time here" in label.text for label in diagnostic.secondary)


def test_recursion_through_a_flow_parameter_is_found() -> None:
    source = (
        f"{HEAD}flow omega(question: Text, f: Flow) -> Draft {{\n  return f(question, f: f)\n}}\n\n"
        "flow main(question: Text) -> Draft {\n  return omega(question, f: omega)\n}\n"
    )
    checked = check(Source("x.tts", source))
    assert not checked.ok
    assert "calls itself" in checked.diagnostics[0].message


def test_the_chain_of_a_recursion_is_shown() -> None:
    checked = check_file(FILES["GD0405"][0])
    assert checked.diagnostics[0].message.endswith("one → two → one")


def test_a_billion_nested_rounds_are_refused_by_arithmetic() -> None:
    inner = "d = generate(question, models: tiny)"
    for _ in range(40):
        inner = f"repeat 1_000_000_000 {{ {inner} }}"
    assert found(check_flow(f"{inner}\n  return first(d)")) == ["GD0510"]


def test_inlining_that_doubles_at_every_level_is_refused() -> None:
    flows = [
        f"{HEAD}flow f0(question: Text) -> Draft {{\n"
        "  return first(generate(question, models: tiny))\n}\n"
    ]
    flows += [
        f"flow f{i}(question: Text) -> Draft {{\n"
        f"  return vote([f{i - 1}(question), f{i - 1}(question)])\n}}\n"
        for i in range(1, 35)
    ]
    assert found(check(Source("x.tts", "\n".join(flows)))) == ["GD0510"]


def test_the_arithmetic_of_a_budget_is_in_a_note() -> None:
    source = (
        f"{HEAD}flow main(question: Text) -> Draft {{\n"
        "  repeat 3 {\n    d = generate(question, models: tiny, samples: 5)\n"
        "    top = fuse(d, by: tiny)\n  }\n  return top\n}\n\n"
        'search s {\n  flow = main\n  data = jsonl("d.jsonl", input: "q", target: "a")\n'
        "  maximise = accuracy(by: number)\n  budget = [calls(100)]\n  per_run = [calls(9)]\n}\n"
    )
    (diagnostic,) = check(Source("x.tts", source)).diagnostics
    assert diagnostic.notes == ("3 rounds × (generate 5 + fuse 1) = 18",)
    assert diagnostic.data["calls"] == 18


def test_an_effect_is_used_even_if_its_name_is_not() -> None:
    source = (
        f"{HEAD}memory notes {{ }}\n\nflow main(question: Text) -> Draft {{\n"
        "  d = first(generate(question, models: tiny))\n"
        "  saved = remember(notes, d.text)\n  return d\n}\n"
    )
    assert found(check(Source("x.tts", source))) == []


def test_only_the_end_of_an_unused_chain_is_reported() -> None:
    checked = check_flow(
        "d = generate(question, models: tiny)\n  a = rank(d, by: tiny)\n"
        "  b = vote(a)\n  return first(d)"
    )
    (diagnostic,) = checked.diagnostics
    assert diagnostic.code == "GD0801"
    assert at(diagnostic, checked) == "b"


def test_names_in_a_dedented_prompt_are_marked_where_they_stand() -> None:
    source = (
        'edition "2026"\n\nprompt ask(question: Text) {\n  user """\n    Solve this.\n'
        '      {{ question }} {{ qestion }}\n    """\n}\n'
    )
    checked = check(Source("x.tts", source))
    (diagnostic,) = checked.diagnostics
    assert diagnostic.primary.span.start == source.index("qestion }}")
    assert at(diagnostic, checked) == "qestion"


def test_warnings_wait_until_there_are_no_errors() -> None:
    checked = check_flow("spare = question\n  return vote(3)")
    assert found(checked) == ["GD0301"]


def test_files_without_flows_are_libraries() -> None:
    assert found(check(Source("x.tts", HEAD))) == []


TOKENS = re.findall(r'"""|"[^"\n]*"|\w+|\.\.|->|[^\w\s]|\s+', RICH.read_text(encoding="utf-8"))
WORDS = [i for i, token in enumerate(TOKENS) if token[0].isalnum() or token[0] in "_[{("]
PLACES = st.one_of(st.sampled_from(WORDS), st.integers(0, len(TOKENS) - 1))
CHANGES = st.tuples(st.sampled_from(["drop", "swap", "copy"]), PLACES, PLACES)


@settings(max_examples=150, deadline=None)
@given(st.lists(CHANGES, max_size=3))
def test_no_change_of_a_program_makes_the_checker_raise(
    changes: list[tuple[str, int, int]],
) -> None:
    tokens = list(TOKENS)
    for kind, a, b in changes:
        if kind == "drop":
            tokens[a] = ""
        elif kind == "swap":
            tokens[a], tokens[b] = tokens[b], tokens[a]
        else:
            tokens[a] = tokens[b]
    text = "".join(tokens)
    checked = check(Source("x.tts", text))
    for diagnostic in checked.diagnostics:
        span = diagnostic.primary.span
        assert 0 <= span.start <= span.end <= len(checked.sources[span.source].text)
