"""What answers: equal names only for what gives equal answers, and no credential in them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphdsl.executors import weights_digest
from graphdsl.executors.abc import Capabilities
from graphdsl.executors.backends import open_backend
from graphdsl.executors.catalogue import CATALOGUE
from graphdsl.executors.identity import surroundings
from graphdsl.executors.model_cache import sha256_of
from graphdsl.executors.vllm_client import VllmClient
from graphdsl.executors.vllm_identity import engine_identity
from graphdsl.executors.weights_digest import file_identity, folder_identity
from graphdsl.ir.entities import EnvVar
from graphdsl.plan import ModelSpec
from graphdsl.testing import FaultyServer

CANARY = "canary-77ab-never-shown"
URL = "http://127.0.0.1:1/v1"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", CANARY)


async def endpoint(backend: str = "openai", name: str = "gpt-x", **options: Any) -> str:
    spec = ModelSpec("far", backend, name, {"base_url": URL, **options})
    opened = await open_backend(spec)
    found = opened.capabilities.identity
    await opened.aclose()
    assert found is not None
    return found


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "http://127.0.0.1:2/v1"},
        {"base_url": "http://127.0.0.1:1/other"},
        {"base_url": f"{URL}?deployment=b"},
        {"base_url": f"{URL}?design=b"},
        {"base_url": f"{URL}?keyword=b"},
        {"base_url": f"{URL}?author=b"},
        {"base_url": f"{URL}?tokenizer=b"},
        {"base_url": f"{URL}?monkey=b"},
        {"base_url": f"{URL}?country_code=b"},
        {"base_url": f"{URL}?max_tokens=b"},
        {"name": "gpt-y"},
        {"revision": "2026-11"},
        {"reasoning_effort": "high"},
        {"limit_name": "max_completion_tokens"},
        {"lacks": ("structured",)},
        {"lacks": ("seeds",)},
        {"has": ("prefix_continuation",)},
        {"context": 4096},
    ],
)
async def test_what_alters_the_answers_of_an_endpoint_names_another(
    options: dict[str, Any],
) -> None:
    assert await endpoint(**options) != await endpoint()


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": EnvVar("MY_KEY")},
        {"base_url": f"http://user:{CANARY}@127.0.0.1:1/v1"},
        {"base_url": f"{URL}?api_key={CANARY}"},
        {"max_in_flight": 7},
        {"timeout": 5.0},
        {"attempts": 2},
        {"temperature": 0.1},
        {"usd_per_mtok_in": 3.0},
        {"stream": True},
        {"base_url": f"{URL}/"},
        {"base_url": f"{URL}?subscription-key={CANARY}"},
        {"base_url": f"{URL}?accessToken={CANARY}"},
        {"base_url": f"{URL}?X-Amz-Signature={CANARY}"},
        {"base_url": f"{URL}?sig={CANARY}"},
        {"base_url": f"{URL}?code={CANARY}"},
    ],
)
async def test_what_alters_no_answer_does_not(options: dict[str, Any]) -> None:
    assert await endpoint(**options) == await endpoint()


async def test_replicas_are_one_model_in_any_order() -> None:
    a, b = "http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"
    assert await endpoint(base_url=(a, b)) == await endpoint(base_url=(b, a))
    assert await endpoint(base_url=(a, b)) != await endpoint(base_url=a)


@pytest.mark.parametrize("backend", ["openai", pytest.param("litellm", marks=pytest.mark.slow)])
async def test_no_name_holds_a_credential(backend: str) -> None:
    if backend == "litellm":
        pytest.importorskip("litellm")
    url = f"http://user:{CANARY}@127.0.0.1:1/v1?token={CANARY}&deployment=plain-{CANARY}"
    name = await endpoint(backend, "openai/gpt-x", base_url=url, api_key=EnvVar("MY_KEY"))
    assert CANARY not in name
    assert "user" not in name


@pytest.mark.slow
async def test_litellm_is_where_the_environment_sends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("litellm")
    spec = ModelSpec("far", "litellm", "azure/gpt-x", {"api_key": EnvVar("MY_KEY")})
    found: set[str | None] = set()
    for place in ("https://a.example", "https://b.example"):
        monkeypatch.setenv("AZURE_API_BASE", place)
        opened = await open_backend(spec)
        found.add(opened.capabilities.identity)
        await opened.aclose()
    assert len(found) == 2
    assert None not in found


@pytest.mark.parametrize(
    "name",
    [
        "ANTHROPIC_BASE_URL",
        "AWS_DEFAULT_REGION",
        "AWS_REGION_NAME",
        "AZURE_API_VERSION",
        "CLOUDFLARE_ACCOUNT_ID",
        "DASHSCOPE_API_BASE_IMAGE",
        "DATABRICKS_HOST",
        "LITELLM_PROXY_API_BASE",
        "LITELLM_PROXY_URL",
        "AGENTCORE_GATEWAY_URL",
        "OPENAI_ORGANIZATION",
        "OPENAI_PROJECT",
        "PROJECT_ID",
        "PREDIBASE_TENANT_ID",
        "SNOWFLAKE_ACCOUNT_ID",
        "SPACE_ID",
        "VERTEXAI_LOCATION",
        "VERTEXAI_PROJECT",
        "WATSONX_DEPLOYMENT_SPACE_ID",
        "WATSONX_URL",
        "WML_URL",
        "WX_URL",
    ],
)
def test_variables_that_send_litellm_elsewhere_are_part_of_where_it_is(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name, raising=False)
    before = surroundings()
    monkeypatch.setenv(name, "somewhere")
    assert surroundings() != before


@pytest.mark.parametrize("name", ["PATH", "OPENAI_API_KEY", "WEB_SERVICE_HOST", "PROJECTILE"])
def test_other_variables_are_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = surroundings()
    monkeypatch.setenv(name, "something")
    assert surroundings() == before


async def test_a_vllm_server_is_known_by_its_address_and_its_weights() -> None:
    async with FaultyServer(context=1024) as server:
        spec = server.spec(backend="vllm")
        names = set[str | None]()
        for options in ({}, {"revision": "b"}, {"context": 512}):
            backend = await VllmClient.attach(replace(spec, options={**spec.options, **options}))
            names.add(backend.capabilities.identity)
            await backend.aclose()
    assert len(names) == 3
    assert None not in names


@pytest.mark.parametrize("kind", ["simulated", "replay"])
async def test_what_is_free_anyway_has_no_name(kind: str, tmp_path: Path) -> None:
    bank = tmp_path / "bank.jsonl"
    bank.write_text('{"model": "m", "item": 0, "text": "a"}\n')
    options = {"bank": str(bank)} if kind == "replay" else {}
    opened = await open_backend(ModelSpec("m", kind, "m", options))
    assert opened.capabilities.identity is None
    await opened.aclose()


# ---- weights


def test_weights_are_known_by_their_content_wherever_they_lie(tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf", "other.gguf"):
        (tmp_path / name).write_bytes(b"other" if name == "other.gguf" else b"weights")
    a, b, other = (file_identity(tmp_path / name) for name in ("a.gguf", "b.gguf", "other.gguf"))
    assert a == b != other


def test_a_digest_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"weights")
    first = file_identity(path)
    monkeypatch.setattr(weights_digest, "sha256_of", _never)
    assert file_identity(path) == first
    monkeypatch.undo()
    path.write_bytes(b"another")  # as long, but at another time
    os.utime(path, ns=(1, 1))
    assert file_identity(path) == sha256_of(path) != first


def test_a_memory_that_is_broken_or_cannot_be_written_costs_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"weights")
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("GRAPHDSL_STATE", str(tmp_path / "state"))
    (tmp_path / "state" / "weights.json").write_text("{broken")
    first = file_identity(path)
    monkeypatch.setenv("GRAPHDSL_STATE", str(path))  # a file: nothing can be made in it
    assert file_identity(path) == first


def test_a_file_in_the_place_of_a_catalogue_model_is_known_by_its_own_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = CATALOGUE["smollm2-135m"]
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path))
    monkeypatch.setattr(weights_digest, "WHOLE", 1000)
    path = tmp_path / "models" / entry.file
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(entry.bytes)
    assert file_identity(path) != entry.sha256


def test_a_time_that_was_set_back_hides_no_other_content(tmp_path: Path) -> None:
    """`cp -p`, `rsync -t` and archives keep the time of the content, and sizes may be equal."""
    path = tmp_path / "a.gguf"
    path.write_bytes(b"weights")
    os.utime(path, ns=(1, 1))
    first = file_identity(path)
    path.write_bytes(b"another")
    os.utime(path, ns=(1, 1))
    assert file_identity(path) == sha256_of(path) != first


def test_very_large_files_are_read_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights_digest, "WHOLE", 1000)
    monkeypatch.setattr(weights_digest, "sha256_of", _never)
    path = tmp_path / "a.gguf"
    found: set[str] = set()
    for at in (0, 1_000_000, 2_999_999):
        content = bytearray(3_000_000)
        content[at] = 1
        path.write_bytes(content)
        os.utime(path, ns=(at, at))
        found.add(file_identity(path))
    assert len(found) == 3


def test_an_engine_of_our_own_is_its_weights_and_its_settings(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")

    def name(**options: Any) -> str | None:
        spec = ModelSpec("m", "vllm", str(folder), {"run": "server", **options})
        return engine_identity(spec, Capabilities(seeds=True))

    plain = name()
    assert name(gpu_memory=0.5) == plain
    assert name(max_in_flight=3) == plain
    assert len({plain, name(dtype="float16"), name(arguments=("--quantization", "fp8"))}) == 3
    before = folder_identity(folder)
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert folder_identity(folder) != before
    assert name() != plain


def test_an_engine_with_weights_of_the_hub_is_the_commit_that_it_loads(
    tmp_path: Path,
) -> None:
    pytest.importorskip("huggingface_hub")
    there = tmp_path / "models--org--m"

    def commit(ref: str, name: str) -> None:
        place = there / "snapshots" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "config.json").write_text("{}")
        (there / "refs").mkdir(exist_ok=True)
        (there / "refs" / ref).write_text(name)

    def name(*arguments: str, model: str = "org/m") -> str | None:
        options = {"run": "server", "arguments": ("--download-dir", str(tmp_path), *arguments)}
        return engine_identity(ModelSpec("m", "vllm", model, options), Capabilities())

    commit("main", "a" * 40)
    commit("dev", "b" * 40)
    main, dev = name(), name("--revision", "dev")
    assert main is not None
    assert dev is not None
    commit("dev", "c" * 40)
    assert name() == main
    assert name("--revision", "dev") not in (dev, None)
    assert name("--revision", "gone") is None
    assert name(model="org/other") is None
    assert name(model="s3:__bucket//m") is None


def _never(_path: Path) -> str:
    raise AssertionError("the file is read again")
