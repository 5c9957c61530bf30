"""The parts of an archive that an agent is shown: few, and the best first."""

from __future__ import annotations

from collections.abc import Sequence

from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.wording import limited, told_lines
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.points import key_of

_LINES = 120
"""Lines of one part."""


def round_lines(archive: Archive, points: Sequence[Assignment]) -> list[str]:
    """What was told of some points, in their order."""
    tolds = [archive.of(key_of(point)) for point in points]
    lines = [
        line
        for number, told in enumerate((one for one in tolds if one is not None), 1)
        for line in told_lines(number, told, archive.setting.minimise)
    ]
    return limited(lines, _LINES)


def best_lines(archive: Archive, most: int) -> list[str]:
    """The best points of an archive, the cheaper one of equals first."""
    aims = archive.aims()
    best = sorted(aims, key=lambda key: aims[key], reverse=True)[:most]
    return round_lines(archive, [dict(key) for key in best])
