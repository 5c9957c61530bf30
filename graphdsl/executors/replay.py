"""The `replay` backend: answers from a recorded bank, with the tokens and seconds that they took.

A sample is found by its prompt, or where a bank knows none by its item; by model, parameters, and
seed or index. What is not there is refused; whom to ask then (`otherwise`) is the engine's matter.
The same bank gives the same answers, whatever the order of calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import ModelCorrupt, ModelNotFound, NotRecorded, Unsupported
from graphdsl.executors.abc import (
    Backend,
    Capabilities,
    ChatRequest,
    Completion,
    Meter,
    TextRequest,
)
from graphdsl.executors.bank import BadBank, Bank, NoBank, open_bank
from graphdsl.executors.bank_gap import gap
from graphdsl.executors.bank_record import Recorded, Request
from graphdsl.executors.bank_search import Wanted, best, candidates, completion, fitting
from graphdsl.executors.recording import recorded_to
from graphdsl.executors.running_calls import RunningCalls
from graphdsl.ir.backends import declared_capabilities
from graphdsl.ir.entities import EnvVar, ModelSpec
from graphdsl.values import Usage

_CEILING: Final = 1024
"""Calls at the same time."""


class ReplayBackend(Backend):
    """A model as it was recorded. Its `name` is the one in the bank.

    A record without a prompt answers every prompt about its item, whatever that one asks: nobody
    knows what it was given to.
    """

    def __init__(self, spec: ModelSpec, bank: Bank, path: Path) -> None:
        self._name = spec.name
        self._model = spec.model or spec.name
        self._bank = bank
        self._path = path
        self._share = float(spec.options.get("latency", 0.0))
        self._running = RunningCalls(spec.name)
        self._capabilities = _capabilities(spec)

    @classmethod
    async def open(cls, spec: ModelSpec) -> ReplayBackend:
        """Read the bank of a declared model.

        Raises `ModelNotFound` where there is no such bank, or the model is not in it, so that no
        slip of the pen is asked of a live model; with `otherwise` a bank that is being recorded to
        may be empty, or lack the model. Raises `ModelCorrupt` for a file that is no bank.
        """
        path = _path(spec)
        begun = bool(spec.others) and recorded_to(path)
        try:
            bank = await asyncio.to_thread(open_bank, path, empty=begun)
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
            if not begun:
                _check_model(spec, bank, path)
            return cls(spec, bank, path)
        except BaseException:
            bank.close()
            raise

    @property
    def capabilities(self) -> Capabilities:
        """What a recording can do at best, less what the block says that it `lacks`."""
        return self._capabilities

    async def chat(self, request: ChatRequest) -> Completion:
        """The recorded reply, which is `Replayed`. Raises `NotRecorded` where there is none."""
        return await self._answer(request)

    async def complete(self, request: TextRequest) -> Completion:
        """The same for a text that is continued."""
        if not self._capabilities.completions:
            raise Unsupported("completions", model=self._name)
        return await self._answer(request)

    async def aclose(self) -> None:
        """Close the bank."""
        await self._running.aclose()
        self._bank.close()

    async def _answer(self, request: Request) -> Completion:
        with self._running.call():
            wanted = self._wanted(request)
            return await self._replayed(self._found(wanted), wanted, request)

    def _wanted(self, request: Request) -> Wanted:
        """What a request wants; of a model without seeds every sample goes by its index."""
        wanted, able = Wanted.of(request, self._model), self._capabilities
        return replace(
            wanted,
            seed=wanted.seed if able.seeds else None,
            logprobs=wanted.logprobs and able.logprobs,
        )

    def _found(self, wanted: Wanted) -> Recorded:
        """The record of a sample. Raises `NotRecorded` where there is none."""
        try:
            found = candidates(self._bank, wanted)
        except BadBank as error:
            raise ModelCorrupt(f"model `{self._name}`: {error}", model=self._name) from None
        record = best(fitting(found, wanted), wanted)
        if record is None:
            by_item = self._bank.has_items(wanted.model)
            why = gap(found, wanted, self._path, by_item=by_item)
            raise NotRecorded(f"model `{self._name}`: {why}", model=self._name)
        if record.prompt is None:
            self._check_dataset(found, wanted)
        return record

    def _check_dataset(self, found: Sequence[Recorded], wanted: Wanted) -> None:
        """An item says which one it is only within one set of data."""
        datasets = sorted({str(each.dataset) for each in found})
        if len(datasets) > 1:
            raise NotRecorded(
                f"model `{self._name}`: `{self._path.name}` has item `{wanted.item}` of several "
                f"datasets ({', '.join(datasets)}); make a bank of each",
                model=self._name,
            )

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


def _capabilities(spec: ModelSpec) -> Capabilities:
    able = declared_capabilities(spec.backend, spec.options)
    return Capabilities(
        max_in_flight=_CEILING,
        metered=True,
        context_tokens=spec.options.get("context"),
        **dict.fromkeys(able, True),  # pyright: ignore[reportArgumentType] (names of flags)
    )
