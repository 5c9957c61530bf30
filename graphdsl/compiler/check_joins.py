"""Joins of drafts: counts that can never be reached, and stop rules that have nothing to stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphdsl.compiler import codes
from graphdsl.compiler.call_graph import Caller, calls_in
from graphdsl.compiler.list_lengths import Lengths, given_of, refs_in
from graphdsl.compiler.report import error, warning
from graphdsl.compiler.session import Session
from graphdsl.diagnostics import Label
from graphdsl.ops.registry import OPERATORS
from graphdsl.syntax import tree


def check_joins(flows: Sequence[Caller], session: Session) -> None:
    """Report `min_success` and `enough` that are more than there can ever be."""
    for module, flow in flows:
        lengths = Lengths(module, flow)
        for call in calls_in(flow.body):
            if str(call.callee) in OPERATORS:
                _reach(call, lengths, session)


def _reach(call: tree.Call, lengths: Lengths, session: Session) -> None:
    given = given_of(call)
    for name in ("min_success", "enough"):
        wanted = given.get(name)
        listed = (
            call if name == "enough" and str(call.callee) == "generate" else given.get("drafts")
        )
        if not isinstance(wanted, tree.Number) or listed is None:
            continue
        most = lengths.of(listed)
        if most is None or wanted.value <= most:
            continue
        session.report(
            error(
                codes.NEVER_REACHED,
                f"`{name}` of `{call.callee}` is {wanted.value}, there are at most {most} drafts",
                wanted.span,
                "never reached",
                secondary=() if listed is call else (Label(listed.span, f"at most {most} drafts"),),
                helps=(f"write at most {most}, or draw more samples",),
                data={"wanted": wanted.value, "most": most},
            )
        )


def warn_idle_stops(flows: Sequence[Caller], session: Session) -> None:
    """Warn of a `level` that no rule reads, and of rules that can spare nothing."""
    for module, flow in flows:
        lengths = Lengths(module, flow)
        for call in calls_in(flow.body):
            given = given_of(call)
            match str(call.callee):
                case "vote":
                    _level(given, session)
                    _idle("stop", "drafts", given, lengths, session)
                case "passing":
                    _idle("enough", "verdicts", given, lengths, session)
                case _:
                    pass


def _level(given: dict[str, tree.Expr], session: Session) -> None:
    level, stop = given.get("level"), given.get("stop")
    if level is None or (stop is not None and str(stop) != "decided"):
        return
    message = "`level` of `vote` means nothing without `stop: posterior`"
    helps = ("write `stop: posterior`, or leave `level` out",)
    session.report(warning(codes.IDLE_STOP, message, level.span, "not used", helps=helps))


def _idle(
    rule: str,
    listed: str,
    given: dict[str, tree.Expr],
    lengths: Lengths,
    session: Session,
) -> None:
    """A rule whose list has other readers, or comes from what is not drawn item by item."""
    place, source = given.get(rule), given.get(listed)
    reason = None if place is None or source is None else _nothing_to_stop(source, lengths)
    if place is None or reason is None:
        return
    message = f"`{rule}` cannot spare anything here: {reason}"
    helps = (
        f"give it a list of `generate` or `each` that nothing else reads, or leave out `{rule}`",
    )
    session.report(warning(codes.IDLE_STOP, message, place.span, "spares nothing", helps=helps))


def _nothing_to_stop(source: tree.Expr, lengths: Lengths) -> str | None:
    """Why a list is made to its end in any case; None where it need not be, or nobody knows."""
    made: Any = source
    if isinstance(source, tree.Ref):
        made = lengths.bound(source)
        if made is not None and refs_in(lengths.flow, str(source)) > 1:
            return f"`{source}` is used elsewhere as well"
    match made:
        case tree.Call(callee=callee) if str(callee) == "generate":
            ended = "enough" in given_of(made)
            return "`enough` ends the samples already" if ended else None
        case tree.Call(callee=callee) if str(callee) in OPERATORS:
            return f"`{callee}` gives its list as a whole"
        case tree.ListExpr():
            return "the list is there as a whole"
        case _:
            return None
