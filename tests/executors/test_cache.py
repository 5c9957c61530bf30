"""The cache: what it keeps, what it finds, what it counts, and what never gets into its file."""

from __future__ import annotations

import asyncio
import time
import zlib
from pathlib import Path

import pytest

from graphdsl.errors import InputError
from graphdsl.executors.abc import ChatRequest, Completion
from graphdsl.executors.cache.cached import Cached, from_bytes, to_bytes
from graphdsl.executors.cache.store import Cache
from graphdsl.values import PICO, Finish, LogprobStats, Messages, Usage

ASKED = ChatRequest(Messages.user("What is 2 + 2?"), seed=7)
REPLY = Completion("four \ud800 é", Finish.STOP, Usage(1, 10, 4, 2), LogprobStats(2, -1.5, -1.0))
PAID = Usage(1, 10, 4, 2, cost=PICO // 2, flops=99)


def key(number: int = 0) -> str:
    return f"{number:064x}"


async def keep(
    cache: Cache, number: int = 0, reply: Completion = REPLY, paid: Usage = PAID, model: str = "m"
) -> None:
    async with cache.claim(key(number), model) as claim:
        assert claim.found is None
        claim.store(reply, paid, 1.25)


async def find(cache: Cache, number: int = 0) -> Cached | None:
    async with cache.claim(key(number)) as claim:
        return claim.found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "answers.sqlite"


async def test_another_process_finds_the_whole_answer(path: Path) -> None:
    with Cache.open(path) as cache:
        await keep(cache)
    with Cache.open(path) as cache:
        found = await find(cache)
    assert found is not None
    assert found.completion == REPLY
    assert found.usage == PAID  # DSPy clears it, so that runs look free
    assert found.seconds == 1.25
    assert abs(found.made - time.time()) < 60
    assert found.prices


async def test_an_answer_is_found_before_it_is_on_disk(path: Path) -> None:
    with Cache.open(path) as cache:
        await keep(cache)
        assert await find(cache) is not None


@pytest.mark.parametrize("finish", [Finish.ERROR, Finish.CANCELLED])
async def test_what_failed_is_not_kept(path: Path, finish: Finish) -> None:
    with Cache.open(path) as cache:
        await keep(cache, reply=Completion("half", finish, Usage()))
        assert await find(cache) is None


@pytest.mark.parametrize(
    ("limit", "finish", "tokens", "kept"),
    [
        (None, Finish.STOP, 3, True),
        (None, Finish.STOP_SEQ, 3, True),
        (5, Finish.LENGTH, 5, True),
        (5, Finish.LENGTH, 4, False),  # a budget or a context cut it off before
        (None, Finish.LENGTH, 5, False),
        (5, Finish.ERROR, 5, False),
        (5, Finish.CANCELLED, 5, False),
    ],
)
def test_a_reply_that_was_cut_off_is_kept_where_the_request_asked_for_that(
    limit: int | None, finish: Finish, tokens: int, kept: bool
) -> None:
    request = ChatRequest(Messages.user("a"), max_tokens=limit)
    reply = Completion("a", finish, Usage(1, 9, 0, tokens))
    assert Cache.keepable(request, reply) is kept


@pytest.mark.parametrize("text", ["", " \n\t"])
@pytest.mark.parametrize("finish", [Finish.STOP, Finish.LENGTH])
def test_an_empty_reply_is_not_kept(text: str, finish: Finish) -> None:
    """A reasoning model that spent all its tokens on thought, a server that was shed."""
    request = ChatRequest(Messages.user("a"), max_tokens=5)
    assert not Cache.keepable(request, Completion(text, finish, Usage(1, 9, 0, 5)))


def test_a_reply_that_may_be_a_part_is_not_kept() -> None:
    reply = Completion("four", Finish.STOP, Usage(1, 9, 0, 5), whole=False)
    assert not Cache.keepable(ASKED, reply)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"a": 1}',
        "null",
        '["x","nonsense",[1,1,1,1,1,1,1],null,[1,1,1,1,1,1,1],1,1,""]',
        '["x","stop",[1,1,1,1,1,1,1],null,[1,1,1,1,1,"1",1],1,1,""]',
        '["x","stop",[1,1,1,1,1,1,1],null,[1,1,1,1,1,1,1],"1",1,""]',
        '["x","stop",[1,1,1,1,1,1,1,1,1],null,[1],1,1,""]',
        '["x","stop",7,null,[1],1,1,""]',
        '["x","stop",[1],[1],[1],1,1,""]',
        '[7,"stop",[1],null,[1],1,1,""]',
        "[" * 100_000,
    ],
)
def test_a_row_that_is_no_answer_is_a_miss(text: str) -> None:
    """Its checksum is right: something else wrote it."""
    content = text.encode()
    assert from_bytes(zlib.crc32(content).to_bytes(4, "big") + content) is None


async def test_the_first_answer_stays(path: Path) -> None:
    """Two processes may ask at once; whoever looks later finds one and the same."""
    with Cache.open(path) as one, Cache.open(path) as other:
        async with one.claim(key()) as first, other.claim(key()) as second:
            first.store(Completion("one", Finish.STOP, Usage(1)), Usage(1), 1.0)
            one.flush()
            second.store(Completion("other", Finish.STOP, Usage(1)), Usage(1), 1.0)
            other.flush()
        for cache in (one, other):
            found = await find(cache)
            assert found is not None
            assert found.completion.text == "one"


