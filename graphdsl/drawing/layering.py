"""Places the things of one frame in rows (Sugiyama, Tagawa & Toda 1981).

Rows by longest path; order within a row by barycentres; horizontal places by isotonic
regression, so that every thing is as near to its neighbours as the order allows. An edge that
crosses rows gets a thin stand-in in each, so that it never runs through a box.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

Key = tuple[str, ...]
"""Names a thing to place: ("box", id), ("frame", id), ("in", id), ("out", id), ("loop", id)."""

_SWEEPS: Final = 10
_GAP_X: Final = 28.0
_GAP_Y: Final = 34.0
_GAP_PORTS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Item:
    """A thing to place. `ports` are x offsets from its left side where edges of a key attach.

    `rank` is -1 for the first row, 1 for the last, 0 for anywhere; `right` keeps it at the right
    end of its row, and at the top of it.
    """

    key: Key
    width: float
    height: float
    rank: int = 0
    right: bool = False
    ports: Mapping[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])

    def port(self, side: str, strand: str) -> float:
        """Where an edge of that strand attaches: at its port, or in the middle."""
        return self.ports.get((side, strand), self.width / 2)


@dataclass(frozen=True, slots=True)
class Edge:
    """From one item to another. Edges of one `strand` run together as far as they can."""

    tail: Key
    head: Key
    strand: str


Point = tuple[float, float]


@dataclass(slots=True)
class Placed:
    """Top left corners by key, the way of each edge, and the size of all."""

    at: dict[Key, Point]
    ways: dict[Edge, tuple[Point, ...]]
    width: float
    height: float


@dataclass(slots=True)
class _Rows:
    """Items and stand-ins by row, with the links between neighbouring rows."""

    items: dict[Key, Item]
    rows: list[list[Key]]
    down: dict[Key, list[tuple[Key, float, float]]]
    up: dict[Key, list[tuple[Key, float, float]]]
    chains: dict[Edge, tuple[Key, ...]]


def place(items: Sequence[Item], edges: Sequence[Edge]) -> Placed:
    """Place items so that edges point downwards. The edges must not form a cycle."""
    rows = _rows(items, edges)
    _order(rows)
    xs = _horizontal(rows)
    return _measure(rows, xs)


# ---- rows


def _levels(items: Sequence[Item], edges: Sequence[Edge]) -> dict[Key, int]:
    import networkx as nx

    graph: nx.DiGraph[Key] = nx.DiGraph()
    graph.add_nodes_from(item.key for item in items)
    graph.add_edges_from((edge.tail, edge.head) for edge in edges)
    level: dict[Key, int] = {}
    for row, keys in enumerate(nx.topological_generations(graph)):
        level.update(dict.fromkeys(keys, row))
    _pull_down(items, edges, level)
    _lift(items, edges, level)
    return _with_ports(items, level)


def _pull_down(items: Sequence[Item], edges: Sequence[Edge], level: dict[Key, int]) -> None:
    """What nothing feeds stands just above its first use."""
    fed = {edge.head for edge in edges}
    for item in items:
        uses = [level[edge.head] for edge in edges if edge.tail == item.key]
        if item.key not in fed and uses and item.rank == 0 and not item.right:
            level[item.key] = min(uses) - 1


def _lift(items: Sequence[Item], edges: Sequence[Edge], level: dict[Key, int]) -> None:
    """What only ports feed and stands on the right (carried values) goes to the first row."""
    ports = {item.key for item in items if item.rank}
    held = {edge.head for edge in edges if edge.tail not in ports}
    inner = [level[item.key] for item in items if item.rank == 0]
    for item in items:
        if item.right and item.rank == 0 and item.key not in held:
            level[item.key] = min(inner)


def _with_ports(items: Sequence[Item], level: dict[Key, int]) -> dict[Key, int]:
    """Ports get rows of their own above and below the rest."""
    inner = [level[item.key] for item in items if item.rank == 0] or [0]
    low, high = min(inner) - 1, max(inner) + 1
    for item in items:
        if item.rank:
            level[item.key] = low if item.rank < 0 else high
    used = sorted(set(level.values()))
    return {key: used.index(row) for key, row in level.items()}


def _rows(items: Sequence[Item], edges: Sequence[Edge]) -> _Rows:
    level = _levels(items, edges)
    known = {item.key: item for item in items}
    rows: list[list[Key]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for item in items:
        rows[level[item.key]].append(item.key)
    result = _Rows(known, rows, {}, {}, {})
    for edge in edges:
        _chain(result, edge, level)
    return result


def _chain(rows: _Rows, edge: Edge, level: dict[Key, int]) -> None:
    """Link tail and head, with a stand-in in every row between. Edges of one strand share them."""
    chain = [edge.tail]
    for row in range(level[edge.tail] + 1, level[edge.head]):
        key = ("bend", str(row), *edge.tail, edge.strand)
        if key not in rows.items:
            rows.items[key] = Item(key, 2, 0)
            rows.rows[row].append(key)
        chain.append(key)
    chain.append(edge.head)
    for tail, head in pairwise(chain):
        a = rows.items[tail].port("out", edge.strand)
        b = rows.items[head].port("in", edge.strand)
        if (head, a, b) not in rows.down.setdefault(tail, []):
            rows.down[tail].append((head, a, b))
            rows.up.setdefault(head, []).append((tail, b, a))
    rows.chains[edge] = tuple(chain)


# ---- order within rows


def _order(rows: _Rows) -> None:
    """Barycentre sweeps down and up; the order with the fewest crossings stays."""
    best = [list(row) for row in rows.rows]
    fewest = _crossings(rows)
    for sweep in range(_SWEEPS):
        _sort_rows(rows, downwards=sweep % 2 == 0)
        crossings = _crossings(rows)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows.rows], crossings
    rows.rows[:] = [sorted(row, key=lambda key: rows.items[key].right) for row in best]


def _sort_rows(rows: _Rows, *, downwards: bool) -> None:
    links = rows.up if downwards else rows.down
    order = rows.rows if downwards else rows.rows[::-1]
    place = {key: float(index) for index, key in enumerate(order[0])} if order else {}
    for row in order[1:]:
        centre = {
            key: _mean([place[other] for other, _, _ in links.get(key, ())], float(index))
            for index, key in enumerate(row)
        }
        row.sort(key=lambda key: (rows.items[key].right, centre[key]))
        place = {key: float(index) for index, key in enumerate(row)}


def _crossings(rows: _Rows) -> int:
    """Pairs of links between neighbouring rows that cross."""
    total = 0
    for upper, lower in pairwise(rows.rows):
        place = {key: index for index, key in enumerate(lower)}
        seen: list[int] = []
        for key in upper:
            ends = [place[head] for head, _, _ in rows.down.get(key, ())]
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


# ---- horizontal places


def _horizontal(rows: _Rows) -> dict[Key, float]:
    """Left sides by key."""
    xs: dict[Key, float] = {}
    for row in rows.rows:
        at = 0.0
        for key in row:
            xs[key] = at
            at += rows.items[key].width + _GAP_X
    for sweep in range(2 * _SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows.rows if downwards else rows.rows[::-1]:
            _align(rows, row, xs, rows.up if downwards else rows.down)
    for row in rows.rows:
        _align(rows, row, xs, _both(rows))
    left = min(xs.values(), default=0.0)
    return {key: x - left for key, x in xs.items()}


def _both(rows: _Rows) -> dict[Key, list[tuple[Key, float, float]]]:
    keys = rows.up.keys() | rows.down.keys()
    return {key: rows.up.get(key, []) + rows.down.get(key, []) for key in keys}


def _align(
    rows: _Rows,
    row: Sequence[Key],
    xs: dict[Key, float],
    links: Mapping[Key, Sequence[tuple[Key, float, float]]],
) -> None:
    """Bring a row near its neighbours: least squares under the order and the gaps."""
    offsets: list[float] = []
    at = 0.0
    for key in row:
        offsets.append(at)
        at += rows.items[key].width + _GAP_X
    wanted = [
        _mean(
            [
                xs[other] + there - here
                for other, here, there in links.get(key, ())
                for _ in range(8 if _bend(key) and _bend(other) else 1)
            ],
            xs[key],
        )
        for key in row
    ]
    weights = [4.0 if rows.items[key].height == 0 else 1.0 for key in row]
    for index in range(1, len(row)):
        if row[index] not in rows.up and row[index] not in rows.down:  # beside its neighbour
            wanted[index], weights[index] = wanted[index - 1], 0.01
    shifted = [want - offset for want, offset in zip(wanted, offsets, strict=True)]
    for key, value, offset in zip(row, isotonic(shifted, weights), offsets, strict=True):
        xs[key] = value + offset


def _bend(key: Key) -> bool:
    return key[0] == "bend"


def isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to `values` (pool adjacent violators, Ayer 1955).

    >>> isotonic([1, 3, 2, 4], [1, 1, 1, 1])
    [1.0, 2.5, 2.5, 4.0]
    """
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, mass, count = float(value), weight, 1
        while pools and pools[-1][0] > mean:
            other, more, extra = pools.pop()
            mean = (mean * mass + other * more) / (mass + more)
            mass, count = mass + more, count + extra
        pools.append((mean, mass, count))
    return [mean for mean, _, count in pools for _ in range(count)]


