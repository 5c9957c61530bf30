"""The `litellm` backend: its promises over a scripted server, its requests and its replies."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import pytest

from graphdsl.errors import (
    AccessDenied,
    BackendError,
    BackendMissing,
    ModelNotFound,
    Unsupported,
)
from graphdsl.executors import litellm_library
from graphdsl.executors.abc import (
    Backend,
    ChatRequest,
    EmbedRequest,
    ScoreRequest,
    TextRequest,
)
from graphdsl.executors.litellm import LitellmBackend
from graphdsl.ir.entities import EnvVar
from graphdsl.plan import ModelSpec
from graphdsl.testing import BackendSuite, FaultyServer
from graphdsl.testing.faults import with_content, with_finish, with_usage
from graphdsl.testing.faulty_server import MODEL
from graphdsl.values import Finish, Message, Messages, Usage

pytestmark = [
    pytest.mark.skipif(find_spec("litellm") is None, reason="litellm is not installed"),
    pytest.mark.slow,  # importing litellm takes seconds
]

NAME = f"openai/{MODEL}"
CLAUDE = "anthropic/claude-sonnet-4-5"
ASKED = ChatRequest(Messages.user("What is 2 + 3?"), max_tokens=8, seed=3)
PREFIX = Messages((*ASKED.messages.turns, Message("assistant", "The answer is")))


def spec_of(server: FaultyServer, model: str = NAME, **options: Any) -> ModelSpec:
    """A model block of the kind `litellm` for this server."""
    return replace(server.spec(backend="litellm", **options), model=model)


@asynccontextmanager
async def opened(spec: ModelSpec) -> AsyncGenerator[LitellmBackend]:
    """The backend, closed afterwards."""
    backend = await LitellmBackend.open(spec)
    try:
        yield backend
    finally:
        await backend.aclose()


class TestLitellm(BackendSuite):
    @pytest.fixture
    async def backend(self) -> AsyncIterator[Backend]:  # pyright: ignore[reportIncompatibleVariableOverride]
        async with FaultyServer(pace=0.0005, context=1024) as server:
            has = ("prefix_continuation", "completions")
            spec = spec_of(server, context=1024, max_in_flight=8, has=has)
            async with opened(spec) as backend:
                yield backend


@pytest.fixture
async def server() -> AsyncIterator[FaultyServer]:
    async with FaultyServer() as server:
        yield server


async def test_a_request_says_what_was_asked_for_and_nothing_else(server: FaultyServer) -> None:
    async with opened(spec_of(server)) as backend:
        await backend.chat(ASKED)
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.body == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "What is 2 + 3?"}],
        "temperature": 0.7,
        "max_tokens": 8,
        "seed": 3,
    }


async def test_every_setting_of_a_request_is_sent(server: FaultyServer) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    request = replace(ASKED, top_p=0.5, stop=("", "\n\n"), logprobs=True, schema=schema)
    async with opened(spec_of(server, reasoning_effort="low")) as backend:
        await backend.chat(request)
    body = server.asked[0].body
    assert body["top_p"] == 0.5
    assert body["stop"] == ["\n\n"]
    assert body["logprobs"] is True
    assert body["reasoning_effort"] == "low"
    assert body["response_format"]["json_schema"]["schema"] == schema


async def test_more_stop_strings_than_litellm_sends_all_count(server: FaultyServer) -> None:
    async with opened(spec_of(server)) as backend:
        free = (await backend.chat(replace(ASKED, max_tokens=30))).text
        stops = ("\x01", "\x02", "\x03", "\x04", free[20:24])
        reply = await backend.chat(replace(ASKED, max_tokens=30, stop=stops))
    assert server.asked[-1].body["stop"] == list(stops[:4])
    assert reply.text == free[: free.index(free[20:24])]
    assert reply.finish is Finish.STOP_SEQ


async def test_a_prefix_is_continued_only_where_the_endpoint_can(server: FaultyServer) -> None:
    request = replace(ASKED, messages=PREFIX)
    async with opened(spec_of(server)) as backend:
        await backend.chat(request)
    async with opened(spec_of(server, has=("prefix_continuation",))) as backend:
        server.script(with_content("The answer is 5."))
        reply = await backend.chat(request)
    without, with_ = (asked.body for asked in server.asked)
    assert "continue_final_message" not in without
    assert with_["continue_final_message"] is True
    assert with_["add_generation_prompt"] is False
    assert reply.text == " 5."


async def test_a_prefix_that_a_provider_always_repeats_is_taken_off(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "sk-mistral-12")
    spec = spec_of(server, "mistral/" + MODEL, has=("prefix_continuation",))
    messages = Messages((*ASKED.messages.turns, Message("assistant", "It")))
    async with opened(spec) as backend:
        server.script(with_content("It is 5."))
        assert (await backend.chat(replace(ASKED, messages=messages))).text == " is 5."
    assert server.asked[0].body["messages"][-1]["prefix"] is True


async def test_a_seed_is_left_out_where_there_are_none(server: FaultyServer) -> None:
    async with opened(spec_of(server, lacks=("seeds",))) as backend:
        await backend.chat(ASKED)
    assert "seed" not in server.asked[0].body


async def test_what_cannot_be_left_out_is_refused(server: FaultyServer) -> None:
    async with opened(spec_of(server, lacks=("logprobs", "structured"))) as backend:
        with pytest.raises(Unsupported, match="`logprobs`"):
            await backend.chat(replace(ASKED, logprobs=True))
        with pytest.raises(Unsupported, match="`structured`"):
            await backend.chat(replace(ASKED, schema={"type": "object"}))
    assert not server.asked


async def test_a_declared_key_is_sent_and_no_other(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-mine-12345")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other-12345")
    has = ("completions",)
    plain = spec_of(server, has=has)
    for spec in (spec_of(server, has=has, api_key=EnvVar("MY_KEY")), plain):
        async with opened(spec) as backend:
            await backend.chat(ASKED)
            await backend.complete(TextRequest("2 + 3 =", max_tokens=4))
            await backend.embed(EmbedRequest(("2 + 3",)))
    sent = [asked.headers["Authorization"] for asked in server.asked]
    assert sent == ["Bearer sk-mine-12345"] * 3 + ["Bearer none"] * 3


async def test_usage_has_the_tokens_that_were_cached(server: FaultyServer) -> None:
    counts = {
        "prompt_tokens": 20,
        "completion_tokens": 4,
        "total_tokens": 24,
        "prompt_tokens_details": {"cached_tokens": 16},
    }
    async with opened(spec_of(server)) as backend:
        server.script(with_usage(counts))
        assert (await backend.chat(ASKED)).usage == Usage(1, 20, 16, 4, cost=None)


async def test_usage_that_is_not_told_is_estimated(server: FaultyServer) -> None:
    async with opened(spec_of(server)) as backend:
        server.script(with_usage(None))
        usage = (await backend.chat(ASKED)).usage
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0
    assert usage.cost is None


async def test_a_known_price_becomes_a_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(ModelSpec("m", "litellm", CLAUDE)) as backend:
        mocked(monkeypatch, "Hello there")
        usage = (await backend.chat(ASKED)).usage
    assert usage.cost is not None
    price = usage.prompt_tokens * 3_000_000 + usage.completion_tokens * 15_000_000
    assert usage.cost == price  # 1e-12 USD: 3 and 15 dollars per million tokens


async def test_an_unknown_price_is_no_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(ModelSpec("m", "litellm", "anthropic/claude-of-tomorrow")) as backend:
        mocked(monkeypatch, "Hello there")
        assert (await backend.chat(ASKED)).usage.cost is None


async def test_a_price_elsewhere_is_not_the_provider_s(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ModelSpec("m", "litellm", CLAUDE, {"base_url": "https://127.0.0.1:1"})
    async with opened(spec) as backend:
        mocked(monkeypatch, "Hello there")
        assert (await backend.chat(ASKED)).usage.cost is None


async def test_a_listener_gets_the_text(server: FaultyServer) -> None:
    heard: list[str] = []
    async with opened(spec_of(server)) as backend:
        reply = await backend.chat(replace(ASKED, listener=heard.append))
    assert "".join(heard) == reply.text


async def test_a_length_is_a_length(server: FaultyServer) -> None:
    async with opened(spec_of(server)) as backend:
        server.script(with_finish("length"))
        assert (await backend.chat(ASKED)).finish is Finish.LENGTH


async def test_many_texts_are_embedded_in_several_requests(server: FaultyServer) -> None:
    texts = tuple(f"text {number}" for number in range(513))
    async with opened(spec_of(server)) as backend:
        found = await backend.embed(EmbedRequest(texts))
        (last,) = (await backend.embed(EmbedRequest(texts[-1:]))).vectors
    assert len(found.vectors) == 513
    assert found.vectors[-1] == last
    assert found.usage.calls == 2


async def test_cancelling_a_call_closes_its_connection() -> None:
    async with FaultyServer(pace=0.01) as server, opened(spec_of(server)) as backend:
        call = asyncio.ensure_future(backend.chat(replace(ASKED, max_tokens=400)))
        await server.until(lambda: len(server.asked) == 1)
        call.cancel()
        await server.until(lambda: server.cut == 1)
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_a_call_that_is_cancelled_before_it_is_sent_is_never_sent() -> None:
    async with FaultyServer(pace=0.01) as server, opened(spec_of(server)) as backend:
        await backend.chat(replace(ASKED, max_tokens=1))
        calls = [asyncio.ensure_future(backend.chat(ASKED)) for _ in range(8)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # they wait for litellm's thread now
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    assert len(server.asked) == 1
    gc.collect()  # a coroutine that was lost would warn here


async def test_closing_closes_the_connections_of_this_backend_only() -> None:
    async with FaultyServer(pace=0.01) as server, opened(spec_of(server)) as other:
        backend = await LitellmBackend.open(spec_of(server))
        theirs = asyncio.ensure_future(other.chat(ASKED))
        calls = [asyncio.ensure_future(backend.chat(ASKED)) for _ in range(3)]
        await server.until(lambda: len(server.asked) == 4)
        await backend.aclose()
        await server.until(lambda: server.cut == 3)
        for call in calls:
            with pytest.raises(BackendError, match="`m` is closed"):
                await call
        assert (await theirs).text


async def test_no_connection_or_key_is_left_after_closing(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-canary-98765")
    spec = spec_of(server, has=("completions",), api_key=EnvVar("MY_KEY"))
    async with opened(spec) as backend:
        await backend.chat(ASKED)
        await backend.complete(TextRequest("2 + 3 =", max_tokens=4))
        await backend.embed(EmbedRequest(("2 + 3",)))
        litellm = sys.modules["litellm"]
        clients: Any = litellm.in_memory_llm_clients_cache.cache_dict
        assert any("sk-canary-98765" in key for key in clients)
    assert not any("sk-canary-98765" in key for key in clients)


async def test_opening_sends_nothing(server: FaultyServer) -> None:
    async with opened(spec_of(server)):
        pass
    assert not server.asked


async def test_capabilities_are_those_of_the_model() -> None:
    async with opened(ModelSpec("m", "litellm", CLAUDE)) as backend:
        able = backend.capabilities
    assert able.prefix_continuation
    assert able.structured
    assert able.stop_strings
    lacking = (able.seeds, able.logprobs, able.label_scores, able.embeddings)
    assert not any(lacking)
    assert able.context_tokens == 200_000
    assert (able.max_in_flight, able.adaptive) == (256, True)


async def test_the_block_has_the_last_word_about_capabilities() -> None:
    options = {"has": ("seeds", "logprobs"), "lacks": ("structured",), "context": 1000}
    spec = ModelSpec("m", "litellm", CLAUDE, {**options, "max_in_flight": 3})
    async with opened(spec) as backend:
        able = backend.capabilities
    assert able.seeds
    assert able.logprobs
    assert not able.structured
    assert able.context_tokens == 1000
    assert (able.max_in_flight, able.adaptive) == (3, False)


async def test_a_parameter_that_the_block_vouches_for_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FaultyServer() as server:
        monkeypatch.setenv("MISTRAL_API_KEY", "sk-mistral-12")
        async with opened(spec_of(server, "mistral/" + MODEL)) as backend:
            assert not backend.capabilities.logprobs
        async with opened(spec_of(server, "mistral/" + MODEL, has=("logprobs",))) as backend:
            await backend.chat(replace(ASKED, logprobs=True))
    assert server.asked[0].body["logprobs"] is True


@pytest.mark.parametrize("capability", ["text_scores", "relevance_scores"])
async def test_capabilities_that_litellm_cannot_use_are_refused(capability: str) -> None:
    with pytest.raises(BackendError, match=f"has `{capability}`, which litellm cannot ask"):
        await LitellmBackend.open(ModelSpec("m", "litellm", CLAUDE, {"has": (capability,)}))


async def test_completions_that_would_become_a_chat_are_refused() -> None:
    spec = ModelSpec("m", "litellm", CLAUDE, {"has": ("completions",)})
    with pytest.raises(BackendError, match="has `completions`, which litellm cannot ask"):
        await LitellmBackend.open(spec)


@pytest.mark.parametrize("model", ["mystery", "nobody/mystery", ""])
async def test_a_name_without_a_provider_is_not_found(
    model: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelNotFound, match="write it as `provider/model`"):
        await LitellmBackend.open(ModelSpec("m", "litellm", model))
    assert capfd.readouterr() == ("", "")


async def test_several_addresses_are_refused() -> None:
    spec = ModelSpec("m", "litellm", NAME, {"base_url": ("http://a/v1", "http://b/v1")})
    with pytest.raises(BackendError, match="litellm takes one `base_url`"):
        await LitellmBackend.open(spec)


async def test_a_key_that_is_not_set_is_refused() -> None:
    spec = ModelSpec("m", "litellm", NAME, {"api_key": EnvVar("GRAPHDSL_TEST_NOT_SET")})
    with pytest.raises(AccessDenied, match="`GRAPHDSL_TEST_NOT_SET`, which is not set"):
        await LitellmBackend.open(spec)


async def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    async with opened(ModelSpec("m", "litellm", CLAUDE)) as backend:
        with pytest.raises(AccessDenied, match="put a valid one into `ANTHROPIC_API_KEY`"):
            await backend.chat(ASKED)
    async with opened(ModelSpec("m", "litellm", NAME)) as backend:
        with pytest.raises(AccessDenied, match="put a valid one into `OPENAI_API_KEY`"):
            await backend.chat(ASKED)


async def test_labels_are_scored_by_their_first_token(server: FaultyServer) -> None:
    async with opened(spec_of(server)) as backend:
        scores = await backend.score(ScoreRequest(ASKED.messages, ("yes", "no")))
    assert sum(scores.values) == pytest.approx(1.0)
    assert server.asked[0].body["top_logprobs"] == 20
    assert server.asked[0].body["max_tokens"] == 1


@pytest.mark.parametrize("version", ["1.82.7", "1.82.8", "1.107.0", "1.107.3"])
async def test_a_stolen_release_is_never_imported(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litellm_library, "version", {"litellm": version}.__getitem__)
    monkeypatch.setattr(litellm_library, "import_module", _fail)
    with pytest.raises(BackendError, match=f"litellm {version} is installed, one of the releases"):
        await LitellmBackend.open(ModelSpec("m", "litellm", CLAUDE))


async def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm_library, "PACKAGES", ("graphdsl-no-such-package",))
    with pytest.raises(BackendMissing, match=r"pip install 'graphdsl-tts\[litellm\]'"):
        await LitellmBackend.open(ModelSpec("m", "litellm", CLAUDE))


def test_nothing_is_imported_before_a_model_is_opened() -> None:
    code = "import graphdsl.executors.litellm, sys; assert 'litellm' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


QUIET = """
import asyncio, os, threading
from graphdsl.executors.litellm import LitellmBackend
from graphdsl.plan import ModelSpec

async def main():
    opening = asyncio.ensure_future(LitellmBackend.open(ModelSpec("m", "litellm", "%s")))
    beats = 0
    while not opening.done():
        await asyncio.sleep(0.01)
        beats += 1
    await (await opening).aclose()
    assert beats > 20, beats
    assert "FROM_DOTENV" not in os.environ

asyncio.run(main())
"""


def test_opening_is_quiet_does_not_block_the_loop_and_reads_no_env_file(tmp_path: Any) -> None:
    (tmp_path / ".env").write_text("FROM_DOTENV=1\n")
    (tmp_path / "main.py").write_text(QUIET % CLAUDE)
    command = [sys.executable, "-W", "error", "main.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def mocked(monkeypatch: pytest.MonkeyPatch, response: object) -> None:
    """Let litellm answer by itself, with its own mock."""
    litellm: Any = sys.modules["litellm"]
    call = partial(litellm.acompletion, mock_response=response)
    monkeypatch.setattr(litellm, "acompletion", call)


def _fail(name: str) -> None:
    raise AssertionError(f"{name} was imported")
