"""Memories whose vectors a declared model makes: paid, bounded, and done without where it fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import graphdsl
from graphdsl import Budget, Flow
from graphdsl.errors import InputError
from graphdsl.executors.abc import Embeddings, EmbedRequest
from graphdsl.executors.ledger import Scope
from graphdsl.executors.memory import nearest
from graphdsl.executors.memory.entry import Entry
from graphdsl.executors.memory.origin import Origin
from graphdsl.executors.memory.store import Store
from graphdsl.executors.sampling import Sampler
from graphdsl.executors.trace import Record
from graphdsl.ops.context import NOT_NEEDED
from tests.plans import Fake, model, serving

PROGRAM = """edition "2026"
model sim { backend = simulated  %s }
memory notes { store = "%s"  embed = sim }
flow learn(text: Text) -> Text {
  kept = remember(notes, text: text)
  return kept
}
flow look(question: Text) -> Text {
  hints = recall(notes, query: question, top: 2, method: embedding)
  return join(texts(hints), separator: "|")
}
"""


def flows(folder: Path, options: str = "") -> tuple[Flow, Flow]:
    module = graphdsl.load(PROGRAM % (options, folder / "notes.db"))
    return module.flow("learn"), module.flow("look")


def test_texts_and_query_are_embedded_once_and_paid_for(tmp_path: Path) -> None:
    learn, look = flows(tmp_path, "usd_per_mtok_in = 1000000  usd_per_mtok_out = 1000000")
    learn.run_sync(text="apples are red")
    learn.run_sync(text="grass is green")
    first, second = look.run_sync(question="red apples"), look.run_sync(question="red apples")
    assert str(first.value).startswith("apples are red")
    assert (first.usage.calls, second.usage.calls) == (2, 1)
    assert first.usd
    assert first.trace is not None
    (node,) = (one for one in first.trace.walk() if one.op == "recall")
    assert node.usage == first.usage


def test_a_budget_that_allows_no_vectors_leaves_a_ranking_by_words(tmp_path: Path) -> None:
    learn, look = flows(tmp_path)
    learn.run_sync(text="apples are red")
    result = look.run_sync(question="red apples", budget=Budget(calls=0))
    assert (result.status, result.value, result.usage.calls) == ("exhausted", "apples are red", 0)


def test_a_model_that_fails_leaves_a_ranking_by_words_and_a_note(tmp_path: Path) -> None:
    learn, look = flows(tmp_path, "failures = 1.0  attempts = 1")
    learn.run_sync(text="apples are red")
    result = look.run_sync(question="red apples")
    assert result.value == "apples are red"
    assert result.trace is not None
    assert any("ranked by words" in note for node in result.trace.walk() for note in node.notes)


def test_what_a_data_item_wrote_is_hidden_from_that_item(tmp_path: Path) -> None:
    learn, look = flows(tmp_path)
    learn.run_sync(text="apples are red", split="search")
    learn.run_sync(text="apples are green", split="search")
    found = look.run_sync(question="apples are red", split="search")
    assert found.value == "apples are green"


def test_an_evaluation_item_teaches_nothing(tmp_path: Path) -> None:
    learn, look = flows(tmp_path)
    told = learn.run_sync(text="apples are red", split="certificate")
    assert told.trace is not None
    assert any(node.notes for node in told.trace.walk())
    assert look.run_sync(question="red apples").value == ""


ANSWERING = """edition "2026"
model embeds { backend = simulated  %s }
model answers { backend = simulated  %s }
memory notes { store = "%s"  embed = embeds  learns_from = ["unlabelled", "search", "test"] }
prompt ask(question: Text, seen: Docs) \"\"\"
  {%% for doc in seen %%}{{ doc.text }} {%% endfor %%}{{ question }}
  \"\"\"
