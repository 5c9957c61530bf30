"""The `replay` backend: answers from a recorded bank, with the tokens and seconds that they took.

A sample is found by its prompt, or where a bank knows none by its item; by model, parameters, and
seed or index. What is not there is refused, or asked of the live model that the block names in
`otherwise`. The same bank gives the same answers, whatever the order of calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import BackendError, ModelCorrupt, ModelNotFound, NotRecorded
from graphdsl.executors.abc import (
    Backend,
    Capabilities,
    ChatRequest,
    Completion,
    Meter,
    TextRequest,
)
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.backends import open_backend
from graphdsl.executors.bank import BadBank, Bank, NoBank, open_bank
from graphdsl.executors.bank_gap import gap
from graphdsl.executors.bank_record import Recorded, Request
from graphdsl.executors.bank_search import Wanted, best, candidates, completion, fitting
from graphdsl.executors.download import Progress
from graphdsl.executors.lane import Lane
from graphdsl.executors.running_calls import RunningCalls
from graphdsl.ir.backends import declared_capabilities
from graphdsl.ir.entities import EnvVar, ModelSpec
from graphdsl.values import Usage

_CEILING: Final = 1024
"""Calls at the same time."""


class ReplayBackend(Backend):
    """A model as it was recorded. Its `name` is the one in the bank.

    A bank that knows no prompts answers one prompt per item: another one would get replies that
    were given to something else, and is refused. What `otherwise` names is opened when it is first
    needed, and keeps to its own bound of calls in flight.
    """

    def __init__(
        self, spec: ModelSpec, bank: Bank, path: Path, progress: Progress | None = None
    ) -> None:
        self._name = spec.name
        self._model = spec.model or spec.name
        self._bank = bank
        self._path = path
        self._share = float(spec.options.get("latency", 0.0))
        self._live = _live(spec)
        self._pool = Backends(lambda live: open_backend(live, progress))
        self._running = RunningCalls(spec.name)
        self._prompts: dict[str, str] = {}
        self._capabilities = _capabilities(spec, self._live)

    @classmethod
    async def open(cls, spec: ModelSpec, progress: Progress | None = None) -> ReplayBackend:
        """Read the bank of a declared model.

        Raises `ModelNotFound` where there is no such bank, or the model is not in it, and
        `ModelCorrupt` for a file that is no bank.
        """
        path = _path(spec)
        try:
            bank = await asyncio.to_thread(open_bank, path)
        except NoBank as error:
            raise ModelNotFound(f"model `{spec.name}`: {error}", model=spec.name) from None
        except BadBank as error:
            raise ModelCorrupt(f"model `{spec.name}`: {error}", model=spec.name) from None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ModelCorrupt(
                f"model `{spec.name}`: `{path}` cannot be read: {reason}", model=spec.name
            ) from error
        try:
            _check_model(spec, bank, path)
            return cls(spec, bank, path, progress)
        except BaseException:
            bank.close()
            raise

    @property
    def capabilities(self) -> Capabilities:
        """What a recording can do at best, less what the block says that it `lacks`, and what the
        model lacks that may be asked instead."""
        return self._capabilities

    async def chat(self, request: ChatRequest) -> Completion:
        """The recorded reply.

        Raises `NotRecorded` where there is none, and whatever `otherwise` raises.
        """
        return await self._answer(request, lambda lane: lane.chat(request))

    async def complete(self, request: TextRequest) -> Completion:
        """The same for a text that is continued."""
        return await self._answer(request, lambda lane: lane.served.backend.complete(request))

    async def aclose(self) -> None:
        """Close the bank, and the other model where it was opened."""
        await self._running.aclose()
        await self._pool.aclose()
        self._bank.close()

    async def _answer(
        self, request: Request, ask: Callable[[Lane], Awaitable[Completion]]
    ) -> Completion:
        """What is recorded; `ask` asks the other model for what is not."""
        with self._running.call():
            wanted = Wanted.of(request, self._model)
            record = self._found(wanted)
            if record is not None:
                return await self._replayed(record, wanted, request)
            assert self._live is not None, "what nobody can be asked for has been refused"
            lane = await self._pool.get(self._live)
            async with lane.served.admission:
                return await ask(lane)

    def _found(self, wanted: Wanted) -> Recorded | None:
        """The record of a sample. None, or `NotRecorded` where no other model can be asked."""
        try:
            found = candidates(self._bank, wanted)
        except BadBank as error:
            raise ModelCorrupt(f"model `{self._name}`: {error}", model=self._name) from None
        record = best(fitting(found, wanted), wanted)
        problem = None if record is None else self._mistaken(record, wanted, found)
        if problem is not None:
            raise NotRecorded(f"model `{self._name}`: {problem}", model=self._name)
        if record is None and self._live is None:
            why = gap(found, wanted, self._path)
            raise NotRecorded(f"model `{self._name}`: {why}", model=self._name)
        return record

    def _mistaken(self, record: Recorded, wanted: Wanted, found: Sequence[Recorded]) -> str | None:
        """Why a record that goes by its item may answer something else; None where it does not."""
        if record.prompt is not None:
            return None
        datasets = sorted({str(each.dataset) for each in found})
        if len(datasets) > 1:
            return (
                f"`{self._path.name}` has item `{wanted.item}` of several datasets "
                f"({', '.join(datasets)}); make a bank of each"
            )
        if self._prompts.setdefault(wanted.item or "", wanted.prompt) != wanted.prompt:
            return (
                f"`{self._path.name}` does not say which prompts its replies answer, and this is "
                f"the second prompt about item `{wanted.item}`; record the flow with `--record`, "
                "which keeps prompts apart"
            )
        return None

    async def _replayed(self, record: Recorded, wanted: Wanted, request: Request) -> Completion:
        reply = completion(record, wanted)
        whole = record.usage.completion_tokens
        share = reply.usage.completion_tokens / whole if whole else 1.0
        seconds = record.seconds * share * self._share
        if seconds > 0:
            await _pass(seconds, reply.usage, request.meter)
        if request.listener is not None and reply.text:
            request.listener(reply.text)
        return reply


async def _pass(seconds: float, usage: Usage, meter: Meter | None) -> None:
    """Wait as long as the call took; one that is cut off has spent its share."""
    start = time.monotonic()
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if meter is not None:
            share = min((time.monotonic() - start) / seconds, 1.0)
            meter.prompt_tokens = usage.prompt_tokens
            meter.completion_tokens = int(share * usage.completion_tokens)
        raise


def _path(spec: ModelSpec) -> Path:
    """The bank's file; a relative one lies in the folder of the program."""
    given = spec.options.get("bank")
    if isinstance(given, EnvVar):
        variable, given = given.name, given.read()
        if given is None:
            raise ModelNotFound(
                f"model `{spec.name}` takes its `bank` from `{variable}`, which is not set; set "
                "that environment variable to the path of a bank",
                model=spec.name,
            )
    if not given:
        raise ModelNotFound(
            f'model `{spec.name}` names no bank; write `bank = "bank.jsonl"`', model=spec.name
        )
    return Path(spec.folder or "", Path(str(given)).expanduser())


