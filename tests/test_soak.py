"""A thousand runs at once leave nothing behind; `benchmarks/soak.py` does it with ten thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.soak import soak
from graphdsl.executors.journal.store import Journal

MOST = 6 * 2**20
"""Bytes by which memory may grow over the second half of the runs: what 10 KB a run would take."""


@pytest.mark.slow
async def test_a_thousand_runs_lose_nothing_and_leave_nothing_behind() -> None:
    seen = await soak(1000, width=500)
    assert seen.wrong == []
    assert seen.statuses == {"ok": 1000}
    half, last = seen.memory[len(seen.memory) // 2], seen.memory[-1]
    assert last[1] - half[1] < MOST


@pytest.mark.slow
async def test_neither_do_runs_that_share_a_journal(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "soak.journal") as journal:
        seen = await soak(200, width=100, journal=journal)
    assert seen.wrong == []
    assert seen.statuses == {"ok": 200}
