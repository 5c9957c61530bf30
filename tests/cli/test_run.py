"""`graphdsl run` and `graphdsl trace` on one input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.cli.output import safe
from graphdsl.executors import runs
from graphdsl.executors.cache.store import Cache

Call = Callable[..., Any]
ASK = "question=What is 2 + 2?"


def test_the_answer_alone_goes_to_stdout(call: Call, program: Path) -> None:
    done = call("run", program, "sums", "--input", ASK)
    assert done.code == 0
    assert done.out == "4\n"
    assert "5 calls" in done.err
    assert "confidence" in done.err


def test_json_has_the_whole_result(call: Call, program: Path) -> None:
    done = call("run", program, "sums", "-i", ASK, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["ok"] is True
    assert done.json["answer"] == "4"
    assert done.json["usage"]["calls"] == 5


def test_the_same_seed_gives_the_same_run(call: Call, program: Path) -> None:
    def spent(seed: int) -> Any:
        return call("run", program, "sums", "-i", ASK, "--seed", seed, "--json").json["usage"]

    assert spent(1) == spent(1)
    assert spent(1) != spent(2)


def test_a_budget_that_runs_out_is_code_3_with_a_partial_answer(call: Call, program: Path) -> None:
    done = call("run", program, "sums", "-i", ASK, "--budget", "calls=2")
    assert done.code == 3
    assert done.out == "4\n"
    assert "calls(2)" in done.err


def test_a_deadline_that_passes_is_code_3(call: Call, program: Path) -> None:
    done = call("run", program, "never", "-i", ASK, "--budget", "seconds=0.05", "--json")
    assert done.code == 3
    assert done.json["status"] == "exhausted"
    assert done.json["exhausted"] == "seconds(0.05)"


def test_a_model_that_fails_is_code_4(call: Call, program: Path) -> None:
    done = call("run", program, "fails", "-i", ASK)
    assert done.code == 4
    assert "failed on purpose" in done.err


def test_a_model_that_is_missing_is_code_4(
    call: Call, program: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path))
    done = call("run", program, "sums", "-i", ASK, "--model", "sim=smollm2-135m")
    assert done.code == 4
    assert "smollm2-135m" in done.err


def test_a_run_that_breaks_leaves_its_trace(
    call: Call, program: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path))
    call("run", program, "sums", "-i", ASK, "--model", "sim=smollm2-135m")
    trace = call("trace", "last", "--json").json
    assert trace["status"] == "failed"
    assert "smollm2-135m" in trace["error"]
    assert {node["address"]: node["status"] for node in trace["nodes"]}["sums.drafts"] == "failed"


def test_another_model_can_stand_in(call: Call, program: Path) -> None:
    done = call("run", program, "fails", "-i", ASK, "--model", "broken=simulated")
    assert done.code == 0


def test_pins_set_holes(call: Call, program: Path, tmp_path: Path) -> None:
    pins = tmp_path / "pins.json"
    pins.write_text('{"sums.drafts.samples": 3}')
    done = call("run", program, "sums", "-i", ASK, "--with", pins, "--json")
    assert done.json["usage"]["calls"] == 3


@pytest.mark.parametrize(
    ("pins", "said"),
    [
        ('{"sums.drafts.sample": 3}', "sums.drafts.sample"),
        ('{"sums.drafts.samples": 4}', "4"),
        ("[]", "must hold an object"),
        ("{", "is not JSON"),
        ('{"sums.drafts.samples": [3]}', "must be a label or a number"),
    ],
)
def test_wrong_pins_are_code_1(
    pins: str, said: str, call: Call, program: Path, tmp_path: Path
) -> None:
    path = tmp_path / "pins.json"
    path.write_text(pins)
    done = call("run", program, "sums", "-i", ASK, "--with", path)
    assert done.code == 1
    assert said in done.err


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ((), "needs `question: Text`"),
        (("-i", "qestion=x"), "did you mean `question`?"),
        (("-i", ASK, "-i", "_times=many"), "write it as JSON"),
        (("-i", ASK, "-i", '_times="3"'), "`_times` must be a `Number`"),
        (("-i", ASK, "-i", "_times=NaN"), "NaN"),
        (("-i", "question=@nothing.txt"), "there is no file `nothing.txt`"),
    ],
)
def test_inputs_that_do_not_fit_are_code_1(
    inputs: tuple[str, ...], said: str, call: Call, program: Path
) -> None:
    done = call("run", program, "sums", *inputs)
    assert done.code == 1
    assert said in done.err


@pytest.mark.parametrize(
    "argv",
    [
        ("-i", "question"),
        ("-i", ASK, "-i", ASK),
        ("-i", ASK, "--budget", "calls"),
        ("-i", ASK, "--budget", "pence=3"),
        ("-i", ASK, "--budget", "calls=-1"),
        ("-i", ASK, "--out", "x.jsonl"),
        ("-i", ASK, "--model", "sim"),
        ("-i", ASK, "--model", "sim="),
        ("-i", ASK, "--model", "sim= "),
    ],
)
def test_options_that_mean_nothing_are_code_2(
    argv: tuple[str, ...], call: Call, program: Path
) -> None:
    assert call("run", program, "sums", *argv).code == 2


def test_inputs_are_read_by_their_types(call: Call, program: Path, tmp_path: Path) -> None:
    text = tmp_path / "items.json"
    text.write_text('["one", "@two"]\n')
    done = call("run", program, "listed", "-i", f"items=@{text}", "-i", "_exact=true", "--json")
    assert done.json["value"] == ["one", "@two"]


def test_a_doubled_at_sign_is_one(call: Call, program: Path) -> None:
    call("run", program, "sums", "-i", "question=@@home 1 + 1")
    assert call("trace", "--json").json["inputs"]["question"] == "@home 1 + 1"


def test_the_flow_of_the_files_name_is_the_default(call: Call, program: Path) -> None:
    assert call("run", program, "-i", ASK).out == "4\n"


def test_a_program_with_many_flows_wants_a_name(call: Call, program: Path) -> None:
    done = call("run", program.rename(program.with_name("other.tts")))
    assert done.code == 1
    assert "`sums`, `never`, `fails`, `listed`" in done.err


def test_a_mistyped_flow_gets_a_suggestion(call: Call, program: Path) -> None:
    assert "did you mean `sums`?" in call("run", program, "sumz").err


def test_trace_shows_the_last_run_as_a_tree(call: Call, program: Path) -> None:
    run_id = call("run", program, "sums", "-i", ASK, "--json").json["run_id"]
    shown = call("trace")
    assert shown.code == 0
    assert "drafts = generate" in shown.out
    assert "━" in shown.out
    assert "render" not in shown.out
    assert call("trace", run_id).out == shown.out
    assert "render" in call("trace", "--all").out


def test_trace_as_json_can_be_read_back(call: Call, program: Path, tmp_path: Path) -> None:
    call("run", program, "sums", "-i", ASK)
    found = call("trace", "--json")
    path = tmp_path / "kept.json"
    path.write_text(found.out)
    assert call("trace", path).out == call("trace").out


def test_without_runs_there_is_no_trace(call: Call) -> None:
    done = call("trace")
    assert done.code == 1
    assert "there is no past run" in done.err


def test_text_of_a_model_cannot_drive_the_terminal() -> None:
    assert safe("a\x1b]0;title\x07b\r\x9bc\u202ed") == "a]0;titlebcd"


def test_the_answer_has_no_control_sequences(call: Call, program: Path) -> None:
    text = program.read_text().replace("accuracy = 0.9", 'replies = ["\\u001b[31mred"]')
    program.write_text(text.replace("vote(drafts, by: number)", "first(drafts)"))
    assert call("run", program, "sums", "-i", ASK).out == "[31mred\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("-i", "=hi"), "`=hi` has no name before `=`"),
        (("-i", ASK, "--budget", "calls=1,calls=2"), "`calls` is given twice"),
    ],
)
def test_a_name_that_is_missing_or_given_twice_is_code_2(
    argv: tuple[str, ...], said: str, call: Call, program: Path
) -> None:
    done = call("run", program, "sums", *argv)
    assert done.code == 2
    assert said in done.err


def test_an_input_with_half_a_character_is_code_1(call: Call, program: Path) -> None:
    assert "lone surrogate" in call("run", program, "sums", "-i", "question=\udcff").err
    done = call("run", program, "listed", "-i", 'items=["\\ud800"]')
    assert done.code == 1
    assert "`items[0]` holds half of a character" in done.err


def test_a_failed_run_says_why_in_json(call: Call, program: Path) -> None:
    done = call("run", program, "fails", "-i", ASK, "--json")
    assert done.code == 4
    assert "failed on purpose" in done.json["error"]


def test_without_an_answer_none_is_promised(call: Call, program: Path) -> None:
    done = call("run", program, "sums", "-i", ASK, "--budget", "calls=0")
    assert done.code == 3
    assert "the budget ran out (calls(0)); there is no answer" in done.err


def test_a_verdict_says_whether_it_passed(call: Call, program: Path) -> None:
    program.write_text(
        program.read_text()
        + "\nflow judged(question: Text) -> Verdict {\n"
        + "  only = first(generate(question, models: sim))\n"
        + "  return verify(only, by: sim)\n"
        + "}\n"
    )
    said = call("run", program, "judged", "-i", ASK).out
    passed = call("run", program, "judged", "-i", ASK, "--json").json["value"]["passed"]
    assert said.startswith("passed: " if passed else "failed: ")


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("seconds=0", "the limit `seconds` must be more than 0, not `0`"),
        ("calls=2.5", "the limit `calls` must be a whole number, not `2.5`"),
        ("usd=inf", "the limit `usd` must be a finite number, not `inf`"),
        ("usd=much", "the limit `usd` must be a number, not `much`"),
        ("calls=-1", "the limit `calls` must be a whole number, 0 or more, not `-1`"),
        ("seconds=-1", "the limit `seconds` must be a number, 0 or more, not `-1`"),
    ],
)
def test_a_wrong_limit_says_what_it_must_be(
    budget: str, said: str, call: Call, program: Path
) -> None:
    done = call("run", program, "sums", "-i", ASK, "--budget", budget)
    assert done.code == 2
    assert said in done.err


def test_a_wrong_name_of_a_model_is_code_1(call: Call, program: Path) -> None:
    for model in ("sin=simulated", "sim=simulatd:x"):
        assert call("run", program, "sums", "-i", ASK, "--model", model).code == 1


def test_a_run_without_a_value_prints_none_and_is_not_sure_of_it(call: Call, program: Path) -> None:
    for flow, budget in (("fails", "calls=9"), ("sums", "calls=0")):
        done = call("run", program, flow, "-i", ASK, "--budget", budget)
        assert done.code != 0
        assert done.out == ""
        assert "confidence" not in done.err


def test_an_answer_that_is_an_empty_text_is_printed(call: Call, program: Path) -> None:
    program.write_text(
        program.read_text() + "\nflow same(text: Text) -> Text {\n  return text\n}\n"
    )
    assert call("run", program, "same", "-i", "text=").out == "\n"


def test_samples_that_went_on_to_another_model_are_told(call: Call, program: Path) -> None:
    program.write_text(
        program.read_text()
        + "\nmodel safe { backend = fallback  models = [broken, sim] }\n"
        + "flow saved(question: Text) -> Draft {\n"
        + "  return first(generate(question, models: safe, samples: 3))\n"
        + "}\n"
    )
    done = call("run", program, "saved", "-i", ASK, "--trace")
    assert done.code == 0
    assert "· passed over to another model 3 times ·" in done.err
    assert "3 × `broken` was passed over: " in done.out


def test_which_flow_says_where_to_name_it(call: Call, program: Path) -> None:
    other = program.rename(program.with_name("other.tts"))
    assert "`graphdsl run FILE FLOW`" in call("run", other).err
    other.write_text('edition "2026"\nmodel sim { backend = simulated }\n')
    assert "error: this program has no flow" in call("run", other).err


def test_a_number_that_must_be_whole_is_asked_for(call: Call, program: Path) -> None:
    argv = ("run", program, "sums", "-i", ASK)
    for command, low in (
        (("plan", program, "--prompt-tokens", "x"), ", 0 or more"),
        ((*argv, "--concurrency", "0"), ", 1 or more"),
        ((*argv, "--seed", "x"), ""),
    ):
        done = call(*command)
        assert done.code == 2
        assert f"it must be a whole number{low}, not `{command[-1]}`" in done.err


def test_no_defect_of_trace_keeping_costs_the_answer(
    call: Call, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(runs, "keep_run", broken)
    done = call("run", program, "sums", "-i", ASK)
    assert (done.code, done.out.strip()) == (0, "4")
    assert "the trace was not kept: RecursionError: too deep" in done.err


def test_a_trace_that_cannot_be_written_names_the_file(
    call: Call, program: Path, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "runs.db").mkdir()
    done = call("run", program, "sums", "-i", ASK)
    assert (done.code, done.out.strip()) == (0, "4")
    assert "the trace was not kept: " in done.err
    assert f"`{tmp_path / 'state' / 'runs.db'}`" in done.err


def test_what_a_cache_could_not_write_is_said(
    call: Call, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known only once what waits to be written was flushed."""
    flushed: list[Cache] = []

    def flush(cache: Cache) -> None:
        flushed.append(cache)

    def notes(cache: Cache) -> tuple[str, ...]:
        return ("the disk is full",) if cache in flushed else ()

    monkeypatch.setattr(Cache, "flush", flush)
    monkeypatch.setattr(Cache, "notes", property(notes))
    assert "the disk is full" in call("run", program, "sums", "-i", ASK).err
