"""What the holes of a graph decide: models, roles, edges, how wide and how deep it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal

from graphdsl.ir.nodes import Attr, Choices, Graph, HoleRef, Symbol, walk

Meaning = Literal["model", "role", "edge", "width", "depth", "other"]
"""`width` is how many samples or nodes work side by side, `depth` how many one after another."""

_PLACES: Final[Mapping[str, Meaning]] = {"samples": "width", "nodes": "width", "rounds": "depth"}
"""What a hole means in an attribute of that name."""

EDGE: Final = re.compile(r"(.+)\.edge\.(\d+)\.(\d+)")
"""The address of an edge of `collaborate`: its node, and the numbers of source and target."""

_ROLE: Final = re.compile(r".+\.role\.\d+")


def meanings(graph: Graph) -> dict[str, Meaning]:
    """What each hole of a graph decides, in the order of the holes."""
    places: dict[str, Meaning] = {
        hole: _PLACES[name]
        for node in walk(graph.body)
        for name, attr in node.attrs
        if name in _PLACES
        for hole in holes_in(attr)
    }
    found: dict[str, Meaning] = {}
    for hole in graph.holes:
        values = hole.domain.values if isinstance(hole.domain, Choices) else ()
        if any(map(names_model, values)):
            found[hole.address] = "model"
        elif EDGE.fullmatch(hole.address):
            found[hole.address] = "edge"
        elif _ROLE.fullmatch(hole.address):
            found[hole.address] = "role"
        else:
            found[hole.address] = places.get(hole.address, "other")
    return found


def holes_in(attr: Attr) -> Iterator[str]:
    """The addresses of the holes in an attribute."""
    match attr:
        case HoleRef(address):
            yield address
        case tuple():
            for item in attr:
                yield from holes_in(item)
        case _:
            return


def names_model(value: Attr) -> bool:
    """Whether an alternative is a model, or has one in it."""
    if isinstance(value, tuple):
        return any(map(names_model, value))
    return isinstance(value, Symbol) and value.kind == "model"
