"""Runs the program in a reply; what it prints takes the reply's place.

Gao et al. 2022, PAL, arXiv 2211.10435; Chen et al. 2022, Program of Thoughts, arXiv 2211.12588.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, cast

from graphdsl.ops.code import find_code
from graphdsl.ops.context import Args, Context
from graphdsl.ops.execution import Executed, Execution, Limits, Outcome
from graphdsl.ops.together import together
from graphdsl.values import Draft, Finish, Value, as_text

SECONDS: Final = 10.0
"""Wall time of one program where nothing else is said."""


async def exec_(context: Context, args: Args) -> Value:
    """A draft for each that is given: its text is the standard output, its answer the last line of
    it that is not blank. What did not run to its end is a failed draft that says why; so is a
    reply without code. A draft that is not complete stays as it is.
    """
    context.keep()
    of, stdin = args["of"], as_text(args.get("stdin"))
    limits = Limits(seconds=float(args.get("timeout") or SECONDS))
    if isinstance(of, tuple):
        drafts = cast(Sequence[Draft], of)
        return tuple(await together(_run(context, one, stdin, limits) for one in drafts))
    draft = of if isinstance(of, Draft) else Draft(as_text(of))
    return await _run(context, draft, stdin, limits)


async def _run(context: Context, draft: Draft, stdin: str, limits: Limits) -> Draft:
    if not draft.complete:
        return draft
    code = find_code(draft.text)
    if code is None:
        return _failed(draft, "the reply has no Python code")
    done = await context.execute(Execution(code, stdin, limits=limits))
    if done.outcome is not Outcome.OK:
        return _failed(draft, told(done), done.stdout)
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    answer = lines[-1].strip() if lines else None
    return replace(draft, text=done.stdout, answer=answer, logprobs=None)


def told(done: Executed) -> str:
    """How an execution that is not ok ended, in one line.

    >>> told(Executed(Outcome.TIMEOUT, error="it ran longer than 1 s"))
    'timeout: it ran longer than 1 s'
    """
    if done.outcome is Outcome.ERROR:
        return done.error
    return f"{done.outcome.value}: {done.error}" if done.error else done.outcome.value


def _failed(draft: Draft, error: str, printed: str = "") -> Draft:
    text = "\n".join(part for part in (printed.rstrip("\n"), error) if part)
    return replace(draft, text=text, answer=None, finish=Finish.ERROR, error=error, logprobs=None)
