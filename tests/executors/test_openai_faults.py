"""What the `openai` backend makes of servers that fail: one typed error each, or a reply."""

from __future__ import annotations

import asyncio
import json
import pickle
import shutil
import socket
import ssl
import subprocess
import sys
import traceback
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import (
    AccessDenied,
    BackendError,
    BrokenReply,
    ContentFiltered,
    ContextOverflow,
    ModelNotFound,
    Overloaded,
    RateLimited,
    Unreachable,
)
from graphdsl.executors.abc import ChatRequest, Completion
from graphdsl.executors.http_errors import RouteMissing
from graphdsl.executors.openai import OpenAIBackend
from graphdsl.ir.entities import EnvVar, ModelSpec
from graphdsl.testing import FaultyServer
from graphdsl.testing.faults import (
    OPENAI_OVERFLOW,
    VLLM_OVERFLOW,
    Body,
    CutStream,
    Disconnect,
    Drip,
    Duplicate,
    Fault,
    Hang,
    Overflow,
    Refusal,
    Truncated,
    with_content,
    with_finish,
    with_usage,
)
from graphdsl.testing.faulty_server import MODEL
from graphdsl.values import Finish, Messages

ASKED = ChatRequest(Messages.user("What is 2 + 3?"), max_tokens=8, seed=3)
CANARY = "sk-canary-0123456789"
CHUNKED = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture
async def server() -> AsyncIterator[FaultyServer]:
    async with FaultyServer() as server:
        yield server


@asynccontextmanager
async def opened(server: FaultyServer, **options: Any) -> AsyncGenerator[OpenAIBackend]:
    backend = await OpenAIBackend.open(server.spec(**options))
    try:
        yield backend
    finally:
        await backend.aclose()


async def failure(server: FaultyServer, fault: Fault, **options: Any) -> BackendError:
    """The error that a fault becomes; the next call, over the same connections, is answered."""
    async with opened(server, **options) as backend:
        server.script(fault)
        with pytest.raises(BackendError) as caught:
            await backend.chat(ASKED)
        assert (await backend.chat(ASKED)).usage.completion_tokens == 8
    error = caught.value
    assert error.model == "m"
    assert "`m`" in str(error)
    assert server.host in str(error)
    return error


async def reply(server: FaultyServer, fault: Fault, **options: Any) -> Completion:
    """What comes back in spite of a fault."""
    async with opened(server, **options) as backend:
        server.script(fault)
        return await backend.chat(ASKED)


@dataclass(frozen=True)
class Case:
    """A fault, and what the error must be: class, retryable, uncertain, words of its message."""

    name: str
    fault: Fault
    kind: type[BackendError]
    retryable: bool
    uncertain: bool
    says: str


