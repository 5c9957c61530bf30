"""Models on vLLM: a server that runs, a server of our own, or the engine in this process."""

from __future__ import annotations

from graphdsl.executors.abc import Backend
from graphdsl.executors.vllm_client import VllmClient
from graphdsl.executors.vllm_server import VllmServer
from graphdsl.plan import ModelSpec


async def open_vllm(spec: ModelSpec) -> Backend:
    """The backend that the option `run` names: `attach`, `server` or `in_process`.

    Without it: `attach` where the block has a `base_url`, else `server`. Raises `BackendError` and
    its kinds.
    """
    run = spec.options.get("run") or ("attach" if "base_url" in spec.options else "server")
    if run == "attach":
        return await VllmClient.attach(spec)
    if run == "server":
        return await VllmServer.start(spec)
    from graphdsl.executors.vllm_engine import VllmEngine

    return await VllmEngine.open(spec)
