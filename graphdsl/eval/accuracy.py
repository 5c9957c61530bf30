"""Whether a result has the answer of its target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graphdsl.errors import InputError
from graphdsl.eval.targets import accepted, answer_key, answer_text, kind_of
from graphdsl.values import Value, Verdict, as_text

_KINDS: Final[Mapping[str, str]] = {
    "text": "answer",
    "number": "number",
    "choice": "letter from A to J",
    "maths": "expression",
}


@dataclass(frozen=True, slots=True)
class Accuracy:
    """1 where the answers are equal, else 0; a value without an answer is wrong.

    `by` says how they are compared: `text` (case, white space and punctuation at the ends do not
    count), `number`, `choice`, `maths` (by another process, see `graphdsl.ops.maths`), `exact`
    (every character but white space at the ends), or None: as the target asks for
    (`graphdsl.eval.targets.kind_of`).
    """

    name: str
    by: str | None = None

    def score(self, value: Value, target: object) -> float:
        """See `graphdsl.eval.metrics.Metric`. Raises `ExtraMissing` where maths needs one."""
        if isinstance(value, Verdict) and isinstance(target, bool):
            return float(value.passed is target)
        targets = accepted(target)
        return max(float(_right(value, one, self.by or kind_of(one))) for one in targets)


def _right(value: Value, target: Value, by: str) -> bool:
    if by == "exact":
        return answer_text(value) == as_text(target).strip()
    wanted = answer_key(target, by)
    if wanted is None:
        raise InputError(f"the target `{as_text(target)[:80]}` has no {_KINDS[by]}")
    given = answer_key(value, by)
    if given is None or by != "maths":
        return given == wanted
    from graphdsl.ops.maths.equality import equal_maths

    return equal_maths([(given, wanted)])[0]
