"""A memory as lines of JSON: what stands in a version, and where each entry came from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from graphdsl.errors import InputError
from graphdsl.executors.memory.commit import newest
from graphdsl.executors.memory.entry import ConceptEntry, Entry, Written
from graphdsl.executors.memory.history import check_version, parts, stored
from graphdsl.executors.memory.origin import Origin
from graphdsl.executors.memory.store import Store
from graphdsl.ops.concept_reading import concept_of
from graphdsl.ops.concepts import Concept


def exported(store: Store, version: int | None = None) -> list[dict[str, Any]]:
    """The texts of a version, then the parts of its concepts, one object each.

    Raises `InputError` for a version that there is not.
    """

    def look(connection: Any) -> list[dict[str, Any]]:
        at = newest(connection) if version is None else version
        check_version(connection, at, store.name)
        texts = [
            _record(Origin(one.split, one.content, one.run), key=one.key, text=one.text)
            for one in stored(connection, at)
            if one.kind == "text"
        ]
        concepts = [
            _record(origin, concept=concept.to_record())
            for concept, origin in parts(connection, at)
        ]
        return texts + concepts

    return store.look(look)


def _record(origin: Origin, **fields: Any) -> dict[str, Any]:
    record = {**fields, "split": origin.split, "content": origin.content, "run": origin.run}
    return {name: value for name, value in record.items() if value is not None}


def read_lines(lines: Iterable[str], split: str | None = None) -> Iterator[Written]:
    """The entries of such lines; `split` stands for one that is not given.

    Raises `InputError` with the number of a line that is no entry.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _entry(_object(line), split)
        except ValueError as error:
            raise InputError(f"line {number}: {error}") from None


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError('it must be an object such as `{"text": "…"}`')
    return cast(dict[str, Any], found)


def _entry(record: dict[str, Any], split: str | None) -> Written:
    origin = Origin(_text(record, "split") or split, _text(record, "content"), _text(record, "run"))
    if "concept" in record:
        concept = concept_of(record["concept"])
        if not isinstance(concept, Concept):
            raise ValueError(f"{concept} cannot be kept")
        return ConceptEntry(concept, origin)
    text = _text(record, "text")
    if not text or not text.strip():
        raise ValueError("it needs a `text` that is not empty, or a `concept`")
    return Entry(text, _text(record, "key"), origin)


def _text(record: dict[str, Any], name: str) -> str | None:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"`{name}` must be a text")
    return value
