"""The store of past runs: what it keeps, for how long, beside whom, and what breaks it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import pytest

from graphdsl.errors import InputError
from graphdsl.executors.runs import (
    find_run,
    keep_run,
    keep_runs,
    load_run,
    past_runs,
    runs_like,
)
from graphdsl.executors.trace import Trace
from graphdsl.executors.traces.keeper import RunKeeper
from graphdsl.executors.traces.store import RunStore
from graphdsl.values import PICO, Usage
from tests.traces import diamond, told


def run(number: int, flow: str = "f", status: str = "ok") -> Trace:
    return Trace(f"run-{number}", flow, "hash", float(number), status=status)


def ids(
    folder: Path, flow: str | None = None, status: str | None = None, batch: str | None = None
) -> list[str]:
    return [one.run_id for one in past_runs(folder, flow=flow, status=status, batch=batch)]


def test_a_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    for trace in (diamond(), told()):
        keep_run(trace, tmp_path)
        assert load_run(trace.run_id, tmp_path) == trace


def test_a_list_shows_runs_without_reading_their_traces(tmp_path: Path) -> None:
    usage = Usage(3, 20, 5, 7, unknown=1, cost=PICO // 4)
    trace = Trace("run-1", "sums", "hash", 5.0, status="exhausted", seconds=2.5, usage=usage)
    keep_run(trace, tmp_path, file="sums.tts", batch="b-1")
    (kept,) = past_runs(tmp_path)
    assert (kept.run_id, kept.flow, kept.file, kept.batch) == ("run-1", "sums", "sums.tts", "b-1")
    assert (kept.status, kept.seconds, kept.calls, kept.usd) == ("exhausted", 2.5, 3, 0.25)
    assert load_run("run-1", tmp_path).file == "sums.tts"


def test_a_cost_that_nobody_knows_stays_unknown(tmp_path: Path) -> None:
    keep_run(Trace("run-1", "f", "hash", 0.0, usage=Usage(1, cost=None)), tmp_path)
    assert past_runs(tmp_path)[0].usd is None


def test_runs_are_chosen_by_flow_status_and_batch(tmp_path: Path) -> None:
    keep_runs([run(1, "a"), run(2, "b", "failed")], tmp_path, batch="x")
    keep_runs([run(3, "a", "failed")], tmp_path)
    assert ids(tmp_path) == ["run-3", "run-2", "run-1"]
    assert ids(tmp_path, flow="a") == ["run-3", "run-1"]
    assert ids(tmp_path, status="failed", flow="b") == ["run-2"]
    assert ids(tmp_path, batch="x") == ["run-2", "run-1"]
    assert [one.run_id for one in past_runs(tmp_path, most=1)] == ["run-3"]


def test_a_run_that_goes_on_replaces_its_trace_and_is_the_newest(tmp_path: Path) -> None:
    keep_runs([run(1), run(2)], tmp_path)
    keep_run(run(1, status="failed"), tmp_path)
    assert ids(tmp_path) == ["run-1", "run-2"]
    assert load_run("run-1", tmp_path).status == "failed"


def test_the_oldest_runs_go_first(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.db", most_runs=3)
    for number in range(5):
        store.add([run(number)])
    assert [one.run_id for one in store.runs()] == ["run-4", "run-3", "run-2"]
    assert store.load("run-1") is None
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT count(*) FROM traces").fetchone() == (3,)


def test_runs_that_take_too_much_room_go_but_never_the_newest(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.db", most_bytes=1)
    store.add([run(1), run(2)])
    assert [one.run_id for one in store.runs()] == ["run-2"]


def test_a_missing_run_is_said_to_be_missing(tmp_path: Path) -> None:
    assert past_runs(tmp_path) == []
    assert find_run("../../etc/passwd", tmp_path) is None
    with pytest.raises(InputError, match="there is no run `run-1`"):
        load_run("run-1", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_of_an_earlier_version_are_taken_over_once(tmp_path: Path) -> None:
    old = tmp_path / "runs"
    old.mkdir()
    for number in (1, 2):
        data = json.dumps(run(number).to_dict())
        (old / f"run-{number}.json").write_text(data, encoding="utf-8")
    (old / "broken.json").write_text("{", encoding="utf-8")
    assert ids(tmp_path) == ["run-2", "run-1"]
    assert [path.name for path in old.iterdir()] == ["broken.json"]
    keep_run(run(3), tmp_path)
    assert ids(tmp_path) == ["run-3", "run-2", "run-1"]


def test_a_damaged_store_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(OSError, match=r"runs\.db` is damaged .*; delete it, or move it away"):
        keep_run(run(1), tmp_path)
    with pytest.raises(InputError, match=r"the past runs cannot be read: .* is damaged"):
        past_runs(tmp_path)


def test_a_damaged_trace_is_told_from_a_missing_one(tmp_path: Path) -> None:
    keep_run(run(1), tmp_path)
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection, connection:
        connection.execute("UPDATE traces SET data = x'00'")
    with pytest.raises(InputError, match="holds a trace that cannot be read"):
        load_run("run-1", tmp_path)
    assert ids(tmp_path) == ["run-1"]


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection, connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(OSError, match="is a database of something else"):
        keep_run(run(1), tmp_path)


def test_a_place_where_nothing_can_be_kept_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        keep_run(run(1), tmp_path / "file" / "state")


def test_a_path_that_is_no_utf8_can_be_kept(tmp_path: Path) -> None:
    keep_run(run(1), tmp_path, file="caf\udce9.tts")
    assert past_runs(tmp_path)[0].file == "caf\\udce9.tts"


_WRITER = """
import sys
from pathlib import Path
from graphdsl.executors.runs import keep_run
from graphdsl.executors.trace import Trace
for number in range(25):
    keep_run(Trace(f"{sys.argv[2]}-{number}", "f", "h", 0.0), Path(sys.argv[1]))