def _mean(values: Iterable[float], fallback: float) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else fallback


# ---- vertical places and ways


def _measure(rows: _Rows, xs: Mapping[Key, float]) -> Placed:
    tops: dict[Key, float] = {}
    bands: dict[Key, tuple[float, float]] = {}
    y = 0.0
    for index, row in enumerate(rows.rows):
        tall = _tallest(rows, index)
        for key in row:
            item = rows.items[key]
            tops[key] = y if item.right else y + (tall - item.height) / 2
            bands[key] = (y, y + tall)
        if index + 1 < len(rows.rows):
            y += tall + (_GAP_Y if tall and _tallest(rows, index + 1) else _GAP_PORTS)
        else:
            y += tall
    ways = {edge: _way(rows, edge, chain, xs, tops, bands) for edge, chain in rows.chains.items()}
    width = max((xs[key] + rows.items[key].width for key in xs), default=0.0)
    return Placed({key: (xs[key], tops[key]) for key in xs}, ways, width, y)


def _tallest(rows: _Rows, index: int) -> float:
    return max(rows.items[key].height for key in rows.rows[index])


def _way(
    rows: _Rows,
    edge: Edge,
    chain: Sequence[Key],
    xs: Mapping[Key, float],
    tops: Mapping[Key, float],
    bands: Mapping[Key, tuple[float, float]],
) -> tuple[Point, ...]:
    """Straight through rows, bent only between them."""
    points: list[Point] = []
    for index, key in enumerate(chain):
        item = rows.items[key]
        top, bottom = bands[key]
        if index > 0:
            x = xs[key] + item.port("in", edge.strand)
            points += [(x, top), (x, tops[key])]
        if index + 1 < len(chain):
            x = xs[key] + item.port("out", edge.strand)
            points += [(x, tops[key] + item.height), (x, bottom)]
    return tuple(points)
