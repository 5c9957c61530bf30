"""Archive and new points: what is known, and drawing until nothing is left."""

from __future__ import annotations

import math

from graphdsl.ir.nodes import Assignment
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.points import completed, fits, key_of
from graphdsl.search.strategies.unseen import REFUSALS, Unseen
from graphdsl.search.strategy import Told
from graphdsl.testing.strategy_spaces import SPACES, labels, numbers, setting_of


def test_points_are_drawn_until_the_space_is_empty() -> None:
    archive = Archive(setting_of([labels("x", *"abcdef"), labels("y", *"abcdef")]))
    found = Unseen(archive).fill([], 100)
    assert len({key_of(point) for point in found}) == len(found) == 36
    assert Unseen(archive).draw() is None


def test_what_is_looked_at_is_drawn_next() -> None:
    unseen = Unseen(Archive(setting_of([labels("x", "a")])))
    assert unseen.any()
    assert unseen.any()
    assert unseen.fill([], 5) == [{"x": "a"}]
    assert not unseen.any()


def test_a_walk_through_what_is_forbidden_is_given_up() -> None:
    asked: list[Assignment] = []

    def allowed(point: Assignment) -> bool:
        asked.append(point)
        return False

    archive = Archive(setting_of([numbers("n", 1, 10**9)], allowed=allowed))
    unseen = Unseen(archive)
    assert unseen.draw() is None
    assert unseen.draw() is None
    assert len(asked) <= REFUSALS + 200


def test_what_is_told_counts_from_the_next_question_on() -> None:
    archive = Archive(setting_of(SPACES["labels"]))
    point: Assignment = {"f.x": "a", "f.y": "b"}
    archive.tell(Told(point, 0.2, 8))
    archive.tell(Told(point, 0.4, 16))
    archive.tell(Told(point, 0.3, 8))
    assert archive.known(key_of(point))
    assert len(archive) == 0
    archive.settle()
    told = archive.of(key_of(point))
    assert told is not None
    assert told.quality == 0.4


def test_the_later_word_counts_although_it_rests_on_less() -> None:
    """Between rounds the newest is right, whatever it rests on."""
    archive = Archive(setting_of(SPACES["labels"]))
    for quality, items in [(0.2, 16), (0.9, 8)]:
        archive.tell(Told({"f.x": "a", "f.y": "b"}, quality, items))
        archive.settle()
    assert [told.quality for _, told in archive] == [0.9]


def test_only_finite_qualities_within_the_limits_have_a_value() -> None:
    archive = Archive(setting_of([labels("x", *"abcd")], minimise=("usd",)))
    archive.tell(Told({"x": "a"}, 0.5, 8, {"usd": 3.0}))
    archive.tell(Told({"x": "b"}, 0.7, 8, {"usd": math.inf}))
    archive.tell(Told({"x": "c"}, math.nan, 0))
    archive.tell(Told({"x": "d"}, 0.9, 8, {"usd": 1.0}, feasible=False))
    archive.settle()
    assert {dict(key)["x"]: aim for key, aim in archive.aims().items()} == {
        "a": (0.5, -3.0),
        "b": (0.7, -3.0),
    }


def test_an_assignment_is_completed_and_freed_of_what_is_inactive() -> None:
    space = setting_of(SPACES["conditions"]).space
    assert completed(space, {"f.x.b.n": "4", "other": 3}) == {"f.x": "a", "f.y": "a"}
    assert completed(space, {"f.x": "b", "f.x.b.n": "2"}) == {
        "f.x": "b",
        "f.x.b.n": "2",
        "f.x.b.s": "on",
    }


def test_only_values_of_the_domain_fit() -> None:
    space = setting_of([labels("x", "a", "b"), numbers("t", 0.1, 0.9, 0.2)]).space
    assert fits(space, {"x": "b", "t": 0.3})
    for wrong in ({"x": "c"}, {"t": 0.4}, {"t": 1.1}, {"t": "a"}, {"t": math.nan}):
        assert not fits(space, {**wrong})
