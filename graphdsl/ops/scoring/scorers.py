"""The scorer that an operator's arguments ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from graphdsl.ops.context import Args
from graphdsl.ops.scoring import measures
from graphdsl.ops.scoring.asking import Judge
from graphdsl.ops.scoring.jury import Jury
from graphdsl.ops.scoring.listwise import Panel, Places, Points, places_read, points_read
from graphdsl.ops.scoring.measures import Measured
from graphdsl.ops.scoring.oracle import Oracle
from graphdsl.ops.scoring.pairwise import AgainstReference, Bubble, Full
from graphdsl.ops.scoring.perplexity import Perplexity
from graphdsl.ops.scoring.pointwise import Hybrid, Probability, Verdicts
from graphdsl.ops.scoring.rewards import Outcome, Process
from graphdsl.ops.scoring.scorer import Scorer
from graphdsl.ops.signatures.bounds import several
from graphdsl.values import as_text

_WRITERS_OWN: Final = ("temperature", "max_tokens", "retries")


def scorer_of(args: Args) -> Scorer:
    """The scorer for `method`, from `by`, `repeats`, `aggregate` and what else it takes.

    `by` is one model or several. `temperature`, `max_tokens` and `retries` are those of the judge;
    see `step_scorer_of`.
    """
    scorer, models = _SCORERS[str(args["method"])], several(args.get("by"))
    members = tuple(scorer({**args, "by": model}) for model in models)
    return members[0] if len(members) == 1 else Jury(members)


def step_scorer_of(args: Args) -> Scorer:
    """The same for an operator that also writes: its `temperature` and `max_tokens` are those of
    what it writes, and its judge has those of its model."""
    return scorer_of({name: value for name, value in args.items() if name not in _WRITERS_OWN})


def _aggregate(args: Args) -> str:
    return str(args.get("aggregate") or "mean")


def _shuffled(args: Args) -> bool:
    return (args.get("shuffle") or "yes") == "yes"


def _points(args: Args) -> Scorer:
    panel = Panel(Judge.of(args, "judging"), points_read, _shuffled(args))
    trusted = args.get("trusted")
    most = None if trusted is None else int(trusted)
    return Points(panel, _aggregate(args), args.get("meta"), most)


def _places(args: Args) -> Scorer:
    panel = Panel(Judge.of(args, "ranking"), places_read, _shuffled(args))
    return Places(panel, _aggregate(args))


def _verdicts(args: Args) -> Scorer:
    return Verdicts(Judge.of(args, "grading"), _aggregate(args))


def _hybrid(args: Args) -> Scorer:
    return Hybrid(Judge.of(args, "grading"), _aggregate(args))


def _process(args: Args) -> Scorer:
    separator = args.get("separator")
    steps = str(args.get("steps") or "last")
    return Process(args["by"], steps, "\n\n" if separator is None else str(separator))


def _reference(args: Args) -> Scorer:
    given = args.get("reference")
    text = None if given is None else as_text(given)
    return AgainstReference(Judge.of(args, "comparing"), text)


def _likelihood(args: Args) -> Scorer:
    return Measured(measures.likelihood, "their log-probabilities are not known")


def _length(args: Args) -> Scorer:
    return Measured(measures.length, "no model wrote them, so they have no tokens")


def _markers(args: Args) -> Scorer:
    given = args.get("markers")
    words = measures.MARKERS if given is None else (given,) if isinstance(given, str) else given
    return Measured(measures.markers(words), "they have no words")


def _oracle(args: Args) -> Scorer:
    return Oracle(as_text(args.get("answer")), str(args.get("equal") or "text"))


_SCORERS: Final[Mapping[str, Callable[[Args], Scorer]]] = {
    "judge": _points,
    "listwise": _places,
    "verdict": _verdicts,
    "probability": lambda args: Probability(Judge.of(args, "grading")),
    "hybrid": _hybrid,
    "full": lambda args: Full(Judge.of(args, "comparing")),
    "bubble": lambda args: Bubble(Judge.of(args, "comparing")),
    "reference": _reference,
    "outcome": lambda args: Outcome(args["by"]),
    "process": _process,
    "perplexity": lambda args: Perplexity(args["by"]),
    "likelihood": _likelihood,
    "length": _length,
    "markers": _markers,
    "oracle": _oracle,
}
