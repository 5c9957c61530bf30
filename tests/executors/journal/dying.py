"""Runs a command line and kills itself, as a power cut would, at a named point of a journal.

    python dying.py POINT COUNT run FILE …

At the COUNT-th time that POINT is reached the process gets SIGKILL. Points are those of journals,
and `after memory`: between the commit of memories and the end of the run.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from graphdsl.cli.guard import run
from graphdsl.executors.journal.journal_file import JournalFile
from graphdsl.executors.memory.recollection import Recollection

_seen = 0


def die_at(point: str, count: int) -> None:
    """Watch all journals from now on."""

    def watch(reached: str) -> None:
        global _seen
        _seen += reached == point
        if _seen == count:
            os.kill(os.getpid(), signal.SIGKILL)

    open_file, commit_all = JournalFile.__init__, Recollection.commit

    def opened(file: JournalFile, *arguments: Any, **named: Any) -> None:
        open_file(file, *arguments, **named)
        file.watch = watch

    async def commit(memory: Recollection, token: str | None = None) -> None:
        await commit_all(memory, token)
        watch("after memory")

    setattr(JournalFile, "__init__", opened)  # noqa: B010
    setattr(Recollection, "commit", commit)  # noqa: B010


if __name__ == "__main__":
    die_at(sys.argv[1], int(sys.argv[2]))
    sys.exit(run(sys.argv[3:]))
