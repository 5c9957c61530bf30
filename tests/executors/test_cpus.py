"""CPUs are counted as the container allows them, not as the machine has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdsl.executors import cpus
from graphdsl.executors.cpus import busy_cpus, default_threads, usable_cpus


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpus, "_affinity", lambda: 8)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 8), ("250000 100000", 3), ("50000 100000", 1), ("9900000 100000", 8)],
)
def test_the_quota_of_cgroup_2_counts(tmp_path: Path, quota: str, expected: int) -> None:
    (tmp_path / "cpu.max").write_text(quota + "\n")
    assert usable_cpus(tmp_path) == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("200000", 2)])
def test_the_quota_of_cgroup_1_counts(tmp_path: Path, quota: str, expected: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert usable_cpus(tmp_path) == expected


def test_without_a_cgroup_affinity_counts(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path / "none") == 8


@pytest.mark.parametrize(("usable", "threads"), [(1, 1), (2, 2), (3, 3), (4, 3), (16, 15)])
def test_one_cpu_is_left_free_from_four_upwards(
    monkeypatch: pytest.MonkeyPatch, usable: int, threads: int
) -> None:
    monkeypatch.setattr(cpus, "usable_cpus", lambda: usable)
    monkeypatch.setattr(cpus, "busy_cpus", lambda: 0)
    assert default_threads() == threads


@pytest.mark.parametrize(("busy", "threads"), [(0, 2), (1, 1), (5, 1)])
def test_cpus_that_others_use_are_left_to_them(
    monkeypatch: pytest.MonkeyPatch, busy: int, threads: int
) -> None:
    monkeypatch.setattr(cpus, "usable_cpus", lambda: 2)
    monkeypatch.setattr(cpus, "busy_cpus", lambda: busy)
    assert default_threads() == threads


def test_the_caller_is_not_counted_as_busy(tmp_path: Path) -> None:
    looks = tmp_path / "loadavg"
    looks.write_text("0.10 0.20 0.30 3/412 9999\n")
    assert busy_cpus(looks, pause=0) == 2


def test_without_a_run_queue_nothing_is_busy(tmp_path: Path) -> None:
    assert busy_cpus(tmp_path / "none", pause=0) == 0
