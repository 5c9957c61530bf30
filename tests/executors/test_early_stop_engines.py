"""Stopping early on engines that generate: the tokens that nobody needs are not made."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdsl.compiler.check import check
from graphdsl.compiler.lower import lower
from graphdsl.compiler.pipeline import optimise
from graphdsl.compiler.planner import plan
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.catalogue import pull
from graphdsl.executors.embedded import EmbeddedBackend
from graphdsl.executors.engine import execute
from graphdsl.executors.result import Result
from graphdsl.executors.run_options import RunOptions
from graphdsl.ir.nodes import Graph
from graphdsl.plan import ModelSpec
from graphdsl.testing.faulty_server import MODEL, FaultyServer
from tests.plans import Fake, said, serving

LONG = " ".join(["step"] * 300)

REMOTE = """edition "2026"
model quick {{ backend = openai  name = "{name}"  base_url = "{url}"  max_tokens = 20 }}
model slow {{ backend = openai  name = "{name}"  base_url = "{url}"
  max_tokens = 2_000  temperature = 0  stream = true }}
flow main(q: Text) -> Text {{
  return vote(generate(q, models: [quick, slow], samples: 3), by: number)
}}
"""


def compiled(text: str) -> Graph:
    """The graph of `main`, before the passes."""
    checked = check(Source("x.tts", text))
    assert checked.module is not None, checked.diagnostics
    return specialise(lower(checked.module, "main"), {})


async def run(graph: Graph, backends: Backends, question: str) -> Result:
    return await execute(
        plan(graph), {"q": question}, backends=backends, options=RunOptions(seed=3)
    )


def reply(request: ChatRequest) -> str:
    return "Answer: 4" if request.max_tokens == 20 else LONG


async def pieces(*, early: bool) -> tuple[object, int, int]:
    """The answer, the pieces that the server wrote for the slow model, and requests cut off."""
    server = FaultyServer(Fake(lambda request: said(reply(request))), pace=0.002)
    async with server, Backends() as backends:
        graph = compiled(REMOTE.format(url=server.url, name=MODEL))
        result = await run(optimise(graph) if early else graph, backends, "?")
        if early:
            await server.until(lambda: server.cut == 1)
        slow = [asked for asked in server.asked if asked.body["max_tokens"] == 2_000]
        return result.value, sum(asked.pieces for asked in slow), server.cut


async def test_a_server_sees_the_client_leave_when_the_vote_is_decided() -> None:
    answer, written, cut = await pieces(early=True)
    whole, all_written, none = await pieces(early=False)
    assert answer == whole
    assert (cut, none) == (1, 0)
    assert written < all_written // 2


EMBEDDED = """edition "2026"
model m { backend = embedded  name = "smollm2-135m"  max_tokens = 32 }
flow main(q: Text) -> Text { return first(generate(q, models: m, samples: 4)) }
"""


@pytest.mark.model
@pytest.mark.slow
async def test_the_embedded_model_stops_generating_what_is_not_needed() -> None:
    pytest.importorskip("xllamacpp")
    path: Path = pull("smollm2-135m")
    options = {"threads": 1, "slots": 1, "context": 512}
    backend = await EmbeddedBackend.open(ModelSpec("m", "embedded", str(path), options))
    try:
        graph, backends = compiled(EMBEDDED), serving(m=backend)
        question = "Count from 1 to 20 in words."
        whole = await run(graph, backends, question)
        early = await run(optimise(graph), backends, question)
    finally:
        await backend.aclose()
    assert early.value == whole.value
    assert early.usage.unknown == 0
    assert early.usage.completion_tokens < whole.usage.completion_tokens // 2
    assert early.trace is not None
    assert early.trace.nodes[0].spared == 3
