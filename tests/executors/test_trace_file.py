"""Trace files that somebody wrote by hand, damaged, or made to do harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import InputError
from graphdsl.executors.runs import load_trace, save_trace
from tests.traces import diamond, told

MISSING = object()


def written(path: Path, data: object) -> Path:
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_trace(path)
    begin = f"`{path}` is not a trace of a run: "
    assert str(caught.value).startswith(begin)
    return str(caught.value).removeprefix(begin)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "it must hold an object"),
        ("7", "it must hold an object"),
        ("{", "it is not JSON (Expecting property name"),
        ('{"version": 99}', "unknown version of a trace: 99"),
        ('{"version": [[]]}', "unknown version of a trace: list"),
        ('{"version": 1}', "`run_id` is missing"),
        ("{}", "`version` is missing"),
        ("[" * 100_000, "it is nested too deeply"),
        ("9" * 5000, "it is not JSON (Exceeds the limit"),
    ],
)
def test_what_is_no_trace_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert refused(written(tmp_path / "l.json", text)).startswith(said)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.json"
    path.write_bytes(b'{"version": "\xff"}')
    assert refused(path) == "it is not a text in UTF-8"


def test_a_folder_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"cannot be read from `{tmp_path}`: is a directory"):
        load_trace(tmp_path)


_CALL = ("nodes", 0, "calls", 0)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("seconds",), "abc", "`seconds` must be a number"),
        (("seconds",), None, "`seconds` must be a number"),
        (("seconds",), float("nan"), "`seconds` must be a number"),
        (("seconds",), float("inf"), "`seconds` must be a number"),
        (("seconds",), 1e308, "`seconds` must be at most 1e+09"),
        (("started",), "x", "`started` must be a number"),
        (("started",), 1e30, "`started` must be at most 2e+11"),
        (("started",), -1, "`started` must be at least 0"),
        (("flow",), 7, "`flow` must be a text"),
        (("seed",), 1.5, "`seed` must be a whole number"),
        (("inputs",), [1], "`inputs` must be an object"),
        (("inputs", "q"), 1, "`inputs.q` must be a text"),
        (("usage",), 5, "`usage` must be an object"),
        (("usage", "calls"), 2**63, "`usage.calls` must be below 9.22337e+18"),
        (("usage", "usd"), True, "`usage.usd` must be a number"),
        (("status",), "odd", "`status` must be one of `ok`, "),
        (("nodes", 0), [], "`nodes[0]` must be an object"),
        (("nodes", 1, "status"), 3, "`nodes[1].status` must be one of "),
        (("nodes", 0, "address"), MISSING, "`nodes[0].address` is missing"),
        ((*_CALL, "start"), None, "`nodes[0].calls[0].start` must be a number"),
        ((*_CALL, "wait"), -1, "`nodes[0].calls[0].wait` must be at least 0"),
        ((*_CALL, "prompt"), "hi", "`nodes[0].calls[0].prompt` must be a list"),
        ((*_CALL, "origin"), "moon", "`nodes[0].calls[0].origin` must be one of "),
    ],
)
def test_what_is_wrong_in_a_trace_is_named(
    tmp_path: Path, place: tuple[str | int, ...], value: object, said: str
) -> None:
    data: Any = diamond().to_dict()
    holder: Any = data
    for part in place[:-1]:
        holder = holder[part]
    if value is MISSING:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    assert refused(written(tmp_path / "l.json", data)).startswith(said)


def test_nodes_that_stand_in_each_other_without_end_are_refused(tmp_path: Path) -> None:
    data = diamond().to_dict()
    inner: Any = data["nodes"][0]
    for _ in range(300):
        inner = {**inner, "children": [inner]}
    data["nodes"] = [inner]
    assert refused(written(tmp_path / "l.json", data)) == "it is nested too deeply"


def test_a_trace_is_read_as_it_was_written_also_half_characters(tmp_path: Path) -> None:
    for trace in (diamond(), told()):
        trace.value = trace.inputs["\udce9"] = "half \ud83d of a character"
        save_trace(trace, tmp_path / "run.json")
        assert load_trace(tmp_path / "run.json") == trace


def test_what_a_later_version_adds_is_no_reason_to_refuse(tmp_path: Path) -> None:
    data = diamond().to_dict()
    for holder in (data, data["usage"], data["nodes"][0], data["nodes"][0]["calls"][0]):
        holder["later"] = {"deep": [1]}
    assert load_trace(written(tmp_path / "l.json", data)) == diamond()