async def test_what_was_saved_adds_up_over_processes(path: Path) -> None:
    with Cache.open(path) as cache:
        await keep(cache, 1)
        await keep(cache, 2, paid=Usage(1, 100, 0, 50, cost=None))
        await find(cache, 1)
    with Cache.open(path) as cache:
        await find(cache, 1)
        await find(cache, 2)
        await find(cache, 3)
        stats = cache.stats()
    counts = stats.counts
    assert (counts.hits, counts.misses, counts.unpriced) == (3, 3, 1)
    assert (counts.saved.prompt_tokens, counts.saved.completion_tokens) == (120, 54)
    assert counts.saved.usd == 1.0
    assert counts.rate == 0.5
    assert [(one.model, one.answers) for one in stats.models] == [("m", 2)]


async def test_clearing_goes_by_age_and_model(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Cache.open(path) as cache:
        await keep(cache, 1, model="a")
        await keep(cache, 2, model="b")
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 100)
        await keep(cache, 3, model="a")
        assert cache.clear(older=1000) == 0
        assert cache.clear(older=50, model="b") == 1
        assert cache.clear(older=50) == 1
        assert cache.stats().answers == 1
        assert cache.clear(model="b") == 0
        assert cache.clear() == 1
        stats = cache.stats()
        assert (stats.answers, stats.counts.misses) == (0, 0)


async def test_clearing_gives_the_space_back(path: Path) -> None:
    with Cache.open(path) as cache:
        for number in range(50):
            await keep(cache, number, Completion("x" * 20_000, Finish.STOP, Usage(1)))
        cache.flush()
        cache.clear()
        assert path.stat().st_size < 100_000


async def test_the_least_recently_used_go_first(path: Path) -> None:
    with Cache.open(path, limit=1 << 20) as cache:
        for number in range(400):
            await keep(cache, number, Completion("x" * 10_000, Finish.STOP, Usage(1)))
            await find(cache, 0)
            if number % 20 == 0:
                cache.flush()
        stats = cache.stats()
        assert stats.bytes <= 1 << 20
        assert stats.counts.evicted > 250
        assert await find(cache, 0) is not None
        assert await find(cache, 1) is None
        assert await find(cache, 399) is not None
    assert path.stat().st_size <= 1.5 * (1 << 20)


async def test_an_answer_that_would_push_out_the_others_is_not_kept(path: Path) -> None:
    with Cache.open(path, limit=1 << 20) as cache:
        await keep(cache, 1)
        await keep(cache, 2, Completion("x" * 500_000, Finish.STOP, Usage(1)))
        cache.flush()
        assert await find(cache, 1) is not None
        assert await find(cache, 2) is None


async def test_a_closed_cache_finds_nothing_and_breaks_nothing(path: Path) -> None:
    cache = Cache.open(path)
    await keep(cache)
    cache.close()
    cache.close()
    await keep(cache)
    assert await find(cache) is None


@pytest.mark.parametrize("off", ["off", "OFF", "Off"])
async def test_off_keeps_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, off: str) -> None:
    monkeypatch.setenv("GRAPHDSL_ANSWERS", off)
    with Cache.open() as cache:
        await keep(cache)
        assert await find(cache) is None
        assert cache.path is None
    assert list(tmp_path.iterdir()) == []


def test_the_usual_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GRAPHDSL_ANSWERS")
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path / "own"))
    with Cache.open() as cache:
        assert cache.path == tmp_path / "own" / "answers.sqlite"
    monkeypatch.setenv("GRAPHDSL_CACHE", "OFF")
    with Cache.open() as cache:
        assert cache.path is None
    monkeypatch.delenv("GRAPHDSL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    with Cache.open() as cache:
        assert cache.path == tmp_path / "xdg" / "graphdsl" / "answers.sqlite"


def test_a_limit_that_holds_nothing_is_refused(path: Path) -> None:
    with pytest.raises(InputError, match="at least 1000000 bytes, not 5"):
        Cache.open(path, limit=5)


def test_bytes_that_have_changed_are_no_answer() -> None:
    kept = to_bytes(Cached(REPLY, PAID, 1.0, 2.0))
    assert from_bytes(kept) is not None
    for at in range(0, len(kept), 7):
        assert from_bytes(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :]) is None
    assert from_bytes(b"") is None


async def test_the_file_is_its_owners_and_holds_no_prompt_and_no_key(path: Path) -> None:
    asked = ChatRequest(Messages.user("CANARY-PROMPT"), key="CANARY-CALL", item="CANARY-ITEM")
    with Cache.open(path) as cache:
        name = cache.key("CANARY-IDENTITY", asked, seeded=True)
        async with cache.claim(name, "m") as claim:
            claim.store(REPLY, PAID, 1.0)
        cache.flush()
        content = b"".join(file.read_bytes() for file in path.parent.iterdir())
        assert b"four" in content
        assert b"CANARY" not in content
        assert {file.stat().st_mode & 0o077 for file in path.parent.glob("*.sqlite*[!k]")} == {0}


async def test_many_threads_may_use_one_cache(path: Path) -> None:
    async def fill(cache: Cache, first: int) -> None:
        for number in range(first, first + 50):
            await keep(cache, number)
            assert await find(cache, number) is not None

    with Cache.open(path) as cache:
        threads = (asyncio.to_thread(asyncio.run, fill(cache, 1000 * n)) for n in range(4))
        await asyncio.gather(*threads)
        assert cache.stats().answers == 200
