"""How many CPUs this process may really use: affinity and cgroup quota, not the machine's count."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Final

LOADAVG: Final = Path("/proc/loadavg")


def default_threads() -> int:
    """Threads for a compute engine: the usable CPUs that nobody else is using right now.

    One is left free from four upwards. The engine's threads wait for each other at every layer,
    so one that has to share its CPU holds up all the others: on a busy machine one thread too
    many is far slower than one too few.
    """
    usable = usable_cpus()
    most = usable - 1 if usable >= 4 else usable
    return max(1, min(most, usable - busy_cpus()))


def busy_cpus(loadavg: Path = LOADAVG, looks: int = 5, pause: float = 0.004) -> int:
    """CPUs that other work keeps busy now: the median of a few looks at the run queue.

    0 where the system does not tell. `pause` is in seconds; the caller itself is not counted.
    """
    counts: list[int] = []
    for _ in range(looks):
        running = _words(loadavg)
        if len(running) < 4:
            return 0
        counts.append(max(0, int(running[3].partition("/")[0]) - 1))
        time.sleep(pause)
    return sorted(counts)[len(counts) // 2]


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
