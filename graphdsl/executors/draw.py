"""One sample on its way, and the draft that it becomes."""

from __future__ import annotations

from typing import Final

from graphdsl.executors.abc import Completion, Meter
from graphdsl.executors.ledger import Scope
from graphdsl.executors.share import Share
from graphdsl.ops.context import Ask
from graphdsl.values import Draft, Finish, Messages, Usage

_NOTHING: Final = Usage()
"""What a sample has cost before it was sent."""


class Draw:
    """One sample on its way: what is asked, under which budget, and what it has cost so far.

    `spent` adds up all attempts, `charged` is what the last of them cost, `owed` what earlier lives
    of the run spent on it in vain. `start` is in seconds
    since the run began, `number` counts the samples of the run, `notes` are for the trace, `call`
    is its name in the journal. `origin` says where the answer came from, `saved` what it would
    have cost, `passes` how often another model was asked instead, `retries` how often the same one
    again, and `kind` is the class of the error that it ended with.
    `fresh`: it has an answer that a journal does not hold yet, got by that `attempt`, None where
    nobody was asked. By `share` and `rank` it is let in at the model: see
    `graphdsl.executors.share.Claim`. `sent` and `back` are when the last attempt left and when it
    ended, in the loop's time; None where there was none.
    """

    __slots__ = (
        "ask",
        "attempt",
        "back",
        "call",
        "charged",
        "fresh",
        "kind",
        "meter",
        "notes",
        "number",
        "origin",
        "owed",
        "passes",
        "rank",
        "retries",
        "saved",
        "scope",
        "seed",
        "sent",
        "share",
        "spent",
        "start",
    )

    def __init__(
        self,
        ask: Ask,
        seed: int,
        scope: Scope,
        number: int,
        start: float,
        call: str,
        share: Share,
        rank: int,
    ) -> None:
        self.ask = ask
        self.seed = seed
        self.scope = scope
        self.share = share
        self.rank = rank
        self.number = number
        self.start = start
        self.sent: float | None = None
        self.back: float | None = None
        self.spent = _NOTHING
        self.charged = _NOTHING
        self.owed = _NOTHING
        self.meter = Meter()
        self.notes: tuple[str, ...] = ()
        self.call = call
        self.origin = "model"
        self.saved = _NOTHING
        self.passes = 0
        self.retries = 0
        self.attempt: int | None = None
        self.fresh = False
        self.kind: str | None = None

    @property
    def messages(self) -> Messages:
        """The prompt."""
        return self.ask.messages

    @property
    def usage(self) -> Usage:
        """What the sample has cost the run: in this life of it, and in vain in earlier ones."""
        return self.spent if self.owed is _NOTHING else self.spent + self.owed

    def begin(self) -> None:
        """A new attempt: nothing of it is counted yet."""
        self.charged = _NOTHING
        if self.spent is not _NOTHING:
            self.meter.reset()

    def note(self, text: str) -> None:
        """Leave a remark for the trace."""
        self.notes += (text,)

    def pass_over(self, model: str, reason: Exception) -> None:
        """Another model is asked instead of that one."""
        self.passes += 1
        self.note(f"`{model}` was passed over: {reason}")

    def ask_again(self, model: str, reason: Exception) -> None:
        """The same model is asked once more."""
        self.retries += 1
        self.note(f"`{model}` is asked again: {reason}")

    def charge(self, usage: Usage) -> None:
        """What the attempt has cost, to be settled, and to stand with the sample."""
        self.charged = usage
        self.spent = usage if self.spent is _NOTHING else self.spent + usage

    def remembered(self, origin: str, saved: Usage = _NOTHING) -> None:
        """Nobody was asked: the answer was there before, and saved so much."""
        self.origin = origin
        self.saved = saved

    def answered(self, model: str, completion: Completion) -> Draft:
        """The draft of a completion by the model of that name.

        Its usage is what the sample takes, also where it was paid for at another time.
        """
        ask = self.ask
        return Draft(
            completion.text,
            finish=completion.finish,
            usage=self.spent if self.saved is _NOTHING else self.spent + self.saved,
            model=model,
            sample=ask.index,
            seed=self.seed,
            logprobs=completion.logprobs,
            prompt=ask.messages,
            temperature=ask.temperature,
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
