"""Metrics: how good the value of a run is, given what it should have been.

Other packages add metrics through the entry point group `graphdsl.metrics` (`plugins.py`).
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import Final, Protocol, cast

from graphdsl.errors import InputError
from graphdsl.eval.accuracy import Accuracy
from graphdsl.eval.plugins import plugin, plugin_names
from graphdsl.eval.word_overlap import TokenF1
from graphdsl.ops.required import require_packages
from graphdsl.values import Value


class Metric(Protocol):
    """Compares the value of a run with its target."""

    @property
    def name(self) -> str:
        """What `--metric` calls it."""
        ...

    def score(self, value: Value, target: object) -> float:
        """From 0 (wrong) to 1 (right).

        `value` is a run's `Result.output` or `Result.value`: a text, number, answer, draft,
        verdict or record. `target` is a text, number or bool, or a list of them that are all
        right. May take seconds, so it is not for an event loop. Raises `InputError` where the
        target cannot be compared with.
        """
        ...


BUILT_IN: Final = ("accuracy", "text", "number", "choice", "maths", "exact", "f1")
"""`accuracy` compares as the target asks for; see `Accuracy` and `TokenF1`."""


def metric_of(name: str) -> Metric:
    """The metric of that name, of this package or another one.

    A list as value is a tie: each of its members gets its share (rule G3). Raises `InputError`
    where there is no such metric, or its package cannot be loaded, and `ExtraMissing` for `maths`
    without the extra `methods`.
    """
    if name in BUILT_IN:
        return _Shared(_built_in(name))
    found = plugin(name)
    if found is None:
        raise InputError(f"there is no metric `{name}`; {_hint(name)}")
    return _Shared(cast(Metric, found))


def metric_names() -> tuple[str, ...]:
    """The names of all metrics, each once; nothing is loaded for them."""
    return (*BUILT_IN, *(name for name in plugin_names() if name not in BUILT_IN))


def _built_in(name: str) -> Metric:
    match name:
        case "accuracy":
            return Accuracy(name)
        case "f1":
            return TokenF1()
        case "maths":
            require_packages("vote", {"by": name})  # now, and not at the first item
            return Accuracy(name, name)
        case _:
            return Accuracy(name, name)


@dataclass(frozen=True, slots=True)
class _Shared:
    """A metric whose score is checked, and shared by the members of a list."""

    metric: Metric

    @property
    def name(self) -> str:
        return self.metric.name

    def score(self, value: Value, target: object) -> float:
        if not isinstance(value, list | tuple):
            return self._checked(value, target)
        tied = cast("list[Value]", value)
        scores = [self._checked(one, target) for one in tied]
        return math.fsum(scores) / len(scores) if scores else 0.0

    def _checked(self, value: Value, target: object) -> float:
        score = cast(object, self.metric.score(value, target))  # whatever another package gives
        if isinstance(score, int | float) and 0 <= score <= 1:
            return float(score)
        raise InputError(f"the metric `{self.name}` gave {score!r}, which is not from 0 to 1")


def _hint(name: str) -> str:
    names = metric_names()
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean `{near[0]}`?" if near else "there are: " + ", ".join(names)
