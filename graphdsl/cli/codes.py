"""Exit codes of every command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit code means."""

    OK = 0
    WRONG = 1
    """The user's program or data is wrong."""
    USAGE = 2
    """The command line is wrong."""
    EXHAUSTED = 3
    """A budget or deadline ran out; the result is partial."""
    BACKEND = 4
    """A model failed, is missing, or cannot be fetched."""
    DEFECT = 70
    """An unexpected error inside graphdsl (`EX_SOFTWARE` of sysexits)."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""
    PIPE_CLOSED = 141
    """The reader of stdout went away (`graphdsl ops | head -1`)."""
    TERMINATED = 143
    """Stopped by SIGTERM, as `timeout` and service managers send it."""
