"""Declared things that a graph refers to by symbol: models, memories, prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A declared model: what to open and how.

    `name` is its name in the program, `backend` the kind (`embedded`, `simulated`), `model` the
    backend's own name for it (catalogue entry or path). `options` are the other entries of the
    block, validated against `graphdsl.ir.backends` by the checker; sampling options
    (`temperature`, `max_tokens`, `top_p`, `stop`) are defaults for its calls.
    """

    name: str
    backend: str
    model: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class MemorySpec:
    """A declared memory: `store` is the path of its SQLite file, or None for in-process only.

    A relative path is relative to the folder of the file that declares it (resolved by the
    compiler, so it is absolute here).
    """

    name: str
    store: str | None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """A declared prompt: parameters, and Jinja templates by role, in order."""

    name: str
    params: tuple[str, ...]
    turns: tuple[tuple[str, str], ...]