"""


def test_many_processes_keep_runs_in_one_new_store(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, str(index)]) for index in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    assert len(ids(tmp_path)) == 100


def test_a_keeper_keeps_the_runs_of_many_threads_under_one_batch(tmp_path: Path) -> None:
    with RunKeeper(batch="b-1", file="sums.tts", folder=tmp_path) as keeper:

        def some(first: int) -> None:
            for number in range(first, first + 100):
                keeper(run(number))

        threads = [threading.Thread(target=some, args=(100 * at,)) for at in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (keeper.problem, keeper.lost) == (None, 0)
    assert len(ids(tmp_path, batch="b-1")) == 400


def test_a_keeper_that_cannot_write_says_so_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_bytes(b"no database at all" * 100)
    with RunKeeper(folder=tmp_path) as keeper:
        for number in range(3):
            keeper(run(number))
    keeper.close()
    assert keeper.lost == 3
    assert keeper.problem is not None
    assert "is damaged" in keeper.problem


def test_whatever_lies_in_the_old_folder_costs_no_run(tmp_path: Path) -> None:
    old = tmp_path / "runs"
    (old / "folder.json").mkdir(parents=True)
    os.mkfifo(old / "fifo.json")
    (old / "deep.json").write_text("[" * 100_000)
    (old / "list.json").write_text("[]")
    (old / "bytes.json").write_bytes(b"\xff")
    (old / "huge.json").write_text(json.dumps(run(7).to_dict() | {"started": 1e300}))
    (old / "note.txt").write_text("hello")
    (old / "gone.json").symlink_to(tmp_path / "nowhere")
    (old / "good.json").write_text(json.dumps(run(1).to_dict()))
    before = {path.name for path in old.iterdir()}
    keep_run(run(2), tmp_path)
    assert ids(tmp_path) == ["run-2", "run-1"]
    assert {path.name for path in old.iterdir()} == before - {"good.json"}


def test_only_the_user_may_read_what_is_made(tmp_path: Path) -> None:
    state = tmp_path / "home" / "state"
    keep_run(run(1), state)
    assert S_IMODE(state.stat().st_mode) == 0o700
    assert S_IMODE((state / "runs.db").stat().st_mode) == 0o600
    state.chmod(0o750)
    keep_run(run(2), state)
    assert S_IMODE(state.stat().st_mode) == 0o750


@pytest.fixture
def sealed() -> Iterator[Path]:
    """A folder with one run, in which nothing can be written: also not by root, who is nobody."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keep_run(run(1), folder)
        (folder / "runs.db").chmod(0o444)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_past_runs_can_be_read_where_nothing_can_be_written(sealed: Path) -> None:
    assert ids(sealed) == ["run-1"]
    assert load_run("run-1", sealed).run_id == "run-1"
    with pytest.raises(OSError, match=r"runs\.db` cannot be used"):
        keep_run(run(2), sealed)


def test_runs_are_found_by_the_beginning_of_their_ids(tmp_path: Path) -> None:
    keep_runs([run(1), run(12), run(2)], tmp_path)
    assert runs_like("run-1", tmp_path) == ["run-12", "run-1"]
    assert runs_like("run-2", tmp_path) == ["run-2"]
    assert runs_like("run-%", tmp_path) == []
    assert runs_like("run", tmp_path, most=1) == ["run-2"]


def test_names_that_are_no_unicode_can_be_kept_and_asked_for(tmp_path: Path) -> None:
    keep_run(Trace("run-\udcff", "f\udcff", "hash", 0.0), tmp_path)
    assert ids(tmp_path, flow="f\udcff") == ["run-\\udcff"]
    assert load_run("run-\udcff", tmp_path).flow == "f\udcff"
    assert ids(tmp_path, batch="\udcff") == []


def test_a_list_shows_what_the_cache_saved(tmp_path: Path) -> None:
    keep_run(diamond(), tmp_path)
    (kept,) = past_runs(tmp_path)
    assert (kept.saved_calls, kept.saved_usd) == (1, 0.01)
