"""Declared things that a graph refers to by symbol: models, memories, prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A declared model: what to open and how.

    `name` is its name in the program, `backend` the kind (`embedded`, `simulated`), `model` the
    backend's own name for it (catalogue entry or path). `options` are the other entries of the
    block, validated against `graphdsl.ir.backends` by the checker; sampling options
    (`temperature`, `max_tokens`, `top_p`, `stop`) are defaults for its calls. `folder` is where
    a relative path starts from (None: the working directory); it is no part of the identity.
    """

    name: str
    backend: str
    model: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    folder: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class MemorySpec:
    """A declared memory: `store` is its SQLite file as written, or None for in-process only.

    `folder` is where a relative path starts from (None: the working directory); it is no part of
    the memory's identity in a graph, so that a program means the same wherever it lies.
    """

    name: str
    store: str | None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    folder: str | None = field(default=None, compare=False)

    @property
    def path(self) -> Path | None:
        """The absolute path of the store, if it has a file."""
        return None if self.store is None else Path(self.folder or "", self.store).resolve()


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """A declared prompt: parameters, and Jinja templates by role, in order."""

    name: str
    params: tuple[str, ...]
    turns: tuple[tuple[str, str], ...]
