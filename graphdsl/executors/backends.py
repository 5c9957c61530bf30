"""Opens the backend that a model block names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from graphdsl.errors import BackendError
from graphdsl.executors.abc import Backend
from graphdsl.executors.download import Progress
from graphdsl.plan import ModelSpec

Opener = Callable[[ModelSpec, Progress | None], Awaitable[Backend]]
"""Makes a ready backend; raises `BackendError`."""


async def _embedded(spec: ModelSpec, progress: Progress | None) -> Backend:
    from graphdsl.executors.embedded import EmbeddedBackend

    return await EmbeddedBackend.open(spec, progress=progress)


async def _simulated(spec: ModelSpec, _progress: Progress | None) -> Backend:
    from graphdsl.executors.simulated import SimulatedBackend

    return SimulatedBackend(spec)


OPENERS: Final[dict[str, Opener]] = {"embedded": _embedded, "simulated": _simulated}
"""By the kind that `backend = …` names; nothing is imported before it is opened."""


async def open_backend(spec: ModelSpec, progress: Progress | None = None) -> Backend:
    """Open a declared model. Raises `BackendError` and its kinds.

    `progress` gets (done, total) bytes while a model is fetched; without it nothing is fetched,
    and a model that is not on this machine is a `ModelNotFound`.
    """
    opener = OPENERS.get(spec.backend)
    if opener is None:
        known = ", ".join(f"`{kind}`" for kind in OPENERS)
        raise BackendError(
            f"model `{spec.name}` names the backend `{spec.backend}`, which this version cannot "
            f"open; it has {known}",
            model=spec.name,
        )
    return await opener(spec, progress)
