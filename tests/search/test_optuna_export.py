"""A study in Optuna's storages: what its dashboard would read."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from optuna import Study, load_study
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from graphdsl.errors import InputError
from graphdsl.search.front import Aims
from graphdsl.search.optuna_export import export_study, frozen_trials, hidden_address
from graphdsl.search.result import StudyResult
from graphdsl.search.space import Parameter, Space
from tests.search.report.studies import open_graph, result

SPACE = Space.of(open_graph())


def from_journal(path: Path, name: str) -> Study:
    return load_study(study_name=name, storage=JournalStorage(JournalFileBackend(str(path))))


def exported(tmp_path: Path, study: StudyResult, space: Space | None = SPACE) -> Study:
    path = tmp_path / "study.journal"
    return from_journal(path, export_study(study, str(path), space))


def test_a_journal_gives_back_what_was_tried(tmp_path: Path) -> None:
    mine = result(12)
    found = exported(tmp_path, mine)
    assert found.study_name == "reason.default"
    assert [str(direction.name) for direction in found.directions] == [
        "MAXIMIZE",
        "MINIMIZE",
        "MINIMIZE",
    ]
    assert found.metric_names == ["quality", "usd", "calls"]
    for ours, theirs in zip(mine.trials, found.trials, strict=True):
        assert theirs.params == pytest.approx(ours.assignment)
        assert theirs.values == pytest.approx(
            [ours.shrunken, ours.costs["usd"], ours.costs["calls"]]
        )
        assert theirs.user_attrs["standing"] == ours.standing
        assert theirs.user_attrs["items"] == ours.items
        assert theirs.user_attrs["search mean (biased)"] == pytest.approx(ours.quality)
        assert theirs.user_attrs.get("baseline", "") == ours.baseline
    assert mine.certificate is not None
    assert found.user_attrs["certificate"]["finalists"] == mine.certificate["finalists"]
    assert "frozen" not in found.user_attrs["certificate"]
    assert found.user_attrs["fact: prices"] == "2026-11-20"


def test_the_best_trials_are_those_that_nothing_dominates(tmp_path: Path) -> None:
    mine = result(24)
    aims = Aims(mine.minimise)
    points = {one.number: {"quality": one.shrunken, **one.costs} for one in mine.trials}
    best = {one.user_attrs["number"] for one in exported(tmp_path, mine).best_trials}
    assert best == {
        number
        for number, point in points.items()
        if not any(aims.dominates(other, point) for other in points.values())
    }


def test_a_database_holds_the_same(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'study.db'}"
    name = export_study(result(4), address, SPACE)
    storage = RDBStorage(address)
    try:
        found = load_study(study_name=name, storage=storage)
        assert [one.user_attrs["number"] for one in found.trials] == list(range(4))
    finally:
        storage.remove_session()
        storage.engine.dispose()


def test_domains_are_those_of_the_space() -> None:
    (first, *_) = frozen_trials(replace(result(3), trials=result(3).trials[2:]), SPACE)
    domains = first.distributions
    assert domains["reason.drafter"] == CategoricalDistribution(("little", "middle", "big"))
    assert domains["reason.drafts.samples"] == IntDistribution(1, 16)
    assert domains["reason.drafts.temperature"] == FloatDistribution(0.1, 1.3)


def test_without_a_space_domains_are_what_was_tried() -> None:
    trials = frozen_trials(result(30))
    kinds = {type(domain) for one in trials for domain in one.distributions.values()}
    assert kinds == {CategoricalDistribution, IntDistribution, FloatDistribution}


def test_parameters_that_do_not_matter_are_not_there() -> None:
    off = [one for one in result(40).trials if one.assignment.get("reason.ranked") == "off"]
    assert off
    for one in frozen_trials(replace(result(40), trials=tuple(off)), SPACE):
        assert "reason.ranked.keep" not in one.params


def test_a_step_that_does_not_meet_the_end_is_no_warning() -> None:
    space = Space((Parameter("f.t", "float", 0.1, low=0.1, high=1.0, step=0.4),))
    one = replace(result(3).trials[2], assignment={"f.t": 0.9})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (kept,) = frozen_trials(replace(result(3), trials=(one,)), space)
    assert kept.params == {"f.t": 0.9}
    assert kept.distributions == {"f.t": FloatDistribution(0.1, 0.9, step=0.4)}


def test_numbers_that_are_labels_are_texts() -> None:
    space = Space((Parameter("f.n", "categorical", "1", ("1", "3", "0.5")),))
    some = [replace(result(3).trials[2], assignment={"f.n": value}) for value in (3.0, 0.5, "1")]
    kept = frozen_trials(replace(result(3), trials=tuple(some)), space)
    assert [one.params["f.n"] for one in kept] == ["3", "0.5", "1"]


def test_a_value_outside_of_the_space_becomes_an_attribute() -> None:
    one = replace(result(3).trials[2], assignment={"reason.drafter": "gone", "other.x": 3.0})
    (kept,) = frozen_trials(replace(result(3), trials=(one,)), SPACE)
    assert kept.params == {}
    assert kept.user_attrs["values outside of the space"] == {
        "reason.drafter": "gone",
        "other.x": 3.0,
    }


def test_a_trial_without_values_is_marked_as_failed(tmp_path: Path) -> None:
    mine = result(5)
    refused = replace(
        mine.trials[2],
        standing="refused",
        quality=float("nan"),
        items=0,
        shrunken=float("nan"),
        costs={},
    )
    unpriced = replace(mine.trials[3], costs={"calls": 3.0})
    trials = (*mine.trials[:2], refused, unpriced, mine.trials[4])
    found = exported(tmp_path, replace(mine, trials=trials)).trials
    assert [one.state for one in found[2:4]] == [TrialState.FAIL, TrialState.FAIL]
    assert found[2].user_attrs["no values"] == "unknown: quality, usd, calls"
    assert found[3].user_attrs["no values"] == "unknown: usd"
    assert [one.system_attrs["constraints"] for one in found[1:3]] == [[-1.0], [1.0]]


def test_a_study_of_one_objective_has_a_best_trial(tmp_path: Path) -> None:
    found = exported(tmp_path, replace(result(8), minimise=()))
    assert found.best_value == pytest.approx(max(one.shrunken for one in result(8).trials))


def test_an_empty_study_can_be_exported(tmp_path: Path) -> None:
    assert exported(tmp_path, replace(result(3), trials=(), front=())).trials == []


def test_a_study_is_never_written_twice(tmp_path: Path) -> None:
    path = str(tmp_path / "study.journal")
    export_study(result(3), path)
    with pytest.raises(InputError, match="has this study already"):
        export_study(result(3), path)
    assert len(from_journal(Path(path), "reason.default").trials) == 3


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("nosuch://host/db", "cannot hold the study: can't load plugin"),
        ("sqlite:////no/such/folder/s.db", "cannot hold the study: unable to open"),
        ("/no/such/folder/journal", "cannot hold the study: no such file"),
    ],
)
def test_a_storage_that_cannot_be_opened_is_said(storage: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        export_study(result(3), storage)


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a journal\n", encoding="utf-8")
    with pytest.raises(InputError, match="but no journal of Optuna"):
        export_study(result(3), str(path))
    assert path.read_text(encoding="utf-8") == "not a journal\n"


def test_passwords_of_addresses_are_not_shown() -> None:
    with pytest.raises(InputError) as caught:
        export_study(result(3), "nosuch://me:secret@host/db")
    assert "secret" not in str(caught.value)
    assert hidden_address("mysql://me@host/db") == "mysql://me@host/db"
