"""Declared things that a graph refers to by symbol: models, memories, prompts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from graphdsl.ir.backends import COMPOSITES


@dataclass(frozen=True, slots=True)
class EnvVar:
    """The value of an environment variable, by its name: `env("MY_KEY")`. The value itself is read
    where it is used, and enters no graph, hash, trace or message."""

    name: str

    def read(self) -> str | None:
        """The value now, without surrounding space; None when it is not set, or empty."""
        return os.environ.get(self.name, "").strip() or None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A declared model: what to open and how.

    `name` is its name in the program, `backend` the kind (`embedded`, `openai`), `model` the
    backend's own name for it (catalogue entry, path, or what the endpoint calls it). `options`
    are the other entries of the block, validated against `graphdsl.ir.backends` by the checker:
    texts, numbers, bools, `EnvVar`, `ModelSpec`, and tuples of these. Sampling options
    (`temperature`, `max_tokens`, `top_p`, `stop`) are defaults for its calls. `folder` is where
    a relative path starts from (None: the working directory); it is no part of the identity.
    """

    name: str
    backend: str
    model: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    folder: str | None = field(default=None, compare=False)

    @property
    def addresses(self) -> tuple[str | EnvVar, ...]:
        """Where its block says that it is called; none where that is left to its backend."""
        given: Any = self.options.get("base_url", ())
        return (given,) if isinstance(given, str | EnvVar) else tuple(given)

    @property
    def members(self) -> tuple[ModelSpec, ...]:
        """The models that it stands for, where it is a `fallback` or `round_robin`; else none."""
        return tuple(self.options.get("models", ())) if self.backend in COMPOSITES else ()

    @property
    def others(self) -> tuple[ModelSpec, ...]:
        """The models that are asked for what a `replay` has no recording of."""
        return tuple(self.options.get("otherwise", ()))

    def setting(self, name: str, default: Any = None) -> Any:
        """An option of its own, else that of its first member, else the default."""
        if name in self.options or not self.members:
            return self.options.get(name, default)
        return self.members[0].setting(name, default)


UNLABELLED: Final = "unlabelled"
"""What stands for the split of a run that has none."""

LEARNING: Final = (UNLABELLED, "search")
"""The splits that a memory learns from unless its block says otherwise."""

EVALUATION_SPLITS: Final = frozenset({"validation", "certificate", "test"})
"""Splits that are there to measure: only runs of the same split see what their runs wrote."""

STATIC_EMBEDDER: Final = "wordllama"
"""The word for the embeddings that come with the extra `embeddings`."""


@dataclass(frozen=True, slots=True)
class MemorySpec:
    """A declared memory: `store` is its SQLite file as written, or None for in-process only.

    `options` are the other entries of the block: `version` (int), `learns_from` (texts), `embed`
    (`wordllama` or a `ModelSpec`). `folder` is where a relative path starts from (None: the working
    directory); it is no part of the memory's identity in a graph, so that a program means the same
    wherever it lies.
    """

    name: str
    store: str | None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    folder: str | None = field(default=None, compare=False)

    @property
    def path(self) -> Path | None:
        """The absolute path of the store, if it has a file."""
        return None if self.store is None else Path(self.folder or "", self.store).resolve()

    @property
    def version(self) -> int | None:
        """The version that it is frozen at; None where it is as it is when a run begins."""
        version = self.options.get("version")
        return None if version is None else int(version)

    @property
    def learns_from(self) -> tuple[str, ...]:
        """The splits whose runs may write, and whose entries may be read."""
        return tuple(self.options.get("learns_from", LEARNING))

    @property
    def embed(self) -> str | ModelSpec:
        """What turns its texts into vectors: a model, or the word of the static embeddings."""
        return self.options.get("embed", STATIC_EMBEDDER)


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """A declared prompt: parameters, and Jinja templates by role, in order."""

    name: str
    params: tuple[str, ...]
    turns: tuple[tuple[str, str], ...]
