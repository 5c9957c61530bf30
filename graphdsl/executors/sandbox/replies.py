"""What the code's process says, read without trusting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from graphdsl.errors import SandboxError
from graphdsl.executors.sandbox.dialogue import Dialogue
from graphdsl.ops.execution import Executed, Execution, Outcome
from graphdsl.ops.unit_cases import excerpt

KIND: Final = 100
"""Characters of the name of an exception or type that are kept."""

TEXT: Final = 500
"""Characters of the text of an exception that are kept."""


async def load(work: Execution, code: Dialogue) -> str:
    """Have the module loaded; why that failed, else an empty text."""
    await code.start({"as": "functions", "source": work.source, "stdin": work.stdin})
    said = await code.reply()
    if said is None:
        return ""
    return raised(said)


def raised(said: Mapping[str, Any]) -> str:
    """The exception that a reply tells of, in one line; else an empty text."""
    match said.get("raised"):
        case [str(kind), str(text)]:
            name = excerpt(kind, KIND)
            return f"{name}: {excerpt(text, TEXT)}" if text else name
        case None:
            return ""
        case _:
            return "an exception"


def lost_outcome(code: Dialogue, error: str) -> Outcome:
    """The outcome of a call that was never answered."""
    if error:
        return Outcome.ERROR
    return code.outcome if code.outcome not in (None, Outcome.OK) else Outcome.CRASHED


def executed(code: Dialogue, error: str, **more: Any) -> Executed:
    """What became of the code: `error` is what it raised itself.

    Raises `SandboxError` when it never ran because the sandbox could not be made.
    """
    if code.outcome is Outcome.REFUSED:
        raise SandboxError(f"the sandbox could not be made: {code.error}")
    outcome = code.outcome or Outcome.OK
    if error and outcome in (Outcome.OK, Outcome.ERROR):
        return Executed(Outcome.ERROR, code.stdout, code.stderr, error, **more)
    return Executed(outcome, code.stdout, code.stderr, code.error, **more)
