"""Lowering: every construct as textual IR (golden files), and what golden files cannot show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from graphdsl.compiler.lower import lower
from graphdsl.compiler.modules import load
from graphdsl.diagnostics import Source
from graphdsl.errors import CompileError
from graphdsl.ir.nodes import Choices, HoleRef, Input, Interval, Symbol, walk
from graphdsl.ir.spec import verify
from graphdsl.ir.text import print_graph
from graphdsl.ir.types import NUMBER, TEXT, OptionalOf
from graphdsl.ops.registry import OPERATORS
from tests.compiler.lowering import PRELUDE, graph_of, module_of, node_at, ops_of
from tests.programs import programs

Golden = Callable[[Path, str], None]
FOLDER = Path(__file__).parent.parent / "golden" / "lower"


@pytest.mark.parametrize("case", sorted(FOLDER.glob("*.tts")), ids=lambda path: path.stem)
def test_a_flow_becomes_this_graph(case: Path, golden: Golden) -> None:
    graph = lower(module_of(case.read_text(encoding="utf-8")), "main")
    verify(graph, "open", OPERATORS)
    # The package's role prompts are texts of their own; here they would only be noise.
    own = tuple(prompt for prompt in graph.prompts if not prompt.name.startswith("std."))
    golden(case.with_suffix(".out"), print_graph(replace(graph, prompts=own)))


@settings(max_examples=40, deadline=None)
@given(programs())
def test_every_program_gives_a_valid_open_graph(text: str) -> None:
    verify(lower(module_of(text), "main"), "open", OPERATORS)


@settings(max_examples=15, deadline=None)
@given(programs())
def test_lowering_twice_gives_the_same_graph(text: str) -> None:
    module = module_of(text)
    assert lower(module, "main") == lower(module, "main")


# ---- parameters of the flow that is run


def test_a_parameter_that_is_only_used_at_run_time_is_an_input() -> None:
    graph = graph_of(
        "flow main(a: Text, b: Number = 3, c: Text?, d: Bool = true) -> Bool {\n"
        "  return b == 3 and d and (a == c)\n}"
    )
    assert graph.inputs == (
        Input("a", TEXT),
        Input("b", NUMBER, required=False, default=3),
        Input("c", OptionalOf(TEXT), required=False),
        Input("d", graph.inputs[3].type, required=False, default=True),
    )


def test_a_parameter_that_is_needed_at_compile_time_in_another_flow_is_fixed() -> None:
    graph = graph_of(
        "flow main(q: Text, n: Number = 4) -> List[Draft] { m = n return inner(q: q, k: m) }\n"
        "flow inner(q: Text, k: Number) -> List[Draft] {\n"
        "  return generate(q, models: sim, samples: k)\n}"
    )
    assert [given.name for given in graph.inputs] == ["q"]
    assert next(n for n in walk(graph.body) if n.op == "generate").attr("samples") == 4


def test_a_fixed_parameter_is_a_constant_where_it_is_used_as_a_value() -> None:
    graph = graph_of(
        "flow main(q: Text, n: Number = 4 in 1..8) -> Bool {\n"
        "  drafts = generate(q, models: sim, samples: n)\n  return count(drafts) == n\n}"
    )
    assert node_at(graph, "main.n").attr("value") == HoleRef("main.n")
    assert graph.holes[0].domain == Interval(1, 8, 1, integer=True)


def test_a_parameter_without_default_that_must_be_fixed_is_reported() -> None:
    text = "flow main(q: Text, by: Model, n: Number) -> Draft {\n"
    with pytest.raises(CompileError) as raised:
        graph_of(text + "  return fuse(take(generate(q, models: sim), n), by: by)\n}")
    assert [d.code for d in raised.value.diagnostics] == ["GD0452"]
    with pytest.raises(CompileError, match="parameter `n` has no default"):
        graph_of(
            text.replace("by: Model,", "by: Model = sim,")
            + "  return fuse(take(generate(q, models: sim), n), by: by)\n}"
        )


def test_a_flow_that_is_not_there_is_reported_with_the_nearest_name() -> None:
    with pytest.raises(CompileError) as raised:
        graph_of("flow main(q: Text) -> Text { return q }", "mian")
    (found,) = raised.value.diagnostics
    assert (found.code, found.helps[0].text) == ("GD0453", "there is `main`")


# ---- entities


def test_only_what_is_referred_to_is_in_the_tables() -> None:
    graph = graph_of(
        'prompt ask(q: Text) "{{ q }}"\nprompt unused(q: Text) "{{ q }}"\n'
        "flow main(q: Text) -> Draft {\n"
        "  return vote(generate(ask(q), models: alt))\n}"
    )
    assert [model.name for model in graph.models] == ["alt"]
    assert [prompt.name for prompt in graph.prompts] == ["ask"]
    assert graph.memories == ()


def test_alternatives_of_holes_are_in_the_tables() -> None:
    graph = graph_of(
        "flow main(q: Text) -> Draft { return vote(generate(q, models: sim in both)) }"
    )
    assert [model.name for model in graph.models] == ["sim", "alt"]


def test_the_default_role_prompt_is_the_packages_own() -> None:
    graph = graph_of("flow main(q: Text) -> Draft { return fuse([], by: sim, question: q) }")
    prompt = next(n for n in walk(graph.body) if n.op == "fuse").attr("prompt")
    assert prompt == Symbol("prompt", "std.roles.fuse")
    assert [spec.name for spec in graph.prompts] == ["std.roles.fuse"]


def test_a_list_of_models_has_each_model_once() -> None:
    graph = graph_of(
        "flow main(q: Text) -> Draft { return vote(generate(q, models: [alt, both])) }"
    )
    models = next(n for n in walk(graph.body) if n.op == "generate").attr("models")
    assert models == (Symbol("model", "alt"), Symbol("model", "sim"))


# ---- holes


def test_labels_are_the_plain_text_of_the_alternatives() -> None:
    graph = graph_of(
        "flow main(q: Text) -> Draft {\n"
        "  tune word = text in [text, number]\n"
        "  drafts = generate(\n"
        "    q, models: both in [both, sim], samples: 1_000 in [1_000, 2],\n"
        '    temperature: 0.5 in [0.5, 1], stop: "a b" in ["a b", "c"],\n'
        "  )\n  return vote(drafts, by: word)\n}"
    )
    labels = {h.address: h.domain.labels for h in graph.holes if isinstance(h.domain, Choices)}
    assert labels == {
        "main.word": ("text", "number"),
        "main.drafts.models": ("both", "sim"),
        "main.drafts.samples": ("1000", "2"),
        "main.drafts.temperature": ("0.5", "1"),
        "main.drafts.stop": ("a b", "c"),
    }


def test_a_hole_of_an_inlined_flow_has_the_path_of_its_call() -> None:
    graph = graph_of(
        "flow inner(q: Text, n: Number = 1 in [1, 2]) -> Draft {\n"
        "  drafts = generate(q, models: sim, samples: n)\n"
        "  optional few = take(drafts, 1 in [1, 2]) else drafts\n  return vote(few)\n}\n"
        "flow main(q: Text) -> Draft {\n"
        "  a = inner(q)\n  optional b = inner(a, n: 3 in 1..3) else a\n  return b\n}"
    )
    assert {hole.address: hole.when for hole in graph.holes} == {
        "main.a.n": (),
        "main.a.few": (),
        "main.a.few.count": (("main.a.few", ("on",)),),
        "main.b": (),
        "main.b.n": (("main.b", ("on",)),),
        "main.b.few": (("main.b", ("on",)),),
        "main.b.few.count": (("main.b", ("on",)), ("main.b.few", ("on",))),
    }


def test_the_second_loop_of_a_flow_is_numbered() -> None:
    graph = graph_of(
        "flow main(q: Text) -> Text {\n"
        "  repeat 2 in 1..3 carrying a: Text = q { next a = a }\n"
        "  repeat 2 in 1..3 carrying b: Text = a { next b = b }\n  return b\n}"
    )
    assert [hole.address for hole in graph.holes] == ["main.repeat.rounds", "main.repeat_2.rounds"]


# ---- names


def test_names_of_entities_and_words_are_aliases() -> None:
    graph = graph_of(
        "flow main(q: Text) -> Draft {\n"
        "  word = number\n  pool_alias = both\n  one = sim\n"
        "  drafts = generate(q, models: [pool_alias, one])\n  return vote(drafts, by: word)\n}"
    )
    generate, vote = walk(graph.body)
    assert generate.attr("models") == (Symbol("model", "sim"), Symbol("model", "alt"))
    assert vote.attr("by") == "number"


def test_names_that_nodes_give_a_meaning_can_be_bound_all_the_same() -> None:
    graph = graph_of(
        "flow main(q: Text) -> Text {\n"
        "  repeat up to 2 {\n"
        "    checked = verify(first(generate(q, models: sim)), by: sim)\n"
        "    score = checked.score\n"
        "  } until checked.passed keeping best(score)\n"
        "  within [calls(2)] as scope { exhausted = score > 0.5 }\n"
        "  fold x in [q] up to 2 carrying items: List[Text] = [] {\n"
        "    next items = append(items, x)\n  }\n"
        "  out = if exhausted and scope.exhausted { yield join(items) } else { yield q }\n"
        "  return out\n}"
    )
    verify(graph, "open", OPERATORS)
    condition = node_at(graph, "main.out.condition")
    fields = [node_at(graph, value).attr("name") for _, value in condition.inputs]
    assert fields == ["exhausted.own", "exhausted"]


def test_two_holes_or_nodes_never_share_an_address() -> None:
    graph = graph_of(
        "flow main(q: Text) -> List[Draft] {\n"
        "  ys = each x in [q, q] up to 2 in [1, 2] {\n"
        "    items = [x]\n"
        "    bound = take(generate(join(items), models: sim), 1 in [1, 2])\n"
        "    yield first(bound)\n  }\n"
        "  repeat_2 = ys\n  repeat 1 { a = q }\n  repeat 2 { b = a }\n"
        "  optional c = choice { d: repeat_2, e: { f = take(ys, 1) yield f } } else ys\n"
        "  return concat(c, [first(generate(b, models: sim))])\n}"
    )
    verify(graph, "open", OPERATORS)
    assert len({hole.address for hole in graph.holes}) == 4


def test_imported_declarations_have_the_alias_in_their_names(tmp_path: Path) -> None:
    (tmp_path / "lib.tts").write_text(
        'edition "2026"\nmodel far { backend = simulated }\npool all = [far]\n'
        'prompt ask(q: Text) "{{ q }}"\n'
        "flow pick(q: Text, by: Models = all) -> Draft {\n"
        "  return vote(generate(ask(q), models: by))\n}",
        encoding="utf-8",
    )
    text = PRELUDE.replace("model sim", 'import "lib.tts" as lib\nmodel sim') + (
        "flow own(q: Text) -> Draft { return first(generate(q, models: sim in [sim, lib.far])) }\n"
        "flow main(q: Text, how: Flow = lib.pick in [lib.pick, own]) -> List[Draft] {\n"
        "  return [how(q), lib.pick(q, by: sim in [sim, lib.all])]\n}"
    )
    module, _, _ = load(Source("main.tts", text), tmp_path, tmp_path)
    assert module is not None
    graph = lower(module, "main")
    verify(graph, "open", OPERATORS)
    labels = {h.address: h.domain.labels for h in graph.holes if isinstance(h.domain, Choices)}
    assert labels == {
        "main.how": ("lib.pick", "own"),
        "main.return.0.own.return.items.models": ("sim", "lib.far"),
        "main.return.1.by": ("sim", "lib.all"),
    }
    assert {model.name for model in graph.models} == {"sim", "lib.far"}
    assert [prompt.name for prompt in graph.prompts] == ["lib.ask"]


# ---- coercions and spans


def test_equal_types_are_not_converted() -> None:
    graph = graph_of("flow main(q: Text) -> Draft { return vote(generate(q, models: sim)) }")
    assert ops_of(graph) == ["generate", "vote"]


def test_lists_are_converted_item_by_item() -> None:
    graph = graph_of(
        "flow main(q: Text) -> { all: List[Answer], texts: List[Text] } {\n"
        "  drafts = generate(q, models: sim)\n  return { all: drafts, texts: drafts }\n}"
    )
    assert ops_of(graph) == ["generate", "convert", "convert", "record"]
    targets = [node.attr("to") for node in walk(graph.body) if node.op == "convert"]
    assert targets == ["List[Answer]", "List[Text]"]


def test_documents_become_one_text_or_one_text_each() -> None:
    graph = graph_of(
        "flow main(q: Text) -> { one: Text, each_text: List[Text], docs: List[Doc] } {\n"
        "  found = recall(notes, q)\n"
        "  return { one: found, each_text: found, docs: found }\n}"
    )
    targets = [node.attr("to") for node in walk(graph.body) if node.op == "convert"]
    assert targets == ["Text", "List[Text]"]


def test_lists_of_records_are_converted_as_a_whole() -> None:
    graph = graph_of(
        "flow inner(rows: List[{ a: Text }]) -> List[{ a: Text }] { return rows }\n"
        "flow main(q: Text) -> List[{ a: Text }] {\n"
        "  drafts = generate(q, models: sim)\n"
        "  rows = each d in drafts up to 3 { yield { a: d, b: q } }\n"
        "  return inner(rows: rows)\n}"
    )
    (node,) = [node for node in walk(graph.body) if node.op == "convert"]
    assert node.attr("to") == "List[{ a: Text }]"
    verify(graph, "open", OPERATORS)


def test_nodes_know_where_they_were_written() -> None:
    flows = "flow main(q: Text) -> Draft { return vote(generate(q, models: sim)) }"
    graph = graph_of(flows)
    text = PRELUDE + flows
    spans = {node.op: node.span for node in walk(graph.body)}
    shown = {op: text[span.start : span.end] for op, span in spans.items() if span is not None}
    assert shown == {
        "generate": "generate(q, models: sim)",
        "vote": "vote(generate(q, models: sim))",
    }
