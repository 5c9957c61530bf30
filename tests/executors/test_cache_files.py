"""The file of a cache: many processes, a killed writer, damage, a full disk, a later version."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from graphdsl.errors import InputError
from graphdsl.executors.abc import Completion
from graphdsl.executors.cache import database, keeper, opening
from graphdsl.executors.cache.cached import Cached
from graphdsl.executors.cache.store import Cache
from graphdsl.values import Finish, Usage

SPAWN = multiprocessing.get_context("spawn")


def key(number: int) -> str:
    return f"{number:064x}"


def text(number: int) -> str:
    return f"answer {number} " * 20


async def keep(cache: Cache, number: int) -> None:
    async with cache.claim(key(number), "m") as claim:
        if claim.found is None:
            claim.store(Completion(text(number), Finish.STOP, Usage(1, 5, 0, 5)), Usage(1), 0.1)


async def find(cache: Cache, number: int) -> Cached | None:
    async with cache.claim(key(number)) as claim:
        return claim.found


async def fill(cache: Cache, count: int) -> None:
    for number in range(count):
        await keep(cache, number)
    cache.flush()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.sqlite"


def hammer(place: str, worker: int) -> tuple[int, int]:
    """In a process of its own: keys that others want too; how many hits, and wrong answers."""

    async def work() -> tuple[int, int]:
        hits = wrong = 0
        with Cache.open(place, limit=1 << 20) as cache:
            for number in range(300):
                wanted = (number * (worker + 3)) % 400
                async with cache.claim(key(wanted), f"m{worker}") as claim:
                    if claim.found is not None:
                        hits += 1
                        wrong += claim.found.completion.text != text(wanted)
                    else:
                        reply = Completion(text(wanted), Finish.STOP, Usage(1, 5, 0, 5))
                        claim.store(reply, Usage(1, cost=7), 0.1)
            wrong += len(cache.notes)
        return hits, wrong

    return asyncio.run(work())


@pytest.mark.slow
def test_many_processes_share_one_file(path: Path) -> None:
    """All of them make it at once, and write the same keys."""
    with ProcessPoolExecutor(4, mp_context=SPAWN) as pool:
        found = list(pool.map(hammer, [str(path)] * 8, range(8)))
    assert [wrong for _, wrong in found] == [0] * 8
    with Cache.open(path) as cache:
        stats = cache.stats()
    assert stats.counts.hits == sum(hits for hits, _ in found)
    assert stats.counts.hits + stats.counts.misses == 8 * 300
    assert stats.counts.saved.cost == 7 * stats.counts.hits
    assert 0 < stats.answers <= 400
    assert _sound(path)


KILLED = """
import asyncio, sys
from graphdsl.executors.cache.store import Cache
sys.path.insert(0, sys.argv[2])
from test_cache_files import keep

async def main():
    cache = Cache.open(sys.argv[1])
    number = 0
    while True:
        await keep(cache, number)
        number += 1
        if number % 50 == 0:
            print(number, flush=True)
            await asyncio.sleep(0.01)

