"""Common beginnings are read once: who leads, who follows, and what happens when that fails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from graphdsl.errors import BackendError
from graphdsl.executors.llama_stems import LEAST, Place, Stems
from graphdsl.executors.prefixes import common_length

SHOTS = "shot " * LEAST


@dataclass
class Engine:
    """Slots of nothing: what was read, saved and loaded, in the order in which it happened."""

    log: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    size: int = 100
    fails: bool = False
    loads: bool = True
    reading_until: asyncio.Event | None = None
    disk: int = 10**9
    others_read: bool = False

    async def read(self, place: Place, like: Place) -> int:
        self.log.append(("read", place.slot))
        await asyncio.sleep(0)
        if self.reading_until is not None:
            await self.reading_until.wait()
        if self.fails:
            raise BackendError("no")
        return common_length(place.text, like.text)

    async def save(self, place: Place, name: str) -> int:
        self.log.append(("save", place.slot))
        await asyncio.sleep(0)
        self.texts[name] = place.before if place.before else place.text
        return self.size

    async def load(self, place: Place, name: str) -> bool:
        self.log.append(("load", place.slot))
        await asyncio.sleep(0)
        return self.loads and name in self.texts

    def drop(self, name: str) -> None:
        self.texts.pop(name, None)

    def free(self) -> int:
        return self.disk

    def reading(self, place: Place) -> bool:
        return self.others_read

    def saves(self) -> int:
        return [what for what, _ in self.log].count("save")


def place(slot: int, text: str, known: int = 0, before: str = "") -> Place:
    return Place(slot, text, known, before, lambda: text)


async def warmed(stems: Stems, *places: Place) -> list[int]:
    """How much the slots know once all have come together."""
    await asyncio.gather(*[stems.warm(one) for one in places])
    return [one.known for one in places]


async def test_one_reads_and_the_others_load() -> None:
    engine = Engine()
    known = await warmed(
        Stems(engine, keep=False), *[place(slot, SHOTS + f"q{slot}") for slot in range(4)]
    )
    assert known == [len(SHOTS) + 1] * 4
    assert [what for what, _ in engine.log] == ["read", "save", "load", "load", "load"]


async def test_only_the_leader_has_read() -> None:
    places = [place(slot, SHOTS) for slot in range(3)]
    await warmed(Stems(Engine(), keep=False), *places)
    assert [one.read for one in places] == [len(SHOTS), 0, 0]


async def test_one_who_comes_alone_just_goes_on() -> None:
    engine = Engine()
    assert await warmed(Stems(engine, keep=False), place(0, SHOTS)) == [0]
    assert engine.log == []


async def test_short_prompts_and_warm_slots_are_left_alone() -> None:
    engine = Engine()
    stems = Stems(engine, keep=False)
    short = [place(slot, "?" * (LEAST - 1)) for slot in range(3)]
    warm = [place(slot, SHOTS, known=len(SHOTS) - 3) for slot in range(3)]
    await warmed(stems, *short, *warm)
    assert engine.log == []


async def test_a_later_call_loads_what_was_read_before() -> None:
    engine = Engine()
    stems = Stems(engine, keep=False)
    await warmed(stems, place(0, SHOTS + "a"), place(1, SHOTS + "b"))
    assert await warmed(stems, place(2, SHOTS + "c")) == [len(SHOTS)]
    assert engine.log[-1] == ("load", 2)


async def test_groups_within_groups_share_twice() -> None:
    engine = Engine()
    texts = [SHOTS + ("one" if half else "two") * LEAST for half in (0, 0, 1, 1)]
    known = await warmed(
        Stems(engine, keep=False), *[place(slot, text) for slot, text in enumerate(texts)]
    )
    assert known == [len(text) for text in texts]
    assert [what for what, _ in engine.log].count("read") == 3


async def test_unlike_prompts_do_not_wait_for_each_other() -> None:
    engine = Engine()
    await warmed(Stems(engine, keep=False), place(0, "a" * 9999), place(1, "b" * 9999))
    assert engine.log == []


async def test_when_the_leader_is_cancelled_another_one_leads() -> None:
    engine = Engine(reading_until=asyncio.Event())
    stems = Stems(engine, keep=False)
    places = [place(slot, SHOTS + "q") for slot in range(3)]
    tasks = [asyncio.create_task(stems.warm(one)) for one in places]
    for _ in range(10):
        await asyncio.sleep(0)
    tasks[0].cancel()
    engine.reading_until = None
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert [one.known for one in places[1:]] == [len(SHOTS) + 1] * 2
    assert [entry for entry in engine.log if entry[0] == "read"] == [("read", 0), ("read", 1)]


async def test_a_follower_that_is_cancelled_hurts_nobody() -> None:
    stems = Stems(Engine(), keep=False)
    places = [place(slot, SHOTS) for slot in range(3)]
    tasks = [asyncio.create_task(stems.warm(one)) for one in places]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert [places[0].known, places[2].known] == [len(SHOTS)] * 2


async def test_where_reading_fails_every_call_goes_on_by_itself() -> None:
    engine = Engine(fails=True)
    places = [place(slot, SHOTS) for slot in range(3)]
    await asyncio.wait_for(warmed(Stems(engine, keep=False), *places), 5)
    assert [one.known for one in places] == [0, 0, 0]


async def test_where_nothing_can_be_written_it_is_not_tried_again() -> None:
    engine = Engine(size=0)
    stems = Stems(engine, keep=False)
    await asyncio.wait_for(warmed(stems, *[place(slot, SHOTS) for slot in range(3)]), 5)
    await asyncio.wait_for(warmed(stems, *[place(slot, SHOTS[::-1]) for slot in range(3)]), 5)
    assert [what for what, _ in engine.log] == ["read", "save"]


async def test_what_could_not_be_written_leaves_no_file_and_is_tried_again_after_a_pause() -> None:
    engine = Engine(size=0)
    stems = Stems(engine, keep=True, pause=0)
    await stems.warm(place(0, "?", before=SHOTS))
    assert (engine.texts, engine.saves()) == ({}, 1)
    engine.size = 100
    await stems.warm(place(0, "?", before=SHOTS))
    assert list(engine.texts.values()) == [SHOTS]


async def test_in_the_pause_no_state_is_kept_either() -> None:
    engine = Engine(size=0)
    stems = Stems(engine, keep=True)
    for letter in "ab":
        await stems.warm(place(0, "?", before=letter * 2 * LEAST))
    assert engine.saves() == 1


async def test_no_state_is_kept_while_other_slots_read() -> None:
    engine = Engine(others_read=True)
    await Stems(engine, keep=True).warm(place(0, "?", before=SHOTS))
    assert engine.log == []


async def test_a_file_that_cannot_be_loaded_is_done_without() -> None:
    engine = Engine(loads=False)
    known = await asyncio.wait_for(
        warmed(Stems(engine, keep=False), place(0, SHOTS), place(1, SHOTS)), 5
    )
    assert known == [len(SHOTS), 0]


@pytest.mark.parametrize("keep", [True, False])
async def test_what_a_slot_knew_is_kept_before_it_is_replaced(keep: bool) -> None:
    engine = Engine()
    stems = Stems(engine, keep=keep)
    await stems.warm(place(0, "another" * LEAST, before=SHOTS))
    later = place(1, SHOTS + "more")
    await stems.warm(later)
    assert later.known == (len(SHOTS) if keep else 0)


async def test_files_beyond_the_room_go_the_oldest_first() -> None:
    engine = Engine(size=40)
    stems = Stems(engine, keep=True, room=100)
    for number in range(5):
        await stems.warm(place(0, "?", before=f"{number}" * 2 * LEAST))
    assert sorted(text[0] for text in engine.texts.values()) == ["3", "4"]


async def test_a_state_larger_than_the_room_goes_and_is_not_written_again() -> None:
    engine = Engine(size=300)
    stems = Stems(engine, keep=True, room=100)
    for _ in range(3):
        await stems.warm(place(0, "?", before=SHOTS))
    assert (engine.texts, engine.saves()) == ({}, 1)
    engine.size = 10
    await stems.warm(place(0, "?", before=SHOTS[:LEAST]))
    assert list(engine.texts.values()) == [SHOTS[:LEAST]]


async def test_many_written_at_once_take_no_more_than_the_room() -> None:
    engine = Engine(size=40)
    stems = Stems(engine, keep=True, room=100)
    await stems.warm(place(0, "?", before="first" * LEAST))
    most = [0]
    save = engine.save

    async def watched(place: Place, name: str) -> int:
        size = await save(place, name)
        most.append(len(engine.texts))
        return size

    engine.save = watched
    places = [place(slot, "?", before=f"{slot}" * 5 * LEAST) for slot in range(6)]
    await asyncio.gather(*[stems.warm(one) for one in places])
    assert max(most) == len(engine.texts) == 2


async def test_the_header_of_a_model_says_what_cannot_fit_before_anything_is_written() -> None:
    engine = Engine()
    stems = Stems(engine, keep=True, room=100 * LEAST)
    stems.expect(1000)
    await stems.warm(place(0, "?", before=SHOTS))
    assert engine.log == []


async def test_the_free_space_is_looked_at_before_each_file() -> None:
    engine = Engine(size=100)
    stems = Stems(engine, keep=True)
    await stems.warm(place(0, "?", before="a" * LEAST))
    engine.disk = 150
    await stems.warm(place(0, "?", before="b" * LEAST))
    assert engine.saves() == 1
    engine.disk = 1000
    await stems.warm(place(0, "?", before="b" * LEAST))
    assert engine.saves() == 2
