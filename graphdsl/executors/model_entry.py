"""The description of one downloadable model."""

from __future__ import annotations

from dataclasses import dataclass

from graphdsl.executors.wheels import Wheel


@dataclass(frozen=True, slots=True)
class Hub:
    """A file in a repository of a model hub, at a revision."""

    repo: str
    file: str
    revision: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One model. `parameters` is their number, `bytes` and `sha256` describe the GGUF file.

    The file is the members of `wheels` in order, or `hub.file` of a model hub.
    """

    name: str
    description: str
    licence: str
    parameters: int
    bytes: int
    sha256: str
    wheels: tuple[Wheel, ...]
    hub: Hub

    @property
    def file(self) -> str:
        """The name of its file in the cache."""
        return f"{self.name}.gguf"