asyncio.run(main())
"""


@pytest.mark.slow
def test_a_killed_writer_leaves_a_sound_file(path: Path) -> None:
    for round_ in range(3):
        folder = str(Path(__file__).parent)
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path), folder], stdout=subprocess.PIPE, text=True
        )
        with process:
            assert process.stdout is not None
            for _ in range(20 + 7 * round_):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        assert _sound(path)

    async def look() -> int:
        with Cache.open(path) as cache:
            assert cache.notes == ()
            answers = cache.stats().answers
            for number in range(answers):  # they were written in this order, none was left out
                found = await find(cache, number)
                assert found is not None
                assert found.completion.text == text(number)
            return answers

    assert asyncio.run(look()) > 100


@pytest.mark.parametrize(
    "content", [b"garbage" * 1000, b"\0" * 5000, b"SQLite format 3\0" + b"\1" * 9000]
)
async def test_a_damaged_file_is_set_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with Cache.open(path) as cache:
        assert "was damaged; it is now" in cache.notes[0]
        await fill(cache, 3)
        assert await find(cache, 2) is not None
    assert path.with_name("answers.sqlite.damaged").read_bytes() == content
    with Cache.open(path) as cache:
        assert cache.notes == ()
        assert await find(cache, 1) is not None


@pytest.mark.parametrize("page", [2, 3, 5])
async def test_damage_that_shows_later_costs_no_run(path: Path, page: int) -> None:
    """Pages within are overwritten while the file is in use."""
    with Cache.open(path) as cache:
        await fill(cache, 200)
    content = bytearray(path.read_bytes())
    content[4096 * (page - 1) : 4096 * (page + 6)] = os.urandom(4096 * 7)
    path.write_bytes(content)
    with Cache.open(path) as cache:
        for number in range(400):
            await keep(cache, number)
        cache.flush()
        await fill(cache, 400)
        assert all("damaged" in note for note in cache.notes), cache.notes
        for number in range(400):
            found = await find(cache, number)
            assert found is not None
            assert found.completion.text == text(number)


async def test_an_answer_with_a_changed_byte_is_asked_for_again(path: Path) -> None:
    with Cache.open(path) as cache:
        await fill(cache, 2)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE answers SET answer = substr(answer, 1, 60) || x'00' || substr(answer, 62) "
            "WHERE id = 1"
        )
    connection.close()
    with Cache.open(path) as cache:
        assert await find(cache, 0) is None
        assert await find(cache, 1) is not None
        await keep(cache, 0)
        cache.flush()
        assert cache.notes == ()
    with Cache.open(path) as cache:
        assert await find(cache, 0) is not None


async def test_two_processes_that_find_the_damage_set_it_aside_once(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)
    inode = path.stat().st_ino
    first = opening.reopened(path, inode)
    second = opening.reopened(path, inode)
    assert first.database is not None
    assert second.database is not None
    assert first.database.inode == second.database.inode
    first.database.close()
    second.database.close()
    assert path.with_name("answers.sqlite.damaged").read_bytes() == b"garbage" * 1000


async def test_a_later_version_is_left_alone(path: Path) -> None:
    with Cache.open(path) as cache:
        await fill(cache, 1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with Cache.open(path) as cache:
        assert "later version" in cache.notes[0]
        await keep(cache, 5)
        assert await find(cache, 5) is None
        assert cache.stats().notes == cache.notes
    assert path.read_bytes() == before


def test_what_is_no_cache_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    notes = tmp_path / "notes.txt"
    notes.write_text("do not lose this")
    for place, message in (
        (other, "database of something else"),
        (notes, "is no SQLite file, and no cache"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(InputError, match=message):
            Cache.open(place)
    assert notes.read_text() == "do not lose this"
    with sqlite3.connect(other) as connection:
        assert connection.execute("SELECT count(*) FROM mine").fetchone() == (0,)
    connection.close()


async def test_a_place_where_nothing_can_be_made_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Cache.open(tmp_path / "file" / "answers.sqlite") as cache:
        assert "nothing is cached in" in cache.notes[0]
        assert "file exists" in cache.notes[0]
        await keep(cache, 1)
        assert await find(cache, 1) is None
        assert cache.clear() == 0


READ_ONLY = """
import asyncio, os, sys
from graphdsl.executors.cache.store import Cache
sys.path.insert(0, sys.argv[2])
from test_cache_files import keep, find

async def main():
    os.setgid(65534)
    os.setuid(65534)
    cache = Cache.open(sys.argv[1])
    await keep(cache, 5)
    await find(cache, 1)
    cache.flush()
    print(*cache.notes)
    cache.close()

asyncio.run(main())
"""


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become others")
def test_a_file_of_somebody_else_is_a_note() -> None:
    folder = Path("/tmp") / f"graphdsl-test-{os.getpid()}"  # where others may look
    folder.mkdir(mode=0o755)
    try:
        place = folder / "answers.sqlite"
        with Cache.open(place) as cache:
            asyncio.run(fill(cache, 2))
        place.chmod(0o644)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(place), str(Path(__file__).parent)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "readonly" in done.stdout or "unable to open" in done.stdout, done.stdout
    finally:
        shutil.rmtree(folder)


FULL = """
import asyncio, resource, signal, sys
from graphdsl.executors.cache.store import Cache
sys.path.insert(0, sys.argv[2])
from test_cache_files import keep, find, fill

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Cache.open(sys.argv[1]) as cache:
        await fill(cache, 20)
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
        for first in range(20, 2000, 60):
            for number in range(first, first + 60):
                await keep(cache, number)
            cache.flush()
        print(await find(cache, 3) is not None, await find(cache, 1999) is None, *cache.notes)

