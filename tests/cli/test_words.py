"""`explain`, `ops` and `models`: commands that need no program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.explain import codes
from graphdsl.ops.registry import FAMILIES, OPERATORS

Call = Callable[..., Any]


def test_explain_prints_the_page(call: Call) -> None:
    done = call("explain", codes()[0].lower())
    assert done.code == 0
    assert done.out.startswith(f"# {codes()[0]}: ")


def test_explain_without_a_code_lists_all(call: Call) -> None:
    assert len(call("explain").out.splitlines()) == len(codes())


def test_an_unknown_code_is_an_error(call: Call) -> None:
    done = call("explain", "GD9999")
    assert done.code == 1
    assert "there is no code `GD9999`" in done.err


def test_ops_lists_every_operator_by_family_with_what_it_always_needs(call: Call) -> None:
    done = call("ops")
    assert all(f"\n{name}(" in f"\n{done.out}" for name in OPERATORS)
    families = [done.out.index(f"{family}\n\n{ops[0].name}(") for family, ops in FAMILIES.items()]
    assert families == sorted(families)
    assert "revise(draft: Draft, by: Model, …) -> Draft" in done.out
    assert "complete(drafts: List[Draft]) -> List[Draft]" in done.out
    assert "score(drafts: List[Draft], method: judge | listwise" in done.out


def test_ops_of_one_name_shows_the_whole_signature(call: Call) -> None:
    done = " ".join(call("ops", "vote").out.split())
    assert "vote(drafts: List[Draft], by: text | number | choice | maths = text, weights" in done
    done = " ".join(call("ops", "rank").out.split())
    assert "deadline: seconds(…) | minutes(…)?) -> List[Draft]" in done


def test_ops_says_with_which_words_a_parameter_means_something(call: Call) -> None:
    shown = " ".join(call("ops", "score").out.split())
    assert "required with method: oracle)" in shown
    assert "only with method: judge | listwise)" in shown
    assert "only with meta)" in shown


def test_ops_as_json_has_conditions_and_capabilities(call: Call) -> None:
    found = {one["name"]: one for one in call("ops", "--json").json["operators"]}
    score = found["score"]
    params = {param["name"]: param for param in score["params"]}
    assert params["answer"]["when"] == {"param": "method", "words": ["oracle"]}
    assert params["trusted"]["when"] == {"param": "meta", "words": []}
    assert params["drafts"]["when"] is None
    assert {"capability": "relevance_scores", "of": "meta", "when": None} in score["asks"]
    assert (score["family"], score["chance"]) == ("scoring", True)


def test_ops_of_one_name_explains_its_parameters(call: Call) -> None:
    done = call("ops", "generate")
    assert "samples" in done.out
    assert "1..100000" in done.out


def test_a_mistyped_operator_gets_a_suggestion(call: Call) -> None:
    assert "did you mean `vote`?" in call("ops", "vtoe").err


def test_ops_as_json_has_every_operator(call: Call) -> None:
    found = call("ops", "--json").json
    assert [one["name"] for one in found["operators"]] == list(OPERATORS)


@pytest.fixture
def no_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("no_models")
def test_models_says_how_to_fetch_what_is_missing(call: Call) -> None:
    done = call("models")
    assert done.code == 0
    assert "graphdsl models pull smollm2-135m" in done.out
    assert "Apache-2.0" in done.out


@pytest.mark.usefixtures("no_models")
def test_models_as_json_has_no_path_for_what_is_missing(call: Call) -> None:
    found = call("models", "list", "--json").json["models"]
    assert {one["path"] for one in found} == {None}


@pytest.mark.usefixtures("no_models")
def test_the_path_of_a_missing_model_is_code_4(call: Call) -> None:
    done = call("models", "path", "smollm2-135m")
    assert done.code == 4
    assert "graphdsl models pull" in done.err


@pytest.mark.parametrize("verb", ["path", "pull"])
def test_an_unknown_model_is_code_4(verb: str, call: Call) -> None:
    assert call("models", verb, "smollm").code == 4
