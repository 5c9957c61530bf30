"""The name of an embedded model becomes a file; a download is asked for, and can be abandoned."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from graphdsl.errors import ModelNotFound
from graphdsl.executors import model_file
from graphdsl.executors.download import Progress
from graphdsl.executors.model_file import find_file

NAME = "smollm2-135m"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path / "cache"))


async def test_a_path_is_taken_as_it_is(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    file = tmp_path / "own.bin"
    file.write_bytes(b"GGUF")
    assert await find_file(str(file), pool, None) == file


async def test_a_path_that_leads_nowhere_is_not_a_catalogue_name(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with pytest.raises(ModelNotFound, match=r"no model file .*`smollm2-135m`"):
        await find_file(str(tmp_path / "none" / "own.gguf"), pool, None)


async def test_without_progress_nothing_is_fetched(pool: ThreadPoolExecutor) -> None:
    with pytest.raises(ModelNotFound, match=f"graphdsl models pull {NAME}"):
        await find_file(NAME, pool, None)


async def test_progress_is_the_consent_to_fetch(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull(name: str, progress: Progress) -> Path:
        progress(1, 2)
        return Path(name)

    monkeypatch.setattr(model_file, "pull", pull)
    seen: list[tuple[int, int]] = []
    path = await find_file(NAME, pool, lambda done, total: seen.append((done, total)))
    assert (path, seen) == (Path(NAME), [(1, 2)])


async def test_a_cancelled_fetch_stops_at_its_next_step(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, cancelled = threading.Event(), threading.Event()
    ended: list[BaseException] = []

    def pull(_name: str, progress: Progress) -> Path:
        started.set()
        cancelled.wait(10)
        try:
            progress(1, 2)
        except Exception as error:
            ended.append(error)
            raise
        return Path("complete")

    monkeypatch.setattr(model_file, "pull", pull)
    seen: list[int] = []
    task = asyncio.ensure_future(find_file(NAME, pool, lambda done, _: seen.append(done)))
    await asyncio.to_thread(started.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    cancelled.set()
    await asyncio.to_thread(pool.shutdown)
    assert not seen
    assert len(ended) == 1
