"""Self-consistency: the most frequent answer (Wang et al. 2022, arXiv 2203.11171)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from graphdsl.ops.candidates import LOWEST, complete_drafts, mean_logprob_of, no_answer
from graphdsl.ops.context import Args
from graphdsl.ops.extract import Found
from graphdsl.ops.quorum import decided_after, rule_of
from graphdsl.ops.quorum_ballots import ballot
from graphdsl.values import Draft, Value

LEVEL: Final = 0.95
"""How probable it must be that the leader stays ahead, where `level` does not say."""


@dataclass(slots=True)
class Group:
    """Complete drafts whose answers are equal, in order."""

    answer: Found
    members: list[Draft] = field(default_factory=list[Draft])

    @property
    def rank(self) -> tuple[int, float, float]:
        """Larger wins: size, then sum of scores, then mean log-probability (rule G3)."""
        scores = (draft.score for draft in self.members)
        total = math.fsum(s for s in scores if s is not None and not math.isnan(s))
        known = [p for draft in self.members if (p := mean_logprob_of(draft)) > LOWEST]
        return len(self.members), total, math.fsum(known) / len(known) if known else LOWEST


def vote(args: Args) -> Value:
    """The first draft of the largest group, with the group's answer.

    `confidence` is the group's share of all complete drafts, those without an answer included
    (rule G2); `tie` says that another group was as large. Without complete drafts the result is
    a failed draft, without any answer the likeliest one with confidence 0 (rule G4).

    With `stop` only the first drafts count that decide by that rule, also where more are there.
    `confidence` is then the group's share of these (`posterior`), or the share that it has in any
    case (`decided`): the other drafts count as if they disagreed.
    """
    drafts: Sequence[Draft] = args["drafts"]
    until = stop_rule(args)
    rule = rule_of(until, len(drafts))
    drawn = drafts if rule is None else drafts[: decided_after(drafts, rule)]
    unseen = len(drafts) - len(drawn) if args.get("stop") == "decided" else 0
    return _elected(drawn, args["by"] or "text", unseen)


def stop_rule(args: Args) -> tuple[Any, ...] | None:
    """The rule that `stop` asks for (see `graphdsl.ops.quorum`); None without it."""
    by, least = args.get("by") or "text", int(args.get("min_success") or 1)
    match args.get("stop"):
        case "decided":
            return ("vote", by, least)
        case "posterior":
            level = args.get("level")
            return ("posterior", by, least, LEVEL if level is None else float(level))
        case _:
            return None


def _elected(drafts: Sequence[Draft], by: str, unseen: int) -> Draft:
    """The winner of these drafts; `unseen` ones beside them count as if they disagreed."""
    complete = complete_drafts(drafts)
    if not complete:
        return no_answer(drafts)
    groups = grouped(complete, by)
    if not groups:
        return replace(max(complete, key=mean_logprob_of), answer=None, confidence=0.0)
    winner = max(groups, key=lambda group: group.rank)
    size = len(winner.members)
    return replace(
        winner.members[0],
        answer=winner.answer.shown,
        confidence=size / (len(complete) + unseen),
        tie=sum(len(group.members) == size for group in groups) > 1,
    )


def grouped(drafts: Sequence[Draft], by: str) -> list[Group]:
    """Groups of equal answers by first occurrence; drafts without an answer join none."""
    groups: dict[str, Group] = {}
    for draft in drafts:
        found = ballot(draft, by)
        if found is not None:
            groups.setdefault(found.key, Group(found)).members.append(draft)
    return list(groups.values())
