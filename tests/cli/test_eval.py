"""`graphdsl eval`: the table, JSON, exit codes, and what an interrupted one leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]

PROGRAM = """edition "2026"
model sim { backend = simulated  accuracy = 0.6 }
model broken { backend = simulated  failures = 1  attempts = 1 }
prompt ask(question: Text) "{{ question }} ="
flow vote8(question: Text) -> Answer {
  drafts = generate(ask(question: question), models: sim, samples: 8 in [1, 2, 4, 8])
  return vote(drafts, by: number)
}
flow ranked(question: Text) -> Answer {
  drafts = generate(ask(question: question), models: sim, samples: 4)
  return first(rank(drafts, by: sim, keep: 1))
}
flow fails(question: Text) -> Draft { return first(generate(question, models: broken)) }
search default {
  flow = ranked
  data = jsonl("sums.jsonl", input: "question", target: "answer")
  maximise = accuracy(by: number)
  budget = [calls(10)]
  strategy = random(seed: 1)
}
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Flows and, beside them, a dozen sums."""
    rows = [{"question": f"What is {n} + 2?", "answer": n + 2} for n in range(12)]
    lines = "\n".join(map(json.dumps, rows))
    (tmp_path / "sums.jsonl").write_text(lines, encoding="utf-8")
    path = tmp_path / "flows.tts"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def test_the_search_block_says_what_is_measured(call: Call, program: Path) -> None:
    done = call("eval", program)
    assert done.code == 0
    assert done.out.startswith("ranked · accuracy by number · 12 items · seed 0 · 16 at once\n")
    names = [line.split("  ")[0].strip() for line in done.out.splitlines()[3:7]]
    assert names[1:3] == ["ranked", "single sample"]
    assert names[3].startswith("majority of ")
    assert "ranked - majority of" in done.out
    assert "ARISE" in done.out
    assert "\x1b" not in done.out
    assert " runs · " in done.err


def test_the_table_fits_80_columns(call: Call, program: Path) -> None:
    data = ("--data", program.with_name("sums.jsonl"))
    done = call("eval", program, "vote8", *data, "--levels", "vote8.drafts.samples=1,2,4,8")
    table = done.out.splitlines()[1:14]
    names = [line[1:19].rstrip() for line in table[3:12]]
    assert names[:3] == ["samples=1", "  majority of 1 =", "samples=2"]
    assert names[-2:] == ["  majority of 8 =", "single sample"]
    assert max(len(line.rstrip()) for line in table) <= 80
    assert "vote8 is itself a majority vote" in done.out
    assert "saturation: towards" in done.out


def test_operations_have_a_column_where_they_are_counted(call: Call, program: Path) -> None:
    assert "FLOPs" not in call("eval", program).out
    text = PROGRAM.replace("accuracy = 0.6", "accuracy = 0.6  flops_per_token = 1000")
    program.write_text(text, encoding="utf-8")
    done = call("eval", program)
    told = call("eval", program, "--json").json["rows"][0]
    assert told["flops_per_item"] == 1000 * told["tokens_per_item"]
    assert f"{told['flops_per_item']:.1e}" in done.out


def test_json_holds_everything(call: Call, program: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs.jsonl"
    done = call("eval", program, "--json", "--out", out, "--limit", 5, "--repeats", 2)
    assert (done.code, done.err) == (0, "")
    told = done.json
    assert (told["ok"], told["complete"], told["items"], told["repeats"]) == (True, True, 5, 2)
    assert [row["kind"] for row in told["rows"]] == ["flow", "single", "majority"]
    flow = told["rows"][0]
    scores = [run["score"] for run in flow["runs"]]
    assert flow["mean"] == sum(scores) / 10
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 30
    runs = [run for row in told["rows"] for run in row["runs"]]
    assert [line["score"] for line in lines] == [run["score"] for run in runs]
    assert {line["row"] for line in lines} == {row["name"] for row in told["rows"]}


def test_traces_are_kept_as_one_batch(call: Call, program: Path) -> None:
    told = call("eval", program, "--json", "--limit", 3).json
    run = told["rows"][0]["runs"][0]
    shown = call("trace", run["run_id"], "--json")
    assert shown.code == 0
    assert run["run_id"].startswith(told["run_id"])


def test_columns_and_metric_can_be_named(call: Call, program: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("task,gold\nWhat is 1 + 1?,2\nWhat is 2 + 2?,4\n", encoding="utf-8")
    options = ("--data", data, "--input", "question=task", "--target", "gold", "--metric", "exact")
    told = call("eval", program, "vote8", *options, "--json").json
    assert (told["metric"], told["by"], told["items"]) == ("exact", None, 2)


def test_a_session_budget_is_code_3_with_what_there_is(call: Call, program: Path) -> None:
    done = call("eval", program, "--session-budget", "calls=33", "--concurrency", 1)
    assert done.code == 3
    assert "ranked [6/12]" in done.out
    assert "the budget ran out (calls(33)): the table has 6 of 12 runs of ranked" in done.err


def test_models_that_all_fail_are_code_4(call: Call, program: Path) -> None:
    data = program.with_name("sums.jsonl")
    done = call("eval", program, "fails", "--data", data)
    assert done.code == 4
    assert "12 of 12 runs without a score" in done.err
    assert "no run of `fails` gave an answer" in done.err


def test_ctrl_c_prints_what_is_done(
    call: Call, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars: list[str] = []

    @contextmanager
    def bar(name: str, _total: int) -> Generator[Callable[[], None]]:
        bars.append(name)
        steps = iter(range(5))

        def step() -> None:
            if len(bars) == 2 and next(steps) == 4:
                raise KeyboardInterrupt

        yield step

    monkeypatch.setattr("graphdsl.cli.eval.items_bar", bar)
    done = call("eval", program, "--concurrency", 1)
    assert done.code == 130
    assert bars == ["ranked", "single sample"]
    assert "single sample [4/12]" in done.out
    assert "interrupted: the table has 12 of 12 runs of ranked, 4 of 12 runs of single" in done.err


def test_ctrl_c_in_json_says_so(call: Call, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(_study: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("graphdsl.api.evaluation.study.Study.run", raising)
    done = call("eval", program, "--json")
    assert (done.code, done.err) == (130, "")
    assert (done.json["ok"], done.json["interrupted"], done.json["rows"]) == (False, True, [])


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--levels", "vote8.drafts.samples"), 2, "is no list of levels"),
        (("--levels", "a=1"), 2, "two at least are needed"),
        (("--levels", "a=1,2", "--budgets", "calls=1,2"), 2, "cannot be given together"),
        (("--budgets", "cals=1,2"), 2, "`cals=1` is no limit"),
        (("--equal", "watts"), 2, "watts"),
        (("--input", "question"), 2, "has no `=`"),
        (("--levels", "ranked.draft.samples=1,2"), 1, "`ranked.draft.samples` is none"),
        (("--metric", "acuracy"), 1, "did you mean `accuracy`?"),
        (("--target", "gold"), 1, "the data has no column `gold`"),
        (("--data", "nowhere.jsonl"), 1, "there is no file `nowhere.jsonl`"),
        (("--baseline", "ranked.x"), 1, "there are: `ranked.drafts`"),
    ],
)
def test_what_is_wrong_is_said(
    call: Call, program: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    done = call("eval", program, *options)
    assert done.code == code
    assert said in done.err
    assert not done.out


def test_lines_that_are_wrong_are_named(call: Call, program: Path) -> None:
    data = program.with_name("sums.jsonl")
    data.write_text('{"question": "a", "answer": 1}\n{"question": "b"}\n{', encoding="utf-8")
    done = call("eval", program)
    assert done.code == 1
    assert "line 3: not JSON" in done.err


def test_the_data_is_not_overwritten(call: Call, program: Path) -> None:
    data = program.with_name("sums.jsonl")
    before = data.read_text(encoding="utf-8")
    assert call("eval", program, "--data", data, "--out", data).code == 2
    assert call("eval", program, "--out", data).code == 2
    assert data.read_text(encoding="utf-8") == before


@pytest.mark.model
@pytest.mark.slow
def test_the_example_is_measured_on_the_embedded_model(call: Call) -> None:
    examples = Path(__file__).parents[2] / "examples"
    pins = ("--levels", "sums.drafts.samples=1,2")
    data = ("--data", examples / "data" / "sums.jsonl", "--metric", "accuracy", "--limit", 3)
    told = call("eval", examples / "sums.tts", *data, *pins, "--json").json
    assert told["complete"]
    assert [row["name"] for row in told["rows"]] == [
        "samples=1",
        "samples=2",
        "single sample",
        "majority of 1",
        "majority of 2",
    ]
    assert told["usage"]["calls"] == 3 * 2, "every sample is drawn once, and shared"
    assert told["saved"]["calls"] == 3 * (1 + 1)
