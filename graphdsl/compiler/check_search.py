"""`search` blocks: what is optimised, on which data, within which limits, by which strategy."""

from __future__ import annotations

from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.check_block import Entries, entries_of, require
from graphdsl.compiler.check_names import find_entity, kind_of, report_unknown
from graphdsl.compiler.check_quantity import check_limits
from graphdsl.compiler.check_static import static_argument
from graphdsl.compiler.check_types import type_of
from graphdsl.compiler.entities import MODELLED, UNITS
from graphdsl.compiler.program import Module
from graphdsl.compiler.report import error, instead, listed
from graphdsl.compiler.session import Facts, Frame
from graphdsl.diagnostics import Label, Span
from graphdsl.ir.types import ENTITY_TYPES, MODEL, NUMBER
from graphdsl.ops.registry import WORDS
from graphdsl.ops.signature import Param
from graphdsl.syntax import tree

_KEYS: Final = (
    "flow",
    "data",
    "maximise",
    "minimise",
    "budget",
    "per_run",
    "strategy",
)
_EXAMPLES: Final = {
    "flow": "flow = name",
    "data": 'data = jsonl("dev.jsonl", input: "question", target: "answer")',
    "maximise": "maximise = accuracy(by: number)",
    "budget": "budget = [calls(2_000)]",
}

COSTS: Final = tuple(unit for unit in UNITS if unit != "minutes")
"""What a search can minimise."""

_SEED = Param("seed", "", (NUMBER,), static=True, low=0, integer=True)
_COUNT = Param("count", "", (NUMBER,), static=True, low=1, integer=True)
_RATE = Param("rate", "", (NUMBER,), static=True, low=0, high=1)
_AGENT = Param("agent", "", (MODEL,), static=True)

STRATEGIES: Final[dict[str, dict[str, Param]]] = {
    "grid": {"seed": _SEED},
    "random": {"seed": _SEED},
    "greedy": {"seed": _SEED, "rounds": _COUNT},
    "tpe": {"seed": _SEED},
    "nsga2": {"seed": _SEED, "population": _COUNT},
    "archon": {"seed": _SEED, "samples": _COUNT},
    "reinforce": {"seed": _SEED, "samples": _COUNT, "rate": _RATE},
    "agent_reinforce": {"agent": _AGENT, "seed": _SEED, "rounds": _COUNT, "samples": _COUNT},
    "agent_tts": {"agent": _AGENT, "seed": _SEED, "rounds": _COUNT},
    "evolve": {"seed": _SEED, "population": _COUNT},
}
"""Strategies by name with their arguments; those with an agent need it."""


def check_search(search: tree.Search, frame: Frame) -> Entries:
    """Check a search block; gives its entries by key."""
    what = f"search `{search.name.text}`"
    found = entries_of(search.entries, _KEYS, "a search", frame)
    require(tuple(_EXAMPLES), found, search.entries, search.name, what, _EXAMPLES, frame)
    if "flow" in found:
        flow = entry_flow(found["flow"].value, frame)
        if flow is not None and "data" in found:
            _data(found["data"].value, flow[1], frame)
    if "maximise" in found:
        _metric(found["maximise"].value, frame)
    if "minimise" in found:
        _costs(found["minimise"].value, frame)
    for key, units in (("budget", (*UNITS, "trials")), ("per_run", UNITS)):
        if key in found:
            check_limits(found[key].value, units, frame)
    if "strategy" in found:
        _strategy(found["strategy"].value, frame)
    return found


def entry_flow(value: tree.Expr, frame: Frame) -> tuple[Module, tree.Flow] | None:
    """The flow that an entry names, after checking that it can run by itself."""
    flows = list(frame.module.flows)
    if not isinstance(value, tree.Ref):
        helps = (f"the flows are {listed(flows)}",) if flows else ()
        message = "`flow` is the name of a flow"
        frame.report(error(codes.NOT_AN_ENTRY, message, value.span, helps=helps))
        return None
    found = find_entity(value, frame)
    if found is None:
        report_unknown(value, frame, flows, "flow")
        return None
    module, flow = found
    if not isinstance(flow, tree.Flow):
        message = f"`{value}` is a {kind_of(flow)}, not a flow"
        frame.report(error(codes.NOT_AN_ENTRY, message, value.span))
        return None
    facts = frame.session.facts.get((id(flow), ()), Facts())
    for param in flow.params:
        if param.default is None and not param.type.optional:
            _must_have_default(param, value, facts.static.get(param.name.text), frame)
    return module, flow


def _must_have_default(
    param: tree.Param, value: tree.Ref, static: Span | None, frame: Frame
) -> None:
    kind = type_of(param.type)
    if kind not in ENTITY_TYPES and static is None:
        return
    labels = [Label(param.name.span, "no default")]
    if static is not None:
        labels.append(Label(static, "needed at compile time here"))
    frame.report(
        error(
            codes.NOT_AN_ENTRY,
            f"flow `{value}` cannot run by itself: "
            f"`{param.name.text}` must be known at compile time",
            value.span,
            "run by itself here",
            secondary=labels,
            helps=(f"give it a default: `{param.name.text}: {kind} = …`",),
        )
    )


def inputs_of(flow: tree.Flow, facts: Facts) -> dict[str, tree.Param]:
    """The parameters of a flow that a run gives values for."""
    return {
        param.name.text: param
        for param in flow.params
        if type_of(param.type) not in ENTITY_TYPES and param.name.text not in facts.static
    }