QUOTA = Refusal(429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota")
AZURE = Refusal(400, "The response was filtered", "invalid_request_error", "content_filter")

CASES = (
    Case("400", Refusal(400, "bad value"), BackendError, False, False, "bad value"),
    Case("401", Refusal(401), AccessDenied, False, False, "api_key = env"),
    Case("402", Refusal(402), AccessDenied, False, False, "no credit left"),
    Case("403", Refusal(403), AccessDenied, False, False, "(403)"),
    Case("quota", QUOTA, AccessDenied, False, False, "no credit left"),
    Case("404", Refusal(404, "no model"), ModelNotFound, False, False, "no model `faulty-1`"),
    Case("404 page", Refusal(404, body="Not"), RouteMissing, False, False, "`/v1`"),
    Case("408", Refusal(408), BackendError, True, True, "(408)"),
    Case("413", Refusal(413), BackendError, False, False, "(413)"),
    Case("422", Refusal(422, "bad type"), BackendError, False, False, "bad type"),
    Case("429", Refusal(429), RateLimited, True, False, "no more calls"),
    Case("500", Refusal(500), BackendError, True, False, "(500)"),
    Case("501", Refusal(501), BackendError, False, False, "(501)"),
    Case("502 page", Refusal(502, body="<h1>Bad</h1>"), BackendError, True, False, "Bad"),
    Case("503", Refusal(503), Overloaded, True, False, "no room"),
    Case("504", Refusal(504), BackendError, True, True, "(504)"),
    Case("524", Refusal(524), BackendError, True, True, "(524)"),
    Case("529", Refusal(529), Overloaded, True, False, "no room"),
    Case("307", Refusal(307, headers={"Location": "/x"}), BackendError, False, False, "elsewhere"),
    Case("202", Refusal(202), BrokenReply, True, True, "status 202"),
    Case("filter 400", AZURE, ContentFiltered, False, False, "refused the content"),
    Case("openai length", Overflow(OPENAI_OVERFLOW), ContextOverflow, False, False, "5000"),
    Case("vllm length", Overflow(VLLM_OVERFLOW), ContextOverflow, False, False, "5000"),
    Case("filter", with_finish("content_filter"), ContentFiltered, False, True, "withheld"),
    Case("abort", with_finish("abort"), BackendError, True, True, "gave up"),
    Case("no connection", Disconnect(), BrokenReply, True, True, "closed the connection"),
    Case("reset", Disconnect(reset=True), BrokenReply, True, True, "broke off"),
    Case("not json", Body("{'a': 1}"), BrokenReply, True, True, "not JSON"),
    Case("two objects", Body("{}{}"), BrokenReply, True, True, "not JSON"),
    Case("deep", Body("[" * 100_000), BrokenReply, True, True, "not JSON"),
    Case("array", Body("[]"), BrokenReply, True, True, "not a JSON object"),
    Case("error text", Body('{"error": "it broke"}'), BackendError, True, False, "it broke"),
)


@CHUNKED
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_fault_is_an_error_that_says_what_to_do(
    server: FaultyServer, case: Case, stream: bool
) -> None:
    error = await failure(server, case.fault, stream=stream)
    assert type(error) is case.kind
    assert (error.retryable, error.uncertain) == (case.retryable, case.uncertain)
    assert case.says in str(error)


WHOLE = (
    Case("truncated", Truncated(), BrokenReply, True, True, "ended early"),
    Case("nothing", Body("{}"), BrokenReply, True, True, "no `choices`"),
    Case("null choice", Body('{"choices": [null]}'), BrokenReply, True, True, "no `choices`"),
    Case("no message", Body('{"choices": [{"message": 1}]}'), BrokenReply, True, True, "message"),
    Case("number", with_content(7), BrokenReply, True, True, "content that is no text"),
    Case("html", Body("<html>", "text/html"), BrokenReply, True, True, "not JSON"),
)


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case.name)
async def test_a_reply_that_is_none_is_broken(server: FaultyServer, case: Case) -> None:
    error = await failure(server, case.fault)
    assert isinstance(error, case.kind)
    assert case.says in str(error)


STREAMED = (
    Case("closed", CutStream(2), BrokenReply, True, True, "ended early"),
    Case("ended", CutStream(2, clean=True), BrokenReply, True, True, "ended before its reply"),
    Case("empty", Body("", "text/event-stream"), BrokenReply, True, True, "ended before"),
    Case("bad event", Body("data: {\n\n", "text/event-stream"), BrokenReply, True, True, "JSON"),
    Case("html", Body("<html>", "text/html"), BrokenReply, True, True, "ended before"),
    Case("done", Body("data: [DONE]\n\n", "text/event-stream"), BrokenReply, True, True, "ended"),
)


@pytest.mark.parametrize("case", STREAMED, ids=lambda case: case.name)
async def test_a_stream_that_does_not_end_well_is_broken(server: FaultyServer, case: Case) -> None:
    error = await failure(server, case.fault, stream=True)
    assert isinstance(error, case.kind)
    assert (error.retryable, error.uncertain) == (case.retryable, case.uncertain)
    assert case.says in str(error)


async def test_an_error_within_a_text_may_have_been_charged(server: FaultyServer) -> None:
    begun = json.dumps({"choices": [{"delta": {"content": "The"}}]})
    ended = json.dumps({"error": {"message": "engine died", "code": 500}})
    events = Body(f"data: {begun}\n\ndata: {ended}\n\n", "text/event-stream")
    error = await failure(server, events, stream=True)
    assert (error.retryable, error.uncertain) == (True, True)
    assert "engine died" in str(error)


