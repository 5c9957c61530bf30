"""How many model calls one evaluation of an operator makes, from its closed attributes."""

from __future__ import annotations

from typing import Any, Final

from graphdsl.ir.entities import ModelSpec
from graphdsl.ops.signature import Attrs, Bound, Share
from graphdsl.ops.signatures.words import LISTWISE, PAIRWISE, POINTWISE, STEPWISE

UNTOLD: Final = 64
"""How many candidates are looked at where a program does not tell how many there can be."""


def one_call(attrs: Attrs) -> Bound:
    """One, or none where there is nothing to ask about."""
    return Bound(0, 1)


def asked(attrs: Attrs) -> Bound:
    """One call, and one more for each time that a reply could not be parsed."""
    return Bound(0, 1 + int(attrs.get("retries") or 0))


def collaborated(attrs: Attrs) -> Bound:
    """One call for each node."""
    return Bound(0, int(attrs.get("nodes") or 0), chain=1)


def generated(attrs: Attrs) -> Bound:
    """All samples of every model and temperature; one where the temperature is known to be 0.

    At least those that a stop rule needs.
    """
    samples = int(attrs.get("samples") or 0)
    total = sum(
        min(samples, 1) if temperature == 0 else samples
        for model in several(attrs.get("models") or ())
        for temperature in several(_temperature(attrs, model))
    )
    enough = attrs.get("enough")
    until = attrs.get("until") if enough is None else ("any_complete", int(enough))
    if until is None:
        return Bound(total, total, chain=1)
    from graphdsl.ops.quorum import least_items  # brings the reading of answers with it

    return Bound(least_items(until, total), total, chain=1)


def _temperature(attrs: Attrs, model: Any) -> Any:
    given = attrs.get("temperature")
    own = model.setting("temperature", 1) if isinstance(model, ModelSpec) else 1
    return own if given is None else given


def several(value: Any) -> tuple[Any, ...]:
    """One or several values as a tuple."""
    return value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType]


def size(attrs: Attrs) -> int:
    """The most candidates that are looked at: `up_to`, else as many as there can be."""
    given, known = attrs.get("up_to"), attrs.get("most")
    sizes = [int(value) for value in (given, known) if value is not None]
    return min(sizes) if sizes else UNTOLD


def _product(*factors: tuple[int, str]) -> str:
    """The arithmetic of a product: `5 drafts × 3 samples`; factors of one are left out.

    >>> _product((5, "drafts"), (1, "samples"))
    '5 drafts'
    """
    shown = [f"{number:,} {unit}" for number, unit in factors if number != 1]
    return " × ".join(shown) or f"1 {factors[0][1].removesuffix('s')}"


def continued(attrs: Attrs) -> Bound:
    """Every draft, so many times; once where the temperature is known to be 0."""
    greedy = _temperature(attrs, attrs.get("by")) == 0
    count, samples = size(attrs), 1 if greedy else int(attrs.get("samples") or 1)
    total, calls = attrs.get("total"), count * samples
    room = None if total is None else int(total)
    return Bound(
        0,
        calls,
        (Share("by", calls, most=room),),
        chain=1,
        formula=_product((count, "drafts"), (samples, "samples")),
    )


def scored(attrs: Attrs) -> Bound:
    """All candidates at once, each by itself, or pairs of them; nothing for what is measured."""
    count = size(attrs)
    shares = score_shares(attrs, count)
    return Bound(
        0, score_calls(attrs, count), shares, score_chain(attrs, count), _score_sum(attrs, count)
    )


def score_shares(attrs: Attrs, count: int, *, own: bool = False) -> tuple[Share, ...]:
    """Whom the calls of `score_calls` ask: the scorer, for texts or scores, and the meta model.

    `own`: the attribute `max_tokens` is none of the scorer's.
    """
    method, repeats = attrs.get("method"), int(attrs.get("repeats") or 1)
    calls, judges = score_calls(attrs, count), len(several(attrs.get("by")))
    if method == "hybrid":
        each = count * repeats * judges
        texts = Share("by", each, even=True, own=own)
        return texts, Share("by", each, even=True, scores="label")
    if method in LISTWISE and attrs.get("meta") is not None:
        judged = repeats * judges if count else 0
        texts = Share("by", calls - judged, even=True, own=own)
        return texts, Share("meta", judged, scores="relevance")
    return (Share("by", calls, even=True, own=own, scores=_KINDS.get(str(method))),)


