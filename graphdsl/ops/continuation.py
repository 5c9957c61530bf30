"""More text for drafts: a begun reply that a model goes on with.

Budget forcing (Muennighoff et al. 2025, s1, arXiv 2501.19393): thoughts are cut at a budget, made
longer by a word such as `Wait`, and closed by the header of the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from graphdsl.ops.begun import begun, extended
from graphdsl.ops.context import Args, Ask, Context
from graphdsl.ops.generate import TEMPERATURE
from graphdsl.ops.limits import bounded, joined
from graphdsl.ops.signatures.bounds import several, size
from graphdsl.ops.together import together
from graphdsl.values import Draft, Finish, Messages, Value, as_text

TWIN: Final = 10_007
"""Numbers between the samples of equal drafts. More than the samples of one draft; and a prime, so
that scripted replies, which come round again, differ as well."""

NO_PROMPT: Final = "without a prompt nothing can be continued; give `draft` its `question`"


@dataclass(frozen=True, slots=True)
class _Begin:
    """How a draft goes on: its text with what is put after it, and what is asked."""

    draft: Draft
    text: str
    messages: Messages
    max_tokens: int | None


async def continue_(context: Context, args: Args) -> Value:
    """Every draft with more text, in order of draft, then sample; all are drawn concurrently.

    Failed and cancelled drafts stay as they are, each once; with `only: truncated` complete ones
    do, with `total` those that have used it, and, with a note, those that have no prompt: a text
    becomes one that can go on by `draft(text, question: …)`. A draft of which every continuation
    failed or was refused stays as well, with its own finish (rule G8), its usage that of all calls
    for it; where some came, those that failed are left out. Notes say how many were lost.
    `max_tokens` may be above `total`, or what is left of it: the smaller one counts.
    At temperature 0 samples would be equal, so one is drawn (rule G7). A sample is told apart by
    its draft's place (the stream) and its own number, so that more drafts or more samples repeat
    the first ones (rule G6); equal drafts never share a number.
    """
    begins = [_begin(args, draft) for draft in _looked_at(context, args)]
    lost = sum(isinstance(begin, Draft) and _unasked(args, begin) for begin in begins)
    if lost:
        context.note(f"{lost} of {len(begins)} drafts stay as they were: {NO_PROMPT}")
    samples, temperature = _samples(context, args)
    twins: Counter[Messages] = Counter()
    replies: list[Draft] = []
    work = [
        _continued(context, begin, _asks(args, begin, place, samples, temperature, twins), replies)
        if isinstance(begin, _Begin)
        else _same(begin)
        for place, begin in enumerate(begins)
    ]
    found = await together(work)
    _note_lost(context, replies)
    return bounded(*found)


def _looked_at(context: Context, args: Args) -> Sequence[Draft]:
    """The drafts that the bound of calls allows for."""
    drafts = cast("tuple[Draft, ...]", several(args["drafts"]))
    most = size(args)
    if len(drafts) > most:
        context.note(f"the first {most} of {len(drafts)} drafts are continued; raise `up_to`")
    return drafts[:most]


def _samples(context: Context, args: Args) -> tuple[int, float]:
    """How many continuations each draft gets, and the temperature: as given, else as the model's
    block says, else as for `generate`."""
    given, samples = args.get("temperature"), int(args.get("samples") or 1)
    temperature = float(args["by"].setting("temperature", TEMPERATURE) if given is None else given)
    if temperature or samples == 1:
        return samples, temperature
    context.note(f"temperature 0: one continuation of each draft instead of {samples}")
    return 1, temperature


def _begin(args: Args, draft: Draft) -> _Begin | Draft:
    """How a draft goes on, or the draft that stands for it where it does not."""
    room = _room(args, draft)
    if draft.prompt is None or not _goes_on(args, draft, room):
        return draft
    text = joined((draft.text, _suffix(args, draft)), "")
    return _Begin(draft, text, begun(draft.prompt, text), room)


def _goes_on(args: Args, draft: Draft, room: int | None) -> bool:
    """Whether there is a reason to continue it."""
    if draft.finish in (Finish.ERROR, Finish.CANCELLED):
        return False
    spared = args.get("only") == "truncated" and draft.complete
    return not spared and (room is None or room >= 1)


def _unasked(args: Args, draft: Draft) -> bool:
    """Whether it only lacks a prompt."""
    return draft.prompt is None and _goes_on(args, draft, _room(args, draft))


def _suffix(args: Args, draft: Draft) -> str:
    """What is put after a draft; a line break at its begin is not doubled."""
    own = None if draft.complete else args.get("truncated_suffix")
    suffix = as_text(args.get("suffix") if own is None else own)
    return suffix[1:] if suffix.startswith("\n") and draft.text.endswith("\n") else suffix


def _room(args: Args, draft: Draft) -> int | None:
    """Most tokens of a continuation; None where only the model's block may say.

    What is put between counts for nothing: only the model could tell how many tokens it has.
    """
    own, total = args.get("max_tokens"), args.get("total")
    if total is None:
        return None if own is None else int(own)
    left = int(total) - _used(draft)
    usual = args["by"].setting("max_tokens") if own is None else own
    return left if usual is None else min(left, int(usual))


def _used(draft: Draft) -> int:
    """Tokens that models wrote for a draft. Its usage has them, except where a call whose end
    nobody saw stands in it with its worst case: then those with a log-probability, if any."""
    usage, stats = draft.usage, draft.logprobs
    return stats.tokens if usage.unknown and stats is not None else usage.completion_tokens


def _asks(
    args: Args,
    begin: _Begin,
    place: int,
    samples: int,
    temperature: float,
    twins: Counter[Messages],
) -> list[Ask]:
    first = twins[begin.messages] * TWIN
    twins[begin.messages] += 1
    stops = tuple(map(as_text, several(args.get("stop") or ())))
    return [
        Ask(args["by"], begin.messages, index, place, temperature, begin.max_tokens, stops)
        for index in range(first, first + samples)
    ]


async def _continued(
    context: Context, begin: _Begin, asks: Sequence[Ask], all_replies: list[Draft]
) -> tuple[Draft, ...]:
    """What became of a draft; its replies are put with all of the call."""
    replies = await together(context.sample(ask) for ask in asks)
    all_replies += replies
    if came := [reply for reply in replies if not _lost(reply)]:
        return tuple(extended(begin.draft, begin.text, reply) for reply in came)
    return (replace(begin.draft, usage=sum((one.usage for one in replies), begin.draft.usage)),)


def _lost(reply: Draft) -> bool:
    return reply.finish in (Finish.ERROR, Finish.CANCELLED)


def _note_lost(context: Context, replies: Sequence[Draft]) -> None:
    if lost := [reply for reply in replies if _lost(reply)]:
        why = next((f": {reply.error}" for reply in lost if reply.error), "")
        context.note(f"{len(lost)} of {len(replies)} continuations were lost{why}")


async def _same(draft: Draft) -> tuple[Draft, ...]:
    return (draft,)
