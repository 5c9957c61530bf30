"""The text lines of one box, the same in every format."""

from __future__ import annotations

from graphdsl.drawing.model import Arrow, Box, Drawing


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


def alternatives(drawing: Drawing) -> dict[Arrow, str]:
    """What is written on an arrow into a merge: `then`, `else`, the label of a choice."""
    merges = {box.id for box in drawing.boxes if box.kind == "merge"}
    return {
        arrow: arrow.label
        for arrow in drawing.arrows
        if arrow.target in merges and arrow.label and arrow.label != "if"
    }
