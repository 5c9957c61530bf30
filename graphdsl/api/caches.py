"""The caches of this process: opened at first use, one for each file, closed with the models."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.executors.cache.store import Cache

Caching: TypeAlias = "bool | str | os.PathLike[str] | Cache"
"""Where answers are kept: True for the user's own cache, a path, or a cache that is open."""

_lock = threading.Lock()
_open: Final[dict[Path | None, Cache]] = {}


def opened_cache(cache: Caching | None) -> Cache | None:
    """The open cache; None for None and False. Raises `InputError` where none can be."""
    if cache is None or cache is False:
        return None
    from graphdsl.executors.cache.place import default_path
    from graphdsl.executors.cache.store import Cache

    if isinstance(cache, Cache):
        return cache
    if cache is not True and not isinstance(cast("object", cache), str | os.PathLike):
        raise InputError(f"`cache` is True, False, a path or a `Cache`, not {type(cache).__name__}")
    path = default_path() if cache is True else Path(cache).resolve()
    with _lock:
        if path not in _open:
            _open[path] = Cache.open(path)
        return _open[path]


def forget_caches() -> None:
    """For a forked child: the caches are its parent's, and not to be used, nor closed."""
    global _lock
    _lock = threading.Lock()
    _open.clear()


def close_caches() -> None:
    """Write what is left, and close all."""
    with _lock:
        caches = list(_open.values())
        _open.clear()
    for cache in caches:
        cache.close()
