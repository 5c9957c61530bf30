"""Judging one draft: reasons first, then a verdict (Archon's verifier, arXiv 2409.15254)."""

from __future__ import annotations

import re
from typing import Final

from graphdsl.ops.candidates import prompt_of, question_text
from graphdsl.ops.context import Args, Context
from graphdsl.ops.roles import ask_until
from graphdsl.values import Answer, Draft, Finish, Value, Verdict

_VERDICT: Final = re.compile(r"\[\s*(correct|incorrect)\s*\]", re.IGNORECASE)
_TEST: Final = re.compile(r"\[\s*(passed|failed)\s*\]", re.IGNORECASE)
_LABEL: Final = re.compile(r"(?:final\s{1,16})?verdict\s{0,16}:\Z", re.IGNORECASE)
_LABEL_SIZE: Final = 48
_BETWEEN: Final = re.compile(r"[^\s*_#>-]")
"""What may not stand between the reasons, the label and the verdict."""


async def verify(context: Context, args: Args) -> Value:
    """A `Verdict`: `score` is 1 when passed, 0 when not, absent when no verdict could be read.

    A reply that goes through tests says `[Passed]` or `[Failed]` for each: then `score` is the
    share that passed, and the draft passes with all of them (Archon's unit test evaluator).
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
        score, reason = verdict
        return Verdict(score == 1, reason, score, answer, reply.finish)
    context.note("no verdict could be read; the draft does not pass")
    reason = reply.text.strip() or f"not verified: {reply.error or 'the reply was empty'}"
    finish = reply.finish if not reply.complete else Finish.ERROR
    return Verdict(False, reason, None, answer, finish)


def parse_verdict(text: str) -> tuple[float, str] | None:
    """The score, from 0 to 1, and the reasons: those before the verdict, or the whole text of one
    that goes through tests.

    Exactly one of `[Correct]` and `[Incorrect]` must occur (any case, any number of times), in
    the last line that has one; what a judge says on the way to its verdict does not count.

    >>> parse_verdict("The sum is right.\\nVerdict: [Correct]")
    (1.0, 'The sum is right.')
    >>> parse_verdict("Test 1: [Passed]\\nTest 2: [Failed]")
    (0.5, 'Test 1: [Passed]\\nTest 2: [Failed]')
    """
    marks = list(_VERDICT.finditer(text))
    if not marks:
        return _tested(text)
    line = text.rfind("\n", 0, marks[-1].start()) + 1
    marks = [mark for mark in marks if mark.start() >= line]
    words = {mark.group(1).lower() for mark in marks}
    if len(words) != 1:
        return None
    before = _unlabelled(text[: marks[0].start()])
    return float(words == {"correct"}), before.strip() or text[marks[-1].end() :].strip()


def _unlabelled(text: str) -> str:
    """The reasons without a label such as `Verdict:` at their end, in time that is linear."""
    end = len(text)
    while True:
        while end and not _BETWEEN.match(text, end - 1):
            end -= 1
        label = _LABEL.search(text, max(0, end - _LABEL_SIZE), end)
        if label is None:
            return text[:end]
        end = label.start()


def _tested(text: str) -> tuple[float, str] | None:
    """The share of tests that passed, where the reply goes through tests."""
    results = [mark.lower() == "passed" for mark in _TEST.findall(text)]
    return (sum(results) / len(results), text.strip()) if results else None
