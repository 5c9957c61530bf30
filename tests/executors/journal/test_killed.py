"""A process that is killed at any point of its run: what it has paid for is not paid for again."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graphdsl.testing.faults import Refusal
from graphdsl.testing.faulty_server import MODEL, FaultyServer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")

PROGRAM = """edition "2026"
model m {{ backend = openai  name = "{model}"  base_url = "{url}"  max_tokens = 64
  usd_per_mtok_in = 1  usd_per_mtok_out = 2 }}
memory notes {{ store = "notes.db" }}
prompt think(question: Text) "Think: {{{{ question }}}}"
prompt sum_up(drafts: List[Draft]) "Sum up: {{{{ drafts }}}}"
flow main(question: Text) -> Draft {{
  drafts = generate(think(question: question), models: m, samples: 3)
  last = generate(sum_up(drafts: drafts), models: m)
  only = first(last)
  kept = remember(notes, only)
  return only
}}
"""

RUN = ("run", "main.tts", "-i", "question=2 + 2", "--json")

CALLS = 4
"""Of one run: three samples, and one that depends on them."""

POINTS = [
    ("before intent", 1),
    ("after intent", 1),
    ("after intent", 3),
    ("mid-write", 1),
    ("before commit", 2),
    ("after commit", 2),
    ("before result", 1),
    ("after result", 2),
    ("after result", 4),
    ("after memory", 1),
    ("before end", 1),
    ("after end", 1),
]
"""Where it dies: the point, and at which passage."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed."""
        return json.loads(self.out)