# ---- data


def _data(value: tree.Expr, flow: tree.Flow, frame: Frame) -> None:
    given = _jsonl(value, frame)
    if given is None:
        return
    facts = frame.session.facts.get((id(flow), ()), Facts())
    inputs = inputs_of(flow, facts)
    required = [n for n, p in inputs.items() if p.default is None and not p.type.optional]
    columns = _texts(given["input"])
    if len(columns) == 1 and len(required) <= 1:
        return
    missing = [name for name in required if name not in columns]
    unknown = [name for name in columns if name not in inputs]
    if not missing and not unknown:
        return
    wrong = f"gives no {listed(missing)}" if missing else f"has no input {listed(unknown)}"
    subject = "the data" if missing else f"flow `{flow.name.text}`"
    frame.report(
        error(
            codes.WRONG_DATA,
            f"{subject} {wrong}",
            given["input"].span,
            secondary=(Label(flow.name.span, f"its inputs are {listed(inputs)}"),),
            helps=('name one column for each input: `input: ["question", "hints"]`',),
        )
    )


def _jsonl(value: tree.Expr, frame: Frame) -> dict[str, tree.Expr] | None:
    """The arguments of `jsonl(path, input: …, target: …)`, or None after a report."""
    example = '`jsonl("dev.jsonl", input: "question", target: "answer")`'
    if not isinstance(value, tree.Call) or str(value.callee) != "jsonl":
        message = "`data` is a file of examples"
        frame.report(error(codes.WRONG_DATA, message, value.span, helps=(f"write {example}",)))
        return None
    given = {arg.name.text if arg.name else "path": arg.value for arg in value.args}
    wrong = given.keys() ^ {"path", "input", "target"}
    texts = all(_texts(expr) for expr in given.values())
    if wrong or not texts or len(given) < len(value.args):
        message = "`jsonl` takes a path, `input` and `target`, all of them texts"
        frame.report(error(codes.WRONG_DATA, message, value.span, helps=(f"write {example}",)))
        return None
    return given


def _texts(expr: tree.Expr) -> list[str]:
    items = expr.items if isinstance(expr, tree.ListExpr) else (expr,)
    return [item.value for item in items if isinstance(item, tree.String)]


# ---- objectives


def _metric(value: tree.Expr, frame: Frame) -> None:
    example = "`maximise = accuracy(by: number)`"
    if not isinstance(value, tree.Call) or str(value.callee) != "accuracy":
        name = str(value.callee if isinstance(value, tree.Call) else value)
        shown = f"there is no metric `{name}`" if isinstance(value, tree.Call | tree.Ref) else ""
        message = shown or "`maximise` is a metric"
        helps = (f"write {example}",)
        frame.report(error(codes.UNKNOWN_METRIC, message, value.span, helps=helps))
        return
    by = Param("by", "", static=True, words=WORDS)
    for arg in value.args:
        if arg.name is not None and arg.name.text == "by":
            static_argument(arg.value, by, "`accuracy`", frame)
        else:
            message = "`accuracy` takes `by` only"
            frame.report(
                error(codes.UNKNOWN_METRIC, message, arg.span, helps=(f"write {example}",))
            )


def _costs(value: tree.Expr, frame: Frame) -> None:
    for item in value.items if isinstance(value, tree.ListExpr) else (value,):
        name = str(item) if isinstance(item, tree.Ref) else ""
        if name in MODELLED:
            frame.session.modelled.add(name)
        elif name not in COSTS:
            message = f"there is no cost `{name}`" if name else "`minimise` is the name of a cost"
            helps = instead(name, COSTS, item.span, "the costs are")
            frame.report(error(codes.UNKNOWN_METRIC, message, item.span, helps=helps))


# ---- strategies


def _strategy(value: tree.Expr, frame: Frame) -> None:
    name = str(value.callee) if isinstance(value, tree.Call) else ""
    if not isinstance(value, tree.Call) or name not in STRATEGIES:
        shown = name or (str(value) if isinstance(value, tree.Ref) else "")
        message = f"there is no strategy `{shown}`" if name else "`strategy` is a call"
        helps = instead(shown, STRATEGIES, value.span, "the strategies are")
        extra = (f"write `strategy = {shown}(seed: 7)`",) if shown in STRATEGIES else helps
        frame.report(error(codes.UNKNOWN_STRATEGY, message, value.span, helps=extra))
        return
    _strategy_arguments(value, name, STRATEGIES[name], frame)


def _strategy_arguments(
    value: tree.Call, name: str, params: dict[str, Param], frame: Frame
) -> None:
    given: set[str] = set()
    for arg in value.args:
        key = arg.name.text if arg.name else ""
        if key in params and key not in given:
            static_argument(arg.value, params[key], f"`{name}`", frame)
            given.add(key)
            continue
        at = arg.name.span if arg.name else arg.span
        message = (
            f"`{name}` takes no argument `{key}`" if key else f"`{name}` wants named arguments"
        )
        helps = instead(key, params, at, "its arguments are")
        frame.report(error(codes.UNKNOWN_STRATEGY, message, at, helps=helps))
    if "agent" in params and not given & {"agent"} and len(given) == len(value.args):
        message = f"`{name}` needs a model as its agent"
        example = f"write `{name}(agent: some_model)`"
        span = value.callee.span
        frame.report(error(codes.UNKNOWN_STRATEGY, message, span, helps=(example,)))
