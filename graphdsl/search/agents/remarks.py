"""What was dropped or mended in the replies of an agent, kept for the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from graphdsl.search.agents.quoted import quoted

_MOST: Final = 200
"""How many remarks are kept; of the others only their number is."""


@dataclass(slots=True)
class Remarks:
    """Remarks in order; `more` is how many there were beyond those that are kept."""

    lines: list[str] = field(default_factory=list[str])
    more: int = 0

    def add(self, line: str) -> None:
        """Keep a remark, in one short line."""
        if len(self.lines) < _MOST:
            self.lines.append(quoted(line, 200))
        else:
            self.more += 1

    def since(self, count: int) -> tuple[str, ...]:
        """The remarks that were kept after the first `count`."""
        return tuple(self.lines[count:])

    def __len__(self) -> int:
        return len(self.lines) + self.more
