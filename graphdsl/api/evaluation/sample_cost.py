"""What one sample costs, by all that a flow has drawn for its first question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphdsl.api.evaluation.row import share_of
from graphdsl.values import Finish, Usage

if TYPE_CHECKING:
    from graphdsl.compiler.baseline import Question
    from graphdsl.executors.result import Result
    from graphdsl.executors.trace import Trace


class Drawn:
    """Adds up the samples of the baselines' question that a flow has drawn itself.

    They tell the cost of a sample better than one sample of each item does. In a loop only those
    of the first round count, which alone are asked the same.
    """

    def __init__(self) -> None:
        self._cost = Usage()
        self._count = 0

    def see(self, question: Question, result: Result) -> None:
        """Count the samples of one run that ended by themselves, or at their limit of tokens."""
        for cost in _samples(result.trace, question):
            self._cost += cost
            self._count += 1

    @property
    def mean(self) -> Drawn | None:
        """Itself, where it has seen any."""
        return self if self._count else None

    def per_run(self, unit: str) -> float | None:
        """The mean cost of one sample in a unit; None where nobody knows."""
        return share_of(self._cost, unit, self._count)


def _samples(trace: Trace | None, question: Question) -> list[Usage]:
    from graphdsl.executors.trace import without_rounds

    records = trace.walk() if trace is not None else ()
    for record in records:
        whole = record.op == "generate"  # other operators make calls that are no whole samples
        if whole and without_rounds(record.address) == question.address:
            return [
                call.usage + call.saved
                for call in record.calls
                if call.model == question.model.name and _whole(call.finish)
            ]
    return []


def _whole(finish: str) -> bool:
    return Finish(finish).complete or finish == Finish.LENGTH
