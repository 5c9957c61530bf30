"""What is drawn: boxes, arrows between them, and frames around them. Plain data, no geometry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """One thing that is drawn as a box.

    `kind` is `input`, `output`, `model` (calls a model), `pure`, `merge` (where alternatives
    meet) or `carried` (a value that goes from round to round). `details` are short lines;
    `holes` are lines about what a search may change. `optional` boxes may be dropped by a search.
    """

    id: str
    title: str
    op: str
    kind: str
    frame: str | None = None
    details: tuple[str, ...] = ()
    holes: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """A value goes from one box to another.

    `kind` is `data`, `loop` (to the next round) or `bypass` (taken when an optional stage is
    dropped). `label` names the parameter or, into a `merge`, the alternatives (`then`) or `if`.
    """

    source: str
    target: str
    label: str = ""
    kind: str = "data"


@dataclass(frozen=True, slots=True)
class Frame:
    """A group of boxes: a loop, a branch, a budget scope or an optional stage.

    `kind` is the operation (`repeat`, `each`, `fold`, `within`, `optional`, `branch`).
    """

    id: str
    title: str
    kind: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph as a person sees it. Boxes are in topological order; ids are addresses."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    frames: tuple[Frame, ...]
