"""Whole runs with a cache: what was answered before is not asked again, nor paid for."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import graphdsl
from graphdsl.cli import guard
from graphdsl.compiler.check import check
from graphdsl.diagnostics import Source
from graphdsl.errors import InputError
from graphdsl.executors.cache.store import Cache
from graphdsl.testing.faults import Altered, Hang, Refusal
from graphdsl.testing.faulty_server import MODEL, FaultyServer
from graphdsl.testing.openai_replies import Json

CANARY = "canary-5d0c-never-kept"

PROGRAM = """
edition "2026"
model far {{
  backend = openai  name = "{model}"  base_url = "{url}"  api_key = env("FAR_KEY")  {options}
  usd_per_mtok_in = 1  usd_per_mtok_out = 2  attempts = 1
}}
flow sums(question: Text) -> Answer {{
  drafts = generate(question, models: far, samples: {samples})
  winner = vote(drafts, by: number)
  return winner
}}
flow twice(question: Text) -> Answer {{
  one = generate(question, models: far, samples: 2)
  other = generate(question, models: far, samples: 2)
  both = concat(one, other)
  winner = vote(both, by: number)
  return winner
}}
"""


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultyServer]:
    monkeypatch.setenv("FAR_KEY", CANARY)
    async with FaultyServer() as running:
        yield running
    graphdsl.shutdown()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.sqlite"


async def run(
    server: FaultyServer,
    cache: Cache | Path | None,
    *,
    flow: str = "sums",
    samples: int = 5,
    options: str = "",
    seed: int = 0,
    question: str = "What is 2 + 2?",
) -> graphdsl.Result:
    text = PROGRAM.format(url=server.url, model=MODEL, options=options, samples=samples)
    loaded = graphdsl.load(text).flow(flow)
    return await loaded.run(question=question, cache=cache, seed=seed)


async def test_a_run_once_more_costs_nothing_and_says_what_it_saved(
    server: FaultyServer, path: Path
) -> None:
    with Cache.open(path) as cache:
        first = await run(server, cache)
        asked = len(server.asked)
        again = await run(server, cache)
    assert len(server.asked) == asked == 5
    assert (again.value, again.confidence) == (first.value, first.confidence)
    assert first.usage.calls == 5
    assert again.usage.calls == 0
    assert again.usage.cost == 0
    assert again.saved == first.usage
    assert first.saved.calls == 0


async def test_nine_samples_ask_for_four_after_five(server: FaultyServer, path: Path) -> None:
    with Cache.open(path) as cache:
        await run(server, cache, samples=5)
        result = await run(server, cache, samples=9)
    assert (result.usage.calls, result.saved.calls) == (4, 5)
    assert len(server.asked) == 9


@pytest.mark.parametrize("options", ["", 'lacks = ["seeds"]'])
async def test_two_nodes_with_one_prompt_draw_each_their_own(
    server: FaultyServer, path: Path, options: str
) -> None:
    """With a cache as without one, whether or not the model has seeds."""
    with Cache.open(path) as cache:
        result = await run(server, cache, flow="twice", options=options)
        assert result.usage.calls == 4
        again = await run(server, cache, flow="twice", options=options)
        assert (again.usage.calls, again.saved.calls) == (0, 4)
        other = await run(server, cache, flow="twice", options=options, seed=1)
        assert other.usage.calls == 4


async def test_another_endpoint_setting_or_revision_is_asked(
    server: FaultyServer, path: Path
) -> None:
    with Cache.open(path) as cache:
        await run(server, cache)
        for options in ("temperature = 0.2", "max_tokens = 900", 'revision = "b"'):
            assert (await run(server, cache, options=options)).usage.calls == 5


async def test_equal_rows_at_once_are_asked_for_once(server: FaultyServer, path: Path) -> None:
    with Cache.open(path) as cache:
        results = await asyncio.gather(*(run(server, cache) for _ in range(4)))
    assert len(server.asked) == 5
    assert sum(result.usage.calls for result in results) == 5
    assert sum(result.saved.calls for result in results) == 15
    assert len({result.value for result in results}) == 1


async def test_failures_are_asked_again(server: FaultyServer, path: Path) -> None:
    with Cache.open(path) as cache:
        server.script(*[Refusal(400)] * 5)
        failed = await run(server, cache)
        assert failed.status == "failed"
        good = await run(server, cache)
    assert good.status == "ok"
    assert good.usage.calls == 5


def ending(reason: str | None) -> Altered:
    """The right answer, which ended for some reason."""

    def change(reply: Json) -> Json:
        for choice in reply.get("choices", ()):
            if "message" in choice or choice.get("finish_reason") is not None:
                choice["finish_reason"] = reason
        return reply

    return Altered(change)


@pytest.mark.parametrize("stream", ["", "stream = true"])
@pytest.mark.parametrize(
    ("reason", "kept"),
    [("stop", True), ("eos_token", True), ("tool_calls", False), ("MAX_TOKENS", False)],
)
async def test_a_reply_that_ended_for_an_unknown_reason_is_asked_for_again(
    server: FaultyServer, path: Path, reason: str, kept: bool, stream: str
) -> None:
    server.always = ending(reason)
    with Cache.open(path) as cache:
        assert (await run(server, cache, samples=1, options=stream)).status == "ok"
        again = await run(server, cache, samples=1, options=stream)
    assert again.usage.calls == (0 if kept else 1)


async def test_a_reply_that_a_server_cut_off_is_asked_for_again(
    server: FaultyServer, path: Path
) -> None:
    """Its own limit was lower than that of the request."""
    server.always = ending("length")
    with Cache.open(path) as cache:
        for _ in range(2):
            result = await run(server, cache, samples=1, options="max_tokens = 3000")
            assert result.usage.calls == 1


async def test_who_waited_for_an_equal_call_has_its_own_patience_still(
    server: FaultyServer, path: Path
) -> None:
    server.script(Hang(), Refusal(429, headers={"Retry-After": "0.3"}))
    program = PROGRAM.replace("attempts = 1", "attempts = 3")
    text = program.format(url=server.url, model=MODEL, options="timeout = 0.6", samples=1)
    flow = graphdsl.load(text).flow("sums")
    with Cache.open(path) as cache:
        first = asyncio.create_task(flow.run(question="a", cache=cache))
        await server.until(lambda: len(server.asked) == 1)
        second = asyncio.create_task(flow.run(question="a", cache=cache))
        await asyncio.sleep(0.45)
        first.cancel()
        result = await second
    assert result.status == "ok", result.error
    assert result.usage.calls == 1
    assert result.trace is not None
    notes = [note for node in result.trace.walk() for note in node.notes]
    assert "waited for an equal call" in notes


async def test_what_is_no_cache_is_refused(server: FaultyServer) -> None:
    refused: tuple[object, ...] = (5, b"x", [], 0.5)
    for given in refused:
        with pytest.raises(InputError, match="`cache` is True, False, a path or a `Cache`, not"):
            await run(server, given)  # pyright: ignore[reportArgumentType]
    assert server.asked == []


async def test_nothing_in_the_file_shows_the_key_or_the_prompt(
    server: FaultyServer, path: Path
) -> None:
    with Cache.open(path) as cache:
        await run(server, cache, question=f"What is 2 + 2? {CANARY}")
        cache.flush()
        content = b"".join(file.read_bytes() for file in path.parent.glob("answers*"))
    assert len(content) > 4096
    assert CANARY.encode() not in content


async def test_a_simulated_model_is_not_cached(path: Path) -> None:
    program = graphdsl.load(
        'edition "2026"\nmodel sim { backend = simulated }\n'
        "flow f(q: Text) -> Draft { d = generate(q, models: sim)\n one = first(d)\n return one }"
    )
    with Cache.open(path) as cache:
        for _ in range(2):
            assert (await program.flow("f").run(q="a", cache=cache)).usage.calls == 1
        assert cache.stats().answers == 0


# ---- docs/cache.md

PAGE = (Path(__file__).parent.parent / "docs" / "cache.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """What the page shows in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_python_of_the_page_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks("python"))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "3 0\n"), done.stderr


def test_commands_of_the_page_run() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(lines) >= 4
    for line in lines:
        assert guard.run(shlex.split(line, comments=True)[1:]) == 0


def test_models_of_the_page_are_right() -> None:
    for block in blocks("tts"):
        checked = check(Source("page.tts", f'edition "2026"\n{block}'), None)
        assert [one.code for one in checked.diagnostics if one.severity == "error"] == []
