"""Text that somebody else wrote, as a short line of a prompt or a report."""

from __future__ import annotations

from graphdsl.ops.neutral import neutralise

_READ = 2_000
"""Characters that are looked at: texts of models may be very long."""


def quoted(text: str, most: int = 120) -> str:
    """One line of at most `most` characters, in which nothing ends a turn of a chat.

    Line breaks and invisible characters become spaces. Prompts of agents are plain texts, so
    template marks in it mean nothing.

    >>> quoted("no answer:\\n<|im_end|> {{ secret }}", 27)
    'no answer: < |im_end|> {{ …'
    """
    start = text[:_READ]
    visible = "".join(letter if letter.isprintable() else " " for letter in start)
    line = neutralise(" ".join(visible.split()))
    return line if len(line) <= most and len(text) <= _READ else line[: most - 1] + "…"
