"""What goes into a memory, and what stands in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from graphdsl.executors.memory.origin import Origin
from graphdsl.ops.concepts import Concept

Kind = Literal["text", "concept"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A text to keep instead of the one of its key and split. `origin` None is its commit's."""

    text: str
    key: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class ConceptEntry:
    """A concept to merge into the one of its name, if there is one."""

    concept: Concept
    origin: Origin | None = None


Written = Entry | ConceptEntry


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry of a memory. `removed_in` is the first version without it; None while it stands.

    Split and content of a concept are those of its parts, which it does not have itself.
    """

    id: int
    kind: Kind
    key: str | None
    text: str
    created: float
    added_in: int
    removed_in: int | None
    split: str | None
    content: str | None
    run: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """One commit. `added` and `removed` count entries, `erased` what it removed for good.

    A version that is not `readable` has been compacted away.
    """

    number: int
    created: float
    run: str | None
    split: str | None
    note: str
    erased: int
    readable: bool
    added: int
    removed: int


def digest(text: str) -> bytes:
    """What vectors are kept by: equal texts have one vector."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[:16]
