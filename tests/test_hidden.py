"""Keys and passwords in the text of a program are shown as asterisks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.hidden import hidden, looks_like_key

KEY = "sk-abcdefghijklmnopqrstuvwxyz012345"

_PIECES = [
    "api_key",
    "base_url",
    " = ",
    '"',
    '"""',
    "env(",
    "://",
    "@",
    "?key=",
    "\n",
    "'",
    KEY,
    "x",
    " ",
    "é",
]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"# {KEY}", f"# {'*' * len(KEY)}"),
        ('api_key = "a b"', 'api_key = "***"'),
        ("api_key = 'ab'  x", "api_key = '**'  x"),
        ('api_key: """a\nb"""  x', 'api_key: """*\n*"""  x'),
        ('api_key = "open', 'api_key = "****'),
        ("apikey = bare }", "apikey = **** }"),
        ('api_key = env("my key")', 'api_key = env("******")'),
        ('"http://me:pw@host/v1"', '"http://*****@host/v1"'),
        ('base_url = ["http://h/v1?a=b", "c?d"]', 'base_url = ["http://h/v1?***", "c?*"]'),
        ('"http://host/v1?a=b&api-key=c&d=e"', '"http://host/v1?a=b&api-key=*&d=e"'),
    ],
)
def test_what_may_be_a_key_is_masked(text: str, shown: str) -> None:
    assert hidden(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        'api_key = env("MY_KEY")',
        'api_key = env("${MY_KEY}")',
        "# the api_key comes from the environment",
        'base_url = "https://host/v1?api-version=2"',
        "user@host: see http://host/",
        'user "{{ question }} = ?"  max_tokens = 5',
    ],
)
def test_what_is_no_key_stays(text: str) -> None:
    assert hidden(text) == text
    assert not looks_like_key(text)


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join) | st.text())
def test_lines_keep_their_places(text: str) -> None:
    shown = hidden(text)
    assert [len(line) for line in shown.split("\n")] == [len(line) for line in text.split("\n")]
