"""`test` blocks: inputs of a flow, and what is expected of its answer and its costs."""

from __future__ import annotations

from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.call_graph import calls_in
from graphdsl.compiler.check_block import entries_of, require
from graphdsl.compiler.check_call import edge
from graphdsl.compiler.check_expression import report_misplaced_hole, type_of_value
from graphdsl.compiler.check_search import entry_flow, inputs_of
from graphdsl.compiler.check_types import type_of
from graphdsl.compiler.report import error, listed
from graphdsl.compiler.scope import Binding
from graphdsl.compiler.session import Facts, Frame
from graphdsl.diagnostics import Help, Label, did_you_mean
from graphdsl.ir.types import BOOL, NUMBER, UNKNOWN
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import Param
from graphdsl.syntax import tree

_KEYS: Final = ("flow", "given", "expect", "replies")
_EXAMPLES: Final = {
    "flow": "flow = name",
    "given": 'given = { question: "…" }',
    "expect": 'expect = answer == "4"',
}

SPENT: Final = ("calls", "tokens", "seconds")
"""Names in `expect` for what the run spent."""


def check_test(test: tree.Test, frame: Frame) -> None:
    """Check a test block."""
    what = f'test "{test.title.value}"'
    found = entries_of(test.entries, _KEYS, "a test", frame)
    require(tuple(_EXAMPLES), found, test.entries, test.title, what, _EXAMPLES, frame)
    flow = entry_flow(found["flow"].value, frame) if "flow" in found else None
    if flow is not None and "given" in found:
        _given(found["given"].value, flow[1], frame)
    if "expect" in found:
        _expect(found["expect"].value, flow[1] if flow is not None else None, frame)
    if "replies" in found:
        _replies(found["replies"].value, frame)


def _given(value: tree.Expr, flow: tree.Flow, frame: Frame) -> None:
    facts = frame.session.facts.get((id(flow), ()), Facts())
    inputs = inputs_of(flow, facts)
    if not isinstance(value, tree.Record):
        helps = ('write `given = { question: "…" }`',)
        message = "`given` is a record of inputs"
        frame.report(error(codes.WRONG_INPUTS, message, value.span, helps=helps))
        return
    names: set[str] = set()
    for field in value.fields:
        if field.name.text not in inputs:
            _no_input(field.name, flow, inputs, frame)
        elif not _constant(field.value):
            message = f"`{field.name.text}` must be given as a literal"
            frame.report(error(codes.WRONG_INPUTS, message, field.value.span))
        else:
            _input(field, inputs[field.name.text], flow, frame)
        names.add(field.name.text)
    missing = [
        name
        for name, param in inputs.items()
        if param.default is None and not param.type.optional and name not in names
    ]
    if missing and names <= inputs.keys():
        message = f"flow `{flow.name.text}` needs {listed(missing)}"
        label = Label(flow.name.span, f"its inputs are {listed(inputs)}")
        frame.report(error(codes.WRONG_INPUTS, message, value.span, secondary=(label,)))


def _input(field: tree.Field, param: tree.Param, flow: tree.Flow, frame: Frame) -> None:
    spec = Param(field.name.text, "", (type_of(param.type),))
    edge(field.value, spec, f"flow `{flow.name.text}`", frame)


def _no_input(
    name: tree.Name, flow: tree.Flow, inputs: dict[str, tree.Param], frame: Frame
) -> None:
    static = any(param.name.text == name.text for param in flow.params)
    message = f"flow `{flow.name.text}` has no input `{name.text}`"
    close = did_you_mean(name.text, inputs)
    if static:
        help = f"`{name.text}` is fixed at compile time: change its default, or call the flow"
    elif close:
        help = f"did you mean {listed(close)}?"
    else:
        help = f"its inputs are {listed(inputs)}" if inputs else "it has no inputs"
    label = Label(flow.name.span, "declared here")
    frame.report(
        error(codes.WRONG_INPUTS, message, name.span, secondary=(label,), helps=(Help(help),))
    )


def _constant(expr: tree.Expr) -> bool:
    """True for literals, and lists and records of them."""
    match expr:
        case tree.String() | tree.Number() | tree.Bool():
            return True
        case tree.ListExpr():
            return all(_constant(item) for item in expr.items)
        case tree.Record():
            return all(_constant(field.value) for field in expr.fields)
        case _:
            return False


def _expect(value: tree.Expr, flow: tree.Flow | None, frame: Frame) -> None:
    """The condition of a test, over the answer and what was spent; it calls pure operators only."""
    answer = UNKNOWN if flow is None else type_of(flow.result)
    inner = Frame(frame.session, frame.module)
    for name, kind in (("answer", answer), *((name, NUMBER) for name in SPENT)):
        inner.scope.names[name] = Binding(name, value.span, kind, quiet=True)
    impure = next((call for call in calls_in(value) if _asks(call, frame)), None)
    if impure is not None:
        message = f"`expect` asks nobody, so it cannot call `{impure.callee}`"
        helps = ("let the flow compute it, and look at the `answer`",)
        frame.report(error(codes.WRONG_EXPECTATION, message, impure.span, helps=helps))
        return
    for arg in (arg for call in calls_in(value) for arg in call.args):
        if isinstance(arg.value, tree.Hole):
            report_misplaced_hole(arg.value, frame)
            return
    kind = type_of_value(value, inner)
    if kind not in (BOOL, UNKNOWN):
        message = f"`expect` must be a `Bool`, found `{kind}`"
        helps = ('compare it: `answer == "4"`',)
        frame.report(error(codes.WRONG_EXPECTATION, message, value.span, helps=helps))


def _asks(call: tree.Call, frame: Frame) -> bool:
    """True for flows, prompts and operators that may ask models or memories."""
    operator = OPERATORS.get(str(call.callee))
    return not operator.pure if operator else frame.module.find(call.callee) is not None


def _replies(value: tree.Expr, frame: Frame) -> None:
    texts = isinstance(value, tree.ListExpr) and all(
        isinstance(item, tree.String) for item in value.items
    )
    if not texts or (isinstance(value, tree.ListExpr) and not value.items):
        message = "`replies` is a list of texts, at least one"
        frame.report(error(codes.WRONG_OPTION, message, value.span))
