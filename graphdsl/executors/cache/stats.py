"""What a cache holds, and what it has saved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphdsl.values import PICO, Usage


@dataclass(frozen=True, slots=True)
class Counts:
    """What has happened since the file was made. Adds up.

    `saved` is what the hits would have cost; `unpriced` are hits of models without a known price,
    which it counts without any.
    """

    hits: int = 0
    misses: int = 0
    saved: Usage = Usage()  # noqa: RUF009 (immutable)
    unpriced: int = 0
    evicted: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.hits + other.hits,
            self.misses + other.misses,
            self.saved + other.saved,
            self.unpriced + other.unpriced,
            self.evicted + other.evicted,
        )

    @property
    def rate(self) -> float | None:
        """The share of hits; None where nothing was looked for."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None


@dataclass(frozen=True, slots=True)
class ModelShare:
    """The answers of one model: how many, and their bytes."""

    model: str
    answers: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CacheStats:
    """A look at a cache. `path` is None where nothing is kept; `notes` say why, and what else was
    wrong with the file. `bytes` are those of the file that are in use, at most `limit`."""

    path: Path | None
    limit: int
    answers: int = 0
    bytes: int = 0
    counts: Counts = Counts()
    models: tuple[ModelShare, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible, as `graphdsl cache stats --json` prints it."""
        counts = self.counts
        return {
            "path": None if self.path is None else str(self.path),
            "limit": self.limit,
            "answers": self.answers,
            "bytes": self.bytes,
            "hits": counts.hits,
            "misses": counts.misses,
            "evicted": counts.evicted,
            "saved": {
                "calls": counts.hits,
                "prompt_tokens": counts.saved.prompt_tokens,
                "completion_tokens": counts.saved.completion_tokens,
                "usd": (counts.saved.cost or 0) / PICO,
                "unpriced": counts.unpriced,
            },
            "models": [
                {"model": one.model, "answers": one.answers, "bytes": one.bytes}
                for one in self.models
            ],
            "notes": list(self.notes),
        }
