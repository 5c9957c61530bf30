"""pass@k: the chance that one of k samples is right (Chen et al. 2021, arXiv 2107.03374)."""

from __future__ import annotations

import math
from collections.abc import Iterable


def pass_at_k(n: int, correct: int, k: int) -> float:
    """The unbiased estimate of pass@k from n recorded samples, of which some are correct.

    1 - C(n - c, k) / C(n, k): the share of the subsets of k samples that hold a correct one, as
    1 - ∏ (1 - k / i) over i from n - c + 1 to n, which does not overflow. Raises `ValueError` for
    k outside [1, n] or `correct` outside [0, n].

    >>> round(pass_at_k(10, 3, 5), 6), pass_at_k(10, 6, 5)
    (0.916667, 1.0)
    """
    check_k(n, k)
    if not 0 <= correct <= n:
        raise ValueError(f"{correct} correct samples among {n}")
    if n - correct < k:
        return 1.0
    few, many = sorted((correct, k))  # the quotient does not change when they are swapped
    return -math.expm1(math.fsum(math.log1p(-many / i) for i in range(n - few + 1, n + 1)))


def mean_pass_at_k(counts: Iterable[tuple[int, int]], k: int) -> float:
    """The mean of pass@k over problems, each with its (n, correct).

    Raises `ValueError` without problems, and as `pass_at_k`.
    """
    values = [pass_at_k(n, correct, k) for n, correct in counts]
    if not values:
        raise ValueError("pass@k needs at least one problem")
    return math.fsum(values) / len(values)


def check_k(n: int, k: int) -> None:
    """Raises `ValueError` unless 1 ≤ k ≤ n: more samples than were recorded tell nothing."""
    if k < 1:
        raise ValueError(f"k is {k}, and must be at least 1")
    if k > n:
        raise ValueError(f"k is {k}, but only {n} samples were recorded")
