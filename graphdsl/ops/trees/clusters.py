"""Which steps mean the same: the clusters of ETS (arXiv 2502.13575)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphdsl.ops.linkage import linked
from graphdsl.ops.trees.tree import Outcome

CUT: Final = 0.05
"""Clusters whose mean cosine distance is greater stay apart."""


def clusters(steps: Sequence[Outcome]) -> list[int]:
    """A number for each step, from 0 on in the order of their first members.

    Average linkage over the cosine distances of their vectors, cut at `CUT`. Steps of one text
    share a cluster whatever their vectors; one without a vector, or with one of zeros, is a
    cluster by itself.
    """
    texts = list(dict.fromkeys(one.step for one in steps))
    vectors = {one.step: one.vector for one in steps if one.vector is not None}
    known = [text for text in texts if text in vectors]
    names: dict[str, object] = {text: text for text in texts}
    if len(known) > 1:
        labels = linked([vectors[text] for text in known], CUT, "`policy: ets`")
        names |= dict(zip(known, labels, strict=True))
    order: dict[object, int] = {}
    return [order.setdefault(names[one.step], len(order)) for one in steps]
