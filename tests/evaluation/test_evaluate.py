"""`graphdsl.evaluate` on models of models: scores, costs, baselines and what goes wrong."""

from __future__ import annotations

import asyncio
import math
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

import graphdsl
from graphdsl.api.evaluation.report import Evaluation
from graphdsl.api.evaluation.row import Row
from graphdsl.errors import BackendError, CompileError, InputError
from graphdsl.testing.faulty_server import MODEL, FaultyServer
from graphdsl.values import Value

PROGRAM = """edition "2026"
model sim { backend = simulated  accuracy = 0.6  seed = 4 }
model turns { backend = simulated  accuracy = 0.9  slots = 1  latency = 0.0001 }
model flaky { backend = simulated  accuracy = 0.8  failures = 0.4  attempts = 1 }
model said { backend = simulated  replies = ["1", "2", "2", "3"] }
model gone { backend = embedded  name = "./nowhere.gguf" }
prompt ask(question: Text) "{{ question }} ="
flow vote8(question: Text) -> Answer {
  drafts = generate(ask(question: question), models: sim, samples: 8 in [1, 2, 4, 8])
  return vote(drafts, by: number)
}
flow text8(question: Text) -> Text {
  voted = vote(generate(ask(question: question), models: turns, samples: 8), by: number)
  return voted.text
}
flow ranked(question: Text) -> Answer {
  drafts = generate(ask(question: question), models: sim, samples: 4 in [2, 4])
  return first(rank(drafts, by: sim, keep: 1))
}
flow once(question: Text) -> Answer {
  return first(generate(ask(question: question), models: flaky))
}
flow scripted(question: Text) -> Answer {
  return vote(generate(question, models: said, samples: 4 in [1, 4]), by: number)
}
flow absent(question: Text) -> Draft { return first(generate(question, models: gone)) }
flow echo(question: Text) -> Text { return question }
"""
MODULE = graphdsl.load(PROGRAM)
ROWS = [{"question": f"What is {n} + {n + 1}?", "answer": str(2 * n + 1)} for n in range(24)]


def row(found: Evaluation, kind: str, level: str | None = None) -> Row:
    (one,) = [each for each in found.rows if each.kind == kind and each.level == level]
    return one


def alone(flow: graphdsl.Flow, seed: int = 0) -> tuple[list[bool], list[graphdsl.Usage]]:
    """The same by hand: run every item and compare its value with the target."""
    results = [flow.run_sync(question=one["question"], seed=seed) for one in ROWS]
    right = [one.value == item["answer"] for one, item in zip(results, ROWS, strict=True)]
    return right, [one.usage for one in results]


def test_scores_and_costs_are_those_of_the_runs() -> None:
    flow = MODULE.flow("ranked")
    right, usages = alone(flow)
    found = graphdsl.evaluate(flow, ROWS, by="number")
    ours = row(found, "flow")
    assert [bool(one.score) for one in ours.outcomes] == right
    assert 0 < sum(right) < len(ROWS)
    assert ours.mean == fmean(right)
    tokens = [one.prompt_tokens + one.completion_tokens for one in usages]
    assert ours.per_run("tokens") == pytest.approx(fmean(tokens))
    assert ours.per_run("calls") == fmean(one.calls for one in usages)
    assert ours.per_run("usd") == 0
    assert found.complete
    assert not found.fruitless


def test_the_single_sample_is_the_first_of_the_flows_own() -> None:
    """Common random numbers: the sample at the flow's address, with its seed."""
    found = graphdsl.evaluate(MODULE.flow("vote8"), ROWS)
    single = row(found, "single")
    wanted: list[str | None] = []
    for item in ROWS:
        result = MODULE.flow("vote8").run_sync(question=item["question"], content=True)
        assert result.trace is not None
        (node,) = [one for one in result.trace.walk() if one.address == "vote8.drafts"]
        (first,) = [call.text for call in node.calls if call.sample == 0]
        assert first is not None
        wanted.append(first.rpartition("Answer: ")[2])
    assert [one.answer for one in single.outcomes] == wanted


