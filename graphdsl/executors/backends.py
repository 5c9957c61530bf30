"""Opens the backend that a model block names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from graphdsl.errors import BackendError
from graphdsl.executors.abc import Backend
from graphdsl.executors.download import Progress
from graphdsl.executors.guarded_backend import open_guarded
from graphdsl.ir.backends import BackendKind, backend_names, package_of, plugin
from graphdsl.plan import ModelSpec

Opener = Callable[[ModelSpec, Progress | None], Awaitable[Backend]]
"""Makes a ready backend; raises `BackendError`."""


@dataclass(frozen=True, slots=True)
class BackendPlugin:
    """A backend of another package: what an entry point of the group `graphdsl.backends` names.

    The entry point is named like the kind. `kind` says what its model blocks hold and what it can
    do, `open` makes it.
    """

    kind: BackendKind
    open: Opener


async def _embedded(spec: ModelSpec, progress: Progress | None) -> Backend:
    from graphdsl.executors.embedded import EmbeddedBackend

    return await EmbeddedBackend.open(spec, progress=progress)


async def _openai(spec: ModelSpec, _progress: Progress | None) -> Backend:
    from graphdsl.executors.openai import OpenAIBackend

    return await OpenAIBackend.open(spec)


async def _vllm(spec: ModelSpec, _progress: Progress | None) -> Backend:
    from graphdsl.executors.vllm import open_vllm

    return await open_vllm(spec)


async def _litellm(spec: ModelSpec, _progress: Progress | None) -> Backend:
    from graphdsl.executors.litellm import LitellmBackend

    return await LitellmBackend.open(spec)


async def _replay(spec: ModelSpec, _progress: Progress | None) -> Backend:
    from graphdsl.executors.replay import ReplayBackend

    return await ReplayBackend.open(spec)


async def _simulated(spec: ModelSpec, _progress: Progress | None) -> Backend:
    from graphdsl.executors.simulated import SimulatedBackend

    return SimulatedBackend(spec)


OPENERS: Final[dict[str, Opener]] = {
    "embedded": _embedded,
    "openai": _openai,
    "vllm": _vllm,
    "litellm": _litellm,
    "replay": _replay,
    "simulated": _simulated,
}
"""By the kind that `backend = …` names; nothing is imported before it is opened."""


async def open_backend(spec: ModelSpec, progress: Progress | None = None) -> Backend:
    """Open a declared model. Raises `BackendError` and its kinds.

    `progress` gets (done, total) bytes while a model is fetched; without it nothing is fetched,
    and a model that is not on this machine is a `ModelNotFound`.
    """
    opener = OPENERS.get(spec.backend)
    if opener is None and (found := plugin(spec.backend)) is not None:
        opening = partial(found.open, spec, progress)
        return await open_guarded(spec, package_of(spec.backend), opening)
    if opener is None:
        known = ", ".join(f"`{kind}`" for kind in backend_names())
        raise BackendError(
            f"model `{spec.name}` names the backend `{spec.backend}`, which is not installed; "
            f"there are {known}",
            model=spec.name,
        )
    return await opener(spec, progress)
