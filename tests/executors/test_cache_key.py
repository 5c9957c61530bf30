"""The key of an answer: everything that could alter the answer is in it, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import pytest

from graphdsl.executors.abc import ChatRequest, EmbedRequest, Meter, ScoreRequest, TextRequest
from graphdsl.executors.cache.key import DRAWN, WITHOUT_EFFECT, Request, cache_key
from graphdsl.values import Message, Messages

ASKED = ChatRequest(Messages.user("What is 2 + 2?"), seed=7)

ALTERED: dict[str, Any] = {
    "messages": Messages.user("What is 2 + 3?"),
    "text": "another",
    "temperature": 0.0,
    "max_tokens": 5,
    "top_p": 0.5,
    "stop": ("\n",),
    "logprobs": True,
    "schema": {"type": "object"},
    "seed": 8,
    "texts": ("b",),
    "kind": "text",
}
"""Another value for each field that alters an answer."""

UNALTERED: dict[str, Any] = {
    "item": "9",
    "priority": 3,
    "key": "call-9",
    "meter": Meter(),
    "listener": print,
}
REQUESTS: list[Request] = [
    ASKED,
    TextRequest("once", seed=7),
    ScoreRequest(Messages.user("Is it?"), ("a",)),
    EmbedRequest(("a",)),
]
EVERY_REQUEST = pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: type(one).__name__)


def key(request: Request, identity: str = "one", seeded: bool = True) -> str:
    return cache_key(identity, request, seeded=seeded)


@EVERY_REQUEST
def test_every_field_is_classified(request_: Request) -> None:
    """One that is new is part of the key; whoever adds it says here whether it should be."""
    names = {field.name for field in fields(request_)}
    assert names <= set(ALTERED) | set(UNALTERED) | {"sample"}
    assert set(WITHOUT_EFFECT) == set(UNALTERED)
    assert set(DRAWN) == {"seed", "sample"}


@EVERY_REQUEST
def test_what_alters_an_answer_is_in_the_key(request_: Request) -> None:
    names = [field.name for field in fields(request_) if field.name in ALTERED]
    keys = [key(replace(request_, **{name: ALTERED[name]})) for name in names]
    assert len({key(request_), *keys}) == len(names) + 1


@EVERY_REQUEST
def test_what_alters_no_answer_is_not(request_: Request) -> None:
    names = [field.name for field in fields(request_) if field.name in UNALTERED]
    altered = replace(request_, **{name: UNALTERED[name] for name in names})
    assert key(altered) == key(request_)


def test_who_answers_is_in_the_key() -> None:
    """DSPy leaves the address out: two servers with one model name share their answers."""
    assert key(ASKED, "http://a/v1") != key(ASKED, "http://b/v1")


def test_the_roles_and_the_cuts_between_turns_are_in_the_key() -> None:
    prompts = [
        Messages((Message("user", "a"), Message("user", "b"))),
        Messages((Message("user", "a"), Message("assistant", "b"))),
        Messages((Message("user", "ab"),)),
        Messages((Message("user", 'a"],["user","b'),)),
    ]
    assert len({key(ChatRequest(prompt)) for prompt in prompts}) == len(prompts)


def test_a_temperature_of_zero_is_not_an_unset_one() -> None:
    """dspy#10456."""
    cold, usual = (ChatRequest(Messages.user("a"), temperature=value) for value in (0.0, 0.7))
    assert key(cold) != key(usual)


@pytest.mark.parametrize(("one", "same"), [(0.0, -0.0), (0.0, 0), (1.0, 1)])
def test_equal_numbers_are_one(one: float, same: float) -> None:
    assert key(replace(ASKED, temperature=one)) == key(replace(ASKED, temperature=same))


def test_a_limit_of_none_is_not_a_limit() -> None:
    assert key(replace(ASKED, top_p=None)) != key(replace(ASKED, top_p=0))


def test_the_order_of_a_schema_counts_since_it_is_the_order_of_the_reply() -> None:
    first, second = {"a": {"type": "string"}}, {"b": {"type": "string"}}
    schemas = [{"properties": first | second}, {"properties": second | first}]
    one, other = (key(replace(ASKED, schema=schema)) for schema in schemas)
    assert one != other


def test_nine_samples_begin_with_those_of_five() -> None:
    def keys(count: int, seeded: bool) -> list[str]:
        samples = [replace(ASKED, seed=100 + index, sample=index) for index in range(count)]
        return [key(one, seeded=seeded) for one in samples]

    for seeded in (True, False):
        assert keys(9, seeded)[:5] == keys(5, seeded)
        assert len(set(keys(9, seeded))) == 9


def test_samples_without_a_seed_are_told_apart_by_their_index() -> None:
    """AgentOpt: N replicas become N copies."""
    samples = [ChatRequest(Messages.user("a"), sample=index) for index in range(3)]
    assert len({key(one, seeded=False) for one in samples}) == 3


def test_the_index_does_not_count_where_the_seed_says_all() -> None:
    assert key(replace(ASKED, sample=3)) == key(ASKED)


def test_two_rounds_of_a_loop_draw_each_their_own_where_models_have_no_seeds() -> None:
    """The prompt and the index may be the same in both; the engine's seed is not."""
    rounds = [replace(ASKED, seed=seed, sample=0) for seed in (5, 900)]
    assert len({key(one, seeded=False) for one in rounds}) == 2


def test_a_chat_is_not_a_text() -> None:
    assert key(ChatRequest(Messages.user("a"))) != key(TextRequest("a"))


def test_lone_surrogates_have_keys_too() -> None:
    one, other = (key(ChatRequest(Messages.user(text))) for text in ("\ud800", "\ud801"))
    assert one != other


def test_another_process_finds_the_same_key() -> None:
    """TextGrad hashes with Python's salted `hash`: no process finds what another one kept."""
    code = (
        "from graphdsl.executors.cache.key import cache_key\n"
        "from graphdsl.executors.abc import ChatRequest\n"
        "from graphdsl.values import Messages\n"
        "asked = ChatRequest(Messages.user('What is 2 + 2?'), seed=7)\n"
        "print(cache_key('one', asked, seeded=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "12345"},
    )
    assert done.stdout.strip() == key(ASKED)


def test_the_key_of_this_version_stays_what_it_is() -> None:
    """Another encoding would lose everybody's answers: count `SCHEMA` up where that is meant."""
    assert key(ASKED) == PINNED


PINNED = "3ffc0f67ef85769051efe08d9fb96f40070f760bfa57a19c3bb3a29ef4667277"
