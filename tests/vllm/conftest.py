"""The real engine on the CPU: `make test-vllm`. One engine at a time; each takes half a minute."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from graphdsl.executors.catalogue import pull
from graphdsl.executors.hf_weights import convert, converted, converted_path
from graphdsl.plan import ModelSpec

NAME: Final = "smollm2-135m"

OPTIONS: Final[dict[str, Any]] = {
    "dtype": "float32",  # the quickest where a CPU has no AVX-512 for bfloat16
    "context": 512,
    "max_in_flight": 8,
    "enforce_eager": True,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and skip them where vLLM is not installed."""
    absent = find_spec("vllm") is None
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.vllm)
            if absent:
                item.add_marker(pytest.mark.skip(reason="vLLM is not here: make test-vllm"))


@pytest.fixture(scope="session")
def weights() -> Path:
    """The embedded model as Hugging Face weights, converted once into the cache."""
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    return converted(NAME) or convert(pull(NAME), converted_path(NAME))


@pytest.fixture
def tiny(weights: Path) -> ModelSpec:
    """The model as a file would declare it."""
    assert weights.is_dir()
    return ModelSpec("tiny", "vllm", NAME, OPTIONS)
