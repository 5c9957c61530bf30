"""The records of a journal, as objects and as JSON data.

As objects they are tuples that begin with a kind; all but the first two kinds name a run next.

=========  ==========================================================  ============================
kind       what follows                                                written
=========  ==========================================================  ============================
`journal`  header                                                      first
`resumed`  time                                                        when another life begins
`begin`    run, graph hash, digests of inputs, seed, split             before anything of the run
`intent`   run, attempt, call, worst usage                             durable before it is sent
`failed`   run, attempt, usage                                         after it has ended so
`sample`   run, attempt or None, call, draft, usage                    durable before it is seen
`node`     run, address, value                                         durable before it is seen
`end`      run, status, usage                                          durable before the result
`done`                                                                 when all runs have ended
=========  ==========================================================  ============================

In the file there is also `prompt` (digest, turns), before the first record of a value that has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from graphdsl.executors.journal.value_codec import (
    decode_draft,
    decode_messages,
    decode_usage,
    decode_value,
    encode_draft,
    encode_messages,
    encode_usage,
    encode_value,
)
from graphdsl.values import Messages

VERSION: Final = 1
"""Of the records and the way they are written; a reader refuses newer ones."""

JournalRecord = tuple[Any, ...]
"""See the module."""


class Encoder:
    """Records as JSON data, for one file, which holds each prompt once."""

    def __init__(self, prompts: dict[str, Messages]) -> None:
        self._known = set(prompts)
        self._fresh: list[str] = []

    def undo(self) -> None:
        """What was encoded last will not be written, nor will its prompts."""
        self._known.difference_update(self._fresh)

    def encode(self, record: JournalRecord) -> Iterator[JournalRecord]:
        """The record as JSON data, after the prompts that it needs.

        Raises `TypeError` for a value that is none of a graph.
        """
        kind = record[0]
        self._fresh.clear()
        if kind == "intent":
            yield *record[:4], encode_usage(record[4])
        elif kind == "sample":
            _, run, attempt, call, draft, usage = record
            yield kind, run, attempt, call, encode_draft(draft), encode_usage(usage)
        elif kind in ("failed", "end"):
            yield *record[:3], encode_usage(record[3])
        elif kind == "node":
            yield from self._node(*record)
        else:
            yield record

    def _node(self, kind: str, run: str, address: str, value: Any) -> Iterator[JournalRecord]:
        prompts: dict[str, Messages] = {}
        data = encode_value(value, prompts)
        for digest in prompts.keys() - self._known:
            self._known.add(digest)
            self._fresh.append(digest)
            yield "prompt", digest, encode_messages(prompts[digest])
        yield kind, run, address, data


class Decoder:
    """Records of one file as objects; `prompts` are those met so far, by digest."""

    def __init__(self) -> None:
        self.prompts: dict[str, Messages] = {}

    def decode(self, data: list[Any]) -> JournalRecord | None:
        """The record of this data; None for a prompt, which is kept for those that follow.

        Raises `ValueError`, `TypeError` or `LookupError` for what is none.
        """
        kind = data[0]
        if kind == "prompt":
            self.prompts[data[1]] = decode_messages(data[2])
            return None
        if kind == "intent":
            return *data[:4], decode_usage(data[4])
        if kind == "sample":
            _, run, attempt, call, draft, usage = data
            return kind, run, attempt, call, decode_draft(draft), decode_usage(usage)
        if kind in ("failed", "end"):
            return *data[:3], decode_usage(data[3])
        if kind == "node":
            return *data[:3], decode_value(data[3], self.prompts)
        return tuple(data)
