"""What a tree search gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graphdsl.ops.trees.path import Path
from graphdsl.ops.trees.tree import ROOT
from graphdsl.values import Draft, Finish


def findings(paths: Mapping[int, Path], chosen: int | None = None) -> tuple[Draft, ...]:
    """The drafts of all paths that are done, in the order in which they were found.

    `paths` are all that were made, by number and in order, the bare prompt first. Where a policy
    has chosen one, that one alone. Where none is done: those that nothing goes on from, as
    truncated drafts. Where there are none either: the failed ones.
    """
    if chosen is not None:
        return (paths[chosen].draft,)
    made = {number: path for number, path in paths.items() if number != ROOT}
    done = tuple(path.draft for path in made.values() if path.done)
    if done:
        return done
    inner = {path.parent for path in made.values() if not path.failed}
    partial = tuple(
        replace(path.draft, finish=Finish.LENGTH)
        for number, path in made.items()
        if not path.failed and number not in inner
    )
    return partial or tuple(path.draft for path in made.values())