class House:
    """A folder with a program whose model is a server that counts what it is asked."""

    def __init__(self, folder: Path, server: FaultyServer) -> None:
        self.folder = folder
        self.server = server
        self.program = folder / "main.tts"
        self.program.write_text(PROGRAM.format(model=MODEL, url=server.url))

    async def call(self, *argv: str, dying: tuple[str, int] | None = None) -> Ended:
        """Run a command in a process of its own, which may die at a point."""
        start = ["-m", "graphdsl"]
        if dying is not None:
            start = [str(Path(__file__).with_name("dying.py")), dying[0], str(dying[1])]
        process = await self.start(*start, *argv)
        out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    async def start(self, *argv: str) -> asyncio.subprocess.Process:
        """Start Python in the folder."""
        state = {"GRAPHDSL_STATE": str(self.folder / "state"), "GRAPHDSL_ANSWERS": "off"}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *argv,
            cwd=self.folder,
            env=os.environ | state,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    @property
    def asked(self) -> Counter[tuple[int, str]]:
        """How often the server was asked for what: by seed and prompt."""
        bodies = [asked.body for asked in self.server.asked]
        return Counter((body["seed"], json.dumps(body["messages"])) for body in bodies)

    @property
    def notes(self) -> list[str]:
        """What its memory has."""
        path = self.folder / "notes.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path)) as connection:
            return [text for (text,) in connection.execute("SELECT text FROM entries")]


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the run reports that nobody kills."""

    async def unbroken() -> Any:
        async with FaultyServer() as server:
            house = House(tmp_path_factory.mktemp("whole"), server)
            ended = await house.call(*RUN)
            assert ended.code == 0, ended.err
            assert house.asked.total() == CALLS
            return ended.json

    return asyncio.run(unbroken())


@pytest.mark.slow
@pytest.mark.parametrize(("point", "count"), POINTS)
async def test_a_killed_run_goes_on_where_it_was(
    tmp_path: Path, wanted: Any, point: str, count: int
) -> None:
    async with FaultyServer() as server:
        house = House(tmp_path, server)
        killed = await house.call(*RUN, dying=(point, count))
        assert killed.code == -signal.SIGKILL, killed.err
        assert killed.out == ""
        await _resume(house, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("sent", [1, 3, 4])
async def test_a_run_killed_while_the_server_works_goes_on(
    tmp_path: Path, wanted: Any, sent: int
) -> None:
    async with FaultyServer(pace=0.05) as server:
        house = House(tmp_path, server)
        process = await house.start("-m", "graphdsl", *RUN)
        await server.until(lambda: len(server.asked) >= sent)
        process.kill()
        await process.communicate()
        server._pace = 0.0  # pyright: ignore[reportPrivateUsage]
        report = await _resume(house, wanted)
        assert 0 < report["doubtful"]["calls"] <= 3  # as many as are in flight at once


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_an_interrupted_run_says_how_to_go_on(
    tmp_path: Path, wanted: Any, number: signal.Signals, code: int
) -> None:
    async with FaultyServer(pace=0.05) as server:
        house = House(tmp_path, server)
        process = await house.start("-m", "graphdsl", *RUN)
        await server.until(lambda: len(server.asked) >= 3)
        process.send_signal(number)
        _, err = await process.communicate()
        assert process.returncode == code
        said = re.search(r"resume with: graphdsl run --resume (\S+)", err.decode())
        assert said is not None
        server._pace = 0.0  # pyright: ignore[reportPrivateUsage]
        await _resume(house, wanted, said[1])


@pytest.mark.slow
async def test_a_run_whose_server_was_away_is_completed(tmp_path: Path, wanted: Any) -> None:
    async with FaultyServer() as server:
        house = House(tmp_path, server)
        server.script(None, None)
        server.always = Refusal(400)
        failed = await house.call(*RUN)
        assert failed.code == 4
        server.always = None
        done = await house.call("run", "--resume", "last", "--json")
        assert (done.code, done.json["value"]) == (0, wanted["value"])
        kept = {call for call, times in house.asked.items() if times == 1}
        assert len(kept) >= 3  # two answers, and what depends on all of them


@pytest.mark.slow
@pytest.mark.parametrize(("point", "count"), [("after result", 9), ("before end", 3)])
async def test_a_killed_batch_goes_on_and_its_file_is_whole(
    tmp_path: Path, point: str, count: int
) -> None:
    data, out = tmp_path / "data.jsonl", tmp_path / "out.jsonl"
    rows = [{"question": f"{n} + 2"} for n in range(6)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    argv = ("run", "main.tts", "--data", data.name, "--out", out.name, "--json")
    async with FaultyServer() as server:
        house = House(tmp_path, server)
        killed = await house.call(*argv, "--concurrency", "2", dying=(point, count))
        assert killed.code == -signal.SIGKILL, killed.err
        done = await house.call("run", "--resume", "last", "--json")
        assert done.code == 0, done.err
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        assert [line["data"] for line in lines] == rows
        report = done.json
        assert report["settled"]["calls"] == CALLS * len(rows)
        repeated = house.asked.total() - CALLS * len(rows)
        assert 0 <= repeated <= report["doubtful"]["calls"] <= 2 * CALLS
        assert sorted(house.notes) == sorted(line["value"]["text"] for line in lines)


async def _resume(house: House, wanted: Any, run_id: str = "last") -> Any:
    """Resume, and check all that a resumed run promises; then do it once more."""
    before = house.asked
    resumed = await house.call("run", "--resume", run_id, "--json")
    assert resumed.code == 0, resumed.err
    found, asked = resumed.json, house.asked
    assert (found["value"], found["status"]) == (wanted["value"], "ok")
    assert house.notes == [wanted["value"]["text"]]
    assert found["settled"] == wanted["usage"]  # what the result stands on, paid for once
    repeated = asked.total() - CALLS
    assert 0 <= repeated <= found["usage"]["unknown"] == found["doubtful"]["calls"]
    assert found["settled"]["calls"] + repeated <= found["usage"]["calls"]
    assert {call: n for call, n in asked.items() if n > 1}.keys() <= before.keys()
    again = await house.call("run", "--resume", found["run_id"], "--json")
    assert {**again.json, "seconds": 0} == {**found, "seconds": 0}
    assert house.asked == asked
    assert house.notes == [wanted["value"]["text"]]
    return found
