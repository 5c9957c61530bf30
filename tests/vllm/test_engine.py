"""vLLM's engine in this process, on the CPU."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from graphdsl.errors import BackendError, ContextOverflow
from graphdsl.executors.abc import Backend, ChatRequest
from graphdsl.executors.vllm_engine import VllmEngine
from graphdsl.executors.vllm_metrics import EngineMetrics
from graphdsl.plan import ModelSpec
from graphdsl.testing import BackendSuite
from graphdsl.values import Messages

NAME = "smollm2-135m"
OPTIONS = {
    "run": "in_process",
    "dtype": "float32",
    "context": 512,
    "max_in_flight": 8,
    "enforce_eager": True,
}
STATIC = " ".join(f"Rule {n}: a story has a beginning and an end." for n in range(20))
BLOCK = 128
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore"),  # those of vLLM and torch are not ours to mend
]


async def opened() -> VllmEngine:
    return await VllmEngine.open(ModelSpec("tiny", "vllm", NAME, OPTIONS))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(weights: Path) -> AsyncIterator[VllmEngine]:
    assert weights.is_dir()
    backend = await opened()
    yield backend
    await backend.aclose()


async def until(engine: VllmEngine, ready: Callable[[EngineMetrics], bool]) -> None:
    async with asyncio.timeout(120):
        while not ready(await engine.metrics()):
            await asyncio.sleep(0.2)


class TestEngine(BackendSuite):
    patience = 300.0

    @pytest.fixture
    def backend(self, engine: VllmEngine) -> Backend:
        return engine

    @pytest.fixture
    def disposable(self, engine: VllmEngine) -> Backend:
        pytest.skip("closing is tested at the end: a second engine takes half a minute")


async def test_a_long_prompt_is_refused_with_its_size(engine: VllmEngine) -> None:
    with pytest.raises(ContextOverflow) as caught:
        await engine.chat(ChatRequest(Messages.user("word " * 600)))
    assert caught.value.prompt_tokens > 600
    assert caught.value.limit == 511


async def test_samples_of_a_cold_prompt_compute_it_once(engine: VllmEngine) -> None:
    before = await engine.metrics()
    prompt = Messages.user(f"{STATIC} Tell me about rivers.")
    samples = (ChatRequest(prompt, seed=n, sample=n, max_tokens=4) for n in range(8))
    replies = await asyncio.gather(*(engine.chat(sample) for sample in samples))
    assert sum(reply.usage.cached_tokens >= 2 * BLOCK for reply in replies) >= 7
    after = await engine.metrics()
    hits = after.prefix_hits - before.prefix_hits
    assert hits == sum(reply.usage.cached_tokens for reply in replies)


async def test_cancelled_calls_are_aborted_in_the_engine(engine: VllmEngine) -> None:
    prompt = Messages.user("Write a very long story.")
    running = [
        asyncio.ensure_future(engine.chat(ChatRequest(prompt, seed=n, max_tokens=400)))
        for n in range(4)
    ]
    await until(engine, lambda metrics: metrics.running == 4)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await engine.chat(ChatRequest(prompt, max_tokens=1))  # the counts are those of the last step
    await until(engine, lambda metrics: metrics.running + metrics.waiting == 0)


async def test_an_engine_that_dies_is_started_again_once(engine: VllmEngine) -> None:
    request = ChatRequest(Messages.user("Write a very long story."), seed=1, max_tokens=300)
    for _ in range(2):
        assert (await engine.chat(ChatRequest(Messages.user("Hi"), seed=1, max_tokens=4))).text
        running = asyncio.ensure_future(engine.chat(request))
        await asyncio.sleep(1)
        os.kill(core(os.getpid()), signal.SIGKILL)
        with pytest.raises(BackendError, match="has died") as caught:
            await running
        assert caught.value.retryable
        assert caught.value.uncertain
    with pytest.raises(BackendError, match="has died twice") as refused:
        await engine.chat(request)
    assert not refused.value.retryable


async def test_closing_ends_the_calls_and_the_processes(weights: Path) -> None:
    assert weights.is_dir()
    engine = await opened()
    request = ChatRequest(Messages.user("Write a very long story."), seed=1, max_tokens=300)
    running = asyncio.ensure_future(engine.chat(request))
    await asyncio.sleep(1)
    process = core(os.getpid())
    await asyncio.gather(engine.aclose(), engine.aclose())
    with pytest.raises(BackendError, match="is closed"):
        await running
    with pytest.raises(BackendError, match="is closed"):
        await engine.chat(request)
    assert process
    assert not alive(process)


ASKER = f"""
import asyncio, os, signal
from graphdsl.executors.vllm_engine import VllmEngine
from graphdsl.plan import ModelSpec

async def main():
    await VllmEngine.open(ModelSpec("tiny", "vllm", {NAME!r}, {OPTIONS!r}))
    print("open", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_an_engine_does_not_outlive_who_started_it(weights: Path, tmp_path: Path) -> None:
    assert weights.is_dir()
    script = tmp_path / "asker.py"
    script.write_text(ASKER)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment
    ) as asker:
        assert asker.stdout is not None
        found = 0
        while asker.poll() is None:
            found = core(asker.pid) or found
            await asyncio.sleep(0.05)
        assert asker.stdout.read() == "open\n"
    assert asker.returncode == -signal.SIGKILL
    assert found
    end = time.monotonic() + 30
    while alive(found) and time.monotonic() < end:
        await asyncio.sleep(0.05)
    assert not alive(found)


def core(parent: int) -> int:
    """The engine's process among the children of another; 0 where there is none."""
    for listing in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            for child in listing.read_text().split():
                if Path(f"/proc/{child}/comm").read_text().startswith("VLLM::EngineCo"):
                    return int(child)
    return 0


def alive(pid: int) -> bool:
    """Whether a process is there, and not merely waits to be forgotten."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
