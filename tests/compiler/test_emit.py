"""Every stage as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings

from graphdsl.compiler.emit import emit_ast, emit_ir, emit_plan, to_json
from graphdsl.compiler.planner import plan
from graphdsl.diagnostics import Source
from graphdsl.ir.nodes import Graph
from graphdsl.ir.parse_text import parse_graph
from graphdsl.plan import Budget
from graphdsl.syntax.parse import parse
from tests.graphs import graphs

GOLDEN = Path(__file__).parent.parent / "golden"
SAMPLE = GOLDEN / "emit" / "sample.tts"

PLANNED = """graph f(q: Text) -> Text {
  model @m = simulated "" {accuracy: 0.5}
  body(%f.q: Text) {
    %f.none: Text = const() {value: "a\\n"}
    %f.repeat: { note: Text } = repeat(note: %f.none) {rounds: 2}
      body(%f.note: Text) {
        %f.within: { drafts: List[Draft] } = within() {budget: [["calls", 8], ["seconds", 1.5]]}
          body() {
            %f.drafts: List[Draft] = generate(prompt: %f.q, context: %f.note) {models: [@m]}
            => drafts: %f.drafts
          }
        %f.read: List[Draft] = field(of: %f.within) {name: "drafts"}
        %f.best: Draft = vote(drafts: %f.read) {by: "number"}
        %f.text: Text = convert(of: %f.best) {to: "Text"}
        => next.note: %f.text
      }
    %f.last: Text = field(of: %f.repeat) {name: "note"}
    => return: %f.last
  }
}"""


def test_the_syntax_tree_as_text(golden: Callable[[Path, str], None]) -> None:
    file, problems = parse(Source("sample.tts", SAMPLE.read_text(encoding="utf-8")))
    assert problems == ()
    golden(SAMPLE.with_suffix(".ast"), emit_ast(file))


def test_the_plan_as_text(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "emit" / "loop.plan", emit_plan(plan(parse_graph(PLANNED))))


def test_the_ir_as_text_reads_back() -> None:
    graph = parse_graph(PLANNED)
    assert parse_graph(emit_ir(graph)) == graph


def test_the_syntax_tree_as_data() -> None:
    text = 'edition "2026"\npool all = [a]'
    file, _ = parse(Source("x.tts", text))
    data = to_json(file)
    (pool,) = data["items"]
    assert (pool["kind"], pool["name"]["text"]) == ("Pool", "all")
    assert pool["span"] == [15, len(text)]


def test_the_ir_as_data() -> None:
    data = to_json(parse_graph(PLANNED))
    loop = data["body"]["nodes"][1]
    assert (loop["kind"], loop["op"], loop["type"]) == ("Node", "repeat", "{ note: Text }")
    assert loop["regions"][0]["results"] == [["next.note", "f.text"]]
    assert data["models"][0]["options"] == {"accuracy": 0.5}


def test_the_plan_as_data() -> None:
    data = to_json(plan(parse_graph(PLANNED)))
    (loop, _) = data["plan"]["steps"]
    (within, *_) = dict(loop["regions"])["body"]["steps"]
    assert within["attrs"]["budget"] == {"kind": "Budget", **_fields(Budget(calls=8, seconds=1.5))}
    assert data["params"] == [["q", "Text"]]


def _fields(budget: Budget) -> dict[str, object]:
    return {name: getattr(budget, name) for name in Budget.__slots__}


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_every_graph_and_plan_is_json(graph: Graph) -> None:
    assert json.loads(json.dumps(to_json(graph)))["flow"] == "f"
    if graph.closed:
        program = plan(graph)
        assert json.loads(json.dumps(to_json(program)))["graph_hash"] == program.graph_hash
        assert emit_plan(program).startswith("plan f(question: Text, hints: List[Text]?)")
