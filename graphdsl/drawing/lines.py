"""The text lines of one box, the same in every format."""

from __future__ import annotations

from graphdsl.drawing.model import Box


def heading(box: Box) -> str:
    """The name, and the operation where it says more: `drafts = generate`."""
    match box.kind:
        case "input" | "output":
            return f"{box.title}: {box.op}"
        case "carried":
            return box.title
        case _:
            return box.title if box.title == box.op else f"{box.title} = {box.op}"


def remarks(box: Box) -> tuple[str, ...]:
    """Details, then holes, each marked with a diamond."""
    dropped = ("may be dropped",) if box.optional else ()
    return (*box.details, *(f"◇ {hole}" for hole in (*box.holes, *dropped)))
