"""Several models that score the same candidates, and which drafts they see."""

from __future__ import annotations

from graphdsl.ops.context import Ask, Rated
from graphdsl.ops.scoring.score import score
from graphdsl.ops.signatures.bounds import score_calls
from graphdsl.values import Draft, Finish
from tests.ops.scoring.bench import ASKED, CUT, Bench, arguments, scores, written
from tests.plans import model

MEMBERS = (model("ann"), model("ben"), model("cat"))


async def test_a_jury_gives_the_mean_place() -> None:
    orders = {"ann": "[2] > [1] > [3]", "ben": "[2] > [3] > [1]", "cat": "[1] > [2] > [3]"}
    bench = Bench(lambda ask: orders[ask.model.name])
    args = arguments("listwise", *written("a", "b", "c"), by=MEMBERS, shuffle="no")
    found = [round(9 * (one or 0)) for one in scores(await score(bench, args))]
    assert found == [2 + 1 + 3, 3 + 3 + 2, 1 + 2 + 1]
    assert bench.calls == score_calls(args, 3) == 3
    assert bench.peak == 3


async def test_a_member_that_fails_does_not_count() -> None:
    def reply(ask: Ask) -> str | Draft:
        given = {"ann": "[1] 4\n[2] 8", "ben": "[1] 6\n[2] 2"}
        return given.get(ask.model.name) or Draft("", finish=Finish.ERROR)

    args = arguments("judge", *written("a", "b"), by=MEMBERS, shuffle="no")
    assert scores(await score(Bench(reply), args)) == [5.0, 5.0]


async def test_a_list_of_one_model_is_that_model() -> None:
    bench = Bench(lambda ask: "Yes")
    assert scores(await score(bench, arguments("verdict", *written("a"), by=MEMBERS[:1]))) == [1.0]
    assert bench.asks[0].model is MEMBERS[0]


async def test_truncated_drafts_are_scored_where_the_program_says_so() -> None:
    bench = Bench(rate=lambda ask: Rated((0.9, 0.1)))
    failed = Draft("", finish=Finish.ERROR, prompt=ASKED)
    drafts = (CUT, failed, *written("a"))
    found = await score(bench, arguments("probability", *drafts, include="truncated"))
    assert scores(found) == [0.9, None, 0.9]
    assert found[0].finish is Finish.LENGTH
    assert scores(await score(bench, arguments("probability", *drafts))) == [None, None, 0.9]
