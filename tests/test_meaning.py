"""What `docs/language.md` promises, from text to result on a scripted model."""

from __future__ import annotations

from typing import Any

import pytest

import graphdsl

HEAD = 'edition "2026"\nmodel s { backend = simulated  replies = ["no [Incorrect]"] }\n'


def value(flow: str, **inputs: Any) -> Any:
    return graphdsl.load(HEAD + flow).flow().run_sync(**inputs).value


@pytest.mark.parametrize(("given", "found"), [(True, "yes"), (False, "no"), (None, "no")])
def test_an_absent_condition_is_false(given: bool | None, found: str) -> None:
    flow = 'flow f(b: Bool?) -> Text { r = if b { yield "yes" } else { yield "no" } return r }'
    assert value(flow, b=given) == found


def test_reading_whether_a_budget_ran_out_keeps_the_calls_under_it() -> None:
    flow = """
    flow f(q: Text) -> Bool {
      within [calls(3)] {
        repeat up to 4 {
          drafts = generate(q, models: s)
          checked = verify(first(drafts), by: s)
        } until checked.passed
      }
      return exhausted
    }
    """
    result = graphdsl.load(HEAD + flow).flow().run_sync(q="?")
    assert result.value is True
    assert result.usage.calls == 3
    assert result.status == "ok"


def test_fractions_and_decimals_of_one_value_vote_together() -> None:
    flow = """
    model m { backend = simulated  replies = ["1/2", "0.5", "7", "2/4"] }
    flow f(q: Text) -> Number? {
      drafts = generate(q, models: m, samples: 4)
      winner = vote(drafts, by: number)
      return winner.confidence
    }
    """
    assert value(flow, q="?") == 0.75


def test_only_the_last_line_with_a_verdict_counts() -> None:
    flow = """
    model m { backend = simulated  replies = ["At first [Incorrect] came to mind.\\n[Correct]"] }
    flow f(q: Text) -> Bool {
      drafts = generate(q, models: s)
      checked = verify(first(drafts), by: m)
      return checked.passed
    }
    """
    assert value(flow, q="?") is True


def test_critiques_may_be_numbered_without_brackets() -> None:
    flow = """
    model m { backend = simulated  replies = ["1. good\\n2) bad"] }
    flow f(q: Text) -> List[Text] {
      drafts = generate(q, models: s, samples: 2)
      notes = critique(drafts, by: m)
      return notes
    }
    """
    assert value(flow, q="?") == ["good", "bad"]