def _check_model(spec: ModelSpec, bank: Bank, path: Path) -> None:
    model = spec.model or spec.name
    if model in bank.models:
        return
    near = did_you_mean(model, bank.models)
    hint = (
        f"did you mean `{near[0]}`?" if near else f"it has {', '.join(map(_quoted, bank.models))}"
    )
    raise ModelNotFound(
        f"model `{spec.name}`: `{path}` has no reply of `{model}`; {hint}", model=spec.name
    )


def _quoted(name: str) -> str:
    return f"`{name}`"


def _live(spec: ModelSpec) -> ModelSpec | None:
    """The model to ask for what is missing. Raises `BackendError` where it cannot be one."""
    others: Any = spec.options.get("otherwise", ())
    if not others:
        return None
    if len(others) > 1 or others[0].members:
        raise BackendError(
            f"model `{spec.name}`: `otherwise` takes one model that is no `fallback` or "
            "`round_robin`; put the replayed model itself into a `fallback` instead",
            model=spec.name,
        )
    return others[0]


def _capabilities(spec: ModelSpec, live: ModelSpec | None) -> Capabilities:
    able = declared_capabilities(spec.backend, spec.options)
    if live is not None:
        able &= declared_capabilities(live.backend, live.options)
    return Capabilities(
        max_in_flight=_CEILING,
        metered=live is None,
        context_tokens=spec.options.get("context"),
        **dict.fromkeys(able, True),  # pyright: ignore[reportArgumentType] (names of flags)
    )