def test_the_vote_costs_as_much_as_the_flow() -> None:
    found = graphdsl.evaluate(MODULE.flow("ranked"), ROWS)
    ours, vote = row(found, "flow"), row(found, "majority")
    assert (found.unit, vote.same_as) == ("tokens", None)
    assert vote.samples == vote.per_run("calls")
    assert vote.samples is not None
    ratio = found.ratio(vote)
    assert ratio is not None
    assert abs(ratio - 1) <= 1 / vote.samples + 0.05
    (comparison, against_single) = found.comparisons
    assert comparison.baseline == vote.name
    assert comparison.difference == pytest.approx((ours.mean or 0) - (vote.mean or 0))
    assert comparison.ratio == pytest.approx(1 / ratio)
    assert against_single.baseline == "single sample"


def test_costs_may_be_equal_in_calls() -> None:
    found = graphdsl.evaluate(MODULE.flow("ranked"), ROWS[:4], equal="calls")
    assert (found.unit, row(found, "majority").samples) == ("calls", 5)


def test_costs_are_equal_in_money_where_there_is_a_price() -> None:
    priced = PROGRAM.replace("seed = 4", "seed = 4  usd_per_mtok_in = 1  usd_per_mtok_out = 100")
    found = graphdsl.evaluate(graphdsl.load(priced).flow("ranked"), ROWS[:6])
    assert found.unit == "usd"
    ours = row(found, "flow")
    cost = ours.cost
    assert ours.per_run("usd") == pytest.approx(
        (cost.prompt_tokens + 100 * cost.completion_tokens) / 1e6 / 6
    )
    tokens = graphdsl.evaluate(MODULE.flow("ranked"), ROWS[:6])
    assert row(found, "majority").samples != row(tokens, "majority").samples


def test_a_majority_vote_is_its_own_baseline() -> None:
    found = graphdsl.evaluate(MODULE.flow("vote8"), ROWS)
    ours, vote = row(found, "flow"), row(found, "majority")
    assert (vote.samples, vote.same_as, vote.outcomes) == (8, "vote8", ours.outcomes)
    assert found.usage.calls == len(ROWS) * 9, "it is not run twice"
    assert [one.baseline for one in found.comparisons] == ["single sample"]


def test_a_vote_that_stops_early_has_a_smaller_one_at_equal_cost() -> None:
    found = graphdsl.evaluate(MODULE.flow("text8"), ROWS)
    ours, vote = row(found, "flow"), row(found, "majority")
    calls = ours.per_run("calls")
    assert calls is not None
    assert calls < 8
    assert vote.same_as is None
    assert vote.samples is not None
    assert vote.samples < 8


def test_levels_have_rows_votes_and_arise() -> None:
    values = [1, 2, 4, 8]
    found = graphdsl.evaluate(MODULE.flow("vote8"), ROWS, levels={"vote8.drafts.samples": values})
    levels = [row(found, "flow", f"samples={value}") for value in values]
    for value, level in zip(values, levels, strict=True):
        right, usages = alone(MODULE.flow("vote8").with_({"vote8.drafts.samples": value}))
        assert [bool(one.score) for one in level.outcomes] == right
        assert level.cost.completion_tokens == sum(one.completion_tokens for one in usages)
        assert row(found, "majority", level.level).same_as == level.name
    assert found.arise is not None
    items = zip(*map(_steps, levels), strict=True)
    assert found.arise.mean == pytest.approx(fmean(map(_arise, items)))
    assert found.saturation is not None


def _steps(level: Row) -> list[tuple[float, int]]:
    return [(one.score, one.tokens) for one in level.outcomes]


def _arise(steps: tuple[tuple[float, int], ...]) -> float:
    """The sum of the paper, written out again."""
    total = 0.0
    for (a, t), (b, u) in pairwise(steps):
        if b > a:
            total += (b - a) * t / u
        elif b < a:
            total += (b - a) * u / t
    return total


def test_budgets_are_levels_too() -> None:
    budgets = [graphdsl.Budget(calls=calls) for calls in (1, 2, 4)]
    found = graphdsl.evaluate(MODULE.flow("vote8"), ROWS[:6], budgets=budgets)
    for calls in (1, 2, 4):
        level = row(found, "flow", f"calls={calls}")
        assert level.per_run("calls") == calls
        assert level.limited == 6
    assert found.complete
    assert row(found, "majority", "calls=1").same_as == "single sample"