asyncio.run(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of this kind are those of POSIX")
def test_a_full_disk_is_a_note_and_old_answers_are_still_found(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FULL, str(path), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"True True not all answers are kept in `{path}`: "), done.stdout
    assert "full" in done.stdout or "i/o error" in done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
async def test_a_forked_child_leaves_its_parents_file_alone(path: Path) -> None:
    with Cache.open(path) as cache:
        await fill(cache, 2)
        child = os.fork()
        if child == 0:  # pragma: no cover
            found = cache.path is not None and cache._find(key(1)) is None  # pyright: ignore[reportPrivateUsage]
            cache.flush()
            cache.close()
            os._exit(0 if found else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert await find(cache, 1) is not None
        await keep(cache, 3)
    assert _sound(path)


@pytest.mark.parametrize("how", ["remove", "rename", "replace"])
async def test_a_file_that_goes_away_is_noticed_and_nothing_later_is_lost(
    path: Path, how: str
) -> None:
    with Cache.open(path) as cache:
        await fill(cache, 2)
        if how == "remove":
            path.unlink()
        else:
            path.rename(path.with_name("old"))
        if how == "replace":
            with Cache.open(path) as other:
                await keep(other, 7)
        await keep(cache, 2)
        cache.flush()
        await keep(cache, 3)
        assert len(cache.notes) == 1
        assert "was removed or replaced while it was in use" in cache.notes[0]
        assert await find(cache, 3) is not None
    with Cache.open(path) as cache:
        assert cache.notes == ()
        assert await find(cache, 2) is not None
        assert await find(cache, 3) is not None
        assert (await find(cache, 7) is not None) == (how == "replace")
    assert _sound(path)


async def test_a_file_that_goes_away_is_noticed_at_the_end_too(path: Path) -> None:
    cache = Cache.open(path)
    await fill(cache, 1)
    path.unlink()
    await keep(cache, 1)
    cache.close()
    with Cache.open(path) as cache:
        assert await find(cache, 1) is not None


async def test_something_else_in_the_place_of_the_file_is_left_alone(path: Path) -> None:
    with Cache.open(path) as cache:
        await fill(cache, 1)
        path.unlink()
        path.mkdir()
        await keep(cache, 1)
        cache.flush()
        assert "is a folder" in cache.notes[-1]
        await keep(cache, 2)
    assert list(path.iterdir()) == []


@pytest.mark.parametrize("ends", [Cache.close, Cache.flush])
async def test_the_end_does_not_wait_long_for_another_process(
    path: Path, monkeypatch: pytest.MonkeyPatch, ends: Callable[[Cache], None]
) -> None:
    """It says what is not kept."""
    monkeypatch.setattr(keeper, "_LAST", 0.1)
    monkeypatch.setattr(database, "_BUSY", 3600.0)
    with Cache.open(path) as cache:
        await fill(cache, 1)
    cache = Cache.open(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    await keep(cache, 5)
    ends(cache)
    told = cache.notes
    cache.close()
    holder.close()
    assert told == (f"not all answers are kept in `{path}`: database is locked",)


async def test_counts_are_not_lost_with_a_write_that_failed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY", 0.0)
    with Cache.open(path) as cache:
        await fill(cache, 1)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        await find(cache, 0)
        await keep(cache, 5)
        cache.flush()
        holder.close()
        assert "locked" in cache.notes[0]
        counts = cache.stats().counts
        assert (counts.hits, counts.misses) == (1, 2)
        await keep(cache, 6)
    with Cache.open(path) as cache:
        counts = cache.stats().counts
        assert (counts.hits, counts.misses) == (1, 3)


def _sound(path: Path) -> bool:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()
