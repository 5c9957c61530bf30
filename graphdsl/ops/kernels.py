"""What every operator does: `PURE` and `MODEL` cover `graphdsl.ops.registry.OPERATORS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from graphdsl.ops import lists, memory, parsing, passages, selection
from graphdsl.ops.conformal import conformal
from graphdsl.ops.context import Args, Context, ModelKernel, PureKernel
from graphdsl.ops.continuation import continue_
from graphdsl.ops.critique import critique
from graphdsl.ops.exec import exec_
from graphdsl.ops.extract import extract
from graphdsl.ops.fuse import fuse
from graphdsl.ops.generate import generate
from graphdsl.ops.group import group
from graphdsl.ops.maths.aside import aside
from graphdsl.ops.race import race
from graphdsl.ops.rank import rank
from graphdsl.ops.revise import revise
from graphdsl.ops.scored import scored
from graphdsl.ops.scoring.rerank import rerank
from graphdsl.ops.scoring.score import score
from graphdsl.ops.select import select
from graphdsl.ops.spawn import spawn_join
from graphdsl.ops.trees.tree_search import tree_search
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
    "flatten": lists.flatten,
    "reverse": lists.reverse,
    "drop": lists.drop,
    "mean": lists.mean,
    "complete": selection.complete,
    "passing": selection.passing,
    "best": selection.best,
    "shortest": selection.shortest,
    "scored": scored,
    "race": race,
    "conformal": conformal,
    "texts": lists.texts,
    "join": lists.join,
    "contains": lists.contains,
    "part": passages.part,
    "split": passages.split,
    "draft": passages.draft,
    "parse_list": parsing.parse_list,
    "parse_field": parsing.parse_field,
    "parse_number": parsing.parse_number,
}
"""Run at once on the event loop."""

MODEL: Final[Mapping[str, ModelKernel]] = {
    "generate": generate,
    "continue": continue_,
    "spawn_join": spawn_join,
    "rank": rank,
    "critique": critique,
    "fuse": fuse,
    "verify": verify,
    "group": group,
    "score": score,
    "rerank": rerank,
    "select": select,
    "tree_search": tree_search,
    "revise": revise,
    "exec": exec_,
    "unit_tests": unit_tests,
    "recall": memory.recall,
    "remember": memory.remember,
    "recall_concepts": memory.recall_concepts,
    "remember_concepts": memory.remember_concepts,
}
"""Ask the engine for samples or memory."""


def beside(kernel: PureKernel) -> ModelKernel:
    """A pure kernel that is `slow`, run on a thread. A journal keeps what it gives: how long
    something took has a part in it."""

    async def run(context: Context, args: Args) -> Any:
        context.keep()
        return await aside(lambda: kernel(args), context.note)

    return run