_KINDS: Final = {
    "probability": "label",
    "outcome": "relevance",
    "process": "relevance",
    "perplexity": "text",
}
"""The scores that a model gives as a number."""


def score_chain(attrs: Attrs, count: int) -> int:
    """How many calls of `score_calls` wait for one another."""
    method, tries = attrs.get("method"), 1 + int(attrs.get("retries") or 0)
    most = score_calls(attrs, count)
    if method in LISTWISE:
        return min(most, tries + (attrs.get("meta") is not None))
    each = {"verdict": tries, "hybrid": 2, "full": tries, "reference": tries}.get(str(method), 1)
    return min(most, max(0, count - 1) * tries if method == "bubble" else each)


def _score_sum(attrs: Attrs, count: int) -> str:
    """The arithmetic of `score_calls`."""
    method, tries = str(attrs.get("method")), 1 + int(attrs.get("retries") or 0)
    judges = len(several(attrs.get("by")))
    repeats, most = int(attrs.get("repeats") or 1), (tries, "tries")
    models, again = (judges, "models"), (repeats, "repeats")
    if method in LISTWISE:
        judged = repeats * judges
        meta = f" + {judged} by the meta model" if attrs.get("meta") is not None else ""
        return _product((repeats, "judgements"), models, most) + meta
    if method == "hybrid":
        return _product((count, "drafts"), models, again, (2, "calls"))
    if method == "verdict":
        return _product((count, "drafts"), models, again, most)
    pairs = {"full": count * (count - 1), "bubble": count - 1, "reference": count}
    if method in PAIRWISE:
        unit = "drafts" if method == "reference" else "pairs"
        return _product((pairs[method], unit), models, again, most)
    return _product((count, "drafts"), models)


def score_calls(attrs: Attrs, count: int) -> int:
    """The most calls that it takes to score so many candidates by `method`.

    A process reward asks once for each candidate, whatever its steps, and a probability is not
    repeated; a hybrid verdict asks twice. Replies that cannot be parsed are asked for again, and a
    meta reward model judges each judgement. Each of several models scores all.
    """
    return _score_calls(attrs, count) * len(several(attrs.get("by")))


def _score_calls(attrs: Attrs, count: int) -> int:
    method, tries = attrs.get("method"), 1 + int(attrs.get("retries") or 0)
    repeats = int(attrs.get("repeats") or 1)
    if method in LISTWISE:
        return repeats * (tries + (attrs.get("meta") is not None)) if count else 0
    if method in POINTWISE:
        each = {"verdict": repeats * tries, "probability": 1, "hybrid": repeats * 2}[method]
        return count * each
    if method in PAIRWISE:
        pairs = {"full": count * (count - 1), "bubble": count - 1, "reference": count}[method]
        return max(0, pairs) * repeats * tries
    if method in ("outcome", "process", "perplexity"):
        return count
    return 0


def grouped(attrs: Attrs) -> Bound:
    """One call for all embeddings; a comparison with each group before for a judge."""
    count = size(attrs)
    match attrs.get("by"):
        case "embedding":
            return Bound(0, 1, (Share("using", 1, 0),), formula="1 embedding")
        case "judge":
            pairs = count * (count - 1) // 2
            return Bound(0, pairs, formula=_product((pairs, "pairs")))
        case _:
            return Bound(0, 0)


def reranked(attrs: Attrs) -> Bound:
    """One call for all documents, and one more for each reply that cannot be parsed."""
    if attrs.get("method") == "relevance":
        return Bound(0, 1, (Share("by", 1, scores="relevance"),))
    return asked(attrs)


