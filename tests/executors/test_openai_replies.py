"""Pieces of replies: stops and prefixes across cuts, labels, vectors, scores."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.errors import BackendError, BrokenReply
from graphdsl.executors.http_errors import Site
from graphdsl.executors.openai_reply import count, token_logprobs, whole
from graphdsl.executors.openai_scores import (
    embedding_vectors,
    label_values,
    prompt_tokens,
    relevance_values,
    text_stats,
)
from graphdsl.executors.openai_stream import PrefixFilter
from graphdsl.executors.openai_wire import encoded, estimated_tokens
from graphdsl.executors.stop_filter import StopFilter

SITE = Site("m", "gpt", "h:1")


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@given(
    text=st.text("ab", max_size=30),
    stops=st.lists(st.text("ab", min_size=1, max_size=4), max_size=3),
    size=st.integers(1, 5),
)
def test_stop_strings_are_found_across_pieces(text: str, stops: list[str], size: int) -> None:
    sieve = StopFilter(stops)
    shown = "".join(map(sieve.feed, cut(text, size)))
    ends = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    assert sieve.hit == bool(ends)
    assert shown + sieve.rest() == (text[: min(ends)[1]] if ends else text)


@given(size=st.integers(1, 30), rest=st.text(max_size=9))
def test_a_repeated_prefix_goes_whatever_the_pieces(size: int, rest: str) -> None:
    prefix = "The answer is"
    assert filtered(prefix, cut(prefix + rest, size)) == rest


@pytest.mark.parametrize("reply", ["", "The ans", "The answers are", "5", "the answer is 5"])
def test_what_is_not_the_prefix_stays(reply: str) -> None:
    for size in (1, 3, 50):
        assert filtered("The answer is", cut(reply, size)) == reply


def test_a_short_prefix_may_come_again_by_chance() -> None:
    assert filtered("1", ["11"]) == "11"


def filtered(prefix: str, pieces: list[str]) -> str:
    sieve = PrefixFilter(prefix)
    return "".join(map(sieve.feed, pieces)) + sieve.rest()


@given(st.text(st.characters(categories=["L", "Cs"]), max_size=8))
def test_every_text_can_be_sent_and_every_reply_has_bytes(text: str) -> None:
    sent = json.loads(encoded({"text": text}))["text"]
    assert len(sent) == len(text)
    assert whole(sent) == sent
    assert whole(text).encode().decode() == whole(text)


def test_texts_of_one_byte_have_a_token() -> None:
    assert (estimated_tokens(""), estimated_tokens("a"), estimated_tokens("é" * 3)) == (0, 1, 2)


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        *((0, 0), (7, 7), ("7", 7), (" 7 ", 7), (7.9, 7)),
        *((True, None), (-1, None), ("-1", None), (None, None), (math.nan, None)),
        *((math.inf, None), ([], None), ("7" * 20, None), (10**12, None)),
    ],
)
def test_counts_come_in_many_forms(value: Any, tokens: int | None) -> None:
    assert count(value) == tokens


def test_log_probabilities_are_held_within_what_they_can_be() -> None:
    content = [{"logprob": value} for value in (-1, 1e-9, -math.inf, math.nan, None, True, "x")]
    assert token_logprobs({"logprobs": {"content": content}}) == [-1.0, 0.0, -1e9]
    assert token_logprobs({"logprobs": {"token_logprobs": [None, -2.5]}}) == [-2.5]
    assert token_logprobs({"logprobs": None}) == []


def choice(**masses: float) -> dict[str, Any]:
    """A reply whose first token has these probabilities; `_` stands for a space."""
    top = [
        {"token": token.replace("_", " "), "logprob": math.log(mass)}
        for token, mass in masses.items()
    ]
    return {"logprobs": {"content": [{"top_logprobs": top}]}}


def test_labels_share_the_mass_of_the_tokens_that_begin_them() -> None:
    values = label_values(choice(yes=0.5, _yes=0.1, no=0.2, other=0.1), ("yes", "no"), SITE)
    assert values == pytest.approx((0.75, 0.25))


def test_part_of_a_word_counts_for_the_only_label_that_it_begins() -> None:
    values = label_values(choice(max=0.6, ye=0.2), ("maximum", "yes"), SITE)
    assert values == pytest.approx((0.75, 0.25))


def test_a_label_that_is_not_reported_gets_what_is_left() -> None:
    values = label_values(choice(yes=0.8, ja=0.15), ("yes", "no"), SITE)
    assert values == pytest.approx((0.8 / 0.85, 0.05 / 0.85))


def test_a_label_that_is_not_reported_gets_no_more_than_the_least() -> None:
    values = label_values(choice(yes=0.3, ja=0.1), ("yes", "no"), SITE)
    assert values == pytest.approx((0.75, 0.25))


def test_a_whole_label_wins_over_one_that_it_begins() -> None:
    values = label_values(choice(**{"1": 0.6, "10": 0.2}), ("1", "10"), SITE)
    assert values == pytest.approx((0.75, 0.25))


@pytest.mark.parametrize("labels", [("alpha", "alps"), ("1", "10"), ("a b", "a c")])
def test_labels_with_one_first_token_are_refused(labels: tuple[str, ...]) -> None:
    reply = choice(**{"al": 0.5, "1": 0.3, "a": 0.1})
    with pytest.raises(BackendError, match="the same token") as caught:
        label_values(reply, labels, SITE)
    assert not caught.value.retryable


@pytest.mark.parametrize("reply", [{}, {"logprobs": None}, {"logprobs": {"content": []}}])
def test_labels_need_log_probabilities(reply: dict[str, Any]) -> None:
    with pytest.raises(BrokenReply, match="top_logprobs"):
        label_values(reply, ("yes", "no"), SITE)


def test_relevance_comes_in_the_order_of_the_texts() -> None:
    data = [{"index": 1, "score": 0.2}, {"index": 0, "score": 3}]
    assert relevance_values({"data": data}, 2, SITE) == (3.0, 0.2)
    results = [{"index": 1, "relevance_score": 0.2}, {"index": 0, "relevance_score": 3}]
    assert relevance_values({"results": results}, 2, SITE) == (3.0, 0.2)


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"index": 0, "score": 1}],
        [{"index": 0, "score": 1}, {"index": 0, "score": 1}],
        [{"index": 0, "score": 1}, {"index": 1, "score": None}],
        [{"index": 0, "score": 1}, {"index": 1, "score": math.nan}],
        [{"index": 0, "score": 1}, None],
    ],
)
def test_relevance_that_leaves_out_a_text_is_broken(data: list[Any]) -> None:
    with pytest.raises(BrokenReply, match="each of the 2 texts"):
        relevance_values({"data": data}, 2, SITE)


def test_vectors_come_in_the_order_of_the_texts() -> None:
    data = [{"index": 1, "embedding": [2, 3]}, {"index": 0, "embedding": [0, 1]}]
    assert embedding_vectors({"data": data}, 2, SITE) == [(0.0, 1.0), (2.0, 3.0)]


@pytest.mark.parametrize(
    "vectors", [[[1, 2]], [[1, 2], []], [[1, 2], [1]], [[1, 2], ["a", 2]], [[1, 2], "AAAA"]]
)
def test_vectors_of_the_wrong_form_are_broken(vectors: list[Any]) -> None:
    data = [{"index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    with pytest.raises(BrokenReply, match="one vector for each"):
        embedding_vectors({"data": data}, 2, SITE)


def test_a_text_has_what_a_prompt_has_beyond_another() -> None:
    def reply(**tokens: float) -> dict[str, Any]:
        entries = [{key: {"logprob": value}} for key, value in tokens.items()]
        return {"prompt_logprobs": [None, *entries]}

    before = prompt_tokens(reply(a=-1.0, b=-1.0), SITE)
    after = prompt_tokens(reply(a=-1.0, b=-1.0, c=-0.5, d=-2.0), SITE)
    found = text_stats(before, after)
    assert (found.tokens, found.total, found.minimum) == (2, -2.5, -2.0)


@pytest.mark.parametrize("found", [None, [], [None, {"1": {}}], [None, {"1": {"logprob": "x"}}]])
def test_prompts_without_log_probabilities_are_broken(found: Any) -> None:
    with pytest.raises(BrokenReply):
        prompt_tokens({"prompt_logprobs": found}, SITE)