def test_repeats_are_runs_with_other_seeds() -> None:
    flow = MODULE.flow("ranked")
    found = graphdsl.evaluate(flow, ROWS, seed=3, repeats=2)
    ours = row(found, "flow")
    assert ours.done == 2 * len(ROWS)
    right = [alone(flow, seed)[0] for seed in (3, 4)]
    for replica in (0, 1):
        scores = [one.score for one in ours.outcomes if one.replica == replica]
        assert [bool(score) for score in scores] == right[replica]
    assert list(ours.scores.values()) == [fmean(pair) for pair in zip(*right, strict=True)]


def test_ties_go_to_the_first_and_known_answers_are_scored() -> None:
    """Replies 1, 2, 2, 3: a single sample says 1, a vote of two is tied, one of four says 2."""
    rows = [{"question": "a", "answer": "1"}, {"question": "b", "answer": "2"}] * 2
    found = graphdsl.evaluate(MODULE.flow("scripted"), rows, by="number")
    assert row(found, "flow").mean == 0.5
    assert [one.score for one in row(found, "flow").outcomes] == [0, 1, 0, 1]
    assert [one.score for one in row(found, "single").outcomes] == [1, 0, 1, 0]
    assert found.comparisons[0].difference == 0


def test_runs_that_fail_count_as_wrong_and_lose_nothing() -> None:
    flow = MODULE.flow("once")
    failed = [flow.run_sync(question=one["question"]).status == "failed" for one in ROWS]
    assert 0 < sum(failed) < len(ROWS)
    found = graphdsl.evaluate(flow, ROWS)
    ours = row(found, "flow")
    assert (ours.done, ours.failed) == (len(ROWS), sum(failed))
    assert all(one.score == 0 and one.reason for one in ours.outcomes if one.status == "failed")
    assert sum(count for _, count in ours.reasons) == sum(failed)
    assert not found.fruitless


class _Breaks:
    """A metric of somebody else, which cannot take one of the items."""

    name = "breaks"

    def score(self, value: Value, target: object) -> float:
        """1, but for one target."""
        if target == "7":
            message = "seven is not a number"
            raise ZeroDivisionError(message)
        return 1.0


def test_a_metric_that_breaks_on_an_item_costs_only_that() -> None:
    found = graphdsl.evaluate(MODULE.flow("echo"), ROWS[:8], metric=_Breaks())
    ours = row(found, "flow")
    assert (ours.mean, ours.unscored, ours.failed) == (7 / 8, 1, 0)
    assert ours.reasons == [
        ("the metric `breaks` broke: ZeroDivisionError: seven is not a number", 1)
    ]


def test_a_flow_that_asks_nothing_has_no_baselines_and_says_so() -> None:
    found = graphdsl.evaluate(MODULE.flow("echo"), ROWS[:3])
    assert [one.kind for one in found.rows] == ["flow"]
    assert "there are no baselines" in found.notes[0]
    assert (found.unit, found.comparisons, found.arise) == (None, (), None)


def test_a_session_that_ends_leaves_whole_runs_only() -> None:
    session = graphdsl.Session(graphdsl.Budget(calls=43))
    found = graphdsl.evaluate(MODULE.flow("vote8"), ROWS, session=session, concurrency=2)
    ours = row(found, "flow")
    assert found.exhausted == "calls(43)"
    assert not found.complete
    assert ours.done == 5
    assert all(one.status == "ok" and one.usage.calls == 8 for one in ours.outcomes)
    assert [one.kind for one in found.rows] == ["flow"]
    assert 40 < session.usage.calls <= 43
    assert found.usage.calls == session.usage.calls, "with what was cut off"


