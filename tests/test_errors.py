"""Errors: what they say, and that they survive a process boundary."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import graphdsl
from graphdsl import errors

WRONG = 'edition "2026"\nflow f(x: Text) -> Text {\n  return y\n}\n'


def _wrong() -> graphdsl.CompileError:
    with pytest.raises(graphdsl.CompileError) as caught:
        graphdsl.load(WRONG)
    return caught.value


ERRORS = [
    errors.GraphDslError("no"),
    _wrong(),
    errors.InputError("no"),
    errors.PlanError("no"),
    errors.OperatorError("f.x", "no"),
    errors.PromptError("no"),
    errors.SandboxError("no"),
    errors.ExtraMissing("scipy", extra="methods", what="`prune: weibull`"),
    errors.BudgetExceeded("no", 3, 2),
    errors.BackendError("no", model="m", retryable=True),
    errors.BackendMissing("xllamacpp", extra="embedded", model="m"),
    errors.ModelNotFound("no", model="m"),
    errors.ModelCorrupt("no", model="m"),
    errors.ContextOverflow("no", model="m", prompt_tokens=9, limit=8),
    errors.RateLimited("no", model="m", retry_after=1.5),
    errors.AccessDenied("no", model="m"),
    errors.NotRecorded("no", model="m"),
    errors.Unsupported("seeds", model="m"),
    errors.ContentFiltered("no", model="m", uncertain=True),
    errors.Overloaded("no", model="m", retry_after=1.5),
    errors.Unreachable("no", model="m", retryable=False),
    errors.CallTimeout("no", model="m"),
    errors.BrokenReply("no", model="m"),
    errors.CircuitOpen("no", model="m", retry_after=1.5),
    errors.JournalFailed("no", model="m"),
]


def test_every_public_error_is_tried_below() -> None:
    public = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.GraphDslError)
    }
    assert {type(error) for error in ERRORS} == public


def test_every_public_error_is_exported() -> None:
    assert {type(error).__name__ for error in ERRORS} <= set(graphdsl.__all__)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling(error: errors.GraphDslError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.args, copy.__dict__) == (str(error), error.args, error.__dict__)


def test_a_compile_error_says_where() -> None:
    assert str(_wrong()).startswith("<text>:3:10: ")


def test_a_compile_error_of_a_file_names_it(tmp_path: Path) -> None:
    path = tmp_path / "wrong.tts"
    path.write_text(WRONG)
    with pytest.raises(graphdsl.CompileError, match=r"wrong\.tts:3:10: "):
        graphdsl.load(path)


def test_a_compile_error_can_be_drawn_with_and_without_colour() -> None:
    error = _wrong()
    plain = error.render()
    assert "return y" in plain
    assert "^" in plain
    assert "\x1b[" not in plain
    assert "\x1b[" in error.render(color=True)
