"""Bounds: programs that grow without measure, and limits that a run cannot keep."""

from __future__ import annotations

from collections.abc import Sequence

from graphdsl.compiler import codes
from graphdsl.compiler.call_graph import Caller
from graphdsl.compiler.check_search import entry_flow
from graphdsl.compiler.counting import MAX_WORK, Counter, Scope
from graphdsl.compiler.entities import budget_of
from graphdsl.compiler.report import error, warning
from graphdsl.compiler.session import Frame, Session
from graphdsl.compiler.work import Work
from graphdsl.diagnostics import Span
from graphdsl.syntax import tree


def check_size(flows: Sequence[Caller], session: Session) -> bool:
    """Report the first place of each flow at which a run grows beyond `MAX_WORK`. False then."""
    seen: set[Span] = set()
    counter = Counter(largest=True)
    for module, flow in flows:
        work = counter.blame(flow.name.span, counter.flow(module, flow))
        if counter.blamed is not None and counter.blamed[0] not in seen:
            span, part = counter.blamed
            if not seen:
                _too_large(flow, span, part, work, session)
            seen.add(span)
    return not seen


def _too_large(flow: tree.Flow, span: Span, part: Work, work: Work, session: Session) -> None:
    sums = f"{part.sums} = {part.high:_} calls" if part.high else f"{part.nodes:_} nodes"
    session.report(
        error(
            codes.TOO_LARGE,
            f"one run of `{flow.name.text}` can grow to {work.total:_} calls and nodes, "
            f"the most is {MAX_WORK:_}",
            span,
            "too many",
            notes=(f"here are {sums}",),
            helps=("lower the number of rounds, items or samples, also in the domains of holes",),
            data={"calls": work.high, "nodes": work.nodes, "limit": MAX_WORK},
        )
    )


def check_scopes(flows: Sequence[Caller], session: Session) -> Counter:
    """Report budget scopes that cannot hold what is in them, counted with the defaults."""
    counter = Counter()
    for module, flow in flows:
        counter.flow(module, flow)
    watched = {binding.span for binding in session.bindings if binding.used}
    for scope in counter.scopes.values():
        _scope(scope, watched, session)
    return counter


def _scope(scope: Scope, watched: set[Span], session: Session) -> None:
    statement, work = scope.statement, scope.work
    limit = budget_of(statement.limits).calls
    if limit is None or work.high <= limit:
        return
    at = _quantity(statement.limits)
    note = (f"the calls are {work.sums} = {work.high:_}",)
    if work.low > limit:
        message = f"the scope needs at least {work.low:_} calls, its limit is {limit:_}"
        raise_it = f"raise the limit to `calls({work.high})`, or ask for fewer samples"
        session.report(
            error(codes.IMPOSSIBLE_SCOPE, message, at, "too low", notes=note, helps=(raise_it,))
        )
        return
    name = statement.alias.span if statement.alias is not None else statement.limits.span
    if name not in watched:
        shown = f"{statement.alias.text}.exhausted" if statement.alias else "exhausted"
        message = (
            f"the scope can take {work.high:_} calls, its limit is {limit:_}, "
            f"and nothing looks at `{shown}`"
        )
        helps = (f"raise the limit to `calls({work.high})`, or decide by `if {shown} {{ … }}`",)
        session.report(warning(codes.UNWATCHED_SCOPE, message, at, notes=note, helps=helps))


def check_budgets(search: tree.Search, frame: Frame, counter: Counter) -> None:
    """Report limits of a search that one run of its flow can exceed."""
    found = {entry.key.text: entry for entry in search.entries}
    flow = entry_flow(found["flow"].value, frame)
    if flow is None:
        return
    work = counter.flow(*flow)
    for key in ("per_run", "budget"):
        limits = found[key].value if key in found else None
        if isinstance(limits, tree.ListExpr):
            _over(limits, work, flow[1], key, frame)


def _over(limits: tree.ListExpr, work: Work, flow: tree.Flow, key: str, frame: Frame) -> None:
    limit = budget_of(limits).calls
    if limit is None or work.high <= limit:
        return
    total = f"{work.sums} = {work.high:_}" if work.sums != str(work.high) else work.sums
    what = "the limit" if key == "per_run" else "the budget of the whole search"
    frame.report(
        error(
            codes.OVER_BUDGET,
            f"one run of `{flow.name.text}` can take {work.high:_} calls, {what} is {limit:_}",
            _quantity(limits),
            "too low for the default plan",
            notes=(total,),
            helps=(f"lower the number of rounds or samples, or write `calls({work.high})`",),
            data={"calls": work.high, "limit": limit},
        )
    )


def _quantity(limits: tree.ListExpr) -> Span:
    """The place of `calls(…)` in a list of limits."""
    for item in limits.items:
        if isinstance(item, tree.Call) and str(item.callee) == "calls":
            return item.span
    return limits.span
