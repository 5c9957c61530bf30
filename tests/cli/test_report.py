"""`graphdsl report`: a finished study as text, page, picture, and in Optuna's storage."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.cli.schemas import ShownStudyReport
from tests.search.report.studies import as_file, result

Call = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of a study."""
    path = tmp_path / "study.json"
    path.write_text(as_file(result(20)), encoding="utf-8")
    return path


def test_it_prints_the_verdict_and_the_finalists(call: Call, file: Path) -> None:
    done = call("report", str(file))
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "reason: study default · tpe · seed 7 · 20 trials"
    assert lines[1].startswith("On 200 items that no step of the search had seen, ")
    assert "against the best baseline" in done.out
    assert "single big" in done.out
    assert "calls: paid 19,400 of 20,000; sharing saved 41,200" in lines
    assert "2 of 19400 calls failed" in done.err


def test_it_writes_a_page(call: Call, file: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = call("report", str(file), "--html", str(page))
    assert (done.code, done.err) == (0, f"written to {page}\n")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(done.out.splitlines()) == 1


def test_it_draws_a_picture(call: Call, file: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "front.svg"
    assert call("report", str(file), "--plot", str(picture)).code == 0
    assert picture.read_bytes().startswith(b"<?xml")


def test_a_picture_without_matplotlib_says_what_to_install(
    call: Call, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = call("report", str(file), "--plot", str(tmp_path / "front.png"))
    assert done.code == 4
    assert "pip install 'graphdsl-tts[plots]'" in done.err


def test_it_writes_for_the_dashboard_of_optuna(call: Call, file: Path, tmp_path: Path) -> None:
    journal = tmp_path / "study.journal"
    done = call("report", str(file), "--optuna", str(journal), "--json")
    assert done.json["stored"] == "reason.default"
    again = call("report", str(file), "--optuna", str(journal))
    assert again.code == 1
    assert "has this study already" in again.err


def test_json_is_the_study_with_its_verdict(call: Call, file: Path) -> None:
    done = call("report", str(file), "--json")
    found = ShownStudyReport.model_validate(done.json)
    assert found.certified
    assert len(found.trials) == 20
    assert found.verdict.startswith("On 200 items")
    assert (found.written, found.stored, found.problems) == ([], None, [])
    assert found.graph.startswith("graph")


def test_what_json_prints_is_a_study_again(call: Call, file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    again.write_text(call("report", str(file), "--json").out, encoding="utf-8")
    assert call("report", str(again), "--json").json == call("report", str(file), "--json").json


def test_a_study_without_a_certificate_claims_nothing(
    call: Call, file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "early.json"
    path.write_text(as_file(result(20, certified=False)), encoding="utf-8")
    done = call("report", str(path))
    assert done.code == 0
    assert done.out.splitlines()[1].startswith("Nothing is certified, so nothing can be claimed")
    assert call("report", str(path), "--json").json["certified"] is False


def test_numbers_that_are_none_do_not_break_json(call: Call, tmp_path: Path) -> None:
    data = json.loads(as_file(result(5)))
    data["trials"][0]["quality"] = float("nan")
    data["certificate"]["looks"] = float("nan")
    path = tmp_path / "nan.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    found = call("report", str(path), "--json").json
    assert found["trials"][0]["quality"] is None
    assert found["certificate"]["looks"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere.json"], 1, "there is no study `nowhere.json`"),
        ([], 2, "missing argument 'STUDY.json'"),
        (["{file}", "--plot", "front.gif"], 1, "says no kind of picture"),
        (["{file}", "--html", "no/such/page.html"], 1, "there is no folder"),
        (["{file}", "--html", "{file}"], 2, "--html would overwrite the study"),
        (["{file}", "--plot", "program.tts"], 2, "--plot would overwrite the program"),
        (["{file}", "--optuna", ""], 2, "--optuna is empty"),
        (["{file}", "--optuna", "nosuch://x"], 1, "cannot hold the study"),
    ],
)
def test_what_is_wrong_is_said(
    call: Call, file: Path, arguments: list[str], code: int, said: str
) -> None:
    done = call("report", *(argument.format(file=file) for argument in arguments))
    assert done.code == code
    assert said in done.err


def test_nothing_is_written_where_one_name_is_wrong(call: Call, file: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert call("report", str(file), "--html", str(page), "--plot", "front.gif").code == 1
    assert not page.exists()


def test_a_file_that_is_no_study_is_refused(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"version": 7}', encoding="utf-8")
    done = call("report", str(path), "--json")
    assert done.code == 1
    assert done.json["error"] == {
        "kind": "input",
        "message": f"`{path}` is not a finished study: unknown version of a study: 7",
    }
