"""The operator: expands and scores what a policy asks for, until it asks for nothing."""

from __future__ import annotations

from collections.abc import Sequence

from graphdsl.ops.context import Args, Context
from graphdsl.ops.maths.aside import aside
from graphdsl.ops.scoring.scorer import Scorer
from graphdsl.ops.scoring.scorers import step_scorer_of
from graphdsl.ops.signatures.words import BY_NODE
from graphdsl.ops.trees.expansion import setting
from graphdsl.ops.trees.findings import findings
from graphdsl.ops.trees.leaf_choice import check_solver
from graphdsl.ops.trees.policies import policy_of
from graphdsl.ops.trees.search import Search, Trial
from graphdsl.ops.trees.trials import Trials
from graphdsl.values import Draft, Value


async def tree_search(context: Context, args: Args) -> Value:
    """The drafts that a search finds; see `findings`.

    All trials of one ask are expanded at once, and then scored at once. At temperature 0 the same
    node is expanded by the same model once, and its copies share that with its score. A failed
    step ends its path. The search ends when its policy says so, or when the budget or the deadline
    has refused a step. So that there is an answer, the last of `depth` steps is written to the end,
    and so is the last of `nodes` candidates where nothing has ended before it. Raises
    `ExtraMissing` for `policy: ets` without scipy.
    """
    return await searched(context, args, step_scorer_of(args))


async def searched(context: Context, args: Args, scorer: Scorer) -> tuple[Draft, ...]:
    """The same with that scorer."""
    solves = args["policy"] == "ets"
    if solves:
        await aside(check_solver)
    work = Trials(context, args, scorer)
    search = Search(policy_of(args), context.chance("tree"), len(args["models"]))
    while asked := await _asked(search, solves=solves):
        trials = _closing(asked, work, args)
        for trial, outcome in zip(trials, await work.outcomes(trials), strict=True):
            search.tell(trial.id, outcome)
        if work.refused:
            context.note("the search ended early: its budget or its deadline refused a step")
            break
    for note in dict.fromkeys(search.tree.notes):
        context.note(note)
    if search.tree.fell_back:
        context.keep()
    return findings(work.paths, search.tree.chosen)


async def _asked(search: Search, *, solves: bool) -> Sequence[Trial]:
    """The next trials; where that takes a solver, from a thread."""
    return await aside(search.ask) if solves else search.ask()


def _closing(trials: Sequence[Trial], work: Trials, args: Args) -> Sequence[Trial]:
    """The trials; the very last that a policy may make writes to the end what it goes on from,
    where there is no result yet."""
    if args["policy"] not in BY_NODE or trials[-1].id < int(setting(args, "nodes", 32)):
        return trials
    if any(path.done for path in work.paths.values()):
        return trials
    return (*trials[:-1], trials[-1]._replace(whole=True))
