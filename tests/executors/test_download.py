"""Downloads continue where they stopped and never deliver the wrong bytes."""

from __future__ import annotations

import hashlib
import random
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from graphdsl.errors import BackendError
from graphdsl.executors.download import Source, download

if TYPE_CHECKING:
    from tests.executors.conftest import RangeServer

DATA = random.Random(1).randbytes(700_000)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphdsl.executors.download.PAUSE", 0.0)


def quiet(_done: int, _total: int) -> None:
    """No one watches."""


def source(server: RangeServer, data: bytes = DATA) -> Source:
    url, digest = server.add("file", data)
    return Source(url, digest, "tiny")


def test_a_file_arrives_whole_with_its_progress(server: RangeServer, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    download(source(server), tmp_path / "f", lambda done, total: seen.append((done, total)))
    assert (tmp_path / "f").read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA))
    assert seen == sorted(seen)
    assert [file.name for file in tmp_path.iterdir()] == ["f"]


def test_a_part_is_continued(server: RangeServer, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(DATA[:300_000])
    download(source(server), tmp_path / "f", quiet)
    assert (tmp_path / "f").read_bytes() == DATA
    assert server.asked == [("file", 300_000)]


def test_a_dropped_connection_is_continued(server: RangeServer, tmp_path: Path) -> None:
    server.drop_after = 200_000
    download(source(server), tmp_path / "f", quiet)
    assert (tmp_path / "f").read_bytes() == DATA
    assert server.asked == [("file", 0), ("file", 200_000)]


def test_a_server_without_ranges_starts_over(server: RangeServer, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "f.part").write_bytes(DATA[:300_000])
    download(source(server), tmp_path / "f", quiet)
    assert (tmp_path / "f").read_bytes() == DATA


def test_a_whole_part_is_only_renamed(server: RangeServer, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(DATA)
    download(source(server), tmp_path / "f", quiet)
    assert (tmp_path / "f").read_bytes() == DATA
    assert server.asked == [("file", len(DATA))]


def test_a_part_longer_than_the_file_is_dropped(server: RangeServer, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(DATA + b"more")
    download(source(server), tmp_path / "f", quiet)
    assert (tmp_path / "f").read_bytes() == DATA


def test_a_foreign_part_is_refused_and_deleted(server: RangeServer, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"x" * 1000)
    with pytest.raises(BackendError, match="wrong content: sha256"):
        download(source(server), tmp_path / "f", quiet)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("status", "asked", "retryable"), [(404, 1, False), (503, 5, True)])
def test_refusals_name_the_host(
    server: RangeServer, tmp_path: Path, status: int, asked: int, retryable: bool
) -> None:
    server.status = status
    with pytest.raises(BackendError, match=r"`tiny` from 127\.0\.0\.1: .*pull again") as caught:
        download(source(server), tmp_path / "f", quiet)
    assert caught.value.retryable is retryable
    assert len(server.asked) == asked


def test_a_dead_server_is_retryable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    gone = Source(f"http://127.0.0.1:{port}/file", "", "tiny")
    with pytest.raises(BackendError, match="cannot download") as caught:
        download(gone, tmp_path / "f", quiet)
    assert caught.value.retryable


def test_local_files_are_copied(tmp_path: Path) -> None:
    origin = tmp_path / "with space.bin"
    origin.write_bytes(DATA)
    digest = hashlib.sha256(DATA).hexdigest()
    download(Source(origin.as_uri(), digest, "tiny"), tmp_path / "f", quiet)
    assert (tmp_path / "f").read_bytes() == DATA


def test_an_interrupt_leaves_only_the_part(server: RangeServer, tmp_path: Path) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done > 400_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(source(server), tmp_path / "f", interrupt)
    assert [file.name for file in tmp_path.iterdir()] == ["f.part"]
    held = (tmp_path / "f.part").read_bytes()
    assert 0 < len(held) < len(DATA)
    assert held == DATA[: len(held)]
    download(source(server), tmp_path / "f", quiet)
    assert server.asked[-1] == ("file", len(held))
