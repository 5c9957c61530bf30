"""Which answers are equal as mathematics, by the keys that `read_maths` gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations, islice, pairwise
from typing import Final

from graphdsl.ops.maths.aside import remark, still_wanted
from graphdsl.ops.maths.numbers import PLACES, equal_numbers, is_number, only_itself
from graphdsl.ops.maths.process import OVERRUN, comparer, ended
from graphdsl.ops.maths.reading import WORDS_KEY
from graphdsl.ops.maths.wording import as_latex

_KEPT: Final = 1 << 16
"""Pairs whose result is remembered; then all are forgotten."""

_AT_ONCE: Final = 5000
"""Pairs of one request."""

_PATIENCE: Final = 3
"""With how many others an expression may end the process, while neither does so alone, before it
is compared with nothing any more."""

COMPARED: Final = 200
"""Different expressions that are compared with each other, and numbers that are compared with
them, those that come first: others are equal where they are written alike, or equal numbers."""

Pair = tuple[str, str]
Places = tuple[int, int]


def equal_maths(pairs: Sequence[Pair]) -> list[bool]:
    """Whether the keys of each pair stand for the same; where that takes too long, they do not.

    What took too long, or was lost with the process that compares, is not remembered.

    May ask another process, and so take seconds: not for an event loop. Raises `ExtraMissing`.
    """
    results = [_known(pair) for pair in pairs]
    left = [at for at, known in enumerate(results) if known is None]
    for start in range(0, len(left), _AT_ONCE):
        part = left[start : start + _AT_ONCE]
        for at, equal in zip(part, _ask([pairs[i] for i in part], join=False), strict=True):
            results[at] = equal
    return [result is True for result in results]


def joined_maths(keys: Sequence[str]) -> list[int]:
    """For each of different keys the first one that it is equal to, directly or through others.

    Union-find over all pairs, since equality need not be transitive (Wang et al. 2022; WNJXYK/RPC).
    Pairs that are together already are not compared. Of more than `COMPARED` expressions the rest
    is not, with a remark. Like `equal_maths` otherwise; raises what `still_wanted` does.
    """
    sets = _Sets(len(keys))
    for one, two in _near_numbers(keys):
        if not sets.together(one, two) and equal_numbers(keys[one], keys[two]):
            sets.join(one, two)
    compared = _compared(keys)
    for one, two in _beyond_numbers(keys, compared):
        if _known((keys[one], keys[two])):
            sets.join(one, two)
    pending = _beyond_numbers(keys, compared)
    while part := list(islice(_open(pending, keys, sets), _AT_ONCE)):
        results = _ask([(keys[one], keys[two]) for one, two in part], join=True)
        for pair, equal in zip(part, results, strict=True):
            if equal:
                sets.join(*pair)
    return [sets.root(at) for at in range(len(keys))]


class _Sets:
    """Union-find; the root of a set is its first member."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def root(self, at: int) -> int:
        parents = self._parents
        while parents[at] != at:
            parents[at] = at = parents[parents[at]]
        return at

    def together(self, one: int, two: int) -> bool:
        return self.root(one) == self.root(two)

    def join(self, one: int, two: int) -> None:
        first, second = sorted((self.root(one), self.root(two)))
        self._parents[second] = first


def _near_numbers(keys: Sequence[str]) -> Iterator[Places]:
    """Pairs of plain numbers that are enough to find all sets of equal ones.

    Only numbers that are rounded alike can be equal: of these the neighbours, by size, and the
    next ones that are written with a point. Two numbers with another between them are nearer to
    it than to each other, so what they would join is joined through it. Percentages are looked at
    twice, as numbers and as hundredths.
    """
    numbers = [(at, key) for at, key in enumerate(keys) if is_number(key)]
    per_cent = any(key.endswith("%") for _, key in numbers)
    for parts in (1, 100) if per_cent else (1,):
        alike: dict[Fraction, list[tuple[Fraction, int]]] = {}
        for at, key in numbers:
            still_wanted()
            value = Fraction(key.rstrip("%")) / (parts if key.endswith("%") else 1)
            alike.setdefault(round(value, PLACES), []).append((value, at))
        for members in alike.values():
            yield from _neighbours([at for _, at in sorted(members)], keys)


def _neighbours(order: Sequence[int], keys: Sequence[str]) -> Iterator[Places]:
    yield from pairwise(order)
    for direction in (order, order[::-1]):
        point: int | None = None
        for at in direction:
            still_wanted()
            if point is not None:
                yield point, at
            if "." in keys[at]:
                point = at


