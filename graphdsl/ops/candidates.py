"""What operators over several drafts share: which ones count, how they are compared and shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from graphdsl.values import Draft, Finish, Messages, Value, as_text

LOWEST: Final = -math.inf
"""What a missing or NaN score counts as where the highest wins (rule G5)."""

_MOST: Final = 1e300
"""Where numbers are cut off that are added up, so that no sum of them overflows."""


def complete_drafts(drafts: Iterable[Draft]) -> list[Draft]:
    """The drafts that ended by themselves: only these vote, win, or are fused (rule G1)."""
    return [draft for draft in drafts if draft.complete]


def no_answer(drafts: Sequence[Draft]) -> Draft:
    """What stands for a result when no draft is complete (rule G4): a failed draft.

    It is cancelled rather than failed when all that is missing was cancelled (a budget).
    """
    cancelled = bool(drafts) and all(draft.finish is Finish.CANCELLED for draft in drafts)
    prompt = next((draft.prompt for draft in drafts if draft.prompt is not None), None)
    return Draft(
        "",
        confidence=0.0,
        finish=Finish.CANCELLED if cancelled else Finish.ERROR,
        error=_reason(drafts),
        prompt=prompt,
    )


def _reason(drafts: Sequence[Draft]) -> str:
    if not drafts:
        return "there are no drafts"
    return f"no sample gave an answer{told([(draft.finish, draft.error) for draft in drafts])}"


_ENDS: Final = {
    Finish.LENGTH: "cut off at `max_tokens`",
    Finish.ERROR: "failed",
    Finish.CANCELLED: "cancelled",
}


def told(ends: Sequence[tuple[Finish, str | None]]) -> str:
    """How samples ended that gave nothing, with the first error, to follow a message.

    >>> told([(Finish.LENGTH, None), (Finish.ERROR, "no route"), (Finish.ERROR, "no route")])
    ': 1 of 3 was cut off at `max_tokens`, 2 of 3 failed (no route)'
    """
    parts: list[str] = []
    for finish, words in _ENDS.items():
        errors = [error for end, error in ends if end is finish]
        if not errors:
            continue
        verb = "" if finish is Finish.ERROR else "was " if len(errors) == 1 else "were "
        first = next((f" ({error})" for error in errors if error), "")
        parts.append(f"{len(errors)} of {len(ends)} {verb}{words}{first}")
    return ": " + ", ".join(parts) if parts else ""


def score_of(draft: Draft) -> float:
    """The score for an argmax: minus infinity where there is none (rule G5)."""
    score = draft.score
    return LOWEST if score is None or math.isnan(score) else score


def summand(value: float | None) -> float | None:
    """A number that can be added up; None for what is missing, NaN or infinite (rule G5)."""
    if value is None or not math.isfinite(value):
        return None
    return max(-_MOST, min(_MOST, value))


def mean_logprob_of(draft: Draft) -> float:
    """Mean log-probability per token; minus infinity where it is not known."""
    return LOWEST if draft.logprobs is None or not draft.logprobs.tokens else draft.logprobs.mean


def prompt_of(question: Value, drafts: Iterable[Draft]) -> Messages | None:
    """What the drafts answer: the given question, else the prompt of the first that has one."""
    if question is not None:
        return Messages.user(as_text(question))
    return next((draft.prompt for draft in drafts if draft.prompt is not None), None)


def question_text(prompt: Messages | None) -> str:
    """The last user turn of a prompt, which is what a role prompt calls the question."""
    turns = prompt.turns if prompt else ()
    return next((turn.content for turn in reversed(turns) if turn.role == "user"), "")


def numbered(drafts: Sequence[Draft], notes: Sequence[str] = ()) -> str:
    """Candidates for a role prompt, numbered from [1] in order, each with its critique if any."""
    blocks: list[str] = []
    for number, draft in enumerate(drafts, 1):
        blocks.append(f"[{number}] {draft.text.strip()}")
        if number <= len(notes) and notes[number - 1].strip():
            blocks.append(f"Critique of [{number}]: {notes[number - 1].strip()}")
    return "\n\n".join(blocks)


def notes_for(drafts: Sequence[Draft], using: Value) -> list[str] | None:
    """The critiques of the complete drafts, or None when there is not one per draft."""
    texts = [as_text(item) for item in using or ()]
    if not texts:
        return []
    if len(texts) != len(drafts):
        return None
    return [text for draft, text in zip(drafts, texts, strict=True) if draft.complete]
