"""`graphdsl sandbox`, and runs whose code needs one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.cli.options import SANDBOXES
from graphdsl.executors.sandbox import chosen
from graphdsl.executors.sandbox.abc import Kind
from graphdsl.executors.sandbox.chosen import VARIABLE
from graphdsl.executors.sandbox.kinds import KINDS
from graphdsl.executors.sandbox.probing import Probe

Call = Callable[..., Any]


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No kind works here."""

    async def probe(kind: Kind) -> Probe:
        return Probe(kind, None, "it is off")

    monkeypatch.setattr(chosen, "probe", probe)
    monkeypatch.setattr(chosen, "_probes", {})
    monkeypatch.setattr(chosen, "sandbox", lambda name=None: chosen.Chosen(name or "auto"))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]


def test_every_kind_is_listed_with_what_was_found(call: Call) -> None:
    said = call("sandbox", "--json").json
    assert [kind["name"] for kind in said["kinds"]] == [kind.name for kind in KINDS]
    working = [kind["name"] for kind in said["kinds"] if kind["works"]]
    strong = [name for name in working if name != "subprocess"]
    assert said["used"] == (strong[0] if strong else None)
    assert all(bool(kind["why"]) != kind["works"] for kind in said["kinds"])


@pytest.mark.usefixtures("nothing")
def test_without_any_the_command_fails_and_says_what_to_do(call: Call) -> None:
    done = call("sandbox")
    assert done.code == 4
    assert "--sandbox subprocess" in done.out
    assert call("sandbox", "--json").json["used"] is None


def test_an_unknown_name_is_an_error_with_a_suggestion(call: Call) -> None:
    done = call("sandbox", "landlok")
    assert (done.code, "did you mean `landlock`" in done.err) == (2, True)
    assert call("sandbox", "nonsense").code == 2


def test_the_names_spelled_out_are_those_of_the_kinds() -> None:
    assert SANDBOXES == chosen.NAMES


def test_an_unknown_sandbox_is_refused_even_where_no_code_runs(call: Call, program: Path) -> None:
    done = call("run", program, "sums", "-i", "question=2", "--sandbox", "nonsense")
    assert done.code == 2
    assert "there is no sandbox `nonsense`; there are auto, namespaces, bwrap" in done.err


def test_the_environment_variable_is_told(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "subprocess")
    assert f"`subprocess` ({VARIABLE}) uses `subprocess`" in call("sandbox").out


PROGRAM = """edition "2026"

model sim { backend = simulated }

flow code(task: Text) -> Draft {
  drafts = generate(task, models: sim, samples: 2)
  verdicts = unit_tests(drafts, tests: "assert f(1) == 2")
  chosen = best(scored(passing(drafts, verdicts), verdicts))
  return chosen
}

test "passes" {
  flow = code
  given = { task: "Write f." }
  replies = ["def f(x): return 2 * x", "def f(x): return x"]
  expect = contains(answer, "2 *")
}
"""


@pytest.mark.usefixtures("nothing")
def test_a_program_whose_code_has_no_sandbox_fails_with_the_reason(
    call: Call, tmp_path: Path
) -> None:
    path = tmp_path / "code.tts"
    path.write_text(PROGRAM)
    assert call("check", path).code == 0
    done = call("test", path)
    assert done.code == 1
    assert "no sandbox works here" in done.out + done.err
    assert "Traceback" not in done.out + done.err
