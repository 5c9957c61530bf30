"""Code to be run in a sandbox, and what became of it: plain data between kernels and engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How an execution ended. Only `OK` means that the code ran to its end; it says nothing about
    whether what the code did is right."""

    OK = "ok"
    ERROR = "error"
    """The code raised, or ended with another exit status than 0."""
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output limit"
    """It printed, gave back or wrote to files more than it may."""
    CRASHED = "crashed"
    """A signal ended it, or it ended before it had answered."""
    REFUSED = "refused"
    """It was not run: it is no Python, or it is larger than what is run."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one execution may use.

    `seconds` of wall time (and one more of CPU time), `memory` bytes of address space of each
    process, `processes` (1: it cannot make another), `output` bytes of standard output and error
    together, `value` bytes of one reply, `files` and `files_bytes` in its scratch folder.
    """

    seconds: float = 10.0
    memory: int = 512 * 1024 * 1024
    processes: int = 1
    output: int = 64 * 1024
    value: int = 1024 * 1024
    files: int = 256
    files_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call of one of the code's functions, with plain data: what JSON has, tuples, sets, bytes,
    complex numbers and ranges."""

    function: str
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Checks:
    """Asserts about the code's functions: a program that never shares a process with the code.

    `source` is Python; where the code's `names` are called in it (the name there: the name in the
    code) the call is made in the code's process, and its value comes back as plain data.
    `count` checks report through `__check__(number, test)`; see `graphdsl.ops.assertions`.
    """

    source: str
    names: Mapping[str, str]
    count: int


@dataclass(frozen=True, slots=True)
class Execution:
    """What to run: `source` as a program that reads `stdin`; or, where there are `calls` or
    `checks`, as a module whose functions are called, one after the other."""

    source: str
    stdin: str = ""
    calls: tuple[FunctionCall, ...] = ()
    checks: Checks | None = None
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Returned:
    """What one call gave: a `value` (of built-in types), or `error`, why there is none.

    `outcome` is `OK` when the function returned. `plain` is false when what it returned is no
    plain data: then `error` says of which type it is.
    """

    outcome: Outcome
    value: Any = None
    error: str = ""
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Checked:
    """How one check went: `passed` None when it could not be judged, and `why`. `got` is what the
    last call within it gave, as Python writes it."""

    passed: bool | None
    why: str = ""
    got: str = ""


@dataclass(frozen=True, slots=True)
class Executed:
    """What became of an `Execution`.

    `stdout` and `stderr` are excerpts within the limit. `error` says in one line what went wrong.
    `returned` has one entry per call, `checked` one per check. `seconds` is wall time, with the
    start of the sandbox; `sandbox` is the kind that ran it.
    """

    outcome: Outcome
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    returned: tuple[Returned, ...] = ()
    checked: tuple[Checked, ...] = ()
    seconds: float = 0.0
    sandbox: str = ""


def unanswered(work: Execution, outcome: Outcome, error: str, sandbox: str = "") -> Executed:
    """Work that was not run to its end: each of its calls and checks says why.

    >>> work = Execution("def f(): pass", calls=(FunctionCall("f"),))
    >>> unanswered(work, Outcome.REFUSED, "it is too long").returned[0].error
    'it is too long'
    """
    lost = (Returned(outcome, error=error),) * len(work.calls)
    checked = (Checked(False, error),) * (work.checks.count if work.checks else 0)
    return Executed(outcome, "", "", error, lost, checked, sandbox=sandbox)
