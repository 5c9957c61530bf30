"""Who is accepted first (First Finish Search: Agarwal et al. 2025, arXiv 2505.18149)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphdsl.ops.context import Args
from graphdsl.ops.quorum import accepts
from graphdsl.values import Draft, Value


def race(args: Args) -> Value:
    """The first `take` drafts that are accepted, in the order of the list; fewer where fewer are.

    Where the list is made for this race alone (see `graphdsl.compiler.passes.quorum`) it ends with
    the arrival of the last of them, so that they are those that came first. In a list that is there
    as a whole they are the first in its order.
    """
    drafts: Sequence[Draft] = args["drafts"]
    rule = race_rule(args)
    accepted, wanted = accepts(rule), rule[-1]
    return tuple(draft for draft in drafts if accepted(draft))[:wanted]


def race_rule(args: Args) -> tuple[Any, ...]:
    """The rule by which a race ends; see `graphdsl.ops.quorum`."""
    wanted = int(args.get("take") or 1)
    match args.get("accept"):
        case "answered":
            return ("any_answered", args.get("by") or "text", wanted)
        case "scored":
            least = args.get("at_least")
            return ("any_scored", 1.0 if least is None else float(least), wanted)
        case _:
            return ("any_complete", wanted)
