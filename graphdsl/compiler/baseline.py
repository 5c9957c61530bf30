"""What a flow is measured against: one sample of its own question, and a vote over several.

Several studies find a majority vote at equal cost hard to beat (rule G11), so no flow is shown
without one. Its baselines ask what the flow asks first, the same model with the same settings, at
the same address: a run with the same seed draws the same samples.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, cast

from graphdsl.compiler.question_slice import QuestionSlice
from graphdsl.errors import InputError
from graphdsl.ir.nodes import Attr, Graph, Node, Symbol, ValueId, walk
from graphdsl.ir.prune import prune
from graphdsl.ir.types import ANSWER, DRAFT, DRAFTS, MESSAGES
from graphdsl.ops.generate import TEMPERATURE
from graphdsl.ops.registry import OPERATORS

_SETTINGS: Final = ("temperature", "max_tokens", "stop", "seed")
"""What a baseline takes over from the node whose question it asks."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a flow asks first, and of whom: its baselines ask the same.

    `address` is the node that asks. `nodes` make the question from the flow's inputs, in order;
    `edges` are its prompt, and perhaps its context. `settings` are closed attributes. `note` says
    what the baselines have to leave out, if anything.
    """

    graph: Graph
    address: str
    model: Symbol
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, ValueId], ...]
    settings: tuple[tuple[str, Attr], ...]
    note: str | None = None

    @property
    def temperature(self) -> float:
        """At which the flow samples: the node's, the first above 0 of several, else the model's
        own, else the default."""
        given = _several(dict(self.settings).get("temperature"))
        found = [float(one) for one in given if isinstance(one, int | float)]
        if found:
            return next((one for one in found if one), 0.0)
        spec = next(spec for spec in self.graph.models if spec.name == self.model.name)
        return float(spec.setting("temperature", TEMPERATURE))


def first_question(graph: Graph, address: str | None = None) -> Question | None:
    """The first question of a closed graph that follows from its inputs, without a model.

    A `generate` comes before other operators that ask models; `address` names the node instead.
    None where every question is made of what models wrote. Raises `InputError` for an address at
    which there is no such question.
    """
    askers = [node for node in walk(graph.body) if _prompt_of(node) is not None]
    if address is not None:
        return _named(graph, address, askers)
    for node in sorted(askers, key=lambda node: node.op != "generate"):
        if (question := _question(graph, node)) is not None:
            return question
    return None


def single_sample(question: Question, by: str) -> Graph:
    """The baseline that asks once and takes the answer, as `by` reads it.

    A reply that was cut off may have an answer too, and then it counts.
    """
    flow = question.graph.flow
    drafts = _drafts(question, 1, question.temperature)
    only = Node(f"{flow}.return.first", "first", DRAFT, (("items", drafts.id),))
    answer = Node(f"{flow}.return", "extract", ANSWER, (("of", only.id),), (("by", by),))
    return _graph(question, (drafts, only, answer))


def majority_vote(question: Question, samples: int, by: str) -> Graph:
    """The baseline that asks `samples` times and takes the most frequent answer (self-consistency,
    Wang et al. 2022, arXiv 2203.11171).

    All samples are drawn, so its cost is known. Where the flow itself samples at temperature 0,
    at which all samples are equal (rule G7), the vote samples at 0.7.
    """
    flow = question.graph.flow
    drafts = _drafts(question, samples, question.temperature or TEMPERATURE)
    edges = (("drafts", drafts.id),)
    winner = Node(f"{flow}.return.vote", "vote", DRAFT, edges, (("by", by),))
    answer = Node(f"{flow}.return", "convert", ANSWER, (("of", winner.id),), (("to", "Answer"),))
    return _graph(question, (drafts, winner, answer))


def plain_vote(graph: Graph, by: str) -> int | None:
    """How many samples a closed graph votes over where it is just the majority vote; else None.

    That is: one model at one temperature, and a vote in which every draft counts the same.
    """
    made = {node.id: node for node in graph.body.nodes}
    vote = made.get(_shown(graph, made))
    if vote is None or vote.op != "vote" or (vote.attr("by") or "text") != by:
        return None
    usual = {"weights": "one", "prune": "none", "min_success": 1}
    if any(vote.attr(name) not in (None, word) for name, word in usual.items()):
        return None
    drafts = made.get(vote.input("drafts") or "")
    plain = drafts is not None and drafts.op == "generate" and vote.attr("stop") != "posterior"
    if drafts is None or not plain or drafts.attr("enough") is not None:
        return None
    models, temperature = drafts.attr("models"), drafts.attr("temperature")
    single = isinstance(models, tuple) and len(models) == 1 and not isinstance(temperature, tuple)
    question = _question(graph, drafts)
    if not single or question is None or not question.temperature:
        return None
    return int(cast(int, drafts.attr("samples") or 1))


def _shown(graph: Graph, made: dict[ValueId, Node]) -> ValueId:
    """The value whose answer the graph returns."""
    value = dict(graph.body.results)["return"]
    while (node := made.get(value)) is not None:
        answers = node.op == "field" and node.attr("name") == "answer"
        if node.op not in ("convert", "extract") and not answers:
            break
        value = node.input("of") or ""
    return value


def _named(graph: Graph, address: str, askers: list[Node]) -> Question:
    names = [node.id for node in askers]
    if address not in names:
        listed = ", ".join(f"`{name}`" for name in names) or "none"
        what = f"no node of `{graph.flow}` that asks a model a question"
        raise InputError(f"`{address}` is {what}; there are: {listed}")
    question = _question(graph, askers[names.index(address)])
    if question is None:
        raise InputError(
            f"the question of `{address}` is made of what models wrote, so no baseline can ask it"
        )
    return question


def _question(graph: Graph, node: Node) -> Question | None:
    """The question that a node asks; None where it needs a model, or has nothing to do with the
    flow's inputs."""
    prompt, model = _prompt_of(node), _model_of(node)
    if prompt is None or model is None:
        return None
    part = QuestionSlice(graph)
    if not part.take(prompt) or (graph.inputs and not part.reads):
        return None
    edges, note, context = [("prompt", part.now(prompt))], None, node.input("context")
    if context is not None:
        if (wider := part.with_(context)) is not None:
            part = wider
            edges.append(("context", part.now(context)))
        else:
            note = f"without the context of `{node.id}`, which models write"
    settings = tuple(pair for pair in node.attrs if pair[0] in _SETTINGS)
    return Question(graph, node.id, model, part.nodes, tuple(edges), settings, note)


def _prompt_of(node: Node) -> ValueId | None:
    """The question of a node that asks models one."""
    operator = OPERATORS.get(node.op)
    if operator is None or not operator.samples:
        return None
    edges = (param for param in operator.params if MESSAGES in param.types)
    return next((value for param in edges if (value := node.input(param.name)) is not None), None)


def _model_of(node: Node) -> Symbol | None:
    """The first model that a node asks."""
    for name in ("models", "by"):
        for value in _several(node.attr(name)):
            if isinstance(value, Symbol):
                return value
    return None


def _several(value: Attr) -> tuple[Attr, ...]:
    return value if isinstance(value, tuple) else (value,)


def _drafts(question: Question, samples: int, temperature: float) -> Node:
    settings = {name: value for name, value in question.settings if value is not None}
    settings["temperature"] = temperature
    attrs = (("models", (question.model,)), ("samples", samples), *settings.items())
    return Node(question.address, "generate", DRAFTS, question.edges, attrs)


def _graph(question: Question, more: tuple[Node, ...]) -> Graph:
    body = question.graph.body
    whole = replace(body, nodes=(*question.nodes, *more), results=(("return", more[-1].id),))
    return prune(replace(question.graph, body=whole, result=ANSWER, holes=()), OPERATORS)
