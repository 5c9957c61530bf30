"""Open models, shared by the runs of one event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final

from graphdsl.executors.abc import Backend
from graphdsl.executors.admission import Admission
from graphdsl.executors.backends import open_backend
from graphdsl.executors.device import Device
from graphdsl.executors.lane import Lane, Served
from graphdsl.executors.run_gate import RunGate
from graphdsl.ir.backends import CALLING, PRICES, SAMPLING, backend_kind
from graphdsl.ir.entities import EnvVar
from graphdsl.plan import ModelSpec
from graphdsl.prices import Price, flops_of, price_of

Open = Callable[[ModelSpec], Awaitable[Backend]]
"""Opens a declared model; raises `BackendError`."""

_PER_CALL: Final = frozenset(
    {option.name for option in (*SAMPLING, *CALLING, *PRICES)} | {"otherwise"}
)

_LANES: Final = 1024
"""Declared models that are remembered by identity, since every call asks."""


class Backends:
    """Opens each model at first use and keeps it; an async context manager.

    Models that differ only in name, sampling defaults, prices and patience share one backend,
    unless their files lie in different folders. Belongs to the event loop that first uses it.
    `gate` says which runs may begin; `devices` are those that models share, by name.
    """

    def __init__(self, opener: Open = open_backend) -> None:
        self._opener = opener
        self._served: dict[str, Served] = {}
        self._opening: dict[str, asyncio.Task[Served]] = {}
        self._lanes: dict[int, Lane] = {}
        self._closed = False
        self.gate = RunGate(self._admission_of, self._is_opening)
        self.devices: dict[str, Device] = {}

    async def get(self, spec: ModelSpec) -> Lane:
        """The open model behind a declared one, which must stand for itself alone.

        Concurrent first uses open it once; all of them get the error if that fails, and a later
        use tries again. Cancelling one who waits does not stop the opening for the others.
        """
        lane = self._lanes.get(id(spec))
        if lane is not None and lane.spec is spec:
            return lane
        if self._closed:
            raise RuntimeError("these backends are closed")
        alone = _alone(spec)
        lane = Lane(spec, await self._served_by(spec), await _price(alone), flops_of(alone))
        if len(self._lanes) >= _LANES:
            self._lanes.clear()
        self._lanes[id(spec)] = lane
        return lane

    async def _served_by(self, spec: ModelSpec) -> Served:
        key = _key(spec)
        served = self._served.get(key)
        if served is not None:
            return served
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
        self._lanes.clear()
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
            device = spec.options.get("device")
            shared = None if device is None else self.devices.setdefault(str(device), Device())
            self._served[key] = Served(await self._opener(spec), shared)
            return self._served[key]
        finally:
            del self._opening[key]
            self.gate.pump()

    def _is_opening(self, spec: ModelSpec) -> bool:
        """Whether a declared model is being opened."""
        return bool(self._opening) and _key(spec) in self._opening

    def _admission_of(self, spec: ModelSpec) -> Admission | None:
        """Where calls of a declared model wait, if it is open."""
        lane = self._lanes.get(id(spec))
        if lane is not None and lane.spec is spec:
            return lane.served.admission
        served = self._served.get(_key(spec)) if self._served else None
        return None if served is None else served.admission


async def _price(spec: ModelSpec) -> Price | None:
    """The price of a model; the table of prices is read beside the loop, since that takes time."""
    kind = backend_kind(spec.backend)
    if kind is None or kind.free:
        return price_of(spec)
    return await asyncio.to_thread(price_of, spec)


def _alone(spec: ModelSpec) -> ModelSpec:
    """The model without those that answer in its place, which are called and paid by themselves."""
    if not spec.others:
        return spec
    options = {name: value for name, value in spec.options.items() if name != "otherwise"}
    return replace(spec, options=options)


def _key(spec: ModelSpec) -> str:
    """What makes two models one backend."""
    options = {name: value for name, value in spec.options.items() if name not in _PER_CALL}
    folder = spec.folder if "bank" in options else None  # a relative bank is another one elsewhere
    parts = [spec.backend, _place(spec), options, folder]
    return json.dumps(parts, sort_keys=True, default=_plain)


def _plain(value: object) -> object:
    """What options hold beside JSON: names of variables."""
    if isinstance(value, EnvVar):
        return {"env": value.name}
    raise TypeError(f"an option cannot be a {type(value).__name__}")


def _place(spec: ModelSpec) -> str:
    """The model's own name; a path in full, since another folder may have another such file."""
    kind = backend_kind(spec.backend)
    if kind is None or not kind.files:
        return spec.model
    name = Path(spec.model).expanduser()
    path = Path(spec.folder or "", name)
    return str(path.resolve()) if name.suffix == ".gguf" or path.exists() else spec.model


def _retrieve(task: asyncio.Task[Served]) -> None:
    """Look at the error, so that an opening that nobody waits for any more stays silent."""
    if not task.cancelled():
        task.exception()
