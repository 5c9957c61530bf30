"""A forest of regression trees on coded assignments, with weights (Breiman 2001)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TREES: Final = 32
_DEPTH: Final = 9
_LEAF: Final = 3
"""Rows of a leaf, at least."""

_GAIN: Final = 1e-12
"""Squared error that a split must save, more than rounding."""

_SHARE: Final = 0.7
"""Columns that a split may choose among, as a share of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A split: rows whose code in `column` is among `left` go left. A leaf has no column."""

    mean: float
    column: int = -1
    left: NDArray[np.bool_] | None = None
    less: Node | None = None
    more: Node | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Trees, each grown on a bootstrap sample. `fit_unseen` is R² on rows that a tree lacked."""

    trees: tuple[Node, ...]
    fit_unseen: float

    @staticmethod
    def fit(
        rows: NDArray[np.int64],
        values: Sequence[float],
        weights: Sequence[float],
        ordered: Sequence[bool],
        width: int,
        rng: Random,
    ) -> Forest:
        """Grow the trees. `ordered` says in which columns the codes lie in a row; all codes are
        below `width`."""
        import numpy as np

        grower = _Grower(
            rows, np.asarray(values, dtype=np.float64), np.asarray(ordered), rng, width
        )
        weighted = np.asarray(weights, dtype=np.float64)
        count = len(values)
        trees: list[Node] = []
        total, votes = np.zeros(count), np.zeros(count)
        for _ in range(_TREES):
            drawn = np.bincount([rng.randrange(count) for _ in range(count)], minlength=count)
            tree = grower.grown(weighted * drawn)
            trees.append(tree)
            unseen = np.flatnonzero(drawn == 0)
            total[unseen] += _predict(tree, rows[unseen])
            votes[unseen] += 1
        return Forest(tuple(trees), _fit(grower.values, weighted, total, votes))

    def predict(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The mean of what the trees say of each row."""
        import numpy as np

        return np.mean([_predict(tree, rows) for tree in self.trees], axis=0)


def _fit(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    total: NDArray[np.float64],
    votes: NDArray[np.float64],
) -> float:
    """1 - the weighted squared error over that of the weighted mean; NaN of no unseen row."""
    import numpy as np

    known = votes > 0
    if not known.any():
        return math.nan
    values, weights = values[known], weights[known]
    errors = values - total[known] / votes[known]
    around = values - np.average(values, weights=weights)
    spread = float(np.sum(weights * around**2))
    return 1 - float(np.sum(weights * errors**2)) / spread if spread else math.nan


def _predict(tree: Node, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    import numpy as np

    found = np.empty(len(rows), dtype=np.float64)
    waiting = [(tree, np.arange(len(rows)))]
    while waiting:
        node, places = waiting.pop()
        if node.left is None or node.less is None or node.more is None:
            found[places] = node.mean
            continue
        left = node.left[rows[places, node.column]]
        waiting += [(node.less, places[left]), (node.more, places[~left])]
    return found


@dataclass(slots=True, eq=False)
class _Grower:
    """What all trees are grown from; codes of all columns are kept apart by an offset."""

    rows: NDArray[np.int64]
    values: NDArray[np.float64]
    ordered: NDArray[np.bool_]
    rng: Random

    width: int
    """Codes of a column, at most."""

    def grown(self, weights: NDArray[np.float64]) -> Node:
        """One tree on the rows that have a weight."""
        import numpy as np

        places = np.flatnonzero(weights > 0)
        least = max(_LEAF, len(self.values) // 100)
        return self._node(places, weights, _DEPTH, least)

    def _node(
        self, places: NDArray[np.int64], weights: NDArray[np.float64], depth: int, least: int
    ) -> Node:
        import numpy as np

        mean = float(np.average(self.values[places], weights=weights[places]))
        split = self._split(places, weights, least) if depth and len(places) >= 2 * least else None
        if split is None:
            return Node(mean)
        column, left = split
        inside = left[self.rows[places, column]]
        less = self._node(places[inside], weights, depth - 1, least)
        more = self._node(places[~inside], weights, depth - 1, least)
        return Node(mean, column, left, less, more)

    def _split(
        self, places: NDArray[np.int64], weights: NDArray[np.float64], least: int
    ) -> tuple[int, NDArray[np.bool_]] | None:
        """The column and codes that leave the least squared error; None where none helps.

        Codes without an order are sorted by their means, among which the best split is a cut
        (Fisher 1958); so one pass over cuts finds it for either kind. Those of them that have no
        rows here go to the side that has most.
        """
        import numpy as np

        columns, width = self._columns(), self.width
        codes = self.rows[np.ix_(places, columns)] + np.arange(len(columns)) * width
        sums = _sums(codes, self.values[places], weights[places], (len(columns), width))
        order = np.argsort(_keys(sums, self.ordered[columns]), axis=1)
        gains = _gains(np.take_along_axis(sums, order[None], axis=2), least)
        best = int(np.argmax(gains))
        row, cut = divmod(best, width - 1)
        if not gains[row, cut] > _GAIN:
            return None
        left = np.zeros(width, dtype=np.bool_)
        left[order[row, : cut + 1]] = True
        if not self.ordered[columns[row]]:
            weight, _, count = sums[:, row]
            left[count == 0] = weight[left].sum() >= weight[~left].sum()
        return int(columns[row]), left

    def _columns(self) -> NDArray[np.int64]:
        import numpy as np

        count = self.rows.shape[1]
        chosen = max(1, math.ceil(_SHARE * count))
        return np.array(sorted(self.rng.sample(range(count), chosen)), dtype=np.int64)


def _sums(
    codes: NDArray[np.int64],
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    shape: tuple[int, int],
) -> NDArray[np.float64]:
    """Weights, weighted values and rows by column and code, in this order."""
    import numpy as np

    flat, columns = codes.ravel(), shape[0]
    sums = np.zeros((3, *shape))
    for row, of in enumerate((weights, weights * values, np.ones(len(values)))):
        found = np.bincount(flat, np.repeat(of, columns), minlength=shape[0] * shape[1])
        sums[row] = found.reshape(shape)
    return sums


def _keys(sums: NDArray[np.float64], ordered: NDArray[np.bool_]) -> NDArray[np.float64]:
    """What codes are sorted by: themselves, or their means; those without rows come last."""
    import numpy as np

    weight, value, _ = sums
    means = np.where(weight > 0, value / np.where(weight > 0, weight, 1.0), np.inf)
    natural = np.broadcast_to(np.arange(weight.shape[1], dtype=np.float64), weight.shape)
    return np.where(ordered[:, None], natural, means)


def _gains(sums: NDArray[np.float64], least: int) -> NDArray[np.float64]:
    """How much squared error each cut saves; -1 where a side would have too few rows."""
    import numpy as np

    before = np.cumsum(sums, axis=2)[:, :, :-1]
    whole = sums.sum(axis=2, keepdims=True)
    gain = _explained(before) + _explained(whole - before) - _explained(whole)
    fits = (before[2] >= least) & (whole[2] - before[2] >= least)
    return np.where(fits, gain, -1.0)


def _explained(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of the sum of squares that a mean explains."""
    import numpy as np

    weight, value, _ = sums
    return value**2 / np.where(weight > 0, weight, 1.0)
