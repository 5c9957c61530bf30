"""Concepts as operators read and write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.concept_reading import LONGEST, MOST, concept_of, read_concepts, read_names
from graphdsl.ops.concept_texts import overview, whole
from graphdsl.ops.concepts import KINDS, Concept, Parameter, merged
from graphdsl.ops.context import Ask, Rated, ScoreAsk, Vectors
from graphdsl.ops.execution import Executed, Execution
from graphdsl.ops.memory import recall_concepts, remember_concepts
from graphdsl.ops.quorum_watch import Watch
from graphdsl.plan import MemorySpec, ModelSpec, PromptSpec
from graphdsl.values import Doc, Draft
from tests.plans import model

SPEC = MemorySpec("ideas", None)
KNOWN = (
    Concept("gcd", "routine", "number theory", cues=("ratios",), used_in=("p1", "p2")),
    Concept("grid", "structure", used_in=("p1",)),
)


@dataclass
class Library:
    """A context with a memory of concepts, and replies from a list."""

    replies: Sequence[str] = ()
    known: tuple[Concept, ...] = KNOWN
    asks: list[Ask] = field(default_factory=list[Ask])
    notes: list[str] = field(default_factory=list[str])
    kept: list[Concept] = field(default_factory=list[Concept])
    outside: bool = False

    async def sample(self, ask: Ask) -> Draft:
        self.asks.append(ask)
        return Draft(self.replies[len(self.asks) - 1])

    async def score(self, ask: ScoreAsk) -> Rated | None:
        raise AssertionError

    async def embed(self, model: ModelSpec, texts: Sequence[str]) -> Vectors | None:
        raise AssertionError

    def chance(self, stream: str = "") -> Random:
        raise AssertionError

    def note(self, text: str) -> None:
        self.notes.append(text)

    def watch(self, watch: Watch) -> None:
        raise AssertionError

    def count(self, asks: Iterable[Ask]) -> None:
        raise AssertionError

    def spare(self, total: int) -> None:
        raise AssertionError

    def keep(self) -> None:
        self.outside = True

    async def execute(self, work: Execution) -> Executed:
        raise AssertionError

    async def recall(
        self, memory: MemorySpec, query: str, top: int, method: str
    ) -> tuple[Doc, ...]:
        raise AssertionError

    async def concepts(self, memory: MemorySpec, query: str, most: int) -> tuple[Concept, ...]:
        assert memory is SPEC
        return self.known[:most]

    def remember(self, memory: MemorySpec, text: str, key: str | None) -> None:
        raise AssertionError

    def remember_concepts(self, memory: MemorySpec, concepts: Sequence[Concept]) -> None:
        self.kept += concepts


def arguments(*params: str, **given: Any) -> dict[str, Any]:
    template = "|".join(f"{name}={{{{ {name} }}}}" for name in params)
    prompt = PromptSpec("role", params, (("user", template),))
    return {"memory": SPEC, "by": model("judge"), "prompt": prompt, "retries": 0, **given}


def recalling(**given: Any) -> dict[str, Any]:
    names = ("question", "concepts", "count")
    return arguments(*names, **{"query": "why?", "top": 5, "shown": 200, **given})


def abstracting(**given: Any) -> dict[str, Any]:
    return arguments("question", "solution", **{"question": "why?", "solution": "because", **given})


async def test_a_model_chooses_concepts_by_their_exact_names() -> None:
    context = Library(['Perhaps ["grid", "nobody", "gcd", "grid"]'])
    docs = await recall_concepts(context, recalling())
    assert [(doc.id, doc.score) for doc in docs] == [("grid", 1.0), ("gcd", 0.5)]
    assert docs[1].text == "- gcd (routine, number theory)\n  cues:\n    - ratios"
    assert context.outside
    shown = context.asks[0].messages.text
    assert "## structure concepts\n- grid\n\n## routine concepts\n- gcd (routine" in shown


async def test_no_more_are_chosen_than_were_asked_for() -> None:
    docs = await recall_concepts(Library(['["grid", "gcd"]']), recalling(top=1))
    assert [doc.id for doc in docs] == ["grid"]


async def test_a_choice_that_cannot_be_read_is_none() -> None:
    context = Library(["I would rather not.", "Still not."])
    assert await recall_concepts(context, recalling(retries=1)) == ()
    assert context.notes[-1] == "no choice of concepts could be read"
    assert len(context.asks) == 2


@pytest.mark.parametrize("given", [{"top": 0}, {"shown": 0}])
async def test_nothing_to_choose_costs_no_call(given: dict[str, Any]) -> None:
    assert await recall_concepts(Library(), recalling(**given)) == ()
    assert await recall_concepts(Library(known=()), recalling()) == ()


async def test_concepts_of_a_solution_are_kept_and_given() -> None:
    reply = """Here they are:
