"""The package vLLM inside this process: how it is imported, configured and started.

It has no types here; `Vllm` is the one place that names what is used of it (0.32, engine V1).
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphdsl.errors import BackendError, BackendMissing
from graphdsl.executors.log_excerpt import excerpt, log_end
from graphdsl.executors.vllm_children import Children

ATTACH: Final = "attach to a server that runs, with `base_url`"
"""What can be done without vLLM on this machine."""

_SETTINGS: Final = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",  # standard output belongs to results
    "VLLM_LOGGING_LEVEL": "ERROR",
    # The engine is a process of its own. Forking one that has threads and a running loop may hang.
    "VLLM_WORKER_MULTIPROCESSING_METHOD": "spawn",
}
"""Environment that vLLM reads when it is imported, unless it is set already."""


@dataclass(frozen=True, slots=True)
class Vllm:
    """What graphdsl needs of vLLM."""

    AsyncLLM: Any
    AsyncEngineArgs: Any
    ArgumentParser: Any
    SamplingParams: Any
    PoolingParams: Any
    StructuredOutputsParams: Any
    OutputKind: Any
    ClientError: Any
    HttpError: Any
    ServerError: Any
    EngineDead: Any

    @staticmethod
    def load(model: str) -> Vllm:
        """Import it: some seconds. Raises `BackendMissing`."""
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        logging.getLogger("vllm").addHandler(logging.NullHandler())  # before it has set its own
        try:
            sampling = importlib.import_module("vllm.sampling_params")
        except ModuleNotFoundError as error:
            raise BackendMissing("vllm", extra="vllm", model=model, instead=ATTACH) from error
        exceptions = importlib.import_module("vllm.exceptions")
        return Vllm(
            AsyncLLM=importlib.import_module("vllm.v1.engine.async_llm").AsyncLLM,
            AsyncEngineArgs=importlib.import_module("vllm.engine.arg_utils").AsyncEngineArgs,
            ArgumentParser=importlib.import_module(
                "vllm.utils.argparse_utils"
            ).FlexibleArgumentParser,
            SamplingParams=sampling.SamplingParams,
            PoolingParams=importlib.import_module("vllm.pooling_params").PoolingParams,
            StructuredOutputsParams=sampling.StructuredOutputsParams,
            OutputKind=sampling.RequestOutputKind,
            ClientError=exceptions.VLLMClientError,
            HttpError=exceptions.GracefulHTTPError,
            ServerError=exceptions.VLLMServerError,
            EngineDead=importlib.import_module("vllm.v1.engine.exceptions").EngineDeadError,
        )

    def start(self, model: str, arguments: Sequence[str], children: Children) -> Any:
        """A running engine, whose processes are `children`. Blocks while it loads.

        Raises `BackendError` with what its log says; the children are gone then.
        """
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                parser = self.AsyncEngineArgs.add_cli_args(self.ArgumentParser())
                parsed = parser.parse_args(list(arguments))
        except SystemExit as error:
            children.close()
            lines = said.getvalue().strip().splitlines() or ["no reason given"]
            raise BackendError(
                f"vLLM does not take the arguments of `{model}`: {lines[-1]}", model=model
            ) from error
        try:
            with children.adopting():
                return self.AsyncLLM.from_engine_args(self.AsyncEngineArgs.from_cli_args(parsed))
        except (RuntimeError, ValueError, OSError) as error:
            children.close(keep_log=True)
            raise BackendError(
                f"vLLM cannot load `{model}`: {error}{excerpt(log_end(children.log))}\n"
                f"the whole log of its engine is {children.log}",
                model=model,
            ) from error
