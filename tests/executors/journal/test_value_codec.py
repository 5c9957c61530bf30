"""Every value of a graph survives a journal."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.executors.journal.line import decode_line, encode_line
from graphdsl.executors.journal.value_codec import (
    decode_draft,
    decode_usage,
    decode_value,
    digest_of,
    encode_draft,
    encode_usage,
    encode_value,
)
from graphdsl.values import (
    Answer,
    Doc,
    Draft,
    Finish,
    LogprobStats,
    Message,
    Messages,
    Usage,
    Verdict,
)

TEXTS = st.text(st.characters(codec=None), max_size=20)
"""With lone surrogates, which models and servers have been seen to give."""

NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.integers()
WHOLE = st.integers(0, 10**18)
FINISH = st.sampled_from(list(Finish))
USAGES = st.builds(Usage, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, st.none() | WHOLE, WHOLE)
PROMPTS = st.builds(
    Messages, st.lists(st.builds(Message, TEXTS, TEXTS), max_size=3).map(lambda turns: tuple(turns))
)
STATS = st.builds(LogprobStats, WHOLE, st.floats(), st.floats())
ANSWERS = st.builds(Answer, TEXTS, st.none() | st.floats(), st.booleans())
DRAFTS = st.builds(
    Draft,
    TEXTS,
    st.none() | TEXTS,
    st.none() | st.floats(),
    st.none() | st.floats(0, 1),
    FINISH,
    USAGES,
    TEXTS,
    WHOLE,
    st.none() | WHOLE,
    st.none() | STATS,
    st.none() | TEXTS,
    st.booleans(),
    st.none() | PROMPTS,
)
VERDICTS = st.builds(Verdict, st.booleans(), TEXTS, st.none() | st.floats(), ANSWERS, FINISH)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
DOCS = st.builds(Doc, TEXTS, TEXTS, st.floats(), st.dictionaries(TEXTS, JSON, max_size=3))
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS | ANSWERS | DRAFTS | VERDICTS | DOCS | PROMPTS
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: tuple(items))
        | st.dictionaries(TEXTS, inner, max_size=4)
    ),
    max_leaves=8,
)


def through_a_file(value: Any) -> Any:
    """The value after it was written as a line and read again."""
    prompts: dict[str, Messages] = {}
    line = encode_line(7, ("node", encode_value(value, prompts)), first=True)
    assert line.count(b"\n") == 1
    found = decode_line(line[:-1])
    assert found is not None
    return decode_value(found[2][1], prompts)


@given(VALUES)
def test_every_value_comes_back_as_it_was(value: Any) -> None:
    assert repr(through_a_file(value)) == repr(value)  # NaN equals nothing, but reads the same


@given(DRAFTS)
def test_a_sample_comes_back_with_the_prompt_that_is_given(draft: Draft) -> None:
    found = decode_draft(encode_draft(draft), draft.prompt)
    assert repr(found) == repr(draft)
    assert found.prompt == draft.prompt


@given(USAGES)
def test_a_usage_comes_back(usage: Usage) -> None:
    assert decode_usage(json.loads(json.dumps(encode_usage(usage)))) == usage


def test_types_are_kept_apart() -> None:
    value: tuple[Any, ...] = (1, 1.0, -0.0, True, "1", (), {}, None, math.inf, 2**70)
    found = through_a_file(value)
    assert [type(item) for item in found] == [type(item) for item in value]
    assert repr(found) == repr(value)


def test_a_prompt_that_many_drafts_share_is_kept_once() -> None:
    prompt = Messages.user("What is 2 + 2?")
    prompts: dict[str, Messages] = {}
    data = encode_value(tuple(Draft(str(n), prompt=prompt) for n in range(8)), prompts)
    assert prompts == {digest_of(prompt): prompt}
    assert prompt.text not in json.dumps(data)


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match="a `object` is no value of a graph"):
        encode_value((1, object()), {})


@pytest.mark.parametrize("data", [["?"], [], ["A"], ["D", 1], [[1]], ["O", "a", "b", None]])
def test_data_that_is_no_value_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="not a value of a graph"):
        decode_value(data, {})