def spawned(attrs: Attrs) -> Bound:
    """The parent in every round and once more at the end, and its children in each."""
    rounds, children = int(attrs.get("rounds") or 0), int(attrs.get("children") or 0)
    most = 1 + rounds * (1 + children)
    formula = f"1 + {rounds} rounds × (1 + {children} children)"
    thread = int(attrs.get("child_tokens") or 0)
    shares = (Share("by", 1 + rounds), Share("by", rounds * children, thread))
    return Bound(0, most, shares, 1 + 2 * rounds, formula)


def searched(attrs: Attrs) -> Bound:
    """Expansions, look-ahead steps, and scores of all that was made.

    Particle filters score a candidate by itself and with its look-ahead, which ends at `depth`
    like everything. ETS embeds the newest steps once a round, where any is open. What is written
    to the end is as long as the call or the model says, a step as long as `step_tokens` says.
    """
    depth = int(attrs.get("depth") or 1)
    levels = _levels(attrs, depth)
    writes_on = attrs.get("unit") != "answer" and attrs.get("policy") != "ucb"
    ahead = int(attrs.get("lookahead") or 0) if writes_on else 0
    made = sum(levels)
    further = sum(count * min(ahead, depth - at) for at, count in enumerate(levels, 1))
    both = sum(levels[: depth - 1]) if attrs.get("policy") == "smc" and ahead else 0
    embeds = depth - 1 if attrs.get("policy") == "ets" and attrs.get("embed") is not None else 0
    scores = score_calls(attrs, made + both)
    total = made + further + scores + embeds
    shares = (
        *_written(attrs, levels, further),
        *score_shares(attrs, made + both, own=True),
        Share("embed", embeds, 0),
    )
    rounds = depth * int(attrs.get("sweeps") or 1) if attrs.get("policy") in STEPWISE else made
    chain = min(total, rounds * (1 + ahead + score_chain(attrs, 1) + (embeds > 0)))
    terms = (
        (made, "candidates"),
        (further, "steps ahead"),
        (scores, "calls for scores"),
        (embeds, "embeddings"),
    )
    formula = " + ".join(f"{number:,} {unit}" for number, unit in terms if number)
    return Bound(0, total, shares, chain, formula)


def _written(attrs: Attrs, levels: list[int], further: int) -> tuple[Share, ...]:
    """The calls of the writers: those for steps, and those that write to the end.

    Policies that choose by node may make most of their nodes at `depth`, all from one path.
    """
    made = sum(levels)
    if attrs.get("unit") == "answer" or attrs.get("policy") == "ucb":
        return (Share("models", made),)
    given, depth = attrs.get("max_tokens"), int(attrs.get("depth") or 1)
    step = int(attrs.get("step_tokens") or 0)
    step = step if given is None else min(step, int(given))
    if attrs.get("policy") in STEPWISE:
        ends, least = levels[-1], 0
    else:
        ends, least = max(1, made - depth + 1), step
    steps = made - ends + further
    return Share("models", steps, step), Share("models", ends, least=least)


def most_found(attrs: Attrs) -> int:
    """The most drafts that a tree search gives: no more than it makes."""
    return sum(_levels(attrs, int(attrs.get("depth") or 1)))


def _levels(attrs: Attrs, depth: int) -> list[int]:
    """How many candidates a tree search makes at each depth from 1 on, where most look ahead.

    Policies that go in rounds make `width` in each of `depth` rounds (DVTS and REBASE as well:
    their trees share the width), particle filters once more for each sweep. The others make
    `nodes`, as near to the root as they may; all but bandits and AB-MCTS expand a node once.
    """
    policy = attrs.get("policy")
    if policy in STEPWISE:
        sweeps = int(attrs.get("sweeps") or 1) if policy == "smc" else 1
        return [int(attrs.get("width") or 1) * sweeps] * depth
    left, level = int(attrs.get("nodes") or 1), 1
    if policy in ("ucb", "ab_mcts"):
        return [left]
    models = 1 if policy == "astar" else max(1, len(several(attrs.get("models") or ())))
    levels: list[int] = []
    while left and len(levels) < depth:
        level = min(left, level * int(attrs.get("branch") or 1) * models)
        levels.append(level)
        left -= level
    return levels
