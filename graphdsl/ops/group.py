"""Puts drafts together: by their answers, by what these mean, or by how they were drawn.

Answers as in self-consistency (Wang et al. 2022, arXiv 2203.11171), meanings as in semantic
uncertainty (Kuhn et al. 2023, arXiv 2302.09664), clusters of embeddings as in ETS (arXiv
2502.13575), the smallest share of a group as in best-of-majority.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from graphdsl.ops.candidates import complete_drafts, prompt_of, question_text
from graphdsl.ops.context import Args, Context
from graphdsl.ops.extract import Found
from graphdsl.ops.grouping import grouped
from graphdsl.ops.linkage import linked
from graphdsl.ops.maths.aside import aside
from graphdsl.ops.quorum_ballots import ballot
from graphdsl.ops.scoring.asking import Judge, Judgement, note_unread
from graphdsl.ops.scoring.verdicts import read_verdict
from graphdsl.ops.signatures.bounds import size
from graphdsl.ops.together import together
from graphdsl.values import Draft, Value

Groups = list[list[Draft]]


async def group(context: Context, args: Args) -> Value:
    """Lists of complete drafts, by the first occurrence of each group.

    By `text`, `number`, `choice` and `maths` a group has equal answers, as in `vote`; by
    `embedding` and `judge` it is made of text answers that mean the same (what stands after a mark,
    else the whole text). Drafts without such an answer are in no group; the others have the answer
    of their group's first draft. By `model` and `temperature` all complete drafts are grouped, and
    keep their answers.

    A group with less than the share `at_least` of the complete drafts is left out; where that
    leaves none, the largest ones stay. Without complete drafts, or answers, the list is empty.
    Where embeddings fail, or for answers on which a judge cannot be asked or understood, different
    answers are different groups, with a note. By `embedding` and `judge` only the first `up_to`
    complete drafts are looked at; by others all are, unless it is given.
    """
    by = args.get("by") or "text"
    complete = complete_drafts(args["drafts"])
    limit = size(args) if by in ("embedding", "judge") else args.get("up_to")
    looked_at = complete if limit is None else complete[: int(limit)]
    groups = await _groups(context, args, looked_at, by)
    shares = [len(members) / len(looked_at) for members in groups]
    least = min(float(args.get("at_least") or 0), max(shares, default=0))
    return tuple(
        tuple(members) for members, share in zip(groups, shares, strict=True) if share >= least
    )


async def _groups(context: Context, args: Args, drafts: Sequence[Draft], by: str) -> Groups:
    match by:
        case "model":
            return _apart(drafts, [draft.model for draft in drafts])
        case "temperature":
            return _apart(drafts, [draft.temperature for draft in drafts])
        case "embedding" | "judge":
            return await _alike(context, args, drafts, by)
        case "maths":
            context.keep()  # how long a comparison took has a part in it
            found = await aside(lambda: grouped(drafts, by), context.note)
        case _:
            found = grouped(drafts, by)
    return [[_answered(draft, one.answer.shown) for draft in one.members] for one in found]


def _apart(drafts: Sequence[Draft], names: Sequence[object]) -> Groups:
    """Drafts with one name together, by the first of each."""
    groups: dict[object, list[Draft]] = {}
    for draft, name in zip(drafts, names, strict=True):
        groups.setdefault(name, []).append(draft)
    return list(groups.values())


def _answered(draft: Draft, answer: str) -> Draft:
    return draft if draft.answer == answer else replace(draft, answer=answer)


async def _alike(context: Context, args: Args, drafts: Sequence[Draft], by: str) -> Groups:
    """Drafts whose answers mean the same, as a model sees it."""
    ballots = [(draft, found) for draft in drafts if (found := ballot(draft, "text")) is not None]
    answers: dict[str, Found] = {}
    for _, found in ballots:
        answers.setdefault(found.key, found)
    if len(answers) < 2:
        names: Mapping[str, int] = dict.fromkeys(answers, 0)
    elif by == "judge":
        names = await _judged(context, args, list(answers.values()))
    else:
        names = await _embedded(context, args, answers, [found.key for _, found in ballots])
    shown: dict[int, str] = {}
    for found in answers.values():
        shown.setdefault(names[found.key], found.shown)
    members = [_answered(draft, shown[names[found.key]]) for draft, found in ballots]
    return _apart(members, [names[found.key] for _, found in ballots])


async def _embedded(
    context: Context, args: Args, answers: Mapping[str, Found], keys: Sequence[str]
) -> dict[str, int]:
    """Clusters of answers. Each draft counts, so that frequent answers weigh more in a mean."""
    vectors = await context.embed(args["using"], [found.shown for found in answers.values()])
    if vectors is None:
        context.note("no embeddings; drafts with different answers are different groups")
        return {key: at for at, key in enumerate(answers)}
    known = dict(zip(answers, vectors, strict=True))
    given = args.get("distance")
    cut = 0.05 if given is None else float(given)
    rows = [known[key] for key in keys]
    labels = await aside(lambda: linked(rows, cut, "`by: embedding`"))
    names: dict[str, int] = {}
    for key, label in zip(keys, labels, strict=True):
        names.setdefault(key, label)
    return names


async def _judged(context: Context, args: Args, answers: Sequence[Found]) -> dict[str, int]:
    """Groups whose answers a judge calls the same as that of the first in the group.

    An answer is compared with the first of each group in turn, up to the one that it belongs to;
    for one group after the other, all answers that are left at once.
    """
    model = args["using"]
    judge = Judge(model, args["comparing"], temperature=float(model.setting("temperature", 0.0)))
    question = question_text(prompt_of(None, args["drafts"]))
    names: dict[str, int] = {}
    judgements: list[Judgement[bool]] = []
    left: list[tuple[int, Found]] = list(enumerate(answers))
    while left:
        first, leader = left[0]
        others = left[1:]
        names[leader.key] = first
        said = await together(
            judge.ask(
                context,
                read_verdict,
                draw=0,
                stream=first * len(answers) + other,
                question=question,
                first=leader.shown,
                second=answer.shown,
            )
            for other, answer in others
        )
        judgements += said
        same = [one.value is True for one in said]
        names |= {found.key: first for (_, found), yes in zip(others, same, strict=True) if yes}
        left = [one for one, yes in zip(others, same, strict=True) if not yes]
    note_unread(context, judgements)
    return names
