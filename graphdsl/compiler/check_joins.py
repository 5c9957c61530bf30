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
from graphdsl.ops.signatures.words import PRUNINGS
from graphdsl.syntax import tree


def check_joins(flows: Sequence[Caller], session: Session) -> None:
    """Report counts that are more than there can ever be, and votes that cannot stop early."""
    for module, flow in flows:
        lengths = Lengths(module, flow)
        for call in calls_in(flow.body):
            if str(call.callee) in OPERATORS:
                _reach(call, lengths, session)
            if str(call.callee) == "vote":
                _unstoppable(given_of(call), session)


def _reach(call: tree.Call, lengths: Lengths, session: Session) -> None:
    given = given_of(call)
    for name in ("min_success", "enough", *(("take",) if str(call.callee) == "race" else ())):
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


def _unstoppable(given: dict[str, tree.Expr], session: Session) -> None:
    """A vote that may lose votes, or whose groups may become one, has no leader before all are
    there."""
    stop, prune, by = given.get("stop"), given.get("prune"), given.get("by")
    if stop is None:
        return
    if prune is not None and str(prune) in PRUNINGS and str(prune) != "none":
        why, helps = "which drafts lose their vote follows from all of them", "`prune: none`"
        because, name = prune, "prune"
    elif by is not None and str(by) == "maths":
        why, helps = "an answer can be equal to two that were different before", "`by: number`"
        because, name = by, "by"
    else:
        return
    session.report(
        error(
            codes.MEANS_NOTHING,
            f"`stop` of `vote` means nothing with `{name}: {because}`",
            stop.span,
            "not used",
            secondary=(Label(because.span, "because of this"),),
            notes=(why,),
            helps=(f"leave `stop` away; it belongs to {helps}",),
        )
    )


def warn_idle_stops(flows: Sequence[Caller], session: Session) -> None:
    """Warn of a `level` that no rule reads, and of rules and races that can spare nothing."""
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
                case "race":
                    _idle_race(call, given, lengths, session)
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


def _idle_race(
    call: tree.Call, given: dict[str, tree.Expr], lengths: Lengths, session: Session
) -> None:
    """A race of drafts that are all drawn in any case, or can never be accepted."""
    source = _raced(given.get("drafts"), lengths)
    if source is None:
        return
    made = lengths.bound(source) if isinstance(source, tree.Ref) else source
    drawn = isinstance(made, tree.Call) and str(made.callee) == "generate"
    if drawn and str(given.get("accept")) == "scored":
        message = "`race` accepts nothing here: what `generate` draws has no score yet"
        helps = ("score each draft in an `each`, and race what that yields",)
        session.report(warning(codes.IDLE_STOP, message, source.span, "unscored", helps=helps))
        return
    reason = _nothing_to_stop(source, lengths)
    if reason is not None:
        message = f"`race` cannot spare anything here: {reason}"
        helps = (
            "give it a list of `generate` or `each` that nothing else reads, or select from the "
            "whole list: `select(…)`, `shortest(…)`, `take(…)`",
        )
        session.report(
            warning(codes.IDLE_STOP, message, call.callee.span, "spares nothing", helps=helps)
        )


def _raced(source: tree.Expr | None, lengths: Lengths) -> tree.Expr | None:
    """The list of a race; where that is what `complete` leaves of another for it alone, that one:
    a race accepts only complete drafts anyway."""
    if isinstance(source, tree.Ref) and refs_in(lengths.flow, str(source)) > 1:
        return source
    made = lengths.bound(source) if isinstance(source, tree.Ref) else source
    if isinstance(made, tree.Call) and str(made.callee) == "complete":
        return _raced(given_of(made).get("drafts"), lengths)
    return source


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