async def test_levels_and_baselines_share_their_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAR_KEY", "x")
    async with FaultyServer() as server:
        text = f"""edition "2026"
model far {{
  backend = openai  name = "{MODEL}"  base_url = "{server.url}"  api_key = env("FAR_KEY")
  usd_per_mtok_in = 1  usd_per_mtok_out = 2
}}
flow main(question: Text) -> Answer {{
  return vote(generate(question, models: far, samples: 4 in [1, 2, 4]), by: number)
}}
"""
        (hole,) = graphdsl.load(text).flow("main").open_graph.holes
        found = await asyncio.to_thread(_evaluated, text, hole.address, tmp_path)
        assert len(server.asked) == 3 * 4
        assert found.usage.calls == 3 * 4
        assert found.saved.calls == 3 * (1 + 2 + 1), "of the smaller levels, and the single sample"
        four = row(found, "flow", "samples=4")
        assert (four.per_run("calls"), four.usage.calls) == (4, 3 * 2)
        assert row(found, "single").latencies == []
        again = await asyncio.to_thread(_evaluated, text, hole.address, tmp_path)
        assert len(server.asked) == 3 * 4
        assert again.usage.calls == 0
        assert [one.per_run("usd") for one in again.rows] == [
            one.per_run("usd") for one in found.rows
        ]
        assert [one.mean for one in again.rows] == [one.mean for one in found.rows]
    graphdsl.shutdown()


def _evaluated(text: str, address: str, folder: Path) -> Evaluation:
    return graphdsl.evaluate(
        graphdsl.load(text).flow("main"),
        ROWS[:3],
        levels={address: [1, 2, 4]},
        cache=folder / "answers.sqlite",
    )


def test_runs_with_a_budget_ask_anew_and_say_so(tmp_path: Path) -> None:
    flow, budget = MODULE.flow("vote8"), graphdsl.Budget(calls=2)
    found = graphdsl.evaluate(flow, ROWS[:2], budget=budget, cache=tmp_path / "answers.sqlite")
    assert row(found, "flow").per_run("calls") == 2
    assert any("asked models anew" in note for note in found.notes)


def test_a_model_that_is_missing_ends_it() -> None:
    with pytest.raises(BackendError):
        graphdsl.evaluate(MODULE.flow("absent"), ROWS[:2])


def test_a_report_is_data() -> None:
    found = graphdsl.evaluate(MODULE.flow("ranked"), ROWS[:4])
    plain = found.to_dict()
    assert plain["ok"] is True
    assert [one["name"] for one in plain["rows"]] == [one.name for one in found.rows]
    assert len(plain["rows"][0]["runs"]) == 4
    low, mean, high = (plain["rows"][0][name] for name in ("low", "mean", "high"))
    assert low <= mean <= high
    assert not math.isnan(low)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"metric": "acuracy"}, "did you mean `accuracy`"),
    ({"metric": "f1", "by": "number"}, "`by` goes with the metric `accuracy`"),
    ({"by": "size"}, "not by `size`"),
    ({"repeats": 0}, "`repeats` must be a whole number, 1 or more"),
    ({"limit": 0}, "`limit`"),
    ({"concurrency": 1.5}, "`concurrency`"),
    ({"equal": "watts"}, "`equal` is `auto`"),
    ({"levels": {"vote8.drafts.samples": [1]}}, "two values at least"),
    ({"levels": {"vote8.drafts.samples": [1, 1]}}, "given twice"),
    ({"levels": {"a": [1, 2], "b": [1, 2]}}, "one hole"),
    ({"levels": {"a": [1, 2]}, "budgets": [graphdsl.Budget(calls=1)]}, "not both"),
    ({"budgets": [graphdsl.Budget(calls=1)]}, "two budgets at least"),
    ({"budgets": [graphdsl.Budget(), graphdsl.Budget(calls=1)]}, "limits one thing"),
    ({"baseline": "vote8.nothing"}, "there are: `vote8.drafts`"),
    ({"target": "gold"}, "no column `gold`"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_what_is_wrong_is_said_before_anything_runs(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        graphdsl.evaluate(MODULE.flow("vote8"), ROWS, **options)
    assert said in str(caught.value)


def test_without_data_the_search_block_is_named() -> None:
    with pytest.raises(InputError, match="write a `search` block about `vote8`"):
        graphdsl.evaluate(MODULE.flow("vote8"))


def test_a_level_outside_of_the_domain_is_an_error_of_the_program() -> None:
    with pytest.raises(CompileError, match="not in the domain"):
        graphdsl.evaluate(MODULE.flow("vote8"), ROWS, levels={"vote8.drafts.samples": [1, 3]})


def test_targets_that_cannot_be_compared_with_name_their_lines() -> None:
    rows = [*ROWS[:2], {"question": "a", "answer": "none"}]
    with pytest.raises(InputError, match="line 3: the target `none` has no"):
        graphdsl.evaluate(MODULE.flow("vote8"), rows, by="number")
