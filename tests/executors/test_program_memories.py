"""Memories without a file: whose they are, and when they are written."""

from __future__ import annotations

import pickle
from typing import Any

import graphdsl
from graphdsl.api.flow import Flow
from graphdsl.api.runtime import shutdown

TEXT = """edition "2026"
memory notes {}
model broken { backend = simulated  failures = 1 }
model sim { backend = simulated }

flow keep(text: Text) -> List[Text] {
  kept = remember(notes, text)
  found = recall(notes, query: text)
  return texts(found)
}

flow look(text: Text) -> List[Text] {
  return texts(recall(notes, query: text))
}

flow fails(text: Text) -> List[Text] {
  kept = remember(notes, text)
  return texts(generate(text, models: broken, samples: 2))
}

flow cut(text: Text) -> List[Text] {
  kept = remember(notes, text)
  return texts(generate(text, models: sim, samples: 2))
}
"""


def seen(flow: Flow, text: str) -> Any:
    return flow.run_sync(text=text).value


def test_the_flows_of_one_loaded_program_share_its_memory() -> None:
    program = graphdsl.load(TEXT)
    seen(program.flow("keep"), "secret one")
    assert seen(program.flow("look"), "secret") == ["secret one"]


def test_another_loaded_program_has_a_memory_of_its_own() -> None:
    seen(graphdsl.load(TEXT).flow("keep"), "secret two")
    assert seen(graphdsl.load(TEXT).flow("look"), "secret") == []


def test_a_memory_stays_with_its_program_over_a_shutdown_of_the_models() -> None:
    program = graphdsl.load(TEXT)
    seen(program.flow("keep"), "secret three")
    shutdown()
    assert seen(graphdsl.load(TEXT).flow("look"), "secret") == []
    assert seen(program.flow("look"), "secret") == ["secret three"]


def test_a_pickled_flow_begins_with_an_empty_memory() -> None:
    keep = graphdsl.load(TEXT).flow("keep")
    seen(keep, "secret four")
    other = pickle.loads(pickle.dumps(keep))
    assert seen(other, "secret") == []
    assert seen(keep, "secret") == ["secret four"]


def test_a_failed_run_keeps_nothing() -> None:
    program = graphdsl.load(TEXT)
    result = program.flow("fails").run_sync(text="secret five")
    assert result.status == "failed"
    assert seen(program.flow("look"), "secret") == []


def test_an_exhausted_run_keeps_nothing() -> None:
    program = graphdsl.load(TEXT)
    result = program.flow("cut").run_sync(text="secret six", budget=graphdsl.Budget(calls=1))
    assert result.status == "exhausted"
    assert seen(program.flow("look"), "secret") == []


IDEAS = """edition "2026"
memory ideas {}
model sage {
  backend = simulated
  replies = ["[{\\"name\\": \\"gcd\\", \\"kind\\": \\"routine\\"}]"]
}
model picker { backend = simulated  replies = ["[\\"gcd\\"]"] }

flow main(question: Text, solution: Text) -> List[Text] {
  known = recall_concepts(ideas, question, by: picker)
  found = remember_concepts(ideas, solution, question: question, by: sage)
  return texts(known)
}

flow near(question: Text) -> List[Text] {
  return texts(recall(ideas, question, method: hybrid))
}
"""


def test_concepts_of_one_run_are_chosen_from_by_the_next() -> None:
    program = graphdsl.load(IDEAS)
    first = program.flow("main").run_sync(question="ratios?", solution="by gcd")
    assert (first.value, first.usage.calls) == ([], 1)
    second = program.flow("main").run_sync(question="primes?", solution="by gcd")
    assert (second.value, second.usage.calls) == (["- gcd (routine)"], 2)


def test_a_memory_that_nobody_has_written_to_needs_no_embeddings() -> None:
    assert graphdsl.load(IDEAS).flow("near").run_sync(question="ratios?").value == []
