"""Votes whose weights are scores that are negative, as log-probabilities are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.call_graph import Caller, calls_in
from graphdsl.compiler.list_lengths import Lengths, given_of
from graphdsl.compiler.report import warning
from graphdsl.compiler.session import Session
from graphdsl.diagnostics import Label
from graphdsl.syntax import tree

NEGATIVE: Final = ("likelihood", "perplexity", "length", "markers")
"""Methods of `score` whose scores are negative, or can be."""


def warn_negative_weights(flows: Sequence[Caller], session: Session) -> None:
    """Warn of `weights: score` where the flow shows that the scores are negative."""
    for module, flow in flows:
        lengths = Lengths(module, flow)
        for call in calls_in(flow.body):
            given = given_of(call)
            if str(call.callee) != "vote" or str(given.get("weights")) != "score":
                continue
            method = _method(given.get("drafts"), lengths)
            if method is not None and str(method) in NEGATIVE:
                _warn(given["weights"], method, session)


def _method(drafts: tree.Expr | None, lengths: Lengths) -> tree.Expr | None:
    """How the drafts were scored, where `score` has made this very list."""
    made = lengths.bound(drafts) if isinstance(drafts, tree.Ref) else drafts
    if isinstance(made, tree.Call) and str(made.callee) == "score":
        return given_of(made).get("method")
    return None


def _warn(weights: tree.Expr, method: tree.Expr, session: Session) -> None:
    session.report(
        warning(
            codes.NEGATIVE_WEIGHTS,
            f"`weights: score` adds up scores by `{method}`, which can be negative",
            weights.span,
            "a rare answer may win",
            secondary=(Label(method.span, "these scores"),),
            notes=("an answer then loses with each draft that has it",),
            helps=("write `weights: normalised`",),
        )
    )
