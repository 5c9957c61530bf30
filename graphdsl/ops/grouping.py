"""Drafts whose answers are equal: the one place that puts them together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphdsl.ops.candidates import LOWEST, mean_logprob_of, summand
from graphdsl.ops.extract import Found
from graphdsl.ops.quorum_ballots import ballot
from graphdsl.values import Draft


@dataclass(slots=True)
class Group:
    """Complete drafts whose answers are equal, in order; `answer` is that of the first."""

    answer: Found
    members: list[Draft] = field(default_factory=list[Draft])

    @property
    def rank(self) -> tuple[int, float, float]:
        """Larger wins: size, then sum of scores, then mean log-probability (rule G3)."""
        scores = (summand(draft.score) for draft in self.members)
        total = math.fsum(score for score in scores if score is not None)
        known = [p for draft in self.members if (p := mean_logprob_of(draft)) > LOWEST]
        return len(self.members), total, math.fsum(known) / len(known) if known else LOWEST


def grouped(drafts: Sequence[Draft], by: str) -> list[Group]:
    """Groups of equal answers by first occurrence; drafts without an answer join none.

    With `maths` it may ask another process and take seconds: see `graphdsl.ops.required.slow`.
    Raises `ExtraMissing` then, where the package that compares is not installed.
    """
    ballots = [(draft, found) for draft in drafts if (found := ballot(draft, by)) is not None]
    first = equals({found.key: None for _, found in ballots}, by)
    groups: dict[str, Group] = {}
    for draft, found in ballots:
        key = first.get(found.key, found.key)
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group(found)
        group.members.append(draft)
    return list(groups.values())


def equals(keys: Mapping[str, object], by: str) -> Mapping[str, str]:
    """For keys that are equal to others, the first of these; nothing where keys are all there is.

    Raises `ExtraMissing` like `grouped`.
    """
    if by != "maths" or len(keys) < 2:
        return {}
    from graphdsl.ops.maths.equality import joined_maths

    names = list(keys)
    return {name: names[at] for name, at in zip(names, joined_maths(names), strict=True)}


def equal_answers(pairs: Sequence[tuple[Found, Found]], by: str) -> list[bool]:
    """Whether the answers of each pair are equal, both read by `find_answer` with the same `by`.

    All at once, since `maths` may ask another process and take seconds: on an event loop call it
    by `graphdsl.ops.maths.aside`. Raises `ExtraMissing` like `grouped`.
    """
    if by != "maths":
        return [first.key == second.key for first, second in pairs]
    from graphdsl.ops.maths.equality import equal_maths

    return equal_maths([(first.key, second.key) for first, second in pairs])
