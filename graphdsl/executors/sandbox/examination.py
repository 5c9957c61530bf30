"""Checks of functions: two sandboxes that never meet, and this process between them.

One holds the code, the other the asserts. When an assert calls a function of the code, the call
comes here as data, goes to the code, and its value goes back as data. The code so never sees an
assert, an expected value, or the place where they are compared; and what it gives back has the
exact built-in types, so no method of it runs where the comparison is made.
"""

from __future__ import annotations

from typing import Any, Final

from graphdsl.executors.sandbox.dialogue import Dialogue
from graphdsl.executors.sandbox.replies import KIND, TEXT, executed, load
from graphdsl.ops.execution import Checked, Checks, Executed, Execution, Outcome
from graphdsl.ops.unit_cases import excerpt

_TEXT: Final = 1000


async def examine(work: Execution, checks: Checks, code: Dialogue, checker: Dialogue) -> Executed:
    """Load the code, then run the checks and carry their calls to it."""
    error = await load(work, code)
    if error or code.outcome is not None:
        lost = Checked(False, error or code.error or "it ended while it was loaded")
        return executed(code, error, checked=(lost,) * checks.count)
    await checker.start({"as": "checks", "source": checks.source, "names": dict(checks.names)})
    found: dict[int, Checked] = {}
    calls = 0
    ended: str | None = "the checks were not run to their end"
    while (said := await checker.reply()) is not None:
        if "call" in said:
            calls += 1
            checker.ask(await _carried(said, checks, code))
        elif "check" in said:
            _note(said, found, checks.count)
        elif "ended" in said:
            ended = None if said["ended"] is None else excerpt(str(said["ended"]), _TEXT)
            break
    if checker.outcome is Outcome.REFUSED:
        executed(checker, "")
    if code.outcome not in (None, Outcome.OK):
        ended = code.error
    elif checker.outcome not in (None, Outcome.OK):
        ended = f"the checks: {checker.error}"
    return executed(code, "", checked=_all(found, ended, checks.count, calls))


async def _carried(said: dict[str, Any], checks: Checks, code: Dialogue) -> dict[str, Any]:
    """The code's answer to a call that a check made."""
    name = said.get("call")
    if name not in checks.names.values():
        return {"raised": ["NameError", f"`{name}` is none of the code's functions"]}
    if code.outcome is None:
        code.ask({key: said.get(key) for key in ("call", "arguments", "named")})
        answer = await code.reply()
        if answer is not None and ("value" in answer or "raised" in answer):
            return _whole(answer)
    return {"raised": ["RuntimeError", code.error or "it ended before it had answered"]}


def _whole(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer in the shape that the checks expect, whatever the code made of it."""
    match answer:
        case {"raised": [str(kind), str(text)]}:
            return {"raised": [excerpt(kind, KIND), excerpt(text, TEXT)]}
        case {"raised": _}:
            return {"raised": ["RuntimeError", "an exception"]}
        case {"value": value, "arguments": [*arguments]}:
            return {"value": value, "arguments": arguments}
        case _:
            return {"value": answer["value"]}


def _note(said: dict[str, Any], found: dict[int, Checked], count: int) -> None:
    """A check in a loop is evaluated often; its first failure stands."""
    number, passed = said.get("check"), said.get("passed")
    if not isinstance(number, int) or not 0 <= number < count:
        return
    if number in found and found[number].passed is not True:
        return
    why, got = (excerpt(str(said.get(key) or ""), _TEXT) for key in ("why", "got"))
    found[number] = Checked(passed if isinstance(passed, bool) else None, why, got)


def _all(
    found: dict[int, Checked], ended: str | None, count: int, calls: int
) -> tuple[Checked, ...]:
    """One per check. A check that a program which ended well did not reach has nothing against it,
    as in Python, provided that any was reached; without a single call of the code none says
    anything about it."""
    if ended is None and not calls:
        uncalled = Checked(None, "no function of the code was called")
        unsent = {number: one for number, one in found.items() if one.passed is None}
        return tuple(unsent.get(number, uncalled) for number in range(count))
    if ended is None:
        rest = Checked(True) if found else Checked(None, "no check was reached")
    else:
        unsupported = ended.startswith("unsupported: ")
        rest = Checked(None if unsupported else False, ended.removeprefix("unsupported: "))
    return tuple(found.get(number, rest) for number in range(count))
