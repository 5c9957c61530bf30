"""Concepts: reusable ideas that a model found in solutions, instead of past answers (ArcMemo).

Concepts of one name are one concept; every solution that shows it adds what it knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

KINDS: Final = ("structure", "routine")
"""A thing to recognise in a problem, or something to do about it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a concept can be varied in."""

    name: str
    typing: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """One idea. `cues` say when it applies, `implementation` how it is done; both in lines.

    `subtype` tells apart routines, `output_typing` is what a routine gives. `used_in` names the
    problems whose solutions showed it.
    """

    name: str
    kind: str
    subtype: str | None = None
    parameters: tuple[Parameter, ...] = ()
    output_typing: str | None = None
    description: str | None = None
    cues: tuple[str, ...] = ()
    implementation: tuple[str, ...] = ()
    used_in: tuple[str, ...] = ()

    def to_record(self) -> dict[str, Any]:
        """As JSON; what is absent or empty is left out."""
        parameters = [
            _without_gaps({"name": one.name, "typing": one.typing, "description": one.description})
            for one in self.parameters
        ]
        return _without_gaps(
            {
                "name": self.name,
                "kind": self.kind,
                "subtype": self.subtype,
                "parameters": parameters,
                "output_typing": self.output_typing,
                "description": self.description,
                "cues": list(self.cues),
                "implementation": list(self.implementation),
                "used_in": list(self.used_in),
            }
        )


def _without_gaps(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value not in (None, [])}


def merged(old: Concept, new: Concept) -> Concept:
    """Two concepts of one name as one (ArcMemo, `ConceptMemory`).

    Single values stay as they are where there is one, parameters merge by name and the new one
    wins, lines of cues and implementation are added where they are new, and `used_in` grows.
    """
    parameters = {one.name: one for one in (*old.parameters, *new.parameters)}
    return Concept(
        old.name,
        old.kind,
        old.subtype or new.subtype,
        tuple(parameters.values()),
        old.output_typing or new.output_typing,
        old.description or new.description,
        _each_once(old.cues, new.cues),
        _each_once(old.implementation, new.implementation),
        _each_once(old.used_in, new.used_in),
    )


def _each_once(*groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for group in groups for line in group))