async def test_a_stream_cut_within_its_bytes_is_broken(server: FaultyServer) -> None:
    assert isinstance(await failure(server, Truncated(), stream=True), BrokenReply)


UNDER_200 = (
    ({"message": "slow down", "code": "rate_limit_exceeded"}, RateLimited),
    ({"message": "full", "type": "overloaded_error"}, Overloaded),
    ({"message": "who?", "type": "authentication_error"}, AccessDenied),
    ({"message": "which?", "code": "model_not_found"}, ModelNotFound),
    ({"message": "no", "code": 400}, BackendError),
    ({"message": "no", "code": "content_policy_violation"}, ContentFiltered),
    ({"message": OPENAI_OVERFLOW.format(limit=8, prompt=9), "code": 400}, ContextOverflow),
    ({"message": "too long", "code": "context_length_exceeded", "type": "x"}, ContextOverflow),
)


@CHUNKED
@pytest.mark.parametrize(("found", "kind"), UNDER_200)
async def test_an_error_under_status_200_is_classed_by_what_it_says(
    server: FaultyServer, found: dict[str, Any], kind: type[BackendError], stream: bool
) -> None:
    text = json.dumps({"error": found})
    fault = Body(f"data: {text}\n\n", "text/event-stream") if stream else Body(text)
    assert isinstance(await failure(server, fault, stream=stream), kind)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        ({"x-ratelimit-reset-requests": "1m30s", "x-ratelimit-remaining-requests": "0"}, 90.0),
        ({"Retry-After": "soon"}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_refusal_says_how_long_to_wait(
    server: FaultyServer, headers: dict[str, str], seconds: float | None, status: int
) -> None:
    error = await failure(server, Refusal(status, headers=headers))
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


@pytest.mark.parametrize("wording", [OPENAI_OVERFLOW, VLLM_OVERFLOW])
async def test_an_overflow_tells_its_numbers(server: FaultyServer, wording: str) -> None:
    error = await failure(server, Overflow(wording, prompt=5000, limit=4096))
    assert isinstance(error, ContextOverflow)
    assert (error.prompt_tokens, error.limit) == (5000, 4096)


@CHUNKED
async def test_a_slow_drip_is_read_to_its_end(server: FaultyServer, stream: bool) -> None:
    dripped = await reply(server, Drip(size=97), stream=stream)
    async with opened(server) as backend:
        assert dripped == await backend.chat(ASKED)


@CHUNKED
async def test_a_hanging_server_is_left_when_time_is_over(
    server: FaultyServer, stream: bool
) -> None:
    async with opened(server, stream=stream) as backend:
        server.script(Hang())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(backend.chat(ASKED), 0.05)
        await server.until(lambda: server.cut == 1)
        assert (await backend.chat(ASKED)).usage.completion_tokens == 8


async def test_a_reply_that_comes_twice_answers_one_call(server: FaultyServer) -> None:
    other = ChatRequest(Messages.user("What is 4 + 4?"), max_tokens=8, seed=3)
    async with opened(server) as backend:
        alone = await backend.chat(other)
        server.script(Duplicate())
        first = await backend.chat(ASKED)
        assert await backend.chat(other) == alone != first
        assert await backend.chat(ASKED) == first


@CHUNKED
@pytest.mark.parametrize(
    ("usage", "prompt", "completion"),
    [
        (None, 4, None),
        ({}, 4, None),
        ("many", 4, None),
        ({"prompt_tokens": -3, "completion_tokens": -1}, 4, None),
        ({"prompt_tokens": True, "completion_tokens": False}, 4, None),
        ({"prompt_tokens": "12", "completion_tokens": "3"}, 12, 3),
        ({"prompt_tokens": 12.0, "completion_tokens": 3.0}, 12, 3),
        ({"prompt_tokens": 10**30, "completion_tokens": 3}, 4, 3),
        ({"prompt_tokens": 12, "completion_tokens": 5000}, 12, 5000),
        ({"prompt_tokens": None, "completion_tokens": 0}, 4, 0),
    ],
)
async def test_wrong_usage_is_estimated_and_never_negative(
    server: FaultyServer, usage: Any, prompt: int, completion: int | None, stream: bool
) -> None:
    got = await reply(server, with_usage(usage), stream=stream)
    assert got.usage.calls == 1
    assert got.usage.prompt_tokens == prompt
    assert got.usage.cached_tokens == 0
    written = got.usage.completion_tokens
    assert written == completion if completion is not None else 6 <= written <= 8


async def test_cached_tokens_are_no_more_than_the_prompt_has(server: FaultyServer) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 99}}
    got = await reply(server, with_usage({"prompt_tokens": 12, "completion_tokens": 3} | details))
    assert got.usage.cached_tokens == 12


