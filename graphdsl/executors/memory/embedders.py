"""What turns texts into vectors: static embeddings from a package, or a declared model."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from graphdsl.errors import BackendError, BackendMissing
from graphdsl.executors.memory.encoding import encodable
from graphdsl.executors.memory.vectors import Vector
from graphdsl.ir.content import plain
from graphdsl.ir.entities import STATIC_EMBEDDER, ModelSpec

Embed = Callable[[Sequence[str]], Awaitable[Sequence[Vector]]]
"""Vectors of texts, in order."""

_WEIGHTS: Final = "weights/l2_supercat_256.safetensors"
_TOKENIZER: Final = "tokenizers/l2_supercat_tokenizer_config.json"
_BATCH: Final = 64
_LOCK: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Embedder:
    """`identity` tells vectors apart that must not be compared. `batch` texts are one call."""

    identity: str
    embed: Embed
    batch: int = 256


def model_embedder(model: ModelSpec, embed: Embed) -> Embedder:
    """A declared model, called through `embed`, which charges what it costs."""
    identity = hashlib.sha256(json.dumps(plain(model)).encode()).hexdigest()[:16]
    return Embedder(f"{model.backend}:{model.model}:{identity}", embed)


async def static_embedder() -> Embedder:
    """The static embeddings of wordllama (MIT), 256 numbers, from files in its wheel.

    Each text is the mean of vectors of its tokens, so that order plays no part. Raises
    `BackendMissing` without the extra, `BackendError` when its files are not as expected.
    """
    tokens = await asyncio.to_thread(_loaded)

    async def embed(texts: Sequence[str]) -> Sequence[Vector]:
        return await asyncio.to_thread(tokens.vectors, texts)

    return Embedder(tokens.identity, embed)


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A vector for each token."""

    identity: str
    tokenizer: Any
    matrix: Any

    def vectors(self, texts: Sequence[str]) -> list[Vector]:
        found: list[Vector] = []
        for start in range(0, len(texts), _BATCH):
            batch = [encodable(text) for text in texts[start : start + _BATCH]]
            encoded = self.tokenizer.encode_batch(batch, add_special_tokens=False)
            found += [self._mean(one.ids) for one in encoded]
        return found

    def _mean(self, ids: list[int]) -> Vector:
        if not ids:
            return [0.0] * int(self.matrix.shape[1])
        return self.matrix[ids].mean(axis=0, dtype="float32").tolist()


@cache
def _load() -> _Tokens:
    """Read the files of the package. It is not imported: that would set up logging and look for
    further files on the network (`WordLlama.load` does, for a folder whose name it mistakes)."""
    package = find_spec(STATIC_EMBEDDER)
    folders = package.submodule_search_locations if package is not None else None
    if not folders:
        raise BackendMissing(
            STATIC_EMBEDDER,
            extra="embeddings",
            instead="name a model that has embeddings: `embed = my_model` in the memory's block",
        )
    folder = Path(folders[0])
    try:
        data = (folder / _WEIGHTS).read_bytes()
        matrix: Any = import_module("safetensors.numpy").load(data)["embedding.weight"]
        tokenizer: Any = import_module("tokenizers").Tokenizer.from_file(str(folder / _TOKENIZER))
    except (ImportError, OSError, KeyError, ValueError) as error:
        raise BackendError(
            f"the package `wordllama` is not as expected ({error}); "
            "pip install --force-reinstall 'graphdsl-tts[embeddings]'"
        ) from error
    digest = hashlib.sha256(data).hexdigest()[:16]
    return _Tokens(f"wordllama:l2_supercat_256:{digest}", tokenizer, matrix)


def _loaded() -> _Tokens:
    with _LOCK:  # several first uses at once read the files once
        return _load()


def forget_files() -> None:
    """Read the files of the package again at the next use."""
    _load.cache_clear()
