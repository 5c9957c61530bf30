"""Where an entry comes from, and who may see it: the rules that keep evaluation data apart.

A run belongs to a split of the data, or to none (`unlabelled`), and its inputs have a hash. What it
writes carries both. Then

- a memory takes what runs of the splits in its `learns_from` write, and refuses the rest;
- a run sees entries whose split is in `learns_from`; those of an evaluation split only a run of
  that same split sees;
- a run of a data item sees no entry that a run with the same inputs wrote.

The hash is over the contents: positions and names of items collide between files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from graphdsl.executors.memory.encoding import encodable
from graphdsl.ir.entities import EVALUATION_SPLITS, UNLABELLED
from graphdsl.values import as_text


@dataclass(frozen=True, slots=True)
class Origin:
    """The run that writes or reads. `content` is the hash of its inputs, `data` says that they
    are an item of some data, which the run must not find answered in a memory. An empty name is
    none, and all names have bytes."""

    split: str | None = None
    content: str | None = None
    run: str | None = None
    data: bool = False

    def __post_init__(self) -> None:
        for name in ("split", "content", "run"):
            value: str | None = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, encodable(value) or None)

    @property
    def label(self) -> str:
        """Its split, or `unlabelled`."""
        return self.split or UNLABELLED

    @property
    def problem(self) -> str | None:
        """What tells apart the problems that a concept was used in."""
        return self.content or self.run


def origin_of(
    inputs: Mapping[str, Any],
    *,
    split: str | None = None,
    item: str | None = None,
    run: str | None = None,
) -> Origin:
    """The origin of a run with these inputs; it is one of data when it has a split or an item."""
    return Origin(split, content_hash(inputs), run, split is not None or item is not None)


def content_hash(inputs: Mapping[str, Any]) -> str | None:
    """The hash of what the inputs say, whatever they are called; None when they say nothing.

    >>> content_hash({"question": "2 + 2?"}) == content_hash({"problem": " 2 +  2? ", "hint": None})
    True
    """
    texts = sorted(text for value in inputs.values() if (text := " ".join(as_text(value).split())))
    if not texts:
        return None
    data = json.dumps(texts).encode()
    return hashlib.sha256(data).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class View:
    """What one run may see of a memory: the labels, and the item whose own entries it may not."""

    labels: frozenset[str]
    content: str | None = None


def view_of(learns_from: Collection[str], reader: Origin) -> View:
    """What a reader may see of a memory that learns from these splits."""
    labels = frozenset(
        label for label in learns_from if label not in EVALUATION_SPLITS or label == reader.split
    )
    return View(labels, reader.content if reader.data else None)


def refusal(name: str, learns_from: Collection[str], writer: Origin) -> str | None:
    """Why a memory does not take what a run writes; None where it does."""
    if writer.label in learns_from:
        return None
    whose = f"the split `{writer.split}`" if writer.split else "a run without a split"
    listed = ", ".join(f"`{label}`" for label in learns_from)
    return f"not kept: memory `{name}` learns from {listed}, not from {whose}"
