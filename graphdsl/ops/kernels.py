"""What every operator does: `PURE` and `MODEL` cover `graphdsl.ops.registry.OPERATORS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphdsl.ops import lists, memory, selection
from graphdsl.ops.context import ModelKernel, PureKernel
from graphdsl.ops.critique import critique
from graphdsl.ops.exec import exec_
from graphdsl.ops.extract import extract
from graphdsl.ops.fuse import fuse
from graphdsl.ops.generate import generate
from graphdsl.ops.rank import rank
from graphdsl.ops.revise import revise
from graphdsl.ops.scored import scored
from graphdsl.ops.unit_tests import unit_tests
from graphdsl.ops.verify import verify
from graphdsl.ops.vote import vote

PURE: Final[Mapping[str, PureKernel]] = {
    "vote": vote,
    "extract": extract,
    "first": lists.first,
    "last": lists.last,
    "otherwise": lists.otherwise,
    "take": lists.take,
    "concat": lists.concat,
    "append": lists.append,
    "count": lists.count,
    "complete": selection.complete,
    "passing": selection.passing,
    "best": selection.best,
    "shortest": selection.shortest,
    "scored": scored,
    "texts": lists.texts,
    "join": lists.join,
    "contains": lists.contains,
}
"""Run at once on the event loop."""

MODEL: Final[Mapping[str, ModelKernel]] = {
    "generate": generate,
    "rank": rank,
    "critique": critique,
    "fuse": fuse,
    "verify": verify,
    "revise": revise,
    "exec": exec_,
    "unit_tests": unit_tests,
    "recall": memory.recall,
    "remember": memory.remember,
    "recall_concepts": memory.recall_concepts,
    "remember_concepts": memory.remember_concepts,
}
"""Ask the engine for samples or memory."""
