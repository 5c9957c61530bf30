"""Self-consistency: the most frequent answer (Wang et al. 2022, arXiv 2203.11171)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from graphdsl.ops.candidates import (
    LOWEST,
    complete_drafts,
    mean_logprob_of,
    no_answer,
    score_of,
)
from graphdsl.ops.context import Args
from graphdsl.ops.grouping import Group, grouped
from graphdsl.ops.quorum import decided_after, rule_of
from graphdsl.ops.weights import Votes, cast, weighted
from graphdsl.values import Draft, Value

LEVEL: Final = 0.95
"""How probable it must be that the leader stays ahead, where `level` does not say."""


def vote(args: Args) -> Value:
    """The first draft of the largest group, with the group's answer.

    `confidence` is the group's share of all complete drafts, those without an answer included
    (rule G2); `tie` says that another group was as large. Without complete drafts the result is
    a failed draft, without any answer the likeliest one with confidence 0 (rule G4).

    With `stop` only the first drafts count that decide by that rule, also where more are there.
    `confidence` is then the group's share of these (`posterior`), or the share that it has in any
    case (`decided`): the other drafts count as if they disagreed.

    With `weights` or `prune` the answer wins whose votes weigh most (see `graphdsl.ops.weights`),
    and its heaviest draft is the result: the best scored, likeliest or most confident one. Its
    `confidence` is the weight of its group's votes ÷ that of all complete drafts' (rule G2), or
    its share of the drafts where a vote weighs less than 0. A score, probability or confidence
    that is missing gives no vote (rule G5); where no answer has a vote that counts, none is
    pruned, and where that does not help all drafts weigh the same. `stop` then means nothing.

    A sum of scores needs scores that are not negative: with log-probabilities, as `score` gives by
    `likelihood`, an answer loses with each draft that has it, and the rarest wins. Use
    `weights: normalised` there.
    """
    drafts: Sequence[Draft] = args["drafts"]
    if weighted(args):
        return _heaviest(drafts, args)
    until = stop_rule(args)
    rule = rule_of(until, len(drafts))
    drawn = drafts if rule is None else drafts[: decided_after(drafts, rule)]
    unseen = len(drafts) - len(drawn) if args.get("stop") == "decided" else 0
    return _elected(drawn, args["by"] or "text", unseen)


def stop_rule(args: Args) -> tuple[Any, ...] | None:
    """The rule that `stop` asks for (see `graphdsl.ops.quorum`); None without it.

    Also None for votes of different weight: who leads can then change until the last draft; and
    for answers compared as mathematics, where a draft can put two groups together.
    """
    if weighted(args) or args.get("by") == "maths":
        return None
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
    groups = grouped(complete, by)
    if not groups:
        return _unanswered(drafts, complete)
    winner = max(groups, key=lambda group: group.rank)
    size = len(winner.members)
    return replace(
        winner.members[0],
        answer=winner.answer.shown,
        confidence=size / (len(complete) + unseen),
        tie=sum(len(group.members) == size for group in groups) > 1,
    )


def _unanswered(drafts: Sequence[Draft], complete: Sequence[Draft]) -> Draft:
    """What stands for a winner where no draft has an answer (rule G4)."""
    if not complete:
        return no_answer(drafts)
    return replace(max(complete, key=mean_logprob_of), answer=None, confidence=0.0)


def _heaviest(drafts: Sequence[Draft], args: Args) -> Draft:
    """The winner of a vote whose votes weigh differently."""
    complete = complete_drafts(drafts)
    groups = grouped(complete, args["by"] or "text")
    if not groups:
        return _unanswered(drafts, complete)
    votes = cast(complete, [draft for group in groups for draft in group.members], args)
    ranks = [_rank(group, votes) for group in groups]
    top = max(ranks)
    winner = groups[ranks.index(top)]
    return replace(
        max(winner.members, key=lambda draft: _weight(draft, votes)),
        answer=winner.answer.shown,
        confidence=len(winner.members) / len(complete)
        if votes.negative
        else votes.total(winner.members) / votes.total(complete),
        tie=sum(rank[:2] == top[:2] for rank in ranks) > 1,
    )


def _rank(group: Group, votes: Votes) -> tuple[bool, float, float, float]:
    """Larger wins: a group that has a vote, weight, then what decides other ties (rule G3)."""
    _, scores, logprob = group.rank
    has = any(votes.of(draft) is not None for draft in group.members)
    return has, votes.total(group.members), scores, logprob


def _weight(draft: Draft, votes: Votes) -> tuple[bool, float, float, float]:
    """Larger comes first: a draft with a vote, weight, score, then mean log-probability.

    Where all votes weigh the same nothing but the order in the list counts, as in any vote.
    """
    vote = votes.of(draft)
    if vote is None or votes.equal:
        return vote is not None, 0.0, LOWEST, LOWEST
    return True, vote, score_of(draft), mean_logprob_of(draft)
