"""Tree searches whose arguments do not go together: what a policy does not read, or cannot use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.call_graph import Caller, calls_in
from graphdsl.compiler.entities import literal
from graphdsl.compiler.list_lengths import given_of
from graphdsl.compiler.report import error, warning
from graphdsl.compiler.session import Session
from graphdsl.diagnostics import Label
from graphdsl.ops.registry import OPERATORS
from graphdsl.syntax import tree

AB_MCTS_NODES: Final = 1024
"""Most nodes of AB-MCTS. It draws from what it believes of every child on its way down, so that a
search takes time as the square of its nodes: at this number half a second altogether."""

_BY_STEPS: Final = ("separator", "step_tokens", "lookahead", "depth")

_Given = Mapping[str, tree.Expr]


def check_trees(flows: Sequence[Caller], session: Session) -> None:
    """Report arguments that mean nothing for the policy that the call itself names."""
    for given in _searches(flows):
        match str(given.get("policy")):
            case "ucb":
                _whole_answers(given, session)
            case "smc":
                _lonely(given, session)
            case "ab_mcts":
                _many(given, session)
            case _:
                pass


def warn_uneven_beams(flows: Sequence[Caller], session: Session) -> None:
    """Warn of a `width` that is no multiple of `branch`, where both are known."""
    for given in _searches(flows):
        width, branch = _number(given, "width"), _number(given, "branch")
        place = given.get("width", given.get("branch"))
        if str(given.get("policy", "beam")) not in ("beam", "dvts") or place is None:
            continue
        if width is None or branch is None or width % branch == 0:
            continue
        low, high = width // branch * branch, (width // branch + 1) * branch
        other = f"`width: {low}` or `width: {high}`" if low else f"`width: {high}`"
        session.report(
            warning(
                codes.UNEVEN_BEAMS,
                f"`width` of `tree_search` is {width}, no multiple of `branch`, which is {branch}",
                place.span,
                "not evenly shared",
                notes=("`width` / `branch` candidates go on, rounded down, at least one",),
                helps=(f"write {other}, or another `branch`",),
            )
        )


def _searches(flows: Sequence[Caller]) -> list[_Given]:
    calls = [call for _, flow in flows for call in calls_in(flow.body)]
    return [given_of(call) for call in calls if str(call.callee) == "tree_search"]


def _number(given: _Given, name: str) -> int | None:
    """What a call or the signature says; None where only a caller knows, or where a hole does."""
    if name not in given:
        param = OPERATORS["tree_search"].param(name)
        return None if param is None else int(param.preset)
    value = literal(given[name])
    return value if isinstance(value, int) else None


def _whole_answers(given: _Given, session: Session) -> None:
    """The bandit writes whole answers, whatever the unit: nothing of steps counts."""
    for name in _BY_STEPS:
        if name in given:
            _nothing(given, name, "policy", "it writes whole answers only", session)
    if str(given.get("unit")) == "step":
        _nothing(given, "unit", "policy", "it writes whole answers only", session)


def _lonely(given: _Given, session: Session) -> None:
    """The only particle of a further sweep would be the one that was kept."""
    sweeps = _number(given, "sweeps")
    if sweeps is not None and sweeps > 1 and _number(given, "width") == 1:
        why = "the only particle of a further sweep is the one that is kept"
        _nothing(given, "sweeps", "width", why, session)


def _nothing(given: _Given, name: str, other: str, why: str, session: Session) -> None:
    because = given[other]
    shown = because.value if isinstance(because, tree.Number) else because
    session.report(
        error(
            codes.MEANS_NOTHING,
            f"`{name}` of `tree_search` means nothing with `{other}: {shown}`",
            given[name].span,
            "not used",
            secondary=(Label(because.span, "because of this"),),
            notes=(why,),
            helps=(f"leave `{name}` away, or choose another `{other}`",),
        )
    )


def _many(given: _Given, session: Session) -> None:
    nodes = _number(given, "nodes")
    if nodes is None or nodes <= AB_MCTS_NODES:
        return
    session.report(
        error(
            codes.NUMBER_RANGE,
            f"`nodes` of `tree_search` must be from 1 to {AB_MCTS_NODES:_} with `policy: ab_mcts`, "
            f"found {nodes:_}",
            given["nodes"].span,
            f"must be from 1 to {AB_MCTS_NODES:_}",
            notes=("its own time grows as the square of the nodes",),
        )
    )
