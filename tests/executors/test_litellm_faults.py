"""The `litellm` backend against servers that fail: kind, words, one request each, no secrets."""

from __future__ import annotations

import asyncio
import pickle
import re
import shutil
import ssl
import subprocess
import sys
import traceback
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import (
    AccessDenied,
    BackendError,
    BrokenReply,
    CallTimeout,
    ContentFiltered,
    ContextOverflow,
    ModelNotFound,
    Overloaded,
    RateLimited,
    Unreachable,
)
from graphdsl.executors.abc import ChatRequest, EmbedRequest, Meter, TextRequest
from graphdsl.executors.http_errors import Site
from graphdsl.executors.litellm import LitellmBackend
from graphdsl.executors.litellm_errors import translated
from graphdsl.ir.entities import EnvVar
from graphdsl.plan import ModelSpec
from graphdsl.testing import FaultyServer
from graphdsl.testing.faults import (
    VLLM_OVERFLOW,
    Altered,
    Body,
    Disconnect,
    Drip,
    Duplicate,
    Fault,
    Overflow,
    Refusal,
    Truncated,
    with_content,
    with_finish,
    with_usage,
)
from graphdsl.testing.faulty_server import MODEL
from graphdsl.values import Messages, Usage

pytestmark = [
    pytest.mark.skipif(find_spec("litellm") is None, reason="litellm is not installed"),
    pytest.mark.slow,  # importing litellm takes seconds
]

PROVIDERS = ("openai", "hosted_vllm", "deepseek")
"""They differ in how litellm calls them: through the SDK of OpenAI, and by itself."""

CANARY = "sk-canary-0123456789"
ASKED = ChatRequest(Messages.user("What is 2 + 3?"), max_tokens=8, seed=3)


def error_json(code: int, message: str) -> str:
    return f'{{"error": {{"message": "{message}", "code": {code}}}}}'


FAULTS: dict[str, tuple[Fault, type[BackendError], str]] = {
    "bad request": (Refusal(400, "temperature"), BackendError, r"refused the request \(400\)"),
    "bad key": (Refusal(401, f"bad key {CANARY}"), AccessDenied, "valid one into `CANARY_KEY`"),
    "no credit": (Refusal(402), AccessDenied, "no credit left"),
    "not allowed": (Refusal(403, CANARY), AccessDenied, "refused the key"),
    "no model": (Refusal(404, "no model", code="model_not_found"), ModelNotFound, MODEL),
    "no page": (Refusal(404, body="<html>"), ModelNotFound, "does not know this address"),
    "request timeout": (Refusal(408), BackendError, r"failed \(408\)"),
    "cannot process": (Refusal(422), BackendError, r"refused the request \(422\)"),
    "rate limit": (Refusal(429), RateLimited, "takes no more calls"),
    "quota": (Refusal(429, code="insufficient_quota"), AccessDenied, "no credit left"),
    "server error": (Refusal(500, CANARY), BackendError, r"failed \(500\)"),
    "bad gateway": (Refusal(502, body="<html>oops"), BackendError, r"failed \(502\)"),
    "unavailable": (Refusal(503), Overloaded, "has no room"),
    "gateway timeout": (Refusal(504), BackendError, r"failed \(504\)"),
    "overloaded": (Refusal(529), Overloaded, "has no room"),
    "overflow": (Overflow(), ContextOverflow, "shorten the prompt"),
    "overflow of vllm": (Overflow(VLLM_OVERFLOW), ContextOverflow, "shorten the prompt"),
    "policy": (Refusal(400, code="content_policy_violation"), ContentFiltered, "the content"),
    "withheld": (with_finish("content_filter"), ContentFiltered, "withheld its reply"),
    "truncated": (Truncated(), BrokenReply, "ended before its reply did"),
    "disconnect": (Disconnect(), BrokenReply, "ended before its reply did"),
    "reset": (Disconnect(reset=True), BrokenReply, "ended before its reply did"),
    "page": (Body("<html>hello", "text/html"), BrokenReply, "cannot read the reply"),
    "half a reply": (Body('{"choices": ['), BrokenReply, "cannot read the reply"),
    "null": (Body("null"), BrokenReply, "cannot read the reply"),
    "list": (Body("[1]"), BrokenReply, "cannot read the reply"),
    "error under 200": (Body(error_json(500, CANARY)), BackendError, r"failed \(500\)"),
    "no choices": (Altered(lambda reply: reply | {"choices": []}), BrokenReply, "`choices`"),
    "number as text": (with_content(5), BrokenReply, "cannot read the reply"),
}

