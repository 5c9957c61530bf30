"""Who may see what others wrote: splits of the data, and items that must not find themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.executors.memory import Recollection, Stores
from graphdsl.executors.memory.origin import Origin, content_hash, origin_of, refusal, view_of
from graphdsl.ops.concepts import Concept
from graphdsl.plan import MemorySpec

EVERYTHING = ("unlabelled", "search", "train", "validation", "certificate", "test")


def memory(*learns_from: str) -> MemorySpec:
    options = {"learns_from": learns_from} if learns_from else {}
    return MemorySpec("lessons", None, options)


async def write(stores: Stores, spec: MemorySpec, text: str, origin: Origin) -> str | None:
    async with Recollection({"lessons": spec}, stores, origin) as recollection:
        refused = recollection.remember(spec, text, None, ())
        await recollection.commit()
    return refused


async def seen(
    stores: Stores, spec: MemorySpec, origin: Origin | None = None, method: str = "bm25"
) -> list[str]:
    async with Recollection({"lessons": spec}, stores, origin or Origin()) as recollection:
        docs = await recollection.recall(spec, "lesson", 10, method)
    return sorted(doc.text for doc in docs)


@pytest.mark.parametrize("split", [None, "search"])
async def test_a_memory_learns_from_search_and_from_runs_without_a_split(split: str | None) -> None:
    stores = Stores()
    assert await write(stores, memory(), "a lesson", origin_of({"q": "1"}, split=split)) is None
    assert await seen(stores, memory()) == ["a lesson"]
    stores.close()


@pytest.mark.parametrize("split", ["validation", "certificate", "test", "train"])
async def test_what_other_splits_write_is_refused_and_said(split: str) -> None:
    stores = Stores()
    refused = await write(stores, memory(), "a lesson", origin_of({"q": "1"}, split=split))
    assert refused == (
        "not kept: memory `lessons` learns from `unlabelled`, `search`, "
        f"not from the split `{split}`"
    )
    assert await seen(stores, memory()) == []
    stores.close()


async def test_a_run_without_a_split_is_refused_where_only_splits_count() -> None:
    stores = Stores()
    refused = await write(stores, memory("search"), "a lesson", origin_of({"q": "1"}))
    assert refused == (
        "not kept: memory `lessons` learns from `search`, not from a run without a split"
    )
    stores.close()


async def test_a_file_that_another_memory_filled_is_read_by_the_same_rules() -> None:
    """The label of an entry counts, not the block that let it in."""
    stores = Stores()
    anything = memory(*EVERYTHING)
    for split in (None, "search", "train", "validation", "certificate"):
        await write(stores, anything, f"lesson of {split}", origin_of({"q": split}, split=split))
    assert await seen(stores, memory()) == ["lesson of None", "lesson of search"]
    assert await seen(stores, memory("train")) == ["lesson of train"]
    assert await seen(stores, anything, origin_of({"q": "x"}, split="search")) == [
        "lesson of None",
        "lesson of search",
        "lesson of train",
    ]
    assert "lesson of validation" in await seen(
        stores, anything, origin_of({"q": "x"}, split="validation")
    )
    stores.close()


async def test_an_item_does_not_find_what_its_own_runs_wrote() -> None:
    stores = Stores()
    one, two = (origin_of({"question": text}, split="search") for text in ("one?", "two?"))
    await write(stores, memory(), "lesson of one", one)
    await write(stores, memory(), "lesson of two", two)
    assert await seen(stores, memory(), one) == ["lesson of two"]
    assert await seen(stores, memory(), two) == ["lesson of one"]
    evaluated = origin_of({"problem": " two? "}, item="17")
    assert await seen(stores, memory(), evaluated) == ["lesson of one"]
    stores.close()


async def test_a_question_of_no_data_finds_what_was_learnt_from_it() -> None:
    stores = Stores()
    asked = origin_of({"question": "one?"})
    await write(stores, memory(), "lesson of one", asked)
    assert await seen(stores, memory(), asked) == ["lesson of one"]
    assert await seen(stores, memory(), origin_of({"question": "one?"}, item="0")) == []
    stores.close()


async def test_a_concept_shows_an_item_only_what_others_added() -> None:
    stores, spec = Stores(), memory()
    origins = [origin_of({"q": text}, split="search") for text in ("one", "two")]
    for number, origin in enumerate(origins):
        concepts: Sequence[Concept] = [
            Concept("lesson", "routine", cues=(f"cue {number}",)),
            Concept(f"own {number} lesson", "routine"),
        ]
        async with Recollection({"lessons": spec}, stores, origin) as recollection:
            recollection.remember_concepts(spec, concepts, ())
            await recollection.commit()
    async with Recollection({"lessons": spec}, stores, origins[0]) as recollection:
        found = await recollection.concepts(spec, "", 10)
        docs = await recollection.recall(spec, "lesson", 10)
    assert [(one.name, one.cues) for one in found] == [
        ("lesson", ("cue 1",)),
        ("own 1 lesson", ()),
    ]
    assert {doc.id for doc in docs} == {"lesson", "own 1 lesson"}
    assert "cue 0" not in "".join(doc.text for doc in docs)
    stores.close()


LABELS = st.sampled_from([None, *EVERYTHING[1:]])


@given(st.lists(st.sampled_from(EVERYTHING), min_size=1), LABELS, LABELS)
def test_no_run_sees_an_evaluation_split_but_its_own(
    learns_from: list[str], writer: str | None, reader: str | None
) -> None:
    """Whatever a block allows, what was measured stays apart from what is searched with."""
    shown = view_of(learns_from, Origin(reader)).labels
    label = Origin(writer).label
    if refusal("m", learns_from, Origin(writer)) is not None:
        assert label not in shown
    if writer in ("validation", "certificate", "test") and reader != writer:
        assert label not in shown


VALUES = st.dictionaries(st.text(max_size=3), st.text(max_size=5) | st.integers(), max_size=3)


@given(VALUES, VALUES)
def test_the_hash_of_an_item_is_that_of_its_values(one: Any, other: Any) -> None:
    def said(inputs: Any) -> list[str]:
        return sorted(text for value in inputs.values() if (text := " ".join(str(value).split())))

    assert (content_hash(one) == content_hash(other)) == (said(one) == said(other))


async def test_a_key_names_one_entry_of_each_split() -> None:
    stores, anything = Stores(), memory(*EVERYTHING)
    for split in (None, "search", "test", "search"):
        origin = origin_of({"q": "x"}, split=split)
        async with Recollection({"lessons": anything}, stores, origin) as recollection:
            recollection.remember(anything, f"lesson of {split}", "key", ())
            await recollection.commit()
    other = origin_of({"q": "y"}, split="search")
    assert await seen(stores, memory(), other) == ["lesson of None", "lesson of search"]
    tested = origin_of({"q": "y"}, split="test")
    assert len(await seen(stores, anything, tested)) == 3
    stores.close()


async def test_names_that_have_no_bytes_tell_splits_apart_all_the_same() -> None:
    stores, spec = Stores(), memory("s?")
    odd = Origin("s\udcff", "c\ud800", "\ud800", True)
    assert await write(stores, spec, "odd lesson", odd) is None
    assert await seen(stores, spec, Origin("s\ud800", "other", None, True)) == ["odd lesson"]
    assert await seen(stores, spec, odd) == []
    stores.close()


def test_an_empty_name_is_none() -> None:
    assert Origin("", "", "") == Origin()
