"""What to write when an endpoint refuses a setting, by the words of OpenAI, vLLM and litellm."""

from __future__ import annotations

import json

import pytest

from graphdsl.executors.http_errors import Site, refusal
from graphdsl.executors.refused_settings import advice, without_drop_advice

SITE = Site("m", "gpt", "h:1")
LABELS = '`lacks = ["logprobs", "label_scores"]`'


@pytest.mark.parametrize(
    ("said", "written"),
    [
        (
            "Unsupported value: 'temperature' does not support 0.7 with this model. Only the "
            "default (1) value is supported.",
            "write `temperature = 1` in its model block",
        ),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "write `limit_name = max_completion_tokens` in its model block",
        ),
        (
            '[{"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"]}]',
            "write `limit_name = max_tokens` in its model block",
        ),
        (
            "You are not allowed to request logprobs from this model.",
            f"write {LABELS} in its model block",
        ),
        ("top_logprobs must be at most 5", 'write `lacks = ["label_scores"]` in its model block'),
        ("'seed' is not supported", 'write `lacks = ["seeds"]` in its model block'),
        ("unknown field `stop`", 'write `lacks = ["stop_strings"]` in its model block'),
        (
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported",
            'write `lacks = ["structured"]` in its model block',
        ),
        ("`top_p` is deprecated", "take `top_p` out of its model block"),
        (
            "does not support parameters: ['logprobs', 'seed', 'top_p'], for model=o3",
            'write `lacks = ["logprobs", "label_scores", "seeds"]` in its model block, and take '
            "`top_p` out of its model block",
        ),
        (
            "seed is not supported for model x. Supported parameters are ['temperature', 'top_p']",
            "",
        ),
        ("max_tokens is too large: 200000. This model takes at most 128000", ""),
        ("Invalid schema for response_format 'reply'", ""),
        ("please stop, the seed of doubt is sown at this temperature", ""),
    ],
)
def test_a_refusal_that_names_a_setting_says_what_to_write(said: str, written: str) -> None:
    assert advice(said) == written
    body = json.dumps({"error": {"message": said}}).encode()
    ending = f"; {written}" if written else said.rstrip(".")
    assert str(refusal(SITE, 400, {}, body)).endswith(ending)


def test_the_setting_that_the_server_blames_is_the_only_one() -> None:
    error = {"message": "temperature=2 and 'seed' are odd", "param": "seed"}
    said = str(refusal(SITE, 422, {}, json.dumps({"error": error}).encode()))
    assert said.endswith('; write `lacks = ["seeds"]` in its model block')
    error["param"] = "messages.0.content"
    said = str(refusal(SITE, 422, {}, json.dumps({"error": error}).encode()))
    assert said.endswith("are odd")


def test_other_failures_get_no_advice_about_settings() -> None:
    body = b'{"error": {"message": "\'temperature\' broke us"}}'
    assert "write" not in str(refusal(SITE, 500, {}, body))


def test_where_the_limit_has_no_name_in_the_block_none_is_proposed() -> None:
    assert advice("'max_tokens' is not supported", limits=False) == ""


@pytest.mark.parametrize(
    "ending",
    [
        " To drop unsupported params set `litellm.drop_params = True`",
        " To drop unsupported openai params from the call, set `litellm.drop_params = True`",
        " To drop these, set `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:`",
        " Set drop_params=True to drop unsupported parameters.",
    ],
)
def test_a_switch_of_litellm_that_nobody_has_is_not_proposed(ending: str) -> None:
    assert without_drop_advice("o3 takes no seed." + ending) == "o3 takes no seed."
