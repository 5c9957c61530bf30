"""Groups of drafts: by answer, by meaning, by how they were drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest

from graphdsl.ops.context import Ask, Vectors
from graphdsl.ops.group import group
from graphdsl.ops.linkage import linked
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signatures.bounds import UNTOLD
from graphdsl.plan import ModelSpec
from graphdsl.values import Draft, Finish
from tests.ops.scoring.bench import JUDGE, Bench, role

SAME = role("question", "first", "second")


@dataclass
class Room(Bench):
    """A bench with embeddings, by text; None where they fail."""

    vectors: Mapping[str, Sequence[float]] | None = None
    embedded: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    kept: int = 0

    async def embed(self, model: ModelSpec, texts: Sequence[str]) -> Vectors | None:
        self.embedded.append(tuple(texts))
        return None if self.vectors is None else [self.vectors[text] for text in texts]

    def keep(self) -> None:
        self.kept += 1


def say(answer: object, **known: Any) -> Draft:
    return Draft(f"It must be so. Answer: {answer}", **known)


def grouped(*drafts: Draft, room: Room | None = None, **given: Any) -> list[list[Draft]]:
    args = {"drafts": drafts, "by": "text", "using": JUDGE, "comparing": SAME, **given}
    groups = asyncio.run(group(room or Room(), args))
    assert isinstance(groups, tuple)
    assert all(isinstance(members, tuple) for members in groups)  # pyright: ignore[reportUnknownVariableType]
    return [list(members) for members in groups]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def answers(groups: list[list[Draft]]) -> list[list[str | None]]:
    return [[draft.answer for draft in members] for members in groups]


def judging(same: Callable[[str, str], bool | None]) -> Room:
    """A judge that says what `same` says of the two answers; None is no verdict."""

    def reply(ask: Ask) -> str:
        _, first, second = ask.messages.text.split("|")
        verdict = same(first.removeprefix("first="), second.removeprefix("second="))
        return "Hmm" if verdict is None else "Yes" if verdict else "No"

    return Room(reply)


def calls(**attrs: Any) -> int:
    return OPERATORS["group"].calls(attrs).high


def test_equal_answers_are_together_by_first_occurrence() -> None:
    groups = grouped(say(3), say("1,000"), say("3.0"), say("none"), say("1000"), by="number")
    assert answers(groups) == [["3", "3"], ["1000", "1000"]]
    assert [draft.text[-3:] for draft in groups[0]] == [": 3", "3.0"]


def test_by_text_and_by_choice() -> None:
    assert answers(grouped(say("Paris"), say("paris."), say("Rome"))) == [
        ["Paris", "Paris"],
        ["Rome"],
    ]
    assert answers(grouped(say("(B)"), say("b"), say("A"), by="choice")) == [["B", "B"], ["A"]]


def test_by_maths_off_the_loop_and_kept_by_a_journal() -> None:
    room = Room()
    groups = grouped(say("x+1"), say("2"), say("1 + x"), by="maths", room=room)
    assert answers(groups) == [["x+1", "x+1"], ["2"]]
    assert room.kept == 1


def test_incomplete_drafts_are_in_no_group() -> None:
    cut = (Finish.LENGTH, Finish.ERROR, Finish.CANCELLED)
    for by in ("text", "number", "choice", "maths", "embedding", "judge", "model", "temperature"):
        assert grouped(*[say(1, finish=finish) for finish in cut], by=by) == []
        assert grouped(by=by) == []


def test_drafts_without_an_answer_are_in_no_group() -> None:
    assert grouped(say("none"), say("who knows"), by="number") == []
    assert grouped(Draft(""), Draft(" "), by="judge") == []
    assert answers(grouped(Draft("?"), say(1), by="number")) == [["1"]]


def test_one_draft_needs_no_model() -> None:
    for by in ("embedding", "judge"):
        assert answers(grouped(say("yes"), by=by)) == [["yes"]]
        assert answers(grouped(say("yes"), say("Yes."), by=by)) == [["yes", "yes"]]


def test_by_model_and_temperature_all_complete_drafts_keep_their_answers() -> None:
    drafts = [
        Draft("1", "one", model="a", temperature=0.5),
        say(2, model="b", temperature=0.5),
        Draft("", model="a", temperature=None),
        say(3, model="b", finish=Finish.LENGTH),
    ]
    by_model = grouped(*drafts, by="model")
    assert by_model == [[drafts[0], drafts[2]], [drafts[1]]]
    assert grouped(*drafts, by="temperature") == [[drafts[0], drafts[1]], [drafts[2]]]


def test_rare_groups_are_left_out_by_their_share_of_complete_drafts() -> None:
    drafts = [say(1)] * 5 + [say(2)] * 3 + [say(3)] + [Draft("?")] + [say(3, finish=Finish.LENGTH)]
    for least, left in ((0, 3), (0.1, 3), (0.11, 2), (0.3, 2), (0.31, 1), (0.5, 1)):
        assert len(grouped(*drafts, by="number", at_least=least)) == left


def test_where_no_group_is_frequent_enough_the_largest_stay() -> None:
    """Best-of-majority: the threshold is lowered to the highest frequency."""
    drafts = [say(1), say(2), say(2), say(3), say(3), Draft("?"), Draft("?"), Draft("?")]
    assert answers(grouped(*drafts, by="number", at_least=0.9)) == [["2", "2"], ["3", "3"]]


def test_a_share_that_is_met_exactly_is_met() -> None:
    drafts = [say(1)] * 7 + [say(2)] * 93
    assert len(grouped(*drafts, by="number", at_least=0.07)) == 2


def test_up_to_looks_at_the_first_complete_drafts() -> None:
    drafts = [say(9, finish=Finish.LENGTH), say(1), say(2), say(1)]
    assert answers(grouped(*drafts, by="number", up_to=2)) == [["1"], ["2"]]
    many = [say(number) for number in range(UNTOLD + 10)]
    assert len(grouped(*many, by="number")) == UNTOLD + 10


def test_near_embeddings_are_one_group_with_the_first_answer() -> None:
    room = Room(vectors={"cat": (1, 0), "kitten": (0.99, 0.05), "dog": (0, 1)})
    drafts = [say("cat"), say("dog"), say("kitten"), say("Cat")]
    groups = grouped(*drafts, by="embedding", room=room, distance=0.05)
    assert answers(groups) == [["cat", "cat", "cat"], ["dog"]]
    assert room.embedded == [("cat", "dog", "kitten")]  # once for each different answer


def test_without_a_mark_the_whole_text_is_embedded() -> None:
    room = Room(vectors={"A long story.": (1, 0), "Another one": (0, 1)})
    groups = grouped(Draft("A long story."), Draft("Another one"), by="embedding", room=room)
    assert answers(groups) == [["A long story."], ["Another one"]]


def test_where_embeddings_fail_each_answer_is_a_group_and_that_is_noted() -> None:
    room = Room()
    groups = grouped(say("cat"), say("kitten"), say("cat"), by="embedding", room=room)
    assert answers(groups) == [["cat", "cat"], ["kitten"]]
    assert room.notes == ["no embeddings; drafts with different answers are different groups"]


def test_answers_without_a_direction_are_groups_by_themselves() -> None:
    room = Room(vectors={"a": (0, 0), "b": (1, 0), "c": (float("nan"), 1), "d": (2, 0)})
    drafts = [say(letter) for letter in "abcdab"]
    groups = grouped(*drafts, by="embedding", room=room)
    assert answers(groups) == [["a", "a"], ["b", "b", "b"], ["c"]]


def average_linkage(vectors: Sequence[Sequence[float]], cut: float) -> list[set[int]]:
    """The published algorithm, step by step: join the two nearest clusters while they are near."""

    def distance(one: Sequence[float], two: Sequence[float]) -> float:
        dot = sum(a * b for a, b in zip(one, two, strict=True))
        return 1 - dot / (sum(a * a for a in one) * sum(b * b for b in two)) ** 0.5

    clusters = [{at} for at in range(len(vectors))]

    def mean(one: set[int], two: set[int]) -> float:
        total = sum(distance(vectors[a], vectors[b]) for a in one for b in two)
        return total / (len(one) * len(two))

    while len(clusters) > 1:
        places = combinations(range(len(clusters)), 2)
        nearest, one, two = min((mean(clusters[i], clusters[j]), i, j) for i, j in places)
        if nearest > cut:
            break
        clusters[one] |= clusters.pop(two)
    return clusters


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("cut", [0.05, 0.3, 0.8])
def test_clusters_are_those_of_average_linkage(seed: int, cut: float) -> None:
    chance = Room(seed=seed).chance()
    vectors = [[chance.gauss(0, 1) for _ in range(3)] for _ in range(12)]
    vectors += vectors[:3]
    labels = linked(vectors, cut, "it")
    found: dict[int, set[int]] = {}
    for at, label in enumerate(labels):
        found.setdefault(label, set()).add(at)
    assert sorted(map(sorted, found.values())) == sorted(map(sorted, average_linkage(vectors, cut)))
    assert list(found) == list(range(len(found)))  # numbered by first occurrence


def test_equal_vectors_are_together_at_distance_0() -> None:
    assert linked([[0.1, 0.7], [0.3, 0.2], [0.1, 0.7]], 0, "it") == [0, 1, 0]
    assert linked([], 0.1, "it") == []
    assert linked([[1.0]], 0.1, "it") == [0]


def test_a_judge_compares_with_the_first_of_each_group() -> None:
    room = judging(lambda first, second: first[0] == second[0])
    drafts = [say(word) for word in ("apple", "bee", "ant", "beer", "apple", "cat")]
    groups = grouped(*drafts, by="judge", room=room)
    assert answers(groups) == [["apple"] * 3, ["bee"] * 2, ["cat"]]
    asked = [ask.messages.text.split("|")[1:] for ask in room.asks]
    assert asked == [
        ["first=apple", "second=bee"],
        ["first=apple", "second=ant"],
        ["first=apple", "second=beer"],
        ["first=apple", "second=cat"],
        ["first=bee", "second=beer"],
        ["first=bee", "second=cat"],
    ]
    assert room.peak == 4  # all that are left, at once
    assert len({(ask.stream, ask.index) for ask in room.asks}) == 6


def test_a_judge_of_whom_nothing_can_be_read_puts_nothing_together() -> None:
    room = judging(lambda first, second: None)
    assert answers(grouped(say("a"), say("b"), by="judge", room=room)) == [["a"], ["b"]]
    assert room.notes == ["1 of 1 judgements could not be parsed"]
    refused = Room(lambda ask: Draft("", finish=Finish.CANCELLED, error="the budget is spent"))
    assert answers(grouped(say("a"), say("b"), by="judge", room=refused)) == [["a"], ["b"]]
    assert refused.notes == ["1 of 1 judgements failed or were cancelled"]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 9])
def test_no_more_judgements_than_the_bound(count: int) -> None:
    drafts = [say(f"word {number}") for number in range(count)]
    room = judging(lambda first, second: False)
    assert len(grouped(*drafts, by="judge", room=room, most=count)) == count
    assert room.calls == calls(by="judge", most=count) == count * (count - 1) // 2


def test_where_the_program_does_not_tell_a_judge_sees_so_many() -> None:
    drafts = [say(f"word {number}") for number in range(UNTOLD + 1)]
    room = judging(lambda first, second: False)
    assert len(grouped(*drafts, by="judge", room=room)) == UNTOLD
    assert room.calls == calls(by="judge")


def test_the_calls_of_other_groupings() -> None:
    assert calls(by="embedding", most=100) == 1
    assert [calls(by=by, most=100) for by in ("text", "number", "maths", "model")] == [0] * 4
