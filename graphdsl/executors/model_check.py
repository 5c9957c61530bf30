"""Whether models answer: each is opened and asked for one token, as a run would ask it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from graphdsl.errors import BackendError, CallTimeout, NotRecorded, Unsupported
from graphdsl.executors.abc import Capabilities, ChatRequest, EmbedRequest, ScoreRequest
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.lane import Lane
from graphdsl.ir.backends import backend_kind
from graphdsl.ir.entities import EnvVar, ModelSpec
from graphdsl.prices import Price, members_of, price_of
from graphdsl.values import Messages

TIMEOUT: Final = 60.0
"""Seconds that a model gets to answer, once it is open."""

_AT_ONCE: Final = 4
"""Models that are opened and asked at the same time."""

_HELLO: Final = Messages.user("Say hello.")


@dataclass(frozen=True, slots=True)
class Checkup:
    """How one model is. `error` is None where it answers; `seconds` is what that took.

    `capabilities` and `seconds` are None where it cannot be opened, or does not answer, and of a
    model that stands for others, which is as well as the best of them. `hosts` are the addresses
    that it names, without anything that is not to be shown. Where there are several of them, each
    is asked: `replicas` say how it went, and the model answers where one of them does.
    """

    spec: ModelSpec
    hosts: tuple[str, ...] = ()
    price: Price | None = None
    capabilities: Capabilities | None = None
    seconds: float | None = None
    error: BackendError | None = None
    replicas: tuple[Checkup, ...] = ()


async def check_models(
    specs: Iterable[ModelSpec], backends: Backends, timeout: float = TIMEOUT
) -> tuple[Checkup, ...]:
    """One checkup per model, those within others included, each once; none stops another."""
    known = with_members(specs)
    room = asyncio.Semaphore(_AT_ONCE)
    alone = [spec for spec in known if not spec.members]
    found = await asyncio.gather(*(_checkup(spec, backends, timeout, room) for spec in alone))
    done = {checkup.spec.name: checkup for checkup in found}
    groups = await asyncio.gather(*(_of_group(spec, done) for spec in known if spec.members))
    done |= {checkup.spec.name: checkup for checkup in groups}
    return tuple(done[spec.name] for spec in known)


def with_members(specs: Iterable[ModelSpec]) -> tuple[ModelSpec, ...]:
    """The models and those that may be called in their place, each once, by name."""
    found: dict[str, ModelSpec] = {}
    for spec in specs:
        if spec.name not in found:
            found[spec.name] = spec
            found |= {m.name: m for m in with_members(members_of(spec)) if m.name not in found}
    return tuple(found.values())


async def _of_group(spec: ModelSpec, done: dict[str, Checkup]) -> Checkup:
    price = await asyncio.to_thread(price_of, spec)
    members = [done[member.name] for member in with_members(spec.members) if not member.members]
    if any(member.error is None for member in members):
        return Checkup(spec, price=price)
    error = BackendError(f"no model of `{spec.name}` answers", model=spec.name)
    return Checkup(spec, price=price, error=error)


async def _checkup(
    spec: ModelSpec, backends: Backends, timeout: float, room: asyncio.Semaphore
) -> Checkup:
    async with room:
        if len(spec.addresses) > 1:
            return await _of_replicas(spec, backends, timeout)
        return await _of_one(spec, backends, timeout)


async def _of_one(spec: ModelSpec, backends: Backends, timeout: float) -> Checkup:
    hosts, price = hosts_of(spec), await asyncio.to_thread(price_of, spec)
    able = None
    try:
        lane = await backends.get(spec)
        able = lane.served.capabilities
        start = time.perf_counter()
        await _asked(lane, timeout)
    except BackendError as error:
        return Checkup(spec, hosts, price, able, error=error)
    return Checkup(spec, hosts, price, able, time.perf_counter() - start)


async def _of_replicas(spec: ModelSpec, backends: Backends, timeout: float) -> Checkup:
    """Open the model as a run does, and ask each of its servers alone.

    Asked together, one that works would hide those that do not.
    """
    hosts, price = hosts_of(spec), await asyncio.to_thread(price_of, spec)
    try:
        able = (await backends.get(spec)).served.capabilities
    except BackendError as error:
        return Checkup(spec, hosts, price, error=error)
    alone = [_at(spec, address) for address in spec.addresses]
    found = await asyncio.gather(*(_of_one(one, backends, timeout) for one in alone))
    seconds = [one.seconds for one in found if one.error is None and one.seconds is not None]
    if seconds:
        return Checkup(spec, hosts, price, able, min(seconds), replicas=tuple(found))
    return Checkup(spec, hosts, price, able, error=found[0].error, replicas=tuple(found))


def _at(spec: ModelSpec, address: str | EnvVar) -> ModelSpec:
    """The model on one of its servers alone."""
    return replace(spec, options={**spec.options, "base_url": address})


async def _asked(lane: Lane, timeout: float) -> None:
    """Ask for one token, or for a vector or score where that is all that it can do.

    A bank that can be read is well, whatever is in it.
    """
    clock = asyncio.timeout(timeout)
    try:
        async with clock, lane.served.admission:
            try:
                heat = float(lane.spec.setting("temperature", 0.0))
                await lane.chat(ChatRequest(_HELLO, temperature=heat, max_tokens=1, seed=0))
            except NotRecorded:
                return
            except Unsupported:
                await _asked_otherwise(lane)
    except TimeoutError as error:
        if not clock.expired():
            raise
        raise CallTimeout(
            f"`{lane.spec.name}` gave no reply within {timeout:g} s", model=lane.spec.name
        ) from error


async def _asked_otherwise(lane: Lane) -> None:
    served = lane.served
    if served.capabilities.embeddings:
        await served.backend.embed(EmbedRequest(("hello",)))
    elif served.capabilities.relevance_scores:
        await served.backend.score(ScoreRequest(_HELLO, ("hello",), "relevance"))
    else:
        raise Unsupported("chat", model=lane.spec.name)


def hosts_of(spec: ModelSpec) -> tuple[str, ...]:
    """The hosts that a model block names, or where its backend is by itself; never a credential."""
    from graphdsl.executors.http_address import parse_address
    from graphdsl.executors.openai_options import base_urls

    kind = backend_kind(spec.backend)
    if kind is None or kind.option("base_url") is None:
        return ()
    try:
        return tuple(parse_address(url, spec.name).host for url in base_urls(spec))
    except BackendError:
        return ()  # it is nowhere else, or opening it says why
