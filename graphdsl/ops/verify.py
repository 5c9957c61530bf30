"""Judging one draft: reasons first, then a verdict (Archon's verifier, arXiv 2409.15254)."""

from __future__ import annotations

import re
from typing import Final

from graphdsl.ops.candidates import prompt_of, question_text
from graphdsl.ops.context import Args, Context
from graphdsl.ops.roles import ask_until
from graphdsl.values import Answer, Draft, Finish, Value, Verdict

_VERDICT: Final = re.compile(r"\[\s*(correct|incorrect)\s*\]", re.IGNORECASE)
_BEFORE: Final = re.compile(r"(?:\s|[*_#>-]|(?:final\s+)?verdict\s*:)+\Z", re.IGNORECASE)


async def verify(context: Context, args: Args) -> Value:
    """A `Verdict`: `score` is 1 when passed, 0 when not, absent when no verdict could be read.

    A draft that is not complete does not pass and is not shown to the judge. A reply without a
    verdict does not pass either; its text is the reason.
    """
    draft: Draft = args["draft"]
    answer = Answer(draft.answer or "", draft.confidence, draft.tie)
    if not draft.complete:
        return Verdict(False, f"the draft is not complete ({draft.finish})", 0.0, answer)
    reply, verdict = await ask_until(
        context,
        args,
        parse_verdict,
        question=question_text(prompt_of(args.get("question"), [draft])),
        candidate=draft.text.strip(),
    )
    if verdict is not None:
        passed, reason = verdict
        return Verdict(passed, reason, float(passed), answer, reply.finish)
    context.note("no verdict could be read; the draft does not pass")
    reason = reply.text.strip() or f"not verified: {reply.error or 'the reply was empty'}"
    finish = reply.finish if not reply.complete else Finish.ERROR
    return Verdict(False, reason, None, answer, finish)


def parse_verdict(text: str) -> tuple[bool, str] | None:
    """Whether the draft passed and the reasons before the verdict.

    Exactly one of `[Correct]` and `[Incorrect]` must occur (any case, any number of times), in
    the last line that has one; what a judge says on the way to its verdict does not count.

    >>> parse_verdict("The sum is right.\\nVerdict: [Correct]")
    (True, 'The sum is right.')
    """
    marks = list(_VERDICT.finditer(text))
    if not marks:
        return None
    line = text.rfind("\n", 0, marks[-1].start()) + 1
    marks = [mark for mark in marks if mark.start() >= line]
    words = {mark.group(1).lower() for mark in marks}
    if len(words) != 1:
        return None
    before = _BEFORE.sub("", text[: marks[0].start()])
    return words == {"correct"}, before.strip() or text[marks[-1].end() :].strip()
