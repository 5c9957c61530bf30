"""The specification of valid IR: a visible tuple of small rules, checked between passes.

A broken rule is a defect of the compiler, never of the user's program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from graphdsl.errors import PlanError
from graphdsl.ir import rules_control, rules_graph, rules_operator, rules_types
from graphdsl.ir.nodes import Graph
from graphdsl.ir.signatures import Operators
from graphdsl.ir.subject import OPTIMISED, STAGES, Breach, Stage, Subject


@dataclass(frozen=True, slots=True)
class Rule:
    """One property of valid IR, from stage `since` on. `check` yields every breach of it."""

    name: str
    doc: str
    check: Callable[[Subject], Iterator[Breach]]
    since: Stage = "open"


RULES: Final = (
    Rule("unique-ids", "every value is made once", rules_graph.unique_ids),
    Rule(
        "visible",
        "a value is made before it is used, in the same region or around it",
        rules_graph.visible,
    ),
    Rule("interface", "the body takes the inputs and gives one result", rules_graph.interface),
    Rule("known-op", "every op is of the compiler or a registered operator", rules_graph.known_op),
    Rule("symbols", "every symbol is declared, once", rules_graph.symbols_declared),
    Rule("holes", "every hole is declared once and its default fits", rules_graph.holes),
    Rule("hole-refs", "every reference to a hole is to a declared one", rules_graph.hole_refs),
    Rule(
        "shape",
        "nodes of the compiler have the inputs, attributes, regions and results of their op",
        rules_control.shape,
    ),
    Rule("render-inputs", "a render has its prompt's parameters", rules_graph.render_inputs),
    Rule("edge-types", "values fit where nodes of the compiler use them", rules_types.edge_types),
    Rule("node-types", "a node has the type of what it makes", rules_types.node_types),
    Rule(
        "operator-edges",
        "edges of an operator are its parameters, with fitting types",
        rules_operator.edges,
    ),
    Rule(
        "operator-attrs",
        "attributes of an operator are its static parameters",
        rules_operator.attrs,
    ),
    Rule("operator-type", "an operator's node has the type it gives", rules_operator.node_type),
    Rule("closed", "nothing is left for a search to decide", rules_graph.closed, "closed"),
    Rule("needed", "every node and entity is needed", rules_graph.needed, OPTIMISED),
)
"""What valid means. Rules come in an order in which the first breach is the cause."""


def verify(graph: Graph, stage: Stage, operators: Operators, after: str = "") -> None:
    """Check a graph against every rule of a stage.

    Raises PlanError for the first rule that is broken, with the node and, where `after` names
    one, the pass that broke it.
    """
    subject = Subject(graph, operators)
    for rule in RULES:
        if STAGES.index(rule.since) > STAGES.index(stage):
            continue
        for place, problem in rule.check(subject):
            culprit = f" after pass `{after}`" if after else ""
            raise PlanError(f"invalid IR{culprit}: `{place}` {problem} (rule `{rule.name}`)")
