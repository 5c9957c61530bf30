"""What a simulated model gives beside chat: raw texts, JSON, scores, vectors, and pieces."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.errors import BackendError, ContextOverflow, Unsupported
from graphdsl.executors.abc import ChatRequest, EmbedRequest, ScoreRequest, TextRequest
from graphdsl.executors.simulated import SimulatedBackend
from graphdsl.executors.simulated_json import example
from graphdsl.executors.simulated_vectors import vector
from graphdsl.executors.splitmix import Draws
from graphdsl.plan import ModelSpec
from graphdsl.values import Message, Messages

ASKED = Messages.user("What is 7 + 6?")


def simulated(**options: Any) -> SimulatedBackend:
    return SimulatedBackend(ModelSpec("fake", "simulated", "", options))


def made(schema: dict[str, Any], answer: str = "13", seed: int = 1) -> Any:
    return example(schema, answer, Draws(seed))


# ---- texts


async def test_a_raw_text_is_answered_like_a_prompt() -> None:
    replies = [
        await simulated(accuracy=1.0).complete(TextRequest("7 + 6 =", seed=seed))
        for seed in range(3)
    ]
    assert all(reply.text.endswith("Answer: 13") for reply in replies)
    assert len({reply.text for reply in replies}) == 3
    assert replies[0].usage.prompt_tokens == 2


async def test_a_beginning_of_the_reply_does_not_change_the_answer() -> None:
    messages = Messages((*ASKED.turns, Message("assistant", "Well, 1 + 1 is")))
    reply = await simulated(accuracy=1.0).chat(ChatRequest(messages))
    assert reply.text.endswith("Answer: 13")


async def test_pieces_come_token_by_token() -> None:
    heard: list[str] = []
    request = ChatRequest(ASKED, max_tokens=5, listener=heard.append)
    reply = await simulated().chat(request)
    assert len(heard) == 5
    assert "".join(heard) == reply.text


# ---- JSON


async def test_an_answer_in_json_is_right_as_often_as_the_model() -> None:
    schema = {
        "type": "object",
        "properties": {"why": {"type": "string"}, "answer": {"type": "integer"}},
        "required": ["why", "answer"],
    }
    backend = simulated(accuracy=0.7)
    found = [
        json.loads((await backend.chat(ChatRequest(ASKED, seed=seed, schema=schema))).text)
        for seed in range(400)
    ]
    assert 0.62 < sum(reply["answer"] == 13 for reply in found) / 400 < 0.78
    assert all(type(reply["answer"]) is int and reply["why"] for reply in found)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": [1, None]}, [1, None]),
        ({"enum": ["12", "13", "14"]}, "13"),
        ({"type": "integer"}, 13),
        ({"type": "number", "maximum": 4}, 4),
        ({"type": ["string", "null"]}, "13"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "13"),
        ({"type": "null"}, None),
        ({}, "13"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["text", "text"]),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}]}, [1, 2]),
        ({"type": "array", "items": {"type": "string"}}, []),
        ({"type": "object", "properties": {"spare": {"type": "string"}}}, {}),
        ({"$ref": "#/$defs/one", "$defs": {"one": {"const": 1}}}, 1),
        ({"properties": {"answer": {}}, "required": ["answer"]}, {"answer": "13"}),
        ({"type": "string", "maxLength": 1}, "1"),
        ({"type": "string", "minLength": 6}, "13 tex"),
    ],
)
def test_a_value_matches_its_schema(schema: dict[str, Any], value: Any) -> None:
    assert made(schema) == value


@given(
    st.sampled_from(["integer", "number"]),
    st.integers(-50, 50),
    st.integers(0, 50),
    st.integers(0, 2**32),
    st.sampled_from(["x", "13", "-999", "nan", "1e999"]),
)
def test_numbers_keep_within_their_bounds(
    kind: str, low: int, span: int, seed: int, answer: str
) -> None:
    for schema in ({"minimum": low, "maximum": low + span}, {"minimum": low}, {"maximum": low}):
        value = made({"type": kind, **schema}, answer, seed)
        assert schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        assert kind == "number" or type(value) is int


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "string", "pattern": "a+"}, "`pattern`"),
        ({"type": "what"}, "`what`"),
        ({"enum": []}, "has no values"),
        ({"$ref": "#"}, "no value that can be written"),
        ({"$ref": "#/$defs/two"}, "which it does not have"),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "between the bounds"),
        ({"type": "array", "minItems": 10**9}, "`minItems`"),
        ({"type": "array", "minItems": []}, "malformed"),
        ({"type": "object", "properties": ["a"], "required": ["a"]}, "an object belongs"),
        ({"type": "object", "required": "a"}, "a list belongs"),
        ({"anyOf": {"a": 1}}, "a list belongs"),
    ],
)
async def test_a_schema_that_it_cannot_fill_is_refused(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(BackendError, match=reason) as caught:
        await simulated().chat(ChatRequest(ASKED, schema=schema))
    assert not caught.value.retryable


async def test_without_structure_a_schema_is_ignored() -> None:
    reply = await simulated(lacks=("structured",)).chat(ChatRequest(ASKED, schema={"const": 1}))
    assert "Answer:" in reply.text


# ---- scores


async def test_the_right_label_has_the_accuracy() -> None:
    scores = await simulated(accuracy=0.8).score(ScoreRequest(ASKED, ("12", "13", "14")))
    assert scores.values[1] == pytest.approx(0.8)
    assert sum(scores.values) == pytest.approx(1.0)
    assert scores.values[0] != scores.values[2]


@pytest.mark.parametrize("texts", [("yes", "no"), ("13", " 13 "), ("13",)])
async def test_labels_among_which_nothing_is_right_or_wrong_share_all(
    texts: tuple[str, ...],
) -> None:
    scores = await simulated(accuracy=0.0).score(ScoreRequest(ASKED, texts))
    assert sum(scores.values) == pytest.approx(1.0)
    assert min(scores.values) > 0.2


async def test_a_label_does_not_depend_on_its_neighbours() -> None:
    backend = simulated()
    alone = (await backend.score(ScoreRequest(ASKED, ("a", "b")))).values
    among = (await backend.score(ScoreRequest(ASKED, ("c", "b", "a")))).values
    assert alone[0] / alone[1] == pytest.approx(among[2] / among[1])


async def test_relevance_tells_right_from_wrong_texts() -> None:
    texts = tuple(f"Thus {number}.\nAnswer: {number}" for number in range(40))
    request = ScoreRequest(ASKED, texts, "relevance")
    values = (await simulated().score(request)).values
    assert values.index(max(values)) == 13
    assert values == (await simulated().score(request)).values
    assert values != (await simulated(seed=2).score(request)).values


async def test_right_texts_are_likelier_per_token() -> None:
    request = ScoreRequest(ASKED, ("Answer: 13", "Answer: 14"), "text")
    scores = await simulated().score(request)
    assert scores.logprobs[0].mean > scores.logprobs[1].mean
    assert scores.values == tuple(stats.total for stats in scores.logprobs)


async def test_scores_and_vectors_fail_and_overflow_like_replies() -> None:
    with pytest.raises(BackendError, match="on purpose"):
        await simulated(failures=1.0).score(ScoreRequest(ASKED, ("yes",)))
    with pytest.raises(BackendError, match="on purpose"):
        await simulated(failures=1.0).embed(EmbedRequest(("yes",)))
    with pytest.raises(ContextOverflow):
        await simulated(context=64).score(ScoreRequest(ASKED, ("x" * 400,)))
    with pytest.raises(ContextOverflow):
        await simulated(context=64).embed(EmbedRequest(("x" * 400,)))


async def test_what_it_lacks_it_refuses_by_name() -> None:
    with pytest.raises(Unsupported, match="`fake` does not have `text_scores`"):
        await simulated(lacks=("text_scores",)).score(ScoreRequest(ASKED, ("yes",), "text"))


# ---- vectors


@given(st.text(), st.integers())
def test_a_vector_has_length_one(text: str, seed: int) -> None:
    assert math.hypot(*vector(text, seed)) == pytest.approx(1.0)


async def test_similar_texts_are_near() -> None:
    texts = ("The answer is 13.", "the answer is 14.", "I do not know")
    one, near, far = (await simulated().embed(EmbedRequest(texts))).vectors
    assert math.dist(one, near) < math.dist(one, far)
