"""Majority@k: how often the most frequent answer of k samples is right, from n recorded ones."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import Final

from graphdsl.eval.pass_at_k import check_k

_PARTS: Final = 1 << 40
"""In which correctness is counted: whole numbers neither round nor overflow."""

_MOST_WORK: Final = 10_000_000

_SUBSETS: Final = 2000


def majority_at_k(
    answers: Sequence[Hashable],
    correct: Sequence[float],
    k: int,
    subsets: int | None = None,
    seed: int = 0,
) -> float:
    """The expected correctness of the majority vote of k of the samples.

    `answers` are what equal answers share (`answer_key`); None joins no group (rule G2). Tied
    groups share the credit (rule G3); without any answer it is 0. With `subsets` it is the mean
    over so many random ones (25 in the code of Singhi et al. 2025, arXiv 2504.01005), always the
    same ones for a seed. Without, it is exact over all of them where that takes up to about a
    second, as it does up to some hundred samples; else over 2000. Raises `ValueError` for k
    outside [1, n], lists of different lengths, and fewer than one subset.

    >>> majority_at_k(["7", "7", "8"], [1, 1, 0], 3), majority_at_k(["7", "7", "8"], [1, 1, 0], 2)
    (1.0, 0.6666666666666666)
    """
    if len(correct) != len(answers):
        raise ValueError(f"{len(answers)} answers, but {len(correct)} are correct or not")
    check_k(len(answers), k)
    if subsets is None and _work(answers, k) <= _MOST_WORK:
        return _exact(answers, correct, k)
    count = _SUBSETS if subsets is None else subsets
    if count < 1:
        raise ValueError(f"{subsets} subsets, where at least one is needed")
    chance, places = random.Random(seed), range(len(answers))
    drawn = (chance.sample(places, k) for _ in range(count))
    return math.fsum(_vote(answers, correct, places) for places in drawn) / count


def _work(answers: Sequence[Hashable], k: int) -> int:
    """Steps of the exact way."""
    sizes = Counter(answer for answer in answers if answer is not None)
    return len(sizes) * k * k * min(k, max(sizes.values(), default=0))


def _vote(answers: Sequence[Hashable], correct: Sequence[float], places: Sequence[int]) -> float:
    """The credit of the majority of the samples at these places."""
    sizes = Counter(answers[i] for i in places if answers[i] is not None)
    if not sizes:
        return 0.0
    most = max(sizes.values())
    tied = [correct[i] / most for i in places if sizes.get(answers[i]) == most]
    return math.fsum(tied) / sum(size == most for size in sizes.values())


def _exact(answers: Sequence[Hashable], correct: Sequence[float], k: int) -> float:
    sizes = Counter(answer for answer in answers if answer is not None)
    rights: Counter[Hashable] = Counter()
    for answer, right in zip(answers, correct, strict=True):
        rights[answer] += right  # pyright: ignore[reportArgumentType] a share is no int
    groups = [(size, round(rights[answer] / size * _PARTS)) for answer, size in sizes.items()]
    silent = len(answers) - sum(sizes.values())
    most = min(k, max(sizes.values(), default=0))
    credit = sum(_won_with(groups, silent, size, k) for size in range(1, most + 1))
    return float(Fraction(credit, _PARTS * math.comb(len(answers), k)))


def _won_with(groups: Sequence[tuple[int, int]], silent: int, top: int, k: int) -> Fraction:
    """Over all subsets of k whose largest groups have `top` samples: the sum of their credits.

    Group by group: how many ways there are to have taken so many samples with so many groups at
    the top, and the sum over these ways of the correctness of the groups at the top.
    """
    ways: dict[tuple[int, int], int] = {(0, 0): 1}
    credit: dict[tuple[int, int], int] = {}
    for size, right in groups:
        more_ways: dict[tuple[int, int], int] = {}
        more_credit: dict[tuple[int, int], int] = {}
        for (taken, tops), count in ways.items():
            earned = credit.get((taken, tops), 0)
            for part in range(min(size, top, k - taken) + 1):
                at, choices = (taken + part, tops + (part == top)), math.comb(size, part)
                more_ways[at] = more_ways.get(at, 0) + count * choices
                gain = earned + count * right if part == top else earned
                more_credit[at] = more_credit.get(at, 0) + gain * choices
        ways, credit = more_ways, more_credit
    return sum(
        (
            Fraction(total * math.comb(silent, k - taken), tops)
            for (taken, tops), total in credit.items()
            if tops
        ),
        start=Fraction(0),
    )
