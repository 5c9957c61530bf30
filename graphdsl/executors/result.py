"""What a run gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from graphdsl.executors.trace import Trace
from graphdsl.ops.candidates import told
from graphdsl.values import Answer, Doc, Draft, Finish, Messages, Usage, Value, Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a run.

    `output` is the flow's value as the engine has it. `status` is `ok`, `exhausted` (a limit of
    the run's budget kept it from samples; the value is the best that was there) or `failed` (the
    value is a failed draft or an empty answer). `seconds` is wall time.

    `usage` is what the run has cost. `doubtful` is that part of it whose end nobody saw, at its
    worst case: the true cost lies between `usage` without it and `usage`. `saved` is what samples
    from the cache would have cost; with it added, `usage` is what the graph costs by itself.
    """

    output: Value
    status: str
    usage: Usage
    seconds: float
    run_id: str
    trace: Trace | None = None
    exhausted: str | None = None
    doubtful: Usage = Usage()  # noqa: RUF009 (immutable)
    saved: Usage = Usage()  # noqa: RUF009 (immutable)

    @property
    def usd(self) -> float | None:
        """The cost in US dollars; None where a model without a known price was called."""
        return self.usage.usd

    @property
    def value(self) -> Any:
        """The value in plain Python: a text for `Text`, `Answer`, `Messages` and `Doc`, a number,
        a bool, a `Draft`, a `Verdict`, a list, a dict, or None."""
        return plain(self.output)

    @property
    def answer(self) -> str | None:
        """The answer that the value holds: its own, or that of a draft or verdict."""
        match self.output:
            case Answer():
                return self.output.text
            case Draft():
                return self.output.answer
            case Verdict():
                return self.output.answer.text
            case str():
                return self.output
            case _:
                return None

    @property
    def confidence(self) -> float | None:
        """In [0, 1], where the value is an answer or draft whose confidence was measured."""
        return self.output.confidence if isinstance(self.output, Answer | Draft) else None

    @property
    def error(self) -> str | None:
        """Why there is no answer, in words; None where there is one."""
        if self.status != "failed" and not is_missing(self.output):
            return None
        if isinstance(self.output, Draft | Answer) and self.output.error:
            return self.output.error
        records = self.trace.walk() if self.trace is not None else ()
        calls = [call for record in records for call in record.calls]
        ends = [(Finish(call.finish), call.error) for call in calls]
        return f"no sample gave an answer{told(ends)}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible, without the trace."""
        return {
            "run_id": self.run_id,
            "status": self.status,
            "value": jsonable(self.output),
            "answer": self.answer,
            "confidence": self.confidence,
            "usage": self.usage.to_dict(),
            "usd": self.usd,
            "doubtful": self.doubtful.to_dict(),
            "saved": self.saved.to_dict(),
            "seconds": self.seconds,
            "exhausted": self.exhausted,
            "error": self.error,
        }


def plain(value: Value) -> Any:
    """A value without the language's wrappers; see `Result.value`."""
    match value:
        case Answer() | Messages() | Doc():
            return value.text
        case tuple():
            return [plain(item) for item in cast(tuple[Value, ...], value)]
        case dict():
            return {name: plain(item) for name, item in cast(dict[str, Value], value).items()}
        case _:
            return value


def jsonable(value: Value) -> Any:
    """A value as JSON data: drafts and verdicts as objects of their documented fields."""
    match value:
        case Draft():
            return {
                "text": value.text,
                "answer": value.answer,
                "score": _finite(value.score),
                "confidence": value.confidence,
                "finish": value.finish.value,
                "model": value.model,
                "sample": value.sample,
                "seed": value.seed,
                "tokens": value.usage.completion_tokens,
                "error": value.error,
                "tie": value.tie,
            }
        case Verdict():
            return {
                "passed": value.passed,
                "reason": value.reason,
                "score": _finite(value.score),
                "answer": value.answer.text,
            }
        case tuple():
            return [jsonable(item) for item in cast(tuple[Value, ...], value)]
        case dict():
            return {name: jsonable(item) for name, item in cast(dict[str, Value], value).items()}
        case float():
            return _finite(value)
        case _:
            return plain(value)


def status_of(output: Value, exhausted: str | None) -> str:
    """`exhausted`, `failed` or `ok`; a budget that ran out explains whatever is missing."""
    if exhausted is not None:
        return "exhausted"
    return "failed" if is_missing(output) else "ok"


def is_missing(output: Value) -> bool:
    """True for what stands for a value that no sample gave."""
    if isinstance(output, Draft):
        return output.finish in (Finish.ERROR, Finish.CANCELLED)
    return isinstance(output, Answer) and not output.text


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None