LATER = {"request timeout", "rate limit", "server error", "bad gateway", "unavailable"}
RETRYABLE = LATER | {"gateway timeout", "overloaded", "error under 200"}
"""Beside the broken replies, which always are."""


@asynccontextmanager
async def served(
    provider: str = "openai", **options: Any
) -> AsyncGenerator[tuple[FaultyServer, LitellmBackend]]:
    """A server, and a backend that calls it with a key which must never be seen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY_KEY", CANARY)
        async with FaultyServer() as server:
            spec = server.spec(backend="litellm", api_key=EnvVar("CANARY_KEY"), **options)
            backend = await LitellmBackend.open(replace(spec, model=f"{provider}/{MODEL}"))
            try:
                yield server, backend
            finally:
                await backend.aclose()


async def failure(call: Coroutine[Any, Any, object]) -> BackendError:
    """The error that a call ends with, which holds no secret in any of its forms."""
    with pytest.raises(BackendError) as caught:
        await call
    error = caught.value
    shown = "".join(traceback.format_exception(error))
    assert CANARY not in shown + repr(error) + str(vars(error)) + repr(pickle.dumps(error))
    assert "`m`" in str(error)
    return error


UNCERTAIN = {"withheld", "request timeout", "gateway timeout"}
"""Faults after which the provider may have charged the call."""


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_an_error_that_says_what_to_do(provider: str, name: str) -> None:
    fault, kind, words = FAULTS[name]
    async with served(provider) as (server, backend):
        server.script(fault)
        error = await failure(backend.chat(ASKED))
        assert len(server.asked) == 1  # nothing is tried again
        assert server.host in str(error)
    assert type(error) is kind or (name == "no page" and isinstance(error, kind))
    assert re.search(words, str(error))
    assert error.retryable == (kind is BrokenReply or name in RETRYABLE)
    assert error.uncertain == (kind is BrokenReply or name in UNCERTAIN)


@pytest.mark.parametrize("fault", [Refusal(500), Refusal(429), Disconnect()])
async def test_texts_and_vectors_are_not_asked_for_again_either(fault: Fault) -> None:
    async with served(has=("completions",)) as (server, backend):
        server.always = fault
        await failure(backend.complete(TextRequest("2 + 3 =", max_tokens=4)))
        await failure(backend.embed(EmbedRequest(("2 + 3",))))
        assert [asked.path for asked in server.asked] == ["/v1/completions", "/v1/embeddings"]


@pytest.mark.parametrize("status", [429, 503])
async def test_what_the_server_asks_to_wait_is_kept(status: int) -> None:
    async with served() as (server, backend):
        server.script(Refusal(status, headers={"Retry-After": "7"}))
        error = await failure(backend.chat(ASKED))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7.0


async def test_an_overflow_has_its_numbers() -> None:
    async with served() as (server, backend):
        server.script(Overflow(prompt=5000, limit=4096))
        error = await failure(backend.chat(ASKED))
    assert isinstance(error, ContextOverflow)
    assert (error.prompt_tokens, error.limit) == (5000, 4096)


@pytest.mark.parametrize(
    "fault", [Drip(), Duplicate(), with_content(None), with_usage({"prompt_tokens": -5})]
)
async def test_a_strange_reply_is_a_reply(fault: Fault) -> None:
    async with served() as (server, backend):
        server.script(fault)
        reply = await backend.chat(ASKED)
        assert reply.usage.prompt_tokens > 0
        assert (await backend.chat(ASKED)).text


async def test_a_server_that_is_down_is_unreachable() -> None:
    async with served() as (server, backend):
        await server.stop()
        error = await failure(backend.chat(ASKED))
        assert type(error) is Unreachable
        assert error.retryable
        assert not error.uncertain
        await server.__aenter__()  # the same port again
        assert (await backend.chat(ASKED)).text


async def test_a_certificate_that_nobody_trusts_is_not_tried_again(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make.split(), *names], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with FaultyServer(tls=tls) as server:
        spec = replace(server.spec(backend="litellm"), model=f"openai/{MODEL}")
        backend = await LitellmBackend.open(spec)
        error = await failure(backend.chat(ASKED))
        await backend.aclose()
    assert type(error) is Unreachable
    assert not error.retryable
    assert "certificate" in str(error)


async def test_a_setting_that_the_model_refuses_is_named() -> None:
    backend = await LitellmBackend.open(ModelSpec("m", "litellm", "openai/gpt-5"))
    error = await failure(backend.chat(replace(ASKED, temperature=0.3)))
    await backend.aclose()
    assert "temperature=0.3" in str(error)
    assert str(error).endswith("; write `temperature = 1` in its model block")
    assert "drop_params" not in str(error)
    assert not error.retryable


async def test_a_request_that_litellm_refuses_by_itself_is_no_call() -> None:
    backend = await LitellmBackend.open(ModelSpec("m", "litellm", "openai/gpt-5"))
    meter = Meter()
    meter.calls = 1
    await failure(backend.chat(replace(ASKED, temperature=0.3, meter=meter)))
    await backend.aclose()
    assert meter.usage == Usage()


MOCKED = {
    "AuthenticationError": (AccessDenied, False),
    "NotFoundError": (ModelNotFound, False),
    "RateLimitError": (RateLimited, True),
    "InternalServerError": (BackendError, True),
    "ServiceUnavailableError": (Overloaded, True),
    "ContextWindowExceededError": (ContextOverflow, False),
    "ContentPolicyViolationError": (ContentFiltered, False),
    "BadRequestError": (BackendError, False),
    "Timeout": (CallTimeout, True),
}


@pytest.mark.parametrize("name", MOCKED)
async def test_an_error_of_litellm_s_own_mock_is_translated(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_KEY", CANARY)
    spec = ModelSpec(
        "m", "litellm", "anthropic/claude-sonnet-4-5", {"api_key": EnvVar("CANARY_KEY")}
    )
    backend = await LitellmBackend.open(spec)
    litellm: Any = sys.modules["litellm"]
    raised = getattr(litellm, name)(message=CANARY, model="claude", llm_provider="anthropic")
    call = partial(litellm.acompletion, mock_response=raised)
    monkeypatch.setattr(litellm, "acompletion", call)
    error = await failure(backend.chat(ASKED))
    await backend.aclose()
    kind, retryable = MOCKED[name]
    assert type(error) is kind
    assert error.retryable == retryable


SITE = Site("m", "p/x", "p")


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (TimeoutError(), CallTimeout),
        (ConnectionRefusedError(), Unreachable),
        (ConnectionResetError(), BrokenReply),
        (ssl.SSLCertVerificationError("self-signed"), Unreachable),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "bad"), BrokenReply),
    ],
)
def test_what_broke_decides_not_what_litellm_calls_it(
    cause: Exception, kind: type[BackendError]
) -> None:
    error = RuntimeError("litellm.APIConnectionError: Something - went wrong")
    error.__cause__ = cause
    assert type(translated(error, SITE)) is kind


def test_a_mistake_of_litellm_over_a_reply_may_have_cost_something() -> None:
    error = RuntimeError("'NoneType' object has no attribute 'get'")
    assert not translated(error, SITE).uncertain
    error.__cause__ = AttributeError()
    assert translated(error, SITE).uncertain


def test_a_traceback_in_a_message_is_not_repeated() -> None:
    text = (
        "litellm.APIError: APIError: OpenAIException - odd\nTraceback (most recent call last):\n  x"
    )
    assert str(translated(RuntimeError(text), SITE)) == "litellm could not call `m` at `p`: odd"


def test_errors_that_cause_each_other_have_an_end() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert "one" in str(translated(one, SITE))


async def test_a_call_that_litellm_gives_up_is_no_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served() as (_, backend):

        async def give_up(**_: Any) -> None:
            raise asyncio.CancelledError

        monkeypatch.setattr(sys.modules["litellm"], "acompletion", give_up)
        assert type(await failure(backend.chat(ASKED))) is BrokenReply