@pytest.mark.parametrize("content", [None, "", [{"type": "text", "text": ""}]])
async def test_no_content_is_an_empty_text(server: FaultyServer, content: Any) -> None:
    got = await reply(server, with_content(content))
    assert (got.text, got.finish) == ("", Finish.LENGTH)


async def test_parts_of_content_are_one_text(server: FaultyServer) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]
    assert (await reply(server, with_content(parts))).text == "ab"


async def test_halves_of_a_character_come_together(server: FaultyServer) -> None:
    assert (await reply(server, with_content("\ud83e\udd8a \ud800"))).text == "🦊 \ufffd"


async def test_a_model_that_refuses_is_filtered(server: FaultyServer) -> None:
    body = {"choices": [{"message": {"content": None, "refusal": "I will not"}}]}
    error = await failure(server, Body(json.dumps(body)))
    assert isinstance(error, ContentFiltered)
    assert "I will not" in str(error)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", Finish.STOP),
        ("length", Finish.LENGTH),
        ("max_tokens", Finish.LENGTH),
        ("tool_calls", Finish.STOP),
        ("stop_sequence", Finish.STOP_SEQ),
        (None, Finish.LENGTH),
    ],
)
async def test_reasons_for_an_end_are_ours(
    server: FaultyServer, reason: str | None, finish: Finish
) -> None:
    assert (await reply(server, with_finish(reason))).finish is finish


async def test_a_server_that_does_not_stream_is_understood(server: FaultyServer) -> None:
    async with opened(server) as backend:
        whole = await backend.chat(ASKED)
    text = json.dumps(
        {
            "choices": [{"message": {"content": whole.text}, "finish_reason": "length"}],
            "usage": {
                "prompt_tokens": whole.usage.prompt_tokens,
                "completion_tokens": whole.usage.completion_tokens,
            },
        }
    )
    assert await reply(server, Body(text), stream=True) == whole


async def test_nobody_at_the_address_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = taken.getsockname()[1]
        error = await unreachable(f"http://127.0.0.1:{port}/v1")
    assert error.retryable
    assert f"`127.0.0.1:{port}` cannot be reached: connection refused" in str(error)
    assert CANARY not in str(error)


async def test_a_name_that_nobody_knows_is_unreachable() -> None:
    error = await unreachable("http://nowhere.invalid:1/v1")
    assert error.retryable
    assert "`nowhere.invalid:1` cannot be reached" in str(error)


async def test_plain_http_behind_https_stays_unreachable(server: FaultyServer) -> None:
    error = await unreachable(server.url.replace("http:", "https:"))
    assert not error.retryable
    assert "begin with `http://`" in str(error)
    assert server.host in str(error)


