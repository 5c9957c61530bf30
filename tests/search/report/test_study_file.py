"""Files of studies that somebody wrote by hand, damaged, or made to do harm."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import InputError
from graphdsl.ir.text import print_graph
from graphdsl.search.report.study_file import load_study, read_study
from tests.search.report.studies import as_file, open_graph, result

TRIAL = {
    "number": 0,
    "identity": "a",
    "assignment": {"f.n": 3},
    "baseline": "",
    "standing": "beaten",
    "items": 8,
    "quality": 0.5,
    "shrunken": 0.5,
    "costs": {"calls": 3},
    "moment": 0.5,
}


def plain(**changes: Any) -> dict[str, Any]:
    """The file of a small study, with other values of fields; `...` leaves one out."""
    found: dict[str, Any] = json.loads(as_file(result(5), **changes))
    return found


def refused(tmp_path: Path, data: str | bytes) -> str:
    path = tmp_path / "s.json"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(InputError) as caught:
        load_study(path)
    begin = f"`{path}` is not a finished study: "
    assert str(caught.value).startswith(begin)
    return str(caught.value).removeprefix(begin)


def test_what_was_written_is_read_back() -> None:
    mine = result(30)
    found = read_study(as_file(mine))
    assert found.result == mine
    assert found.graph is not None
    assert print_graph(found.graph) == print_graph(open_graph())
    assert [row.node for row in found.ablation] == [
        "reason.ranked",
        "reason.notes",
        "reason.merged",
    ]
    assert found.problems == ()


def test_a_study_without_graph_ablation_and_certificate_is_one() -> None:
    mine = result(5, certified=False)
    found = read_study(as_file(mine, graph=..., ablation=...))
    assert (found.result, found.graph, found.ablation) == (mine, None, ())
    assert (found.certificate, found.problems) == (None, ())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "it is not JSON"),
        ("[]", "it must hold an object"),
        ("{", "it is not JSON"),
        (b"\xff\xfe{}", "it is not"),
        ("{}", "`name` is missing"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"version": 2}', "unknown version of a study: 2"),
        ('{"version": "new"}', "unknown version of a study: 'new'"),
        (json.dumps(plain(trials=3)), "`trials` must be a list"),
        (json.dumps(plain(trials=[3])), "`trials[0]` must be an object"),
        (json.dumps(plain(trials=[{**TRIAL, "items": "8"}])), "`trials[0].items` must be a whole"),
        (json.dumps(plain(trials=[{**TRIAL, "items": -1}])), "`trials[0].items` must be at least"),
        (
            json.dumps(plain(trials=[{**TRIAL, "quality": "x"}])),
            "`trials[0].quality` must be a num",
        ),
        (
            json.dumps(plain(trials=[{**TRIAL, "moment": 2}])),
            "`trials[0].moment` must be at most 1",
        ),
        (
            json.dumps(plain(trials=[{**TRIAL, "standing": "won"}])),
            "`trials[0].standing` must be one of `front`, `finalist`, `dropped`, `beaten` or",
        ),
        (
            json.dumps(plain(trials=[{**TRIAL, "costs": {"usd": "1"}}])),
            "`trials[0].costs.usd` must be a number",
        ),
        (json.dumps(plain(facts={"a": 1})), "`facts.a` must be a text"),
        (json.dumps(plain(seed=1.5)), "`seed` must be a whole number"),
        (json.dumps(plain(certificate=[1])), "`certificate` must be an object"),
        (json.dumps(plain(points=-1)), "`points` must be at least 0"),
    ],
)
def test_what_is_no_study_is_refused_with_its_place(
    tmp_path: Path, data: str | bytes, said: str
) -> None:
    assert refused(tmp_path, data).startswith(said)


def test_a_trace_is_no_study(tmp_path: Path) -> None:
    trace: dict[str, Any] = {
        "version": 1,
        "run_id": "x",
        "flow": "f",
        "graph_hash": "",
        "nodes": [],
    }
    assert refused(tmp_path, json.dumps(trace)) == "`name` is missing"


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no study"):
        load_study(tmp_path / "none.json")
    with pytest.raises(InputError, match=r"a study cannot be read from .*: is a directory"):
        load_study(tmp_path)


def test_numbers_that_are_none_stand_for_what_nobody_measured() -> None:
    text = json.dumps(plain(trials=[{**TRIAL, "quality": math.nan, "shrunken": None}]))
    assert "NaN" in text
    (trial,) = read_study(text).result.trials
    assert math.isnan(trial.quality)
    assert math.isnan(trial.shrunken)


def test_costs_that_nobody_knows_are_not_there() -> None:
    costs = {"calls": 3, "usd": None, "seconds": math.nan, "flops": math.inf}
    (trial,) = read_study(json.dumps(plain(trials=[{**TRIAL, "costs": costs}]))).result.trials
    assert trial.costs == {"calls": 3}


def test_a_budget_without_a_limit_is_none() -> None:
    assert read_study(json.dumps(plain(budget={"calls": None, "usd": 3}))).result.budget == {
        "usd": 3
    }


def test_a_huge_space_and_a_continuum_are_read() -> None:
    assert read_study(json.dumps(plain(points=10**40))).result.points == 10**40
    assert read_study(json.dumps(plain(points=None))).result.points is None


def test_a_graph_that_cannot_be_read_is_a_problem_and_no_error() -> None:
    found = read_study(as_file(result(5), graph="flow nonsense {"))
    assert found.graph is None
    assert found.problems[0].startswith("the graph in the file cannot be read: line ")


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        ({}, "the certificate names no finalists and is not shown"),
        ({"finalists": 3}, "the certificate names no finalists and is not shown"),
        ({"finalists": [3]}, "finalist 0 of the certificate has no quality with an interval"),
        (
            {"finalists": [{"identity": "a", "quality": {"mean": math.nan, "low": 0, "high": 1}}]},
            "finalist 0 of the certificate has no quality with an interval",
        ),
        (
            {"finalists": [{"identity": "a", "quality": 0.7}]},
            "finalist 0 of the certificate has no quality with an interval",
        ),
        (
            {
                "pick": "b",
                "finalists": [{"identity": "a", "quality": {"mean": 0.5, "low": 0.4, "high": 0.6}}],
            },
            "the candidate that the certificate is about cannot be shown",
        ),
    ],
)
def test_a_certificate_that_says_nothing_certifies_nothing(
    certificate: dict[str, Any], said: str
) -> None:
    found = read_study(json.dumps(plain(certificate=certificate)))
    assert found.certificate is None
    assert said in found.problems


def test_unknown_fields_are_left_alone() -> None:
    assert read_study(as_file(result(5), added={"later": [1, 2]})).result == result(5)
