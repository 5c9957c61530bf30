"""Asking an agent, with the remarks that are kept of what it said."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphdsl.search.agents.remarks import Remarks
from graphdsl.search.agents.schemas import Schema
from graphdsl.search.strategy import Advisor


@dataclass(slots=True)
class Counsel:
    """An agent, if there is one. A question is asked once: its repair, if any, is the advisor's."""

    advisor: Advisor | None
    remarks: Remarks = field(default_factory=Remarks)
    _told: int = 0

    async def ask(self, prompt: str, schema: Schema) -> object | None:
        """The reply; None where none came. Raises `Spent` when the budget allows no more."""
        if self.advisor is None:
            if not self.remarks.lines:
                self.remarks.add("there is no agent; the search goes on without its advice")
            return None
        self._told = len(self.remarks)
        reply = await self.advisor.ask(prompt, schema)
        if reply is None:
            self.remarks.add("the agent gave no reply that could be read")
        return reply

    def mistakes(self, most: int = 4) -> list[str]:
        """What was wrong with the last reply, for the next question."""
        return list(self.remarks.since(self._told)[:most])
