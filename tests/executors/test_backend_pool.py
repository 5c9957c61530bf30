"""Which declared models are one open model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphdsl.executors.abc import Backend
from graphdsl.executors.backend_pool import Backends
from graphdsl.plan import ModelSpec
from tests.plans import Fake


async def opened(*specs: ModelSpec) -> list[ModelSpec]:
    """Those for which a backend was opened."""
    found: list[ModelSpec] = []

    async def opener(spec: ModelSpec) -> Backend:
        found.append(spec)
        return Fake("x")

    async with Backends(opener) as backends:
        for spec in specs:
            await backends.get(spec)
    return found


def spec(name: str, folder: Path | None, **options: Any) -> ModelSpec:
    return ModelSpec("m", "embedded", name, options, None if folder is None else str(folder))


async def test_a_relative_path_means_another_file_in_another_folder(tmp_path: Path) -> None:
    a, b = spec("m.gguf", tmp_path / "a"), spec("m.gguf", tmp_path / "b")
    assert await opened(a, b) == [a, b]
    assert len(await opened(a, spec("../a/m.gguf", tmp_path / "b"))) == 1


async def test_a_file_without_a_suffix_belongs_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "tiny").write_bytes(b"x")
    assert len(await opened(spec("tiny", tmp_path), spec("tiny", tmp_path / "b"))) == 2


async def test_a_catalogue_name_means_the_same_everywhere(tmp_path: Path) -> None:
    same = spec("tiny", tmp_path / "a"), spec("tiny", tmp_path / "b", temperature=0.1)
    assert len(await opened(*same)) == 1
    assert len(await opened(*same, spec("tiny", tmp_path / "a", slots=3))) == 2
