"""Refusals in the words of many servers, and what they say about waiting."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from graphdsl.errors import ContextOverflow, RateLimited
from graphdsl.executors.context_wording import overflow_numbers
from graphdsl.executors.http_errors import Site, read_report, refusal
from graphdsl.executors.http_page import page_words
from graphdsl.executors.retry_after import retry_after
from graphdsl.executors.secret import Secret

SITE = Site("m", "gpt", "h:1")

OVERFLOWS = {
    "This model's maximum context length is 4097 tokens. However, you requested 5010 tokens (5000 "
    "in the messages, 10 in the completion). Please reduce the length.": (5000, 4097),
    "This model's maximum context length is 128000 tokens. However, your messages resulted in "
    "130001 tokens. Please reduce the length of the messages.": (130001, 128000),
    "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 "
    "tokens. Please reduce the length of the messages.": (300000, 272000),
    "This model's maximum context length is 2048 tokens. However, you requested 64 output tokens "
    "and your prompt contains at least 1985 input tokens, for a total of at least 2049 tokens. "
    "Please reduce the length of the input prompt.": (1985, 2048),
    "'max_tokens' or 'max_completion_tokens' is too large: 64. This model's maximum context length "
    "is 2048 tokens and your request has 1985 input tokens (64 > 2048 - 1985).": (1985, 2048),
    "The decoder prompt (length 5000) is longer than the maximum model length of 2048.": (
        5000,
        2048,
    ),
    "Requested token count exceeds the model's maximum context length of 32768 tokens. You "
    "requested a total of 40000 tokens: 39000 tokens from the input messages and 1000 tokens for "
    "the completion.": (39000, 32768),
    "the request exceeds the available context size, try increasing it": (0, 0),
    "request (5000 tokens) exceeds the available context size (4096 tokens)": (5000, 4096),
    "prompt is too long: 210000 tokens > 200000 maximum": (210000, 200000),
    "The input token count (1,200,000) exceeds the maximum number of tokens allowed (1048576).": (
        1200000,
        1048576,
    ),
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum "
    "context length": (40000, 32768),
    "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000": (2000, 0),
}


@pytest.mark.parametrize(("text", "numbers"), OVERFLOWS.items())
def test_words_for_a_full_context_are_known(text: str, numbers: tuple[int, int]) -> None:
    assert overflow_numbers(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "",
        "temperature must be at most 2",
        "Invalid 'messages[0].content': string too long",
        "max_tokens must be at least 1",
        "Unsupported parameter: 'max_tokens' is not supported with this model.",
    ],
)
def test_other_refusals_are_no_overflow(text: str) -> None:
    assert overflow_numbers(text) is None


def test_numbers_may_come_as_fields() -> None:
    body = b'{"error": {"code": 400, "message": "the request exceeds the available context size",'
    body += b'"type": "exceed_context_size_error", "n_prompt_tokens": 90, "n_ctx": 64}}'
    error = refusal(SITE, 400, {}, body)
    assert isinstance(error, ContextOverflow)
    assert (error.prompt_tokens, error.limit) == (90, 64)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": {"message": "a"}}', "a"),
        (b'{"error": "a"}', "a"),
        (b'{"object": "error", "message": "a", "code": 400}', "a"),
        (b'{"detail": "a"}', "a"),
        (b'{"detail": [{"msg": "a"}]}', '[{"msg": "a"}]'),
        (b'"a"', "a"),
        (b"<p>a</p>", "a"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
    ],
)
def test_every_form_of_a_refusal_is_read(body: bytes, text: str) -> None:
    assert read_report(body).text == text


def test_a_server_s_words_are_short_and_harmless() -> None:
    text = "a\n\x1b[31m b\u202e" + "x" * 1000
    said = SITE.clean(text)
    assert said.startswith("a [31m b x")
    assert len(said) == 301


def test_a_server_s_words_do_not_end_a_sentence_of_ours() -> None:
    assert SITE.clean("The model does not exist. ") == "The model does not exist"
    assert SITE.clean("shorten it;\n") == "shorten it"
    body = b'{"error": {"message": "The model `gpt` does not exist.", "code": "model_not_found"}}'
    assert "does not exist; `name` in the model block" in str(refusal(SITE, 404, {}, body))


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<!DOCTYPE html>\n<html><head><title>502 Bad\n Gateway</title></head>", "502 Bad Gateway"),
        ("<html><style>p {}</style><!-- x --><p>It is &lt;gone&gt;</p></html>", "It is <gone>"),
        ("<?xml version='1.0'?><Error><Message>No</Message></Error>", "No"),
        ("<html><title> </title>a<script>b", "a b"),
        ("<p>" + "word " * 100, "word " * 20 + "…"),
        ("upstream <b>gone</b>", "upstream <b>gone</b>"),
        ("< 5 seconds", "< 5 seconds"),
    ],
)
def test_of_a_page_its_title_or_first_words_are_shown(page: str, words: str) -> None:
    assert page_words(page) == words
    assert str(refusal(SITE, 500, {}, page.encode())) == f"`m` at `h:1` failed (500): {words}"


def test_a_secret_is_removed_before_words_are_cut() -> None:
    site = Site("m", "gpt", "h:1", None, (Secret("sk-12345678"),))
    assert "sk-1" not in site.clean("x" * 296 + "sk-12345678")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e9"}, 86_400.0),
        ({"Retry-After": ""}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        (
            {
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "6m0s",
                "x-ratelimit-remaining-tokens": "900",
            },
            1.0,
        ),
        ({"x-ratelimit-reset-requests": "whenever"}, None),
        (
            {
                "Retry-After": "Wed, 21 Oct 2015 07:28:10 GMT",
                "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
            },
            10,
        ),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:10 GMT"}, 0.0),
    ],
)
def test_headers_say_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_moment_is_a_wait_from_now() -> None:
    soon = time.time() + 50
    for headers in (
        {"Retry-After": formatdate(soon, usegmt=True)},
        {"x-ratelimit-reset": str(int(soon))},
        {"x-ratelimit-reset": str(int(soon * 1000))},
    ):
        wait = retry_after(headers)
        assert wait is not None
        assert 30 < wait < 60


def test_a_limit_of_tokens_per_minute_is_no_overflow() -> None:
    body = b'{"error": {"message": "Request too large: Limit 6000, Requested 7000", "code": "tpm"}}'
    assert isinstance(refusal(SITE, 429, {}, body), RateLimited)
