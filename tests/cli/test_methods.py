"""`graphdsl methods`: every published method is listed, and can be printed and copied."""

from __future__ import annotations

import json
from collections.abc import Callable

from graphdsl.compiler.check import check
from graphdsl.compiler.modules import std_names
from graphdsl.diagnostics import Source
from tests.cli.conftest import Called

Call = Callable[..., Called]


def test_every_flow_of_the_library_is_listed_with_what_it_is(call: Call) -> None:
    report = json.loads(call("methods", "--json").out)["methods"]
    assert {one["file"] for one in report} <= {f"std/{name}" for name in std_names()}
    assert "self_consistency" in {one["name"] for one in report}
    assert all(len(one["doc"]) > 30 for one in report)


def test_one_method_is_printed_as_it_can_be_run(call: Call) -> None:
    shown = call("methods", "self_consistency").out
    assert "arXiv 2203.11171" in shown
    assert "graphdsl run std/voting.tts self_consistency" in shown
    flow = shown[shown.index("flow ") : shown.rindex("}") + 1]
    program = f'edition "2026"\nimport "std/base.tts" as base\n{flow}\n'
    assert check(Source("<text>", program), None).ok


def test_a_file_is_listed_by_its_name_and_a_typo_gets_a_hint(call: Call) -> None:
    assert "std/racing.tts" in call("methods", "racing").out
    failed = call("methods", "self_consistancy")
    assert failed.code == 1
    assert "did you mean `self_consistency`?" in failed.err


def test_a_whole_file_can_be_copied(call: Call) -> None:
    text = call("methods", "iad", "--source").out
    assert check(Source("<text>", text), None).ok
    assert call("methods", "--source").code == 2
