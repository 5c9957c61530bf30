"""Replies that are begun: the prompt with the text so far, and the draft with what came after."""

from __future__ import annotations

from collections.abc import Iterable

from graphdsl.ops.neutral import neutralise_within
from graphdsl.ops.roles import with_answer
from graphdsl.values import Draft, Finish, LogprobStats, Message, Messages


def begun(prompt: Messages, text: str) -> Messages:
    """A prompt whose reply begins with `text`: an assistant turn that the model goes on with.

    It joins one with which the prompt ends already. Chat control strings in the text are broken:
    a model or a user may have written it. Without any text there is nothing to go on with.
    """
    turns, before = prompt.turns, ""
    if turns and turns[-1].role == "assistant":
        turns, before = turns[:-1], turns[-1].content
    whole = neutralise_within(before + text, [(len(before), len(before) + len(text))])
    return Messages((*turns, Message("assistant", whole))) if whole else Messages(turns)


def extended(draft: Draft, text: str, reply: Draft) -> Draft:
    """A draft after its reply was continued: `text`, which begins with its own, then the reply's.

    Usage and log-probabilities are those of all parts together (of what was only put between them
    nobody knows any), the answer is read again, and all else is the newest part's. A part that
    failed adds nothing: the text stays the draft's own, with its answer and how the part failed.
    """
    failed = reply.finish in (Finish.ERROR, Finish.CANCELLED)
    return with_answer(
        Draft(
            draft.text if failed else text + reply.text,
            finish=reply.finish,
            usage=draft.usage + reply.usage,
            model=reply.model,
            sample=reply.sample,
            seed=reply.seed,
            logprobs=draft.logprobs if failed else summed((draft.logprobs, reply.logprobs)),
            error=reply.error,
            prompt=draft.prompt,
            temperature=reply.temperature,
        )
    )


def summed(parts: Iterable[LogprobStats | None]) -> LogprobStats | None:
    """The statistics of texts one after another; None where those of one are not known.

    >>> summed([LogprobStats(2, -1.0, -0.75), LogprobStats(1, -2.0, -2.0)])
    LogprobStats(tokens=3, total=-3.0, minimum=-2.0)
    """
    known: list[LogprobStats] = []
    for part in parts:
        if part is None:
            return None
        known.append(part)
    if not known:
        return None
    return LogprobStats(
        sum(part.tokens for part in known),
        sum(part.total for part in known),
        min(part.minimum for part in known),
    )
