"""What a cache calls a model, so that only its own answers are found for it."""

from __future__ import annotations

from dataclasses import dataclass

from graphdsl.executors.abc import Capabilities
from graphdsl.ir.content import plain
from graphdsl.ir.entities import ModelSpec


@dataclass(frozen=True, slots=True)
class Named:
    """A model's name; `seeded` says whether its samples are told apart by their seeds alone."""

    identity: str
    seeded: bool


def named(spec: ModelSpec, able: Capabilities, *, private: bool) -> Named | None:
    """The name of a model; None where nothing of it is kept.

    A backend that has no identity (one that is simulated, or of which nobody knows whether it is
    the same the next time) is named by its declaration in a `private` cache, whose answers no
    other program ever sees. Its samples then go by seed and index both.
    """
    if able.identity is not None:
        return Named(able.identity, able.seeds)
    if not private:
        return None
    return Named(repr(("declared", spec.name, plain(spec))), False)
