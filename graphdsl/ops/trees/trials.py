"""Making the trials of a search: expansion, look-ahead, scores, embeddings."""

from __future__ import annotations

import math
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from graphdsl.ops.context import Args, Context
from graphdsl.ops.convert import to_messages
from graphdsl.ops.scoring.scorer import Scorer
from graphdsl.ops.together import together
from graphdsl.ops.trees.expansion import Expansion, graded, temperature_of
from graphdsl.ops.trees.path import Path, root
from graphdsl.ops.trees.policies import sees_both
from graphdsl.ops.trees.revisions import revisions_of
from graphdsl.ops.trees.search import Trial
from graphdsl.ops.trees.steps import steps_of
from graphdsl.ops.trees.tree import ROOT, Outcome
from graphdsl.values import Draft, Finish

_UNITS: Final = {"step": steps_of, "answer": revisions_of}

_BOUNDED: Final = ("smc", "ab_mcts")
"""Policies that read scores as probabilities."""

_Key = int | tuple[int, bool, int, str, float | None]


class _Made(NamedTuple):
    """A path, its score, and the score that policies see beside it, with its look-ahead."""

    path: Path
    own: float | None
    ahead: float | None


class Trials:
    """Makes trials. `paths` are those made so far by number, the bare prompt first; `refused` says
    that the budget has refused one of the last."""

    def __init__(self, context: Context, args: Args, scorer: Scorer) -> None:
        self._context = context
        self._args = args
        self._scorer = scorer
        self._models = args["models"]
        self._prompt = to_messages(args["prompt"])
        self._expansion: Expansion = _UNITS[args["unit"]](context, args, self._prompt)
        self._drawn = [0] * len(self._models)
        self._known: dict[_Key, _Made] = {}
        self._shared = False
        self._warned = False
        self.refused = False
        self.paths: dict[int, Path] = {ROOT: root(self._prompt)}

    async def outcomes(self, trials: Sequence[Trial]) -> list[Outcome]:
        """What came of each, in order. At temperature 0 equal trials are one, with one score."""
        keys = [self._key(trial) for trial in trials]
        new: dict[_Key, Trial] = {}
        for key, trial in zip(keys, trials, strict=True):
            if key not in self._known:
                new.setdefault(key, trial)
        if len({*keys}) < len(keys) and not self._shared:
            self._shared = True
            self._context.note("temperature 0: equal expansions are made once")
        self._known |= dict(zip(new, await self._made(list(new.values())), strict=True))
        made = [self._known[key] for key in keys]
        self.refused = any(one.path.draft.finish is Finish.CANCELLED for one in made)
        for trial, one in zip(trials, made, strict=True):
            self.paths[trial.id] = replace(one.path, parent=trial.parent)
        vectors = await self._vectors([one.path for one in made])
        found = [self._outcome(one, vectors) for one in made]
        self._check([one.score for one in found])
        return found

    async def _made(self, trials: Sequence[Trial]) -> list[_Made]:
        """All expanded at once, and then scored at once."""
        made = await together(self._expand(trial) for trial in trials)
        further = await self._further(trials, made)
        own, ahead = await self._scored(made, further)
        return [
            _Made(replace(path, draft=replace(path.draft, score=score)), score, beyond)
            for path, score, beyond in zip(made, own, ahead, strict=True)
        ]

    def _outcome(self, made: _Made, vectors: Mapping[str, tuple[float, ...]]) -> Outcome:
        path = made.path
        return Outcome(
            graded(self._args, made.own),
            path.open,
            path.failed,
            graded(self._args, made.ahead),
            path.step,
            vectors.get(path.step),
        )

    def _key(self, trial: Trial) -> _Key:
        """What trials share that give the same; otherwise a trial is like no other."""
        if temperature_of(self._args, self._models[trial.model]):
            return trial.id
        path = self.paths[trial.parent]
        return trial.model, trial.whole, path.depth, path.draft.text, path.draft.score

    def _expand(self, trial: Trial) -> Coroutine[Any, Any, Path]:
        index = self._drawn[trial.model]
        self._drawn[trial.model] += 1
        path, model = self.paths[trial.parent], self._models[trial.model]
        return self._expansion.expand(path, model, index, whole=trial.whole)

    async def _further(self, trials: Sequence[Trial], made: Sequence[Path]) -> list[Path | None]:
        """The open ones with their look-ahead, all at once."""
        return await together(
            self._look_ahead(trial, path) for trial, path in zip(trials, made, strict=True)
        )

    async def _look_ahead(self, trial: Trial, path: Path) -> Path | None:
        if not path.open:
            return None
        return await self._expansion.look_ahead(path, self._models[trial.model], trial.id)

    async def _scored(
        self, made: Sequence[Path], further: Sequence[Path | None]
    ) -> tuple[list[float | None], list[float | None]]:
        """The score of each, and that with its look-ahead, all at once.

        Where only the latter counts, it is both. What has failed has none, and what is still blank.
        """
        seen: list[tuple[int, bool]] = []
        drafts: list[Draft] = []
        for place, (path, beyond) in enumerate(zip(made, further, strict=True)):
            if beyond is not None:
                seen.append((place, True))
                drafts.append(beyond.draft)
            scored = not path.failed and path.draft.text.strip()
            if scored and (beyond is None or sees_both(self._args)):
                seen.append((place, False))
                drafts.append(path.draft)
        scores = await self._scorer(self._context, self._prompt, drafts) if drafts else ()
        known = dict(zip(seen, map(_number, scores), strict=True))
        ahead = [known.get((place, True)) for place in range(len(made))]
        own = [known.get((place, False), ahead[place]) for place in range(len(made))]
        return own, ahead

    async def _vectors(self, made: Sequence[Path]) -> Mapping[str, tuple[float, ...]]:
        """The embeddings of the newest steps, by their texts, where a model gives them."""
        model = self._args.get("embed")
        texts = list(dict.fromkeys(path.step for path in made if path.open))
        if model is None or len(texts) < 2:
            return {}
        vectors = await self._context.embed(model, texts)
        if vectors is None:
            return {}
        return {text: tuple(vector) for text, vector in zip(texts, vectors, strict=True)}

    def _check(self, scores: Sequence[float | None]) -> None:
        """Say once that a policy cannot tell apart what lies beyond 0 or 1."""
        if self._warned or self._args["policy"] not in _BOUNDED:
            return
        strange = [one for one in scores if one is not None and not 0 <= one <= 1]
        if strange:
            self._warned = True
            self._context.note(
                f"`policy: {self._args['policy']}` reads scores as probabilities; "
                f"{strange[0]:g} and the like count as 0 or 1"
            )


def _number(score: float | None) -> float | None:
    """A score, or None where it is no number (rule G5)."""
    return None if score is None or math.isnan(score) else score
