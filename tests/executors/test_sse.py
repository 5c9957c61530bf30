"""Server-sent events, however the network cuts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.executors.sse import EventDecoder


def decoded(*chunks: bytes) -> list[bytes]:
    decoder = EventDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def test_an_event_ends_with_an_empty_line() -> None:
    assert decoded(b"data: a\n\ndata: b\n\n") == [b"a", b"b"]
    assert decoded(b"data: a\n") == []


def test_lines_of_data_are_joined() -> None:
    assert decoded(b"data: a\ndata\ndata:b\n\n") == [b"a\n\nb"]


def test_carriage_returns_end_lines_too() -> None:
    assert decoded(b"data: a\r\n\r", b"\ndata: b\r\n\r\n") == [b"a", b"b"]


def test_comments_and_other_fields_are_passed_over() -> None:
    assert decoded(b": ping\n\nevent: x\nid: 1\nretry: 5\n\ndata: a\nevent: y\n\n") == [b"a"]


def test_only_one_space_belongs_to_the_field() -> None:
    assert decoded(b"data:  a \n\ndata:b\n\n") == [b" a ", b"b"]


def test_a_byte_order_mark_is_none_of_the_data() -> None:
    assert decoded(b"\xef\xbb\xbfdata: a\n\n") == [b"a"]


def test_a_line_without_end_is_refused() -> None:
    decoder = EventDecoder(limit=100)
    decoder.feed(b"data: " + b"x" * 90)
    with pytest.raises(ValueError, match="more than 100 bytes"):
        decoder.feed(b"x" * 20)


def test_an_event_of_many_lines_is_refused_too() -> None:
    decoder = EventDecoder(limit=100)
    for _ in range(50):
        decoder.feed(b"data: xx\n")
    with pytest.raises(ValueError, match="more than 100 bytes"):
        decoder.feed(b"data: xx\n")


def test_a_long_stream_of_short_events_is_no_long_event() -> None:
    decoder = EventDecoder(limit=100)
    assert sum(len(decoder.feed(b"data: xx\n\n" * 5)) for _ in range(50)) == 250


_LETTERS = st.characters(codec="utf-8", exclude_characters="\r\n\ufeff")
_TEXTS = st.lists(st.text(_LETTERS, min_size=1), max_size=5)


@given(texts=_TEXTS, size=st.integers(1, 9), end=st.sampled_from([b"\n", b"\r\n"]))
def test_cuts_of_the_network_change_nothing(texts: list[str], size: int, end: bytes) -> None:
    stream = b"".join(b"data: " + text.encode() + end + end for text in texts)
    cut = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert decoded(*cut) == [text.encode() for text in texts]