flow answer(question: Text) -> List[Draft] {
  seen = recall(notes, query: question, top: 1, method: embedding)
  replies = generate(ask(question: question, seen: seen), models: answers, samples: 2)
  return replies
}
"""
FAILS = "failures = 1.0  attempts = 1"


def answering(folder: Path, embeds: str = "", answers: str = "") -> Flow:
    """Two notes and a flow that answers with one of them, the second of runs of a test split."""
    store = Store("notes", folder / "notes.db")
    store.commit([Entry("apples are red")])
    store.commit([Entry("zebras are grey")], Origin("test"))
    return graphdsl.load(ANSWERING % (embeds, answers, folder / "notes.db")).flow("answer")


def notes_of(result: Any) -> list[str]:
    return [note for node in result.trace.walk() if node.op == "recall" for note in node.notes]


def test_vectors_are_no_answer(tmp_path: Path) -> None:
    flow = answering(tmp_path, answers=FAILS)
    assert flow.run_sync(question="red apples").status == "failed"


def test_vectors_of_an_earlier_life_are_no_answer(tmp_path: Path) -> None:
    flow, journal = answering(tmp_path, answers=FAILS), tmp_path / "a.journal"
    first, last = (flow.run_sync(question="red apples", journal=journal) for _ in range(2))
    assert (first.status, last.status) == ("failed", "failed")
    assert last.usage.calls == 6  # the vectors were made once


def test_samples_of_an_earlier_life_are_answers(tmp_path: Path) -> None:
    flow, journal = answering(tmp_path), tmp_path / "a.journal"
    assert flow.run_sync(question="red apples", journal=journal).status == "ok"
    assert flow.run_sync(question="red apples", journal=journal).status == "ok"


def test_a_model_without_vectors_is_no_failure_of_samples(tmp_path: Path) -> None:
    _, look = flows(tmp_path, FAILS)
    Store("notes", tmp_path / "notes.db").commit([Entry("apples are red")])
    result = look.run_sync(question="red apples")
    assert (result.status, result.value) == ("ok", "apples are red")


def test_a_ranking_by_words_for_want_of_vectors_is_not_kept(tmp_path: Path) -> None:
    """A later life of the run, with a larger budget, does what the program says."""
    flow, journal = answering(tmp_path), tmp_path / "a.journal"
    poor = flow.run_sync(question="yellow", journal=journal, budget=Budget(calls=0))
    assert [note[:15] for note in notes_of(poor)] == ["ranked by words"]
    rich = flow.run_sync(question="yellow", journal=journal, content=True)
    assert notes_of(rich) == []
    assert rich.trace is not None
    prompts = {call.prompt for node in rich.trace.walk() for call in node.calls if call.prompt}
    assert any("apples are red yellow" in str(prompt) for prompt in prompts)


def test_a_run_of_a_split_is_not_resumed_as_one_of_another(tmp_path: Path) -> None:
    """What it has recalled already is not for others to see."""
    flow, journal = answering(tmp_path), tmp_path / "a.journal"
    begun: dict[str, Any] = {"question": "grey zebras", "journal": journal}
    assert flow.run_sync(**begun, split="test", budget=Budget(calls=2)).status == "exhausted"
    for split, said in ((None, "none"), ("", "none"), ("search", "`search`")):
        with pytest.raises(InputError, match=f"the split was `test`, not {said}, when this run"):
            flow.run_sync(**begun, split=split)
    assert flow.run_sync(**begun, split="test").status == "ok"


async def test_who_waits_for_vectors_of_another_run_waits_until_its_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> Any:
        await asyncio.Event().wait()

    flow = answering(tmp_path)
    monkeypatch.setattr(nearest, "_filled", never)
    other = asyncio.create_task(flow.run(question="red apples"))
    result = await asyncio.wait_for(
        flow.run(question="red apples", budget=Budget(seconds=0.3)), timeout=30
    )
    other.cancel()
    assert result.status == "exhausted"
    assert [note[:15] for note in notes_of(result)] == ["ranked by words"]


class Slow(Fake):
    """A model whose vectors never come."""

    async def embed(self, request: EmbedRequest) -> Embeddings:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize("reason", [NOT_NEEDED, "the run was cancelled"])
async def test_vectors_that_are_not_needed_are_noted_where_they_cost_something(reason: str) -> None:
    slow = Slow("", embeddings=True)
    sampler = Sampler(serving(m=slow), asyncio.get_running_loop())
    scope = Scope(Budget(calls=1))
    records = [Record(f"f.seen{number}", "recall", 0.0) for number in range(2)]
    tasks = [
        asyncio.ensure_future(sampler.embed(model(), ["text"], record.address, scope, record))
        for record in records
    ]
    await asyncio.sleep(0.05)  # the second waits for what the first sets aside
    for task in reversed(tasks):
        task.cancel(reason)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [[call.error for call in record.calls] for record in records] == [[reason], []]
