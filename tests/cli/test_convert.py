"""`graphdsl convert`: configurations of Archon become programs, or are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Called

Call = Callable[..., Called]

GENERATOR: dict[str, Any] = {
    "type": "generator",
    "model": "gpt-4o",
    "model_type": "OpenAI_API",
    "temperature": 0.7,
    "max_tokens": 2048,
    "samples": 5,
}
RANKER = {**GENERATOR, "type": "ranker", "samples": 1, "top_k": 1}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], str]:
    def written(layers: Any) -> str:
        path = tmp_path / "archon.json"
        path.write_text(json.dumps({"name": "mine", "layers": layers}), encoding="utf-8")
        return str(path)

    return written


def test_the_program_goes_to_stdout_or_a_file(
    call: Call, write: Callable[[Any], str], tmp_path: Path
) -> None:
    shown = call("convert", write([[GENERATOR], [RANKER]]))
    assert shown.code == 0
    assert shown.err == ""
    out = tmp_path / "made.tts"
    assert call("convert", write([[GENERATOR], [RANKER]]), "--out", str(out)).code == 0
    again = call("convert", write([[GENERATOR]]), "--out", str(out))
    assert again.code == 2
    assert "is there already" in again.err
    assert out.read_text(encoding="utf-8") == shown.out
    assert call("check", str(out)).code == 0


def test_a_misspelt_key_is_an_error_and_writes_nothing(
    call: Call, write: Callable[[Any], str], tmp_path: Path
) -> None:
    out = tmp_path / "made.tts"
    failed = call("convert", write([[{**GENERATOR, "temprature": 1}]]), "--out", str(out))
    assert failed.code == 1
    assert "did you mean `temperature`?" in failed.err
    assert not out.exists()


def test_the_report_has_program_and_problems(call: Call, write: Callable[[Any], str]) -> None:
    report = json.loads(call("convert", write([[{**GENERATOR, "top_k": 1}]]), "--json").out)
    assert report["ok"]
    assert report["text"].startswith("# From a configuration of Archon: mine.")
    assert [one["error"] for one in report["problems"]] == [False, False]
    refused = json.loads(call("convert", write([[RANKER]]), "--json").out)
    assert (refused["ok"], refused["text"]) == (False, None)
    assert refused["problems"][0]["place"] == "layer 1 (`ranker`)"


def test_a_file_that_is_not_there_is_said_so(call: Call, tmp_path: Path) -> None:
    failed = call("convert", str(tmp_path / "none.json"))
    assert failed.code == 1
    assert "there is no file" in failed.err
    (tmp_path / "latin.json").write_bytes(b"\xff\xfe\xfa")
    assert "is not UTF-8" in call("convert", str(tmp_path / "latin.json")).err
