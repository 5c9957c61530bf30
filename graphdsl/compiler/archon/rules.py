"""The placement rules of Archon's paper (arXiv 2409.15254), which its code does not enforce."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphdsl.compiler.archon.config import Component, Config, Problem

_MANY = ("generator", "fuser")
"""What may stand several times in a layer."""

Layers = Sequence[tuple[Component, ...]]


def placement(config: Config) -> Iterator[Problem]:
    """Every rule that a configuration breaks, layer by layer, and what it leaves unsaid."""
    for at, layer in enumerate(config.layers, 1):
        kinds = dict.fromkeys(one.type for one in layer)
        place = f"layer {at} ({', '.join(f'`{kind}`' for kind in kinds)})"
        yield from _alone(place, layer)
        yield from _first(place, at, layer)
        kind = layer[0].type
        if kind == "critic" and not _used(config.layers[at:]):
            hint = "put a ranker or fuser after it, or leave it out"
            yield Problem(place, "nothing reads what this critic writes", hint)
        after = _kind(config.layers, at)
        if kind == "unit_test_generator" and after != "unit_test_evaluator":
            hint = "put a `unit_test_evaluator` into the next layer"
            yield Problem(place, "its tests are not evaluated in the next layer", hint)
        before = _kind(config.layers, at - 2)
        if kind == "unit_test_evaluator" and before != "unit_test_generator":
            hint = "put a `unit_test_generator` into the layer before"
            yield Problem(place, "no tests are written in the layer before", hint)


def _alone(place: str, layer: tuple[Component, ...]) -> Iterator[Problem]:
    kinds = list(dict.fromkeys(one.type for one in layer))
    if len(kinds) > 1:
        hint = "give each type a layer of its own"
        yield Problem(place, "components of several types in one layer", hint)
    elif len(layer) > 1 and kinds[0] not in _MANY:
        yield Problem(place, f"several of type `{kinds[0]}` in one layer", "leave one")


def _first(place: str, at: int, layer: tuple[Component, ...]) -> Iterator[Problem]:
    generators = [one for one in layer if one.type == "generator"]
    if at == 1 and len(generators) < len(layer):
        yield Problem(
            place, "the first layer has no candidates to work on", "begin with generators"
        )
    if at > 1 and generators:
        hint = "move it to layer 1, or make it a fuser"
        yield Problem(place, "a generator ignores all candidates before it", hint)


def _kind(layers: Layers, index: int) -> str:
    """The type of a layer; none before the first and after the last."""
    return layers[index][0].type if 0 <= index < len(layers) else ""


def _used(later: Layers) -> bool:
    """Whether a ranker or fuser comes before other candidates take their place."""
    return any(layer[0].type in ("ranker", "fuser") for layer in later)
