"""Concepts as text: one of them whole, and a memory of them in short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from graphdsl.ops.concepts import KINDS, Concept, Parameter


def whole(concept: Concept) -> str:
    """One concept with all that is known of it, for the prompt that solves a problem."""
    return "\n".join(_lines(concept))


def overview(concepts: Sequence[Concept]) -> str:
    """All concepts by kind: whole where two problems or more used it, else by name (ArcMemo)."""
    groups = ((kind, [one for one in concepts if one.kind == kind]) for kind in KINDS)
    return "\n\n".join(_group(kind, group) for kind, group in groups if group)


def _group(kind: str, concepts: Sequence[Concept]) -> str:
    known = [whole(one) for one in concepts if len(one.used_in) > 1]
    fresh = [f"- {one.name}" for one in concepts if len(one.used_in) < 2]
    rest = ["other concepts, by name:", *fresh] if known and fresh else fresh
    return "\n".join((f"## {kind} concepts", *known, *rest))


def _lines(concept: Concept) -> Iterator[str]:
    kind = f"{concept.kind}, {concept.subtype}" if concept.subtype else concept.kind
    yield f"- {concept.name} ({kind})"
    if concept.description:
        yield f"  description: {concept.description}"
    if concept.output_typing:
        yield f"  output: {concept.output_typing}"
    yield from _listed("parameters", map(_parameter, concept.parameters))
    yield from _listed("cues", concept.cues)
    yield from _listed("implementation", concept.implementation)


def _listed(heading: str, lines: Iterable[str]) -> Iterator[str]:
    items = [f"    - {line}" for line in lines]
    if items:
        yield f"  {heading}:"
        yield from items


def _parameter(parameter: Parameter) -> str:
    typed = f"{parameter.name}: {parameter.typing}" if parameter.typing else parameter.name
    return f"{typed} ({parameter.description})" if parameter.description else typed
