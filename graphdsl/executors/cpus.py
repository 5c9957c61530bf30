"""How many CPUs this process may really use: affinity and cgroup quota, not the machine's count."""

from __future__ import annotations

import math
import os
from pathlib import Path


def default_threads() -> int:
    """Threads for a compute engine: every usable CPU, but one left free from four upwards.

    More threads than CPUs makes a token engine many times slower, not a little slower.
    """
    usable = usable_cpus()
    return usable - 1 if usable >= 4 else usable


def usable_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """CPUs that the scheduler and the container's quota leave to this process; at least 1."""
    quota = _quota_v2(cgroup)
    if quota is None:
        quota = _quota_v1(cgroup)
    allowed = _affinity()
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def _affinity() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity call
        return os.cpu_count() or 1


def _quota_v2(cgroup: Path) -> float | None:
    match _words(cgroup / "cpu.max"):
        case [quota, period] if quota != "max":
            return int(quota) / int(period)
        case _:
            return None


def _quota_v1(cgroup: Path) -> float | None:
    quota = _words(cgroup / "cpu" / "cpu.cfs_quota_us")
    period = _words(cgroup / "cpu" / "cpu.cfs_period_us")
    if not quota or not period or int(quota[0]) <= 0:
        return None
    return int(quota[0]) / int(period[0])


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
