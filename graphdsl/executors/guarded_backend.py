"""A backend of another package, whose mistakes are errors that name it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

from graphdsl.errors import BackendError, ModelCorrupt
from graphdsl.executors.abc import (
    Backend,
    Capabilities,
    ChatRequest,
    Completion,
    Embeddings,
    EmbedRequest,
    ScoreRequest,
    Scores,
    TextRequest,
)
from graphdsl.plan import ModelSpec

_LONGEST: Final = 200
"""Characters of what the code of others says about itself."""

Answer = TypeVar("Answer")


class GuardedBackend(Backend):
    """A backend whose code is not ours; make one with `open_guarded`.

    What it raises that is no `BackendError`, and an answer of another type than it should have,
    is a `BackendError` with the model, the package and what it was. It may have been charged.
    """

    def __init__(self, inner: Backend, capabilities: Capabilities, guard: Guard) -> None:
        """For `open_guarded`."""
        self._inner = inner
        self._capabilities = capabilities
        self._guard = guard

    @property
    def capabilities(self) -> Capabilities:
        """What it said when it was opened."""
        return self._capabilities

    async def chat(self, request: ChatRequest) -> Completion:
        """See `Backend`."""
        return await self._guard.answer(partial(self._inner.chat, request), Completion)

    async def complete(self, request: TextRequest) -> Completion:
        """See `Backend`."""
        return await self._guard.answer(partial(self._inner.complete, request), Completion)

    async def score(self, request: ScoreRequest) -> Scores:
        """See `Backend`."""
        return await self._guard.answer(partial(self._inner.score, request), Scores)

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """See `Backend`."""
        return await self._guard.answer(partial(self._inner.embed, request), Embeddings)

    async def aclose(self) -> None:
        """See `Backend`."""
        await self._guard.answer(self._inner.aclose, object)


class Guard:
    """Turns the mistakes of one package into errors of ours."""

    def __init__(self, spec: ModelSpec, package: str) -> None:
        self._model = spec.name
        self._who = f"model `{spec.name}`: the backend `{spec.backend}` of {package}"

    async def answer(
        self, call: Callable[[], Awaitable[Any]], kind: type[Answer], *, opening: bool = False
    ) -> Answer:
        """What the call gives. Raises `BackendError`, `ModelCorrupt` while it is opened."""
        try:
            found = await call()
            fits = isinstance(found, kind)  # reads the properties of a backend: its own code
        except BackendError:
            raise
        except Exception as error:  # whatever the code of others may do
            says = " ".join(str(error).split())[:_LONGEST]
            why = f"{type(error).__name__}: {says}" if says else type(error).__name__
            raise self._mistake(f"failed: {why}", opening) from error
        if not fits:
            given = type(found).__name__
            raise self._mistake(f"gave a `{given}` instead of `{kind.__name__}`", opening)
        return found

    def _mistake(self, what: str, opening: bool) -> BackendError:
        if opening:
            return ModelCorrupt(f"{self._who} {what}", model=self._model)
        return BackendError(f"{self._who} {what}", model=self._model, uncertain=True)


async def open_guarded(
    spec: ModelSpec, package: str, opener: Callable[[], Awaitable[Any]]
) -> GuardedBackend:
    """Open the backend of a package, whose name is for messages.

    Raises `BackendError`, and `ModelCorrupt` where that goes wrong by a mistake of the package.
    """
    guard = Guard(spec, package)
    inner = await guard.answer(opener, Backend, opening=True)

    async def capabilities() -> Any:
        return inner.capabilities

    able = await guard.answer(capabilities, Capabilities, opening=True)
    return GuardedBackend(inner, able, guard)
