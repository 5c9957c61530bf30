"""One sample on its way, and the draft that it becomes."""

from __future__ import annotations

from typing import Final

from graphdsl.executors.abc import Completion, Meter
from graphdsl.executors.ledger import Scope
from graphdsl.ops.context import Ask
from graphdsl.values import Draft, Finish, Usage

_NOTHING: Final = Usage()
"""What a sample has cost before it was sent."""


class Draw:
    """One sample on its way: what is asked, under which budget, and what it has cost so far.

    `spent` adds up all attempts, `charged` is what the last of them cost. `start` is in seconds
    since the run began, `number` counts the samples of the run, `notes` are for the trace.
    """

    __slots__ = ("ask", "charged", "meter", "notes", "number", "scope", "seed", "spent", "start")

    def __init__(self, ask: Ask, seed: int, scope: Scope, number: int, start: float) -> None:
        self.ask = ask
        self.seed = seed
        self.scope = scope
        self.number = number
        self.start = start
        self.spent = _NOTHING
        self.charged = _NOTHING
        self.meter = Meter()
        self.notes: tuple[str, ...] = ()

    def begin(self) -> None:
        """A new attempt: nothing of it is counted yet."""
        self.charged = _NOTHING
        if self.spent is not _NOTHING:
            self.meter.reset()

    def note(self, text: str) -> None:
        """Leave a remark for the trace."""
        self.notes += (text,)

    def charge(self, usage: Usage) -> None:
        """What the attempt has cost, to be settled, and to stand with the sample."""
        self.charged = usage
        self.spent = usage if self.spent is _NOTHING else self.spent + usage

    def answered(self, model: str, completion: Completion) -> Draft:
        """The draft of a completion by the model of that name."""
        ask = self.ask
        return Draft(
            completion.text,
            finish=completion.finish,
            usage=self.spent,
            model=model,
            sample=ask.index,
            seed=self.seed,
            logprobs=completion.logprobs,
            prompt=ask.messages,
        )

    def failed(self, finish: Finish, error: str) -> Draft:
        """The draft that stands for a sample without a completion."""
        ask = self.ask
        return Draft(
            "",
            finish=finish,
            usage=self.spent,
            model=ask.model.name,
            sample=ask.index,
            seed=self.seed,
            error=error,
            prompt=ask.messages,
        )