```json
[{"name": "gcd", "kind": "routine", "parameters": [{"name": "n", "typing": "int"}],
  "cues": "ratios\\nprimes", "implementation": ["def gcd(a, b):", "    return a"]},
 {"name": "grid", "kind": "thing"}, {"kind": "routine"}, 7]
```"""
    context = Library([reply])
    docs = await remember_concepts(context, abstracting())
    assert [doc.id for doc in docs] == ["gcd"]
    (kept,) = context.kept
    assert kept.parameters == (Parameter("n", "int"),)
    assert kept.cues == ("ratios", "primes")
    assert kept.implementation == ("def gcd(a, b):", "    return a")
    assert context.notes == [
        "the concept `grid` of the kind `thing`, which is neither of `structure` and `routine`, "
        "was skipped",
        "a concept without a name was skipped",
        "what is no object was skipped",
    ]
    assert context.asks[0].messages.text == "question=why?|solution=because"


async def test_a_solution_without_text_costs_no_call() -> None:
    assert await remember_concepts(Library(), abstracting(solution=Draft(" "))) == ()


async def test_a_reply_without_concepts_is_noted() -> None:
    context = Library(["none at all"])
    assert await remember_concepts(context, abstracting()) == ()
    assert context.notes == ["no concepts could be read"]
    assert context.kept == []


def test_merging_keeps_the_first_of_single_values_and_adds_lines() -> None:
    old = Concept("a", "routine", parameters=(Parameter("n", "int"),), cues=("x", "y"))
    new = Concept(
        "a",
        "structure",
        "sub",
        (Parameter("n", "float"), Parameter("m")),
        "int",
        "what",
        ("y", "z"),
        ("step",),
        ("p",),
    )
    assert merged(old, new) == Concept(
        "a",
        "routine",
        "sub",
        (Parameter("n", "float"), Parameter("m")),
        "int",
        "what",
        ("x", "y", "z"),
        ("step",),
        ("p",),
    )
    assert merged(merged(old, new), new) == merged(old, new)


def test_concepts_that_one_problem_used_are_shown_by_name_only() -> None:
    shown = overview([*KNOWN, Concept("fresh", "routine", description="long")])
    assert shown == (
        "## structure concepts\n- grid\n\n## routine concepts\n- gcd (routine, number theory)\n"
        "  cues:\n    - ratios\nother concepts, by name:\n- fresh"
    )
    assert overview([]) == ""


def test_a_concept_is_whole_with_all_that_is_known() -> None:
    concept = Concept(
        "a", "routine", None, (Parameter("n", "int", "size"), Parameter("m")), "int", "does it"
    )
    assert whole(concept).splitlines() == [
        "- a (routine)",
        "  description: does it",
        "  output: int",
        "  parameters:",
        "    - n: int (size)",
        "    - m",
    ]


TEXTS = st.text(min_size=1, max_size=20).map(lambda text: " ".join(text.split()) or "x")
LINES = st.lists(TEXTS, max_size=3, unique=True).map(tuple)
CONCEPTS = st.builds(
    Concept,
    TEXTS,
    st.sampled_from(KINDS),
    st.none() | TEXTS,
    st.lists(st.builds(Parameter, TEXTS), max_size=2).map(tuple),
    st.none() | TEXTS,
    st.none() | TEXTS,
    LINES,
    LINES,
    LINES,
)


@given(CONCEPTS)
def test_a_concept_survives_json(concept: Concept) -> None:
    assert concept_of(json.loads(json.dumps(concept.to_record()))) == concept


@given(st.text() | st.text(alphabet='[]{}",:0 \n'))
def test_any_reply_can_be_read(reply: str) -> None:
    read_concepts(reply)
    read_names(reply, ["a"])


def test_a_reply_of_brackets_takes_no_time_to_speak_of() -> None:
    assert read_concepts("[" * 100_000) is None
    assert read_concepts('[{"name": "a", "kind": "routine"}]' + "{[" * 100_000) is not None


def test_a_reply_cannot_fill_a_memory() -> None:
    many = [{"name": f"n{i}", "kind": "routine", "description": "x" * 10_000} for i in range(200)]
    read = read_concepts(json.dumps({"concepts": many}))
    assert read is not None
    found, skipped = read
    assert len(found) == MOST
    assert all(len(one.description or "") == LONGEST for one in found)
    assert skipped == (f"{200 - MOST} concepts beyond {MOST} were skipped",)
