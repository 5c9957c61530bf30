"""`graphdsl cache`: what it shows, and what it drops."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.executors.abc import Completion
from graphdsl.executors.cache.store import Cache
from graphdsl.values import PICO, Finish, Usage

Call = Callable[..., Any]


async def _fill(path: Path) -> None:
    with Cache.open(path) as cache:
        for number, model in enumerate(("gpt-x", "gpt-x", "tiny\x1b[31m")):
            async with cache.claim(f"{number:064x}", model) as claim:
                reply = Completion("a" * 1000, Finish.STOP, Usage(1, 10, 0, 5))
                claim.store(reply, Usage(1, 10, 0, 5, cost=PICO // 4), 1.0)
        async with cache.claim(f"{0:064x}") as claim:
            assert claim.found is not None


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own cache, with three answers, one of which was used again."""
    path = tmp_path / "own.sqlite"
    monkeypatch.setenv("GRAPHDSL_ANSWERS", str(path))
    asyncio.run(_fill(path))
    return path


def test_stats_say_what_is_there_and_what_it_has_saved(call: Call, path: Path) -> None:
    done = call("cache", "stats")
    assert done.code == 0
    assert str(path) in done.out
    assert "3 answers" in done.out
    assert "1 hit, 3 misses (25% hits), 0 evicted" in done.out
    assert "saved 1 call, 10 + 5 tokens, $0.25" in done.out
    assert "gpt-x" in done.out
    assert "\x1b" not in done.out


def test_stats_as_json(call: Call, path: Path) -> None:
    found = call("cache", "stats", "--json").json
    assert found["path"] == str(path)
    assert (found["answers"], found["hits"], found["misses"]) == (3, 1, 3)
    assert found["saved"]["usd"] == 0.25
    assert found["models"][0]["model"] == "gpt-x"


def test_stats_of_a_cache_that_is_not_there_do_not_make_one(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHDSL_ANSWERS", str(tmp_path / "none.sqlite"))
    assert call("cache", "stats", "--json").json["answers"] == 0
    assert call("cache", "clear", "--json").json["dropped"] == 0
    assert list(tmp_path.glob("none*")) == []


@pytest.mark.usefixtures("path")
def test_clear_drops_everything(call: Call) -> None:
    assert call("cache", "clear").out == "3 answers dropped\n"
    assert call("cache", "stats", "--json").json["answers"] == 0


@pytest.mark.usefixtures("path")
def test_clear_drops_those_of_one_model(call: Call) -> None:
    assert call("cache", "clear", "--model", "gpt-x", "--json").json["dropped"] == 2


@pytest.mark.usefixtures("path")
def test_a_model_of_which_there_is_nothing_is_said(call: Call) -> None:
    done = call("cache", "clear", "--model", "gpt-y")
    assert done.code == 0
    assert "there are answers of `gpt-x`, `tiny" in done.err


def test_clear_goes_by_age(call: Call, path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE answers SET made = ? WHERE id = 2", (time.time() - 8 * 86_400,))
    connection.close()
    assert call("cache", "clear", "--older-than", "7d").out == "1 answer dropped\n"


@pytest.mark.parametrize("age", ["7", "x", "-1d", "7 d", ""])
def test_an_age_that_is_none_is_a_mistake_of_use(call: Call, age: str) -> None:
    done = call("cache", "clear", "--older-than", age)
    assert done.code == 2
    assert f"not `{age}`" in done.err


def test_path_says_where_it_is(call: Call, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("cache", "path").out == f"{path}\n"
    monkeypatch.setenv("GRAPHDSL_ANSWERS", "off")
    assert "`off`" in call("cache", "path").err
    assert call("cache", "path", "--json").json["path"] is None
    assert call("cache", "stats").out == "nothing is cached: the environment says `off`\n"


def test_another_file_may_be_named(call: Call, path: Path, tmp_path: Path) -> None:
    other = path.rename(tmp_path / "other.sqlite")
    assert call("cache", "stats", "--file", other, "--json").json["answers"] == 3
    done = call("cache", "clear", "--file", tmp_path / "nope")
    assert done.code == 1
    assert "there is no cache" in done.err


def test_what_is_no_cache_is_left_alone(call: Call, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("mine")
    for verb in ("stats", "clear"):
        done = call("cache", verb, "--file", text)
        assert done.code == 1
        assert "is no SQLite file, and no cache" in done.err
    assert text.read_text() == "mine"


@pytest.mark.parametrize("verb", ["stats", "clear"])
def test_a_damaged_file_is_replaced_and_said(call: Call, path: Path, verb: str) -> None:
    """Its first page is sound, so that it opens; the pages of the answers are not."""
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    done = call("cache", verb)
    assert done.code == 0
    assert "0 answers" in done.out
    assert "was damaged" in done.err
    assert "error" not in done.err
    assert path.with_name(f"{path.name}.damaged").exists()
    assert call("cache", verb).err == ""


def test_a_file_that_is_damaged_from_the_start_can_be_cleared(call: Call, path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)
    done = call("cache", "clear", "--json")
    assert (done.code, done.json["dropped"]) == (0, 0)
    assert "was damaged" in done.err


def test_what_could_not_be_cleared_is_an_error(call: Call, path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    done = call("cache", "clear")
    assert done.code == 1
    assert "later version" in done.err
