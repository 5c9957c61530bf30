"""Best-of-k: how often the best scored of k samples is right, from n recorded ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from graphdsl.eval.pass_at_k import check_k


def best_of_k(scores: Sequence[float | None], correct: Sequence[float], k: int) -> float:
    """The expected correctness of the best scored of k of the samples; no sampling.

    With the samples sorted by falling score it is Σ correct_i · C(n - 1 - i, k - 1) / C(n, k): so
    many subsets of k have the i-th as their best (Singhi et al. 2025, arXiv 2504.01005, code). The
    code shuffles equal scores and averages; here each of them gets their mean, which is the limit
    of that. A missing or NaN score is the lowest (rule G5). `correct` is 0 or 1, or a share.
    Raises `ValueError` for k outside [1, n] and lists of different lengths.

    >>> best_of_k([0.9, 0.1, 0.5], [1, 0, 0], 2)
    0.6666666666666666
    """
    n = len(scores)
    if len(correct) != n:
        raise ValueError(f"{n} scores, but {len(correct)} samples that are correct or not")
    check_k(n, k)
    ranked = sorted(((_known(score), right) for score, right in zip(scores, correct, strict=True)))
    total, below, of_all = 0.0, n, math.comb(n, k)
    for _, tied in groupby(reversed(ranked), key=lambda pair: pair[0]):
        rights = [right for _, right in tied]
        # Subsets whose best lies in the group: in what is up to it, and not all below it.
        subsets = math.comb(below, k) - math.comb(below - len(rights), k)
        total += subsets / of_all * math.fsum(rights) / len(rights)
        below -= len(rights)
    return total


def _known(score: float | None) -> float:
    return -math.inf if score is None or math.isnan(score) else score
