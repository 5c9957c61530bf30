"""What a model block and the environment say about an endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from graphdsl.errors import AccessDenied, BackendError, ModelNotFound
from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.http_address import parse_address
from graphdsl.executors.litellm_access import access_of
from graphdsl.executors.openai import OpenAIBackend
from graphdsl.executors.openai_options import api_key, base_urls, capabilities, dialect
from graphdsl.ir.entities import EnvVar, ModelSpec
from graphdsl.testing import FaultyServer
from graphdsl.values import Messages

HERE = "http://127.0.0.1:8000/v1"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "MY_KEY", "MY_URL"):
        monkeypatch.delenv(name, raising=False)


def spec(**options: Any) -> ModelSpec:
    return ModelSpec("m", "openai", "gpt", options)


def test_without_an_address_it_is_openai() -> None:
    assert base_urls(spec()) == ("https://api.openai.com/v1",)


def test_the_environment_may_name_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", HERE)
    assert base_urls(spec()) == (HERE,)
    assert base_urls(spec(base_url="http://other/v1")) == ("http://other/v1",)


def test_addresses_come_from_texts_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_URL", HERE)
    assert base_urls(spec(base_url=EnvVar("MY_URL"))) == (HERE,)
    assert base_urls(spec(base_url=("http://a/v1", EnvVar("MY_URL")))) == ("http://a/v1", HERE)


@pytest.mark.parametrize(
    ("name", "options"),
    [("OPENAI_BASE_URL", {}), ("MY_URL", {"base_url": ("http://a/v1", EnvVar("MY_URL"))})],
)
@pytest.mark.parametrize("backend", ["openai", "litellm"])
def test_an_address_of_the_environment_that_is_none_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, Any], backend: str
) -> None:
    monkeypatch.setenv(name, "me:hunter2@host")
    block = ModelSpec("m", backend, "openai/gpt", options)
    with pytest.raises(ModelNotFound, match=f"^`{name}`, from which model `m` takes") as caught:
        access_of(block) if backend == "litellm" else base_urls(block)
    assert "hunter2" not in str(caught.value)


def test_an_unset_address_names_its_variable() -> None:
    with pytest.raises(ModelNotFound, match="`MY_URL`, which is not set"):
        base_urls(spec(base_url=EnvVar("MY_URL")))


def test_other_kinds_may_have_no_default_address() -> None:
    with pytest.raises(BackendError, match="`m` needs a `base_url`"):
        base_urls(ModelSpec("m", "vllm", "gpt", {}))


def test_a_declared_key_that_is_not_set_is_denied() -> None:
    with pytest.raises(AccessDenied, match="`MY_KEY`, which is not set"):
        api_key(spec(base_url=HERE, api_key=EnvVar("MY_KEY")))


def test_a_key_that_cannot_be_one_is_denied_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-\n-broken")
    with pytest.raises(AccessDenied, match="`MY_KEY`") as caught:
        api_key(spec(api_key=EnvVar("MY_KEY")))
    assert "broken" not in str(caught.value)


def test_the_usual_key_is_for_the_usual_address_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    key, name = api_key(spec())
    assert key is not None
    assert (key.reveal(), name) == ("sk-1", "OPENAI_API_KEY")
    assert api_key(spec(base_url=HERE)) == (None, None)


async def test_a_refused_key_names_the_variable_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-wrong")
    async with FaultyServer(key="sk-right") as server:
        backend = await OpenAIBackend.open(server.spec(api_key=EnvVar("MY_KEY")))
        with pytest.raises(AccessDenied, match="put a valid one into `MY_KEY`"):
            await backend.chat(ChatRequest(Messages.user("2 + 2")))
        await backend.aclose()


async def test_a_model_that_the_server_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FaultyServer() as server:
        block = ModelSpec("m", "openai", "gpt-9", {"base_url": server.url})
        backend = await OpenAIBackend.open(block)
        with pytest.raises(BackendError, match=r"`m` at `127\.0\.0\.1:\d+` has no model `gpt-9`"):
            await backend.chat(ChatRequest(Messages.user("2 + 2")))
        await backend.aclose()


def test_without_a_bound_the_engine_finds_one() -> None:
    free, bound = capabilities(spec()), capabilities(spec(max_in_flight=7))
    assert (free.adaptive, free.max_in_flight) == (True, 1024)
    assert (bound.adaptive, bound.max_in_flight) == (False, 7)


def test_capabilities_are_those_declared() -> None:
    able = capabilities(spec(has=("completions",), lacks=("seeds",), context=4096))
    assert able.completions
    assert able.logprobs
    assert not able.seeds
    assert not able.metered
    assert able.context_tokens == 4096


def test_openai_calls_the_limit_by_another_name() -> None:
    assert dialect(spec(), base_urls(spec())).limit_name == "max_completion_tokens"
    assert dialect(spec(), (HERE,)).limit_name == "max_tokens"
    own = spec(limit_name="max_completion_tokens")
    assert dialect(own, (HERE,)).limit_name == "max_completion_tokens"


@pytest.mark.parametrize(
    ("text", "chat", "score"),
    [
        ("http://h:1/v1", "http://h:1/v1/chat", "http://h:1/score"),
        ("http://h:1/v1/", "http://h:1/v1/chat", "http://h:1/score"),
        ("http://h:1", "http://h:1/v1/chat", "http://h:1/score"),
        ("https://h/a/v1", "https://h/a/v1/chat", "https://h/a/score"),
        ("https://h/api", "https://h/api/chat", "https://h/api/score"),
        ("https://h/v1?api-version=2", "https://h/v1/chat?api-version=2", "https://h/score?api"),
    ],
)
def test_paths_are_put_under_an_address(text: str, chat: str, score: str) -> None:
    address = parse_address(text, "m")
    assert str(address.url("chat")) == chat
    assert str(address.url("/score")).startswith(score)


def test_an_address_shows_host_and_port_only() -> None:
    address = parse_address("https://me:hidden@h:8443/v1?key=hidden", "m")
    assert address.host == "h:8443"
    assert "hidden" not in repr(address)
    assert "hidden" not in str(address.base.with_query(None))


@pytest.mark.parametrize("text", ["h:8000/v1", "ftp://h/v1", "http:///v1", "http://h:99999/v1"])
def test_what_is_no_address_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(BackendError, match="is not an address") as caught:
        parse_address(text, "m")
    assert text not in str(caught.value)


def test_an_address_may_be_one_of_ip_version_6() -> None:
    address = parse_address("http://[::1]:8000/v1", "m")
    assert address.host == "[::1]:8000"
    assert str(address.url("chat")) == "http://[::1]:8000/v1/chat"
