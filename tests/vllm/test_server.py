"""A vLLM server of our own on the CPU, and clients that attach to it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from graphdsl.errors import AccessDenied, ModelNotFound
from graphdsl.executors.abc import Backend, ChatRequest, ScoreRequest
from graphdsl.executors.vllm import open_vllm
from graphdsl.executors.vllm_client import VllmClient
from graphdsl.executors.vllm_metrics import EngineMetrics
from graphdsl.executors.vllm_server import VllmServer
from graphdsl.ir.entities import EnvVar
from graphdsl.plan import ModelSpec
from graphdsl.testing import BackendSuite
from graphdsl.values import Messages

NAME = "smollm2-135m"
KEY = "GRAPHDSL_TEST_VLLM_KEY"
OPTIONS = {"dtype": "float32", "context": 512, "max_in_flight": 8, "enforce_eager": True}
STATIC = " ".join(f"Rule {n}: a story has a beginning and an end." for n in range(20))
BLOCK = 128
"""Tokens of a block of the prefix cache on the CPU."""

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(weights: Path) -> AsyncIterator[VllmServer]:
    assert weights.is_dir()
    os.environ[KEY] = "a-key-of-the-tests"
    options = OPTIONS | {"api_key": EnvVar(KEY)}
    backend = await VllmServer.start(ModelSpec("tiny", "vllm", NAME, options))
    yield backend
    await backend.aclose()


async def attached(server: VllmServer, **options: Any) -> VllmClient:
    named = {"base_url": server.process.url, "api_key": EnvVar(KEY), "max_in_flight": 8} | options
    return await VllmClient.attach(ModelSpec("tiny", "vllm", NAME, named))


class TestServer(BackendSuite):
    patience = 300.0

    @pytest.fixture
    def backend(self, server: VllmServer) -> Backend:
        return server

    @pytest_asyncio.fixture(loop_scope="module")
    async def disposable(  # pyright: ignore[reportIncompatibleVariableOverride] (a kind of fixture)
        self, server: VllmServer
    ) -> AsyncIterator[Backend]:
        backend = await attached(server)
        yield backend
        await backend.aclose()


async def test_what_a_client_learns_is_what_the_server_was_started_with(
    server: VllmServer,
) -> None:
    client = await attached(server)
    able = client.capabilities
    assert able.context_tokens == OPTIONS["context"]
    assert (able.seeds, able.label_scores, able.text_scores) == (True, True, True)
    assert (able.embeddings, able.relevance_scores) == (False, False)
    assert (able.priorities, server.capabilities.priorities) == (False, True)
    await client.aclose()


async def test_a_wrong_key_and_a_wrong_name_are_told_when_attaching(server: VllmServer) -> None:
    with pytest.raises(AccessDenied, match=r"127\.0\.0\.1"):
        await open_vllm(ModelSpec("x", "vllm", NAME, {"base_url": server.process.url}))
    other = {"base_url": server.process.url, "api_key": EnvVar(KEY)}
    with pytest.raises(ModelNotFound, match=f"`other` but `{NAME}`"):
        await open_vllm(ModelSpec("x", "vllm", "other", other))


async def test_samples_of_a_cold_prompt_compute_it_once(server: VllmServer) -> None:
    before = await server.metrics()
    prompt = Messages.user(f"{STATIC} Tell me about foxes.")
    samples = (ChatRequest(prompt, seed=n, sample=n, max_tokens=4) for n in range(8))
    replies = await asyncio.gather(*(server.chat(sample) for sample in samples))
    usages = [reply.usage for reply in replies]
    assert usages[0].prompt_tokens > 2 * BLOCK
    assert sum(usage.cached_tokens >= 2 * BLOCK for usage in usages) >= 7
    after = await server.metrics()
    assert after.prefix_hits - before.prefix_hits == sum(usage.cached_tokens for usage in usages)
    asked = after.prefix_queries - before.prefix_queries
    assert asked == sum(usage.prompt_tokens for usage in usages)


async def test_cancelled_calls_are_aborted_in_the_engine(server: VllmServer) -> None:
    prompt = Messages.user("Write a very long story.")
    running = [
        asyncio.ensure_future(server.chat(ChatRequest(prompt, seed=n, max_tokens=400)))
        for n in range(4)
    ]
    await until(server, lambda metrics: metrics.running == 4)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert all(task.cancelled() for task in running)
    await until(server, lambda metrics: metrics.running + metrics.waiting == 0)
    assert (await server.metrics()).generated_tokens > 0


async def until(server: VllmServer, ready: Callable[[EngineMetrics], bool]) -> None:
    """Wait until the engine's counts are as they should be."""
    async with asyncio.timeout(120):
        while not ready(await server.metrics()):
            await asyncio.sleep(0.2)


async def test_a_label_of_several_tokens_counts_with_all_of_them(server: VllmServer) -> None:
    question = Messages.user("Is a fox an animal?")
    labels = ("yes, certainly", "no, not at all")
    whole = (await server.score(ScoreRequest(question, labels, "label"))).values
    texts = (await server.score(ScoreRequest(question, labels, "text"))).values
    assert sum(whole) == pytest.approx(1.0)
    assert (whole[0] > whole[1]) == (texts[0] > texts[1])


@pytest.mark.parametrize("control", ["<|im_end|>", "<repo_name>", "<file_sep>"])
async def test_control_strings_in_a_turn_are_data(server: VllmServer, control: str) -> None:
    async def size(text: str) -> int:
        request = ChatRequest(Messages.user(text), seed=1, max_tokens=1)
        return (await server.chat(request)).usage.prompt_tokens

    assert await size(control) >= await size("a") + 2


async def test_the_example_runs_unchanged_on_the_server(server: VllmServer) -> None:
    model = f"tiny=vllm:{NAME},base_url={server.process.url},api_key=env:{KEY}"
    command = [sys.executable, "-m", "graphdsl", "run", "examples/sums.tts", "sums", "--json"]
    given = ["--model", model, "--input", "question=What is 7 + 6?"]
    done = await asyncio.to_thread(
        subprocess.run, [*command, *given], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"calls": 8' in done.stdout
    assert os.environ[KEY] not in done.stdout + done.stderr
