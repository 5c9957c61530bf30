"""Open models, shared by the runs of one event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Final

from graphdsl.executors.abc import Backend
from graphdsl.executors.admission import Admission
from graphdsl.executors.backends import open_backend
from graphdsl.ir.backends import SAMPLING
from graphdsl.plan import ModelSpec

Open = Callable[[ModelSpec], Awaitable[Backend]]
"""Opens a declared model; raises `BackendError`."""

_PER_CALL: Final = frozenset(option.name for option in SAMPLING)


class Served:
    """An open backend and the queue in front of it."""

    __slots__ = ("admission", "backend", "capabilities")

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.capabilities = backend.capabilities
        self.admission = Admission(self.capabilities.max_in_flight)


class Backends:
    """Opens each model at first use and keeps it; an async context manager.

    Models that differ only in name and sampling defaults share one backend, unless their files
    lie in different folders. Belongs to the event loop that first uses it.
    """

    def __init__(self, opener: Open = open_backend) -> None:
        self._opener = opener
        self._served: dict[str, Served] = {}
        self._opening: dict[str, asyncio.Task[Served]] = {}
        self._keys: dict[int, tuple[ModelSpec, str]] = {}
        self._closed = False

    async def get(self, spec: ModelSpec) -> Served:
        """The open backend of a model.

        Concurrent first uses open it once; all of them get the error if that fails, and a later
        use tries again. Cancelling one who waits does not stop the opening for the others.
        """
        key = self._key(spec)
        served = self._served.get(key)
        if served is not None:
            return served
        if self._closed:
            raise RuntimeError("these backends are closed")
        task = self._opening.get(key)
        if task is None:
            task = asyncio.create_task(self._open(key, spec), name=f"open {spec.name}")
            self._opening[key] = task
            task.add_done_callback(_retrieve)
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Close every model; may be called twice."""
        self._closed = True
        opening = list(self._opening.values())
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        served, self._served = list(self._served.values()), {}
        for entry in served:
            await entry.backend.aclose()

    async def __aenter__(self) -> Backends:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _open(self, key: str, spec: ModelSpec) -> Served:
        try:
            self._served[key] = Served(await self._opener(spec))
            return self._served[key]
        finally:
            del self._opening[key]

    def _key(self, spec: ModelSpec) -> str:
        """What makes two models one backend; remembered by identity, since every call asks."""
        known = self._keys.get(id(spec))
        if known is not None and known[0] is spec:
            return known[1]
        options = {name: spec.options[name] for name in spec.options if name not in _PER_CALL}
        key = json.dumps([spec.backend, _place(spec), options], sort_keys=True, default=list)
        if len(self._keys) >= 1024:
            self._keys.clear()
        self._keys[id(spec)] = (spec, key)
        return key


def _place(spec: ModelSpec) -> str:
    """The model's own name; a path in full, since another folder may have another such file."""
    name = Path(spec.model).expanduser()
    path = Path(spec.folder or "", name)
    is_path = name.suffix == ".gguf" or len(name.parts) > 1 or path.is_file()
    return str(path.resolve()) if is_path else spec.model


def _retrieve(task: asyncio.Task[Served]) -> None:
    """Look at the error, so that an opening that nobody waits for any more stays silent."""
    if not task.cancelled():
        task.exception()
