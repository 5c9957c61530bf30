"""A candidate with its text."""

from __future__ import annotations

from dataclasses import dataclass

from graphdsl.values import Draft, Finish, LogprobStats, Messages


@dataclass(frozen=True, slots=True)
class Path:
    """A partial or whole text, as a draft whose usage and log-probabilities are those of all steps.

    `open` ones can be expanded; `done` ones are results. One that is neither was cut off, or
    failed. `step` is its newest part, `parent` the number of the path that it goes on from.
    """

    draft: Draft
    depth: int = 0
    open: bool = False
    done: bool = False
    step: str = ""
    parent: int = 0

    @property
    def failed(self) -> bool:
        """Whether its newest part is missing, since the model or the budget failed."""
        return self.draft.finish in (Finish.ERROR, Finish.CANCELLED)


def root(prompt: Messages) -> Path:
    """The bare prompt: nothing is written yet, so that statistics can be added up from here."""
    return Path(Draft("", logprobs=LogprobStats(0, 0.0, 0.0), prompt=prompt), open=True)
