"""What became of one item: the score of its run, and what that took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphdsl.errors import GraphDslError, InputError
from graphdsl.values import Usage

if TYPE_CHECKING:
    from graphdsl.api.evaluation.items import Item
    from graphdsl.eval.metrics import Metric
    from graphdsl.executors.result import Result


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run on one item.

    `replica` counts from 0. `status` is that of the run; `failed` also where it could not be made.
    `score` is from 0 to 1, and 0 where there is none: `reason` then says why. `usage` is what was
    spent, `saved` what samples from the cache would have cost besides. `seconds` is wall time.
    """

    item: Item
    replica: int
    status: str
    score: float
    reason: str | None
    value: Any
    answer: str | None
    usage: Usage
    saved: Usage
    seconds: float
    run_id: str | None

    @property
    def cost(self) -> Usage:
        """What the run costs by itself, wherever its samples came from."""
        return self.usage + self.saved

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens of that."""
        return self.cost.prompt_tokens + self.cost.completion_tokens

    @property
    def fresh(self) -> bool:
        """Whether models made all of its samples now, so that its seconds are theirs."""
        return not self.saved.calls

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible; `EvalItem` in `graphdsl.cli.schemas`."""
        return {
            "line": self.item.line,
            "item": self.item.name,
            "replica": self.replica,
            "target": self.item.target,
            "status": self.status,
            "score": self.score,
            "reason": self.reason,
            "value": self.value,
            "answer": self.answer,
            "usage": self.usage.to_dict(),
            "saved": self.saved.to_dict(),
            "seconds": self.seconds,
            "run_id": self.run_id,
        }


def outcome_of(item: Item, replica: int, result: Result | GraphDslError, metric: Metric) -> Outcome:
    """The outcome of a run, or of the error that it ended with.

    A metric that fails costs nothing but its item's score.
    """
    if isinstance(result, GraphDslError):
        reason, nothing = _line(result), Usage()
        return Outcome(
            item, replica, "failed", 0.0, reason, None, None, nothing, nothing, 0.0, None
        )
    from graphdsl.executors.result import jsonable

    score, reason = _score(item, result, metric)
    return Outcome(
        item,
        replica,
        result.status,
        score,
        reason,
        jsonable(result.output),
        result.answer,
        result.usage,
        result.saved,
        result.seconds,
        result.run_id,
    )


def _score(item: Item, result: Result, metric: Metric) -> tuple[float, str | None]:
    """The score, and why there is none."""
    if result.status == "failed":
        return 0.0, result.error or "no sample gave an answer"
    try:
        return metric.score(result.output, item.target), None
    except InputError as error:
        return 0.0, f"the metric could not be computed: {_line(error)}"
    except Exception as error:  # the code of another package: it must not cost the other items
        kind = type(error).__name__
        return 0.0, f"the metric `{metric.name}` broke: {kind}: {_line(error)}"


def _line(error: Exception) -> str:
    """What an error says, on one line."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