async def test_a_certificate_that_nobody_signed_stays_unreachable(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    files = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost"]
    subprocess.run([*make.split(), *files], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with FaultyServer(tls=tls) as server:
        error = await unreachable(server.url)
    assert not error.retryable
    said = str(error).replace("self signed", "self-signed")
    assert said.endswith("certificate verify failed: self-signed certificate")


async def unreachable(url: str) -> Unreachable:
    backend = await OpenAIBackend.open(ModelSpec("m", "openai", "x", {"base_url": url}))
    with pytest.raises(Unreachable) as caught:
        await backend.chat(ASKED)
    await backend.aclose()
    assert not caught.value.uncertain
    return caught.value


@CHUNKED
async def test_a_server_that_dies_breaks_its_calls_and_then_is_unreachable(stream: bool) -> None:
    async with FaultyServer(pace=0.01) as server, opened(server, stream=stream) as backend:
        call = asyncio.ensure_future(backend.chat(ASKED))
        await server.until(lambda: len(server.asked) == 1)
        await server.stop()
        with pytest.raises(BrokenReply):
            await call
        with pytest.raises(Unreachable):
            await backend.chat(ASKED)
        async with server:
            assert (await backend.chat(ASKED)).usage.completion_tokens == 8


SERVE = """
import asyncio
from graphdsl.testing import FaultyServer
from graphdsl.testing.faults import Hang

async def main():
    async with FaultyServer() as server:
        server.always = Hang()
        print(server.port, flush=True)
        await server.until(lambda: len(server.asked) == 3)
        print("asked", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@CHUNKED
async def test_a_killed_server_is_a_broken_reply_and_then_unreachable(stream: bool) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    url = f"http://127.0.0.1:{int(await child.stdout.readline())}/v1"
    options = {"base_url": url, "stream": stream}
    backend = await OpenAIBackend.open(ModelSpec("m", "openai", MODEL, options))
    calls = [asyncio.ensure_future(backend.chat(ASKED)) for _ in range(3)]
    assert await child.stdout.readline() == b"asked\n"
    child.kill()
    for call in calls:
        with pytest.raises(BrokenReply, match=r"`m` at `127\.0\.0\.1:"):
            await call
    await child.wait()
    with pytest.raises(Unreachable):
        await backend.chat(ASKED)
    await backend.aclose()


ECHO = f"the key {CANARY} is bad, and so is Bearer {CANARY}"
LEAKS: tuple[Fault, ...] = (
    *(Refusal(status, ECHO) for status in (400, 401, 403, 404, 418, 422, 429, 500, 503, 529)),
    *(Refusal(status, body="x" * 290 + ECHO) for status in (400, 401, 502)),
    Refusal(307, headers={"Location": f"http://127.0.0.1/?key={CANARY}"}),
    Body(json.dumps({"error": {"message": ECHO, "code": CANARY}})),
    Body(json.dumps({"error": {CANARY: ECHO}})),
    Body(ECHO),
    with_finish("content_filter"),
    Disconnect(),
    Disconnect(reset=True),
    Truncated(),
    Overflow(OPENAI_OVERFLOW + CANARY),
)


@CHUNKED
@pytest.mark.parametrize("fault", LEAKS, ids=lambda fault: type(fault).__name__)
async def test_no_failure_shows_a_key(
    monkeypatch: pytest.MonkeyPatch, fault: Fault, stream: bool
) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    async with FaultyServer(key=CANARY) as server:
        error = await failure(server, fault, stream=stream, api_key=EnvVar("CANARY"))
    assert not leaks(error)


async def test_no_failure_shows_credentials_of_an_address() -> None:
    async with FaultyServer() as server:
        url = server.url.replace("127.0.0.1", f"user:{CANARY}@127.0.0.1") + f"?sig={CANARY}"
        for fault in (Refusal(400, ECHO), Disconnect(), Truncated()):
            assert not leaks(await failure(server, fault, base_url=url))
        assert server.asked[0].headers["Authorization"].startswith("Basic ")
    assert not leaks(await unreachable(url))
    assert not leaks(await unreachable(url.replace("http:", "https:")))


async def test_an_open_backend_shows_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    async with (
        FaultyServer(key=CANARY) as server,
        opened(server, api_key=EnvVar("CANARY")) as backend,
    ):
        assert (await backend.chat(ASKED)).text
        assert CANARY not in repr(backend) + repr(vars(backend))
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(backend)


def leaks(error: BackendError) -> bool:
    """Whether the key is anywhere in what an error shows, or takes along."""
    shown = (
        str(error) + repr(error) + repr(vars(error)) + "".join(traceback.format_exception(error))
    )
    return CANARY in shown or CANARY.encode() in pickle.dumps(error)
