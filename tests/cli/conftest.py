"""Programs on the simulated backend, and the command line called in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graphdsl.cli.guard import DEBUG, run

PROGRAM = """edition "2026"

# Five votes of a model of a model.
model sim { backend = simulated  accuracy = 0.9  seed = 3 }
model slow { backend = simulated  latency = 30 }
model broken { backend = simulated  failures = 1 }

prompt ask(question: Text) "{{ question }} ="

flow sums(question: Text, _times: Number = 1) -> Answer {
  drafts = generate(ask(question: question), models: sim, samples: 5 in [1, 3, 5])
  winner = vote(drafts, by: number)
  return winner
}

flow never(question: Text) -> Answer {
  drafts = generate(question, models: slow)
  only = first(drafts)
  return only
}

flow fails(question: Text) -> Draft {
  drafts = generate(question, models: broken)
  only = first(drafts)
  return only
}

flow listed(items: List[Text], _exact: Bool = false) -> List[Text] {
  return items
}

test "adds" {
  flow = sums
  given = { question: "What is 2 + 2?" }
  replies = ["4", "Answer: 4", "5"]
  expect = answer == 4 and calls == 5
}
"""


@dataclass(frozen=True, slots=True)
class Called:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its only line of output."""
        (line,) = self.out.splitlines()
        return json.loads(line)


Call = Callable[..., Called]
"""Annotate the fixture so; a test file may repeat this line, since tests are not a package."""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A file with several flows on the simulated backend."""
    path = tmp_path / "sums.tts"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Call:
    """`call("check", path)` runs a command here; an unexpected error fails the test."""
    monkeypatch.setenv(DEBUG, "1")
    monkeypatch.setenv("GRAPHDSL_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def called(*argv: object) -> Called:
        capsys.readouterr()
        code = run([str(part) for part in argv])
        said = capsys.readouterr()
        return Called(code, said.out, said.err)

    return called
