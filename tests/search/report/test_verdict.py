"""The one sentence: certified numbers with intervals, and never a mean of the search as result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphdsl.search.report.certified import certificate
from graphdsl.search.report.study_file import FinishedStudy, finished
from graphdsl.search.report.verdict import remarks, verdict
from graphdsl.search.result import StudyResult, Trial
from tests.search.report.studies import result

BEST = Trial(7, "best", {"f.n": 9.0}, "", "finalist", 64, 0.8, 0.75, {"usd": 0.02})
BASE = Trial(0, "base", {"f.n": 1.0}, "single big", "finalist", 64, 0.7, 0.66, {"usd": 0.01})


def finalist(
    identity: str, mean: float, gain: float | None = None, half: float = 0.05, **beside: Any
) -> dict[str, Any]:
    """A finalist as a certificate has it; `gain` is against the baseline."""
    row: dict[str, Any] = {
        "identity": identity,
        "items": 200,
        "quality": {"mean": mean, "low": mean - 0.06, "high": mean + 0.06},
        "costs": {"usd": {"mean": 0.02 if identity == "best" else 0.01}},
        "differences": [],
        **beside,
    }
    if gain is not None:
        difference = {"difference": gain, "low": gain - half, "high": gain + half}
        row["differences"] = [{"baseline": "single big", **difference}]
    return row


def study(
    *rows: dict[str, Any], beside: dict[str, Any] | None = None, **changes: Any
) -> FinishedStudy:
    """A study with a certificate: the first row is the pick, `single big` a baseline."""
    found = (
        {
            "pick": rows[0]["identity"],
            "finalists": [row for row in rows if row is rows[0] or row["identity"] != "base"],
            "baselines": [row for row in rows if row["identity"] == "base"],
            **(beside or {}),
        }
        if rows
        else None
    )
    whole: StudyResult = replace(
        result(5), trials=(BASE, BEST), front=("best",), certificate=found, minimise=("usd",)
    )
    return finished(replace(whole, **changes))


def test_a_certified_winner_is_named_with_its_interval_gain_and_cost() -> None:
    said = verdict(study(finalist("best", 0.72, 0.09), finalist("base", 0.63)))
    assert said == (
        "On 200 items that no step of the search had seen, trial 7 (n 9) scores 72.0 % (66.0 % to "
        "78.0 %): +9.0 points (+4.0 to +14.0) against the baseline `single big`, at 2.0 times its "
        "cost in US dollars."
    )


def test_a_gain_that_may_be_none_is_not_claimed() -> None:
    said = verdict(study(finalist("best", 0.66, 0.03), finalist("base", 0.63)))
    assert "but it is not shown to be better than the baseline `single big`" in said
    assert "+3.0 points (−2.0 to +8.0)" in said


def test_a_claim_is_that_of_the_certificate_and_not_of_one_interval() -> None:
    row = finalist("best", 0.72, 0.09)
    row["differences"][0]["better"] = False
    assert "not shown to be better" in verdict(study(row))


def test_a_baseline_that_is_the_pick_is_said_to_be_one() -> None:
    said = verdict(study(finalist("base", 0.63), finalist("best", 0.6, -0.03)))
    assert said.endswith(
        "single big scores 63.0 % (57.0 % to 69.0 %); it is a baseline, so the search found "
        "nothing better."
    )


def test_the_pick_stays_the_pick_where_another_came_out_higher() -> None:
    found = study(finalist("best", 0.72, 0.09), finalist("third", 0.8, 0.17))
    assert "trial 7 (n 9) scores 72.0 %" in verdict(found)
    assert any("Third came out higher, at 80.0 %" in said for said in remarks(found))


def test_a_certificate_that_was_stopped_says_on_what_it_rests() -> None:
    stopped = {"complete": False, "stopped": "calls(20) are spent"}
    (first, *_) = remarks(study(finalist("best", 0.72, 0.09), beside=stopped))
    assert first == (
        "The certificate is not complete (calls(20) are spent): it rests on the 200 items that all "
        "candidates were seen on."
    )


def test_a_winner_that_was_compared_with_nothing_says_so() -> None:
    assert verdict(study(finalist("best", 0.7))).endswith("; it was compared with no baseline.")


def test_the_hardest_baseline_decides() -> None:
    row = finalist("best", 0.7, 0.1)
    row["differences"].append({"baseline": "vote", "difference": 0.01, "low": -0.05, "high": 0.07})
    assert "not shown to be better than the baseline `vote`" in verdict(study(row))


def test_a_finalist_that_is_no_trial_of_the_file_is_still_shown() -> None:
    said = verdict(study(finalist("0123456789abcdef", 0.7, 0.1)))
    assert "seen, 0123456789ab scores 70.0 %" in said


def test_without_a_certificate_nothing_is_claimed() -> None:
    said = verdict(study())
    assert said == (
        "Nothing is certified, so nothing can be claimed (the budget was used up). The best of 2 "
        "candidates in the search is trial 7; its mean there, 80.0 % on 64 items, is biased "
        "upwards and will not hold."
    )


def test_where_nothing_was_measured_or_tried_that_is_said() -> None:
    unmeasured = replace(BEST, quality=float("nan"), shrunken=float("nan"), items=0)
    assert verdict(study(trials=(unmeasured,))) == (
        "Nothing is certified, and no candidate was measured: the budget was used up."
    )
    assert verdict(study(trials=())) == "Nothing was tried, so there is nothing to report."


def test_how_much_the_search_had_promised_too_much_is_said() -> None:
    (said,) = remarks(study(finalist("best", 0.72, 0.09)))
    assert "it had scored 80.0 % on 64 items, +8.0 points more" in said
    assert "biased" in said
    assert list(remarks(study(finalist("best", 0.81, 0.09)))) == []
    assert list(remarks(study())) == []


def test_estimates_may_be_named_in_several_ways() -> None:
    found = certificate(
        {
            "finalists": [
                {
                    "identity": "a",
                    "quality": {"mean": 0.5, "low": 0.4, "high": 0.6},
                    "costs": {"calls": 3, "usd": {"mean": 0.1, "low": 0.05, "high": 0.2}},
                    "differences": [{"baseline": "b", "mean": 0.1, "low": 0, "high": 0.2}],
                }
            ],
            "freeze": "abc",
            "looks": 2,
            "split": {"items": 3},
        }
    ).certificate
    assert found is not None
    (one,) = found.finalists
    assert one.costs["calls"].mean == 3
    assert not one.costs["calls"].known
    assert one.costs["usd"].known
    assert [difference.better for difference in one.differences] == [False]
    assert found.facts == (("freeze", "abc"), ("looks", "2"))
    assert found.pick is one
