"""The engine in this process: started, started again once when it dies, and ended."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from graphdsl.errors import BackendError, ContextOverflow, Overloaded
from graphdsl.executors.vllm_arguments import STARTUP, engine_arguments, has_priorities
from graphdsl.executors.vllm_children import Children
from graphdsl.executors.vllm_library import Vllm
from graphdsl.executors.vllm_metrics import EngineMetrics, read_metrics
from graphdsl.plan import ModelSpec


class EngineHost:
    """Owns vLLM's `AsyncLLM`; belongs to one event loop. `start` it before anything else.

    `context` is the tokens that one request may have, its reply included; known once started.
    """

    def __init__(self, spec: ModelSpec, folder: str) -> None:
        self._name = spec.name
        self._arguments = ["--model", folder, *engine_arguments(spec)]
        self._patience = float(spec.options.get("startup_timeout", STARTUP))
        self._numbers = itertools.count()
        self._engine: Any = None
        self._children: Children
        self._vllm: Vllm | None = None
        self._restart: asyncio.Task[Any] | None = None
        self.context = 0
        self.has_priorities = has_priorities(spec)

    @property
    def vllm(self) -> Vllm:
        """The library, once started."""
        assert self._vllm is not None, "not started"
        return self._vllm

    @property
    def engine(self) -> Any:
        """vLLM's `AsyncLLM` that runs now."""
        return self._engine

    @property
    def defaults(self) -> dict[str, Any]:
        """The sampling parameters that the model's files recommend."""
        return dict(self._engine.model_config.get_diff_sampling_param())

    @property
    def tokenizer(self) -> Any:
        """The engine's tokenizer."""
        return self._engine.get_tokenizer()

    async def start(self) -> None:
        """Load the model, on a thread. Raises `BackendMissing` and `BackendError`."""
        self._vllm = await asyncio.to_thread(Vllm.load, self._name)
        self._engine = await self._load()
        self.context = int(self._engine.model_config.max_model_len)

    async def generate(
        self, prompt: Sequence[int], params: Any, priority: int = 0
    ) -> AsyncGenerator[Any]:
        """The outputs for a prompt; closing it aborts the request in the engine.

        Raises `ContextOverflow`, `Overloaded`, and `BackendError`: retryable where the engine
        died, since it starts again.
        """
        self.check_size(prompt)

        def begin(engine: Any) -> AsyncGenerator[Any]:
            return engine.generate(_prompt(prompt), params, self._id(), priority=priority)

        async with aclosing(self._outputs(begin)) as outputs:
            async for output in outputs:
                yield output

    async def pooled(self, prompt: Sequence[int], task: str) -> Any:
        """The tensor that a pooling model makes of a prompt. Raises as `generate` does."""
        self.check_size(prompt)
        params = self.vllm.PoolingParams(task=task)

        def begin(engine: Any) -> AsyncGenerator[Any]:
            return engine.encode(_prompt(prompt), params, self._id())

        async with aclosing(self._outputs(begin)) as outputs:
            async for output in outputs:
                return output.outputs.data
        raise BackendError(f"the engine of `{self._name}` gave nothing", model=self._name)

    def metrics(self) -> EngineMetrics:
        """What the engine has counted."""
        page: bytes = importlib.import_module("prometheus_client").generate_latest()
        return read_metrics([page.decode()])

    def check_size(self, prompt: Sequence[int]) -> None:
        """Raise `ContextOverflow` where a prompt leaves no room for a reply."""
        if len(prompt) < self.context:
            return
        raise ContextOverflow(
            f"the prompt of {len(prompt)} tokens leaves no room for a reply in the {self.context} "
            f"of one request of `{self._name}`; shorten it, or raise `context` in its model block",
            model=self._name,
            prompt_tokens=len(prompt),
            limit=self.context - 1,
        )

    async def close(self) -> None:
        """End the engine and its processes."""
        if self._restart is not None:
            self._restart.cancel()
            await asyncio.gather(self._restart, return_exceptions=True)
        engine, self._engine = self._engine, None
        if engine is not None:
            await self._retire(engine)

    async def _load(self) -> Any:
        """An engine. Where nobody waits for it any more, its processes are ended."""
        self._children = children = Children()
        loading = asyncio.ensure_future(
            asyncio.to_thread(self.vllm.start, self._name, self._arguments, children)
        )
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(loading)
        except (asyncio.CancelledError, TimeoutError) as error:
            children.end()
            loading.add_done_callback(partial(_unwanted, children))
            if isinstance(error, asyncio.CancelledError):
                raise
            raise BackendError(
                f"the engine of `{self._name}` was not ready within {self._patience:g} s "
                "(`startup_timeout`)",
                model=self._name,
            ) from error

    async def _outputs(self, begin: Callable[[Any], AsyncGenerator[Any]]) -> AsyncGenerator[Any]:
        engine = await self._alive()
        try:
            async with aclosing(begin(engine)) as outputs:
                async for output in outputs:
                    yield output
        except self.vllm.EngineDead as error:
            raise BackendError(
                f"the engine of `{self._name}` has died", model=self._name, **_AGAIN
            ) from error
        except self.vllm.ClientError as error:
            raise BackendError(
                f"`{self._name}` refused the request: {error}", model=self._name
            ) from error
        except self.vllm.HttpError as error:
            raise Overloaded(f"`{self._name}` is full: {error}", model=self._name) from error
        except self.vllm.ServerError as error:
            raise BackendError(
                f"the engine of `{self._name}` failed: {error.__cause__ or error}",
                model=self._name,
                **_AGAIN,
            ) from error

    async def _alive(self) -> Any:
        """The engine; started again where it has died, once, whoever gives up waiting for that."""
        engine = self._engine
        if engine is None:
            raise BackendError(f"`{self._name}` is closed", model=self._name)
        if not engine.errored:
            return engine
        if self._restart is None:
            self._restart = asyncio.ensure_future(self._start_again(engine))
            self._restart.add_done_callback(_seen)
        elif self._restart.done() and self._restart.exception() is None:
            raise BackendError(
                f"the engine of `{self._name}` has died twice; it is not started again",
                model=self._name,
            )
        return await asyncio.shield(self._restart)

    async def _start_again(self, dead: Any) -> Any:
        await self._retire(dead)
        self._engine = await self._load()
        return self._engine

    async def _retire(self, engine: Any) -> None:
        """End an engine; the task that waits for its outputs first, which would report the end."""
        if engine.output_handler is not None:
            engine.output_handler.cancel()
            await asyncio.gather(engine.output_handler, return_exceptions=True)
        await asyncio.to_thread(_end, engine, self._children)

    def _id(self) -> str:
        return f"graphdsl-{next(self._numbers)}"


_AGAIN: Final[dict[str, bool]] = {"retryable": True, "uncertain": True}


def _prompt(tokens: Sequence[int]) -> dict[str, Any]:
    return {"prompt_token_ids": list(tokens)}


def _end(engine: Any, children: Children) -> None:
    engine.shutdown()
    children.close()


def _seen(restart: asyncio.Task[Any]) -> None:
    """Look at the error, so that a restart that nobody waits for any more stays silent."""
    if not restart.cancelled():
        restart.exception()


def _unwanted(children: Children, loading: asyncio.Future[Any]) -> None:
    if not loading.cancelled() and loading.exception() is None:
        threading.Thread(target=_end, args=(loading.result(), children)).start()
