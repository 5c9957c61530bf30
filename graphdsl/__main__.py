"""`python -m graphdsl` and the command `graphdsl`."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130
"""`Exit.INTERRUPTED`, known before the command line is imported."""


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from graphdsl.cli import interrupt

        interrupt.install()
        from graphdsl.cli.guard import run

        code = run(sys.argv[1:])
        interrupt.leave(code)
    except KeyboardInterrupt:  # before or after the command itself
        os._exit(INTERRUPTED)
    sys.exit(code)


if __name__ == "__main__":
    main()