def _compared(keys: Sequence[str]) -> list[int]:
    """What the other process compares; nothing where there are only numbers."""
    maths = [
        at for at, key in enumerate(keys) if not (key.startswith(WORDS_KEY) or only_itself(key))
    ]
    plain = [at for at in maths if is_number(keys[at])]
    if len(plain) == len(maths):
        return []
    numbers = set(plain)
    others = [at for at in maths if at not in numbers]
    if max(len(plain), len(others)) > COMPARED:
        remark(
            f"more than {COMPARED} different answers; later ones are equal where they are written "
            "alike, or equal numbers"
        )
    return sorted(plain[:COMPARED] + others[:COMPARED])


def _beyond_numbers(keys: Sequence[str], compared: Sequence[int]) -> Iterator[Places]:
    """All pairs of expressions, and of an expression and a number."""
    plain = {at for at in compared if is_number(keys[at])}
    for one, two in combinations(compared, 2):
        if one not in plain or two not in plain:
            still_wanted()
            yield one, two


def _open(pairs: Iterator[Places], keys: Sequence[str], sets: _Sets) -> Iterator[Places]:
    """Those of which nothing is known yet, neither by themselves nor through others."""
    for one, two in pairs:
        if not sets.together(one, two) and _known((keys[one], keys[two])) is None:
            yield one, two


def _known(pair: Pair) -> bool | None:
    """What needs no other process: equal keys, numbers, words, and what was asked before."""
    first, second = pair
    if first == second:
        return True
    if any(key.startswith(WORDS_KEY) or only_itself(key) for key in pair):
        return False
    if is_number(first) and is_number(second):
        return equal_numbers(first, second)
    return _memory().get(_sorted(pair))


@cache
def _memory() -> dict[Pair, bool]:
    return {}


def _sorted(pair: Pair) -> Pair:
    first, second = pair
    return pair if first < second else (second, first)


def _remember(pair: Pair, equal: bool) -> None:
    memory = _memory()
    if len(memory) >= _KEPT:
        memory.clear()
    memory[_sorted(pair)] = equal


def _ask(pairs: Sequence[Pair], *, join: bool) -> list[bool]:
    """Ask about pairs, and remember what was said of those that were decided.

    A pair that was lost with the process is asked again once, unless the process was ended by its
    own timer; then it is not equal, and an expression that ends the process also alone is compared
    with nothing more. With `join` pairs are true as well that are together through others.
    """
    results = [False] * len(pairs)
    again: set[int] = set()
    suspects = _Suspects()
    left = list(range(len(pairs)))
    while left:
        said = _said([pairs[at] for at in left], join)
        for at, word in zip(left, said, strict=False):
            results[at] = word in ("1", "s")
            if word in ("1", "0"):
                _remember(pairs[at], word == "1")
        rest = left[len(said) :]
        if ended(said):
            last = left[len(said) - 1]
            if said[-1] != OVERRUN and last not in again:
                again.add(last)
                rest.insert(0, last)
            else:
                suspects.name(pairs[last])
        left = [at for at in rest if not suspects.among(pairs[at])]
    return results


class _Suspects:
    """Who ends the process, of the pairs that did."""

    def __init__(self) -> None:
        self._alone: dict[str, bool] = {}
        self._with: Counter[str] = Counter()

    def name(self, pair: Pair) -> None:
        """Find out which of the two it was; where neither does so alone both are watched."""
        guilty = [key for key in pair if self._ends(key)]
        if not guilty:
            self._with.update(pair)

    def among(self, pair: Pair) -> bool:
        """True where one of the two is not to be compared any more."""
        return any(self._alone.get(key) or self._with[key] >= _PATIENCE for key in pair)

    def _ends(self, key: str) -> bool:
        """Whether an expression ends the process also when it is compared with itself."""
        if key not in self._alone:
            tries = (_said([(key, key)], join=False) for _ in range(2))
            self._alone[key] = all(ended(said) or said == ["t"] for said in tries)
        return self._alone[key]


def _said(pairs: Sequence[Pair], join: bool) -> list[str | None]:
    """What the other process says, as far as it gets; one request."""
    places = {key: place for place, key in enumerate(dict.fromkeys(k for p in pairs for k in p))}
    texts = [as_latex(key) if is_number(key) else key for key in places]
    indices = [(places[first], places[second]) for first, second in pairs]
    return comparer().compare(texts, indices, join=join)
