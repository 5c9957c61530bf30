"""Models given from outside must be able to do what a call asks of the parameter they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdsl import InputError, load

PROGRAM = """edition "2026"

model writer { backend = simulated }
model scorer { backend = simulated }
model critic { backend = simulated }

flow rates(question: Text, how: Scorer = verdict in [verdict, probability]) -> List[Draft] {
  drafts = generate(question, models: writer, samples: 2)
  return score(drafts, method: how, by: scorer)
}

flow judges(question: Text) -> List[Draft] {
  drafts = generate(question, models: writer, samples: 2)
  return score(drafts, method: judge, by: scorer, meta: critic)
}

flow goes_on(question: Text) -> List[Draft] {
  return continue(generate(question, models: writer), by: scorer)
}
"""


def refused(folder: Path, flow: str, name: str, lacks: str) -> str:
    path = folder / "program.tts"
    path.write_text(PROGRAM, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load(path).flow(flow).with_models({name: f"simulated:,lacks={lacks}"})
    return str(raised.value)


def test_a_word_that_a_hole_may_choose_asks_for_its_capability(tmp_path: Path) -> None:
    message = refused(tmp_path, "rates", "scorer", "label_scores")
    assert message.startswith(
        "`method: probability` of `rates.return` needs `label_scores`, which `scorer` lacks"
    )


def test_a_capability_is_asked_of_the_named_parameter_alone(tmp_path: Path) -> None:
    assert "which `critic` lacks" in refused(tmp_path, "judges", "critic", "relevance_scores")
    flow = load(tmp_path / "program.tts").flow("judges")
    flow.with_models({"scorer": "simulated:,lacks=relevance_scores"})
    flow.with_models({"writer": "simulated:,lacks=relevance_scores"})


def test_what_a_call_always_asks_is_asked_without_a_word(tmp_path: Path) -> None:
    message = refused(tmp_path, "goes_on", "scorer", "prefix_continuation")
    assert message.startswith("`goes_on.return` needs `prefix_continuation`, which `scorer` lacks")
    flow = load(tmp_path / "program.tts").flow("goes_on")
    flow.with_models({"writer": "simulated:,lacks=prefix_continuation"})
