"""Small flows whose lists need not be made to their end, and models for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from graphdsl.compiler.check import check
from graphdsl.compiler.lower import lower
from graphdsl.compiler.pipeline import optimise
from graphdsl.compiler.planner import plan
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from graphdsl.executors.abc import ChatRequest, Completion
from graphdsl.executors.cache.store import Cache
from graphdsl.executors.engine import execute
from graphdsl.executors.journal.run_journal import RunJournal
from graphdsl.executors.result import Result
from graphdsl.executors.run_options import RunOptions
from graphdsl.plan import Budget, Program
from graphdsl.values import Finish
from tests.plans import Fake, said, serving

HEAD: Final = """edition "2026"
model m { backend = simulated }
model j { backend = simulated }
"""


def program(body: str, result: str = "Text") -> Program:
    """The optimised program of a flow."""
    checked = check(Source("x.tts", f"{HEAD}flow main(q: Text) -> {result} {{\n{body}\n}}\n"))
    assert checked.module is not None, checked.diagnostics
    return plan(optimise(specialise(lower(checked.module, "main"), {})))


async def run(
    body: str,
    result: str = "Text",
    budget: Budget | None = None,
    cache: Cache | None = None,
    journal: RunJournal | None = None,
    **fakes: Fake,
) -> Result:
    """The result of a flow on models that nothing has asked before."""
    options = RunOptions(budget=budget or Budget(), cache=cache, journal=journal)
    return await execute(
        program(body, result), {"q": "?"}, backends=serving(**fakes), options=options
    )


def cut_off() -> Completion:
    """A reply that ended at its limit."""
    return said("Answer: 1", finish=Finish.LENGTH)


def answering(answers: Callable[[int], str | None]) -> Fake:
    """A model whose sample `i` says that answer; where there is none it never ends."""

    async def reply(request: ChatRequest) -> str:
        answer = answers(request.sample)
        if answer is None:
            await asyncio.Event().wait()
        return f"Answer: {answer}"

    return Fake(reply)


DRAFTS: Final = "drafts = generate(q, models: m, samples: 8)\n"

JUDGED: Final = """drafts = generate(q, models: m, samples: 6)
verdicts = each d in drafts up to 6 { v = verify(d, by: j) yield v }
"""


def judging(passes: int, hangs: Callable[[int], bool]) -> Fake:
    """A judge that lets draft number `passes` pass and never ends about some others."""

    async def reply(request: ChatRequest) -> str:
        number = int(request.messages.text.partition("Answer: ")[2][:1])
        if hangs(number):
            await asyncio.Event().wait()
        return "[Correct]" if number == passes else "[Incorrect]"

    return Fake(reply)
