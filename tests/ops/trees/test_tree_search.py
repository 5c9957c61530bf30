"""The operator with models that write at random: calls, results, failures, budgets."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from graphdsl.ops.context import Ask, Context, Rated, ScoreAsk
from graphdsl.ops.signatures.bounds import most_found
from graphdsl.ops.signatures.bounds import searched as bound
from graphdsl.ops.trees.tree_search import searched, tree_search
from graphdsl.values import Draft, Finish, LogprobStats, Messages
from tests.ops.trees.grove import (
    ASKED,
    SECOND,
    WRITER,
    Grove,
    Judge,
    arbitrary,
    arguments,
    so_far,
    writer,
    written,
)

ROUNDS = ["beam", "dvts", "smc", "rebase", "ets"]
BY_NODE = ["best_first", "astar", "mcts", "puct", "ucb", "ab_mcts"]
ALL = [*ROUNDS, *BY_NODE]
SIZES: dict[str, Any] = {"width": 4, "branch": 2, "nodes": 12}


@pytest.fixture(autouse=True)
def _solver(request: pytest.FixtureRequest) -> None:  # pyright: ignore[reportUnusedFunction]
    if "ets" in request.node.name:
        pytest.importorskip("scipy")


async def found(
    reply: Callable[[Ask], Draft],
    policy: str,
    score: Callable[[str], float | None] = arbitrary,
    **given: Any,
) -> tuple[tuple[Draft, ...], Grove, Judge]:
    """The result, and all that was asked for."""
    grove, judge = Grove(reply=reply), Judge(score)
    return await searched(grove, arguments(policy, **(SIZES | given)), judge), grove, judge


@pytest.mark.parametrize("policy", ALL)
async def test_finished_drafts_come_in_the_order_in_which_they_were_found(policy: str) -> None:
    drafts, grove, _ = await found(writer(2), policy)
    assert drafts
    assert all(draft.complete and draft.answer for draft in drafts)
    assert [draft.score for draft in drafts] == [arbitrary(draft.text) for draft in drafts]
    places = [draft.sample for draft in drafts]
    assert places == sorted(places)
    assert all(draft.prompt == ASKED for draft in drafts)
    assert grove.peak > 1 or policy in ("ucb", "ab_mcts")


@pytest.mark.parametrize("policy", ALL)
async def test_the_same_seed_finds_the_same(policy: str) -> None:
    first, second = await found(writer(3), policy), await found(writer(3), policy)
    assert first[0] == second[0]


@pytest.mark.parametrize("policy", ALL)
async def test_samples_of_one_model_are_told_apart(policy: str) -> None:
    _, grove, _ = await found(writer(3, stops=0.0), policy, models=(WRITER, SECOND))
    keys = [(ask.model.name, ask.stream, ask.index) for ask in grove.asks]
    assert len(set(keys)) == len(keys)
    assert {name for name, _, _ in keys} == {"writer", "second"}
    assert sorted(i for name, _, i in keys if name == "writer") == list(
        range(sum(name == "writer" for name, _, _ in keys))
    )


OPTIONS: list[dict[str, Any]] = [
    {},
    {"depth": 1},
    {"depth": 2, "nodes": 3},
    {"depth": 2, "nodes": 100, "branch": 3},
    {"lookahead": 2},
    {"lookahead": 1, "depth": 1},
    {"lookahead": 3, "models": (WRITER, SECOND)},
    {"width": 1, "branch": 1},
    {"width": 5, "branch": 3},
    {"unit": "answer", "lookahead": 2},
    {"unit": "answer", "depth": 2},
    {"method": "process", "lookahead": 1},
]
GROWN = ["best_first", "mcts", "puct", "ab_mcts"]
"""These make as many nodes as they may, unless all have ended."""

SMC: list[dict[str, Any]] = [
    {"sweeps": 3},
    {"sweeps": 2, "lookahead": 2, "anneal": "ess", "resample": "systematic"},
    {"sweeps": 4, "width": 1},
]


def shown(options: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in options.items() if key != "models") or "-"


@pytest.mark.parametrize(
    ("policy", "options"),
    [
        *((policy, options) for policy in ALL for options in OPTIONS),
        *(("smc", options) for options in SMC),
        ("ets", {"embed": SECOND}),
        ("ets", {"embed": SECOND, "depth": 1}),
    ],
    ids=lambda value: value if isinstance(value, str) else shown(value),
)
async def test_no_search_makes_more_calls_than_its_bound(
    policy: str, options: dict[str, Any]
) -> None:
    args = arguments(policy, **(SIZES | options))
    most, seen = bound(args).high, 0
    for seed, stops, fails in ((0, 0.0, 0.0), (1, 0.3, 0.0), (2, 0.1, 0.2), (3, 0.0, 0.6)):
        grove = Grove(
            reply=writer(seed, stops=stops, fails=fails),
            rate=lambda ask: Rated(tuple(arbitrary(text) for text in ask.texts)),
            vectors=lambda text: [arbitrary(text), 1.0],
        )
        drafts = await tree_search(grove, args)
        assert grove.calls <= most
        assert len(drafts) <= most_found(args)
        seen = max(seen, grove.calls)
    # without ends and failures every place is used; how deep trees grow is the policy's choice
    if policy in ("beam", "dvts", "rebase", "ucb") or (policy in GROWN and not args["lookahead"]):
        assert seen == most
    assert seen > most // 2 or policy == "smc"  # a sweep after failures costs as much as the first


@pytest.mark.parametrize("method", ["verdict", "probability", "hybrid"])
@pytest.mark.parametrize("policy", ["beam", "mcts", "smc"])
async def test_repeated_judgements_stay_within_the_bound(policy: str, method: str) -> None:
    from tests.ops.scoring.bench import ROLES

    def reply(ask: Ask) -> Draft:
        if ask.model.name == "judge":
            return written(ask, "It is fine. Verdict: Yes", Finish.STOP)
        return writer(1)(ask)

    repeats = 3
    given = SIZES | {"method": method, "repeats": repeats, "lookahead": 1} | ROLES
    args = arguments(policy, **given)
    grove = Grove(reply=reply, rate=lambda ask: Rated((0.6, 0.4)))
    await tree_search(grove, args)
    assert 0 < grove.calls <= bound(args).high


@pytest.mark.parametrize("policy", ALL)
async def test_when_every_call_fails_the_failures_are_told(policy: str) -> None:
    drafts, grove, judge = await found(writer(fails=1.0), policy)
    assert drafts
    assert {draft.finish for draft in drafts} == {Finish.ERROR}
    assert {draft.error for draft in drafts} == {"no route"}
    assert judge.asked == []
    assert grove.calls <= bound(arguments(policy, **SIZES)).high


@pytest.mark.parametrize("policy", ALL)
async def test_where_nothing_is_finished_the_partial_ones_come_truncated(policy: str) -> None:
    def endless(ask: Ask) -> Draft:
        return written(ask, f"{ask.index}", Finish.STOP_SEQ if ask.stop else Finish.LENGTH)

    drafts, _, _ = await found(endless, policy)
    assert drafts
    assert {draft.finish for draft in drafts} == {Finish.LENGTH}
    texts = [draft.text for draft in drafts]
    assert len(set(texts)) == len(texts)
    inner = [a for a in texts for b in texts if a != b and b.startswith(a) and a.endswith("\n\n")]
    assert inner == []


@pytest.mark.parametrize("policy", ALL)
@pytest.mark.parametrize("score", [None, math.nan])
async def test_without_any_score_a_search_still_finds_drafts(
    policy: str, score: float | None
) -> None:
    drafts, _, _ = await found(writer(5), policy, lambda text: score)
    assert drafts
    assert {draft.score for draft in drafts} == {None}


async def test_a_failed_step_ends_its_path_and_the_others_go_on() -> None:
    def reply(ask: Ask) -> Draft:
        if ask.index == 1:
            return written(ask, "", Finish.ERROR)
        return written(ask, f"{ask.index}", Finish.STOP if so_far(ask) else Finish.STOP_SEQ)

    drafts, _, _ = await found(reply, "beam", width=2, branch=1)
    assert [draft.text for draft in drafts] == ["0\n\n2", "0\n\n3"]


@pytest.mark.parametrize("policy", ALL)
async def test_a_refused_step_ends_the_search_with_the_best_so_far(policy: str) -> None:
    count = 0

    def reply(ask: Ask) -> Draft:
        nonlocal count
        count += 1
        if count > 6:
            return written(ask, "", Finish.CANCELLED)
        return written(ask, f"{ask.index}", Finish.STOP if ask.index == 2 else Finish.STOP_SEQ)

    drafts, grove, _ = await found(reply, policy, depth=20, nodes=50, width=4)
    if policy not in ("astar", "smc"):  # these have found what they want before
        assert grove.notes == ["the search ended early: its budget or its deadline refused a step"]
    assert count <= 6 + 4
    assert all(draft.finish is not Finish.CANCELLED for draft in drafts)
    assert any(draft.text.endswith("2") for draft in drafts)


async def test_astar_gives_the_one_that_its_queue_gives_first() -> None:
    def reply(ask: Ask) -> Draft:
        return written(ask, f"{ask.index}", Finish.STOP if ask.index else Finish.STOP_SEQ)

    drafts, _, _ = await found(reply, "astar", lambda text: {"1": 0.9}.get(text, 0.2))
    assert [(draft.text, draft.score) for draft in drafts] == [("1", 0.9)]


async def test_the_last_round_of_a_beam_writes_to_the_end() -> None:
    _, grove, _ = await found(writer(stops=0.0), "beam", depth=3)
    assert [ask.stop for ask in grove.asks] == [("\n\n",)] * 8 + [()] * 4


async def test_at_temperature_0_equal_expansions_are_made_once() -> None:
    drafts, grove, _ = await found(
        lambda ask: written(ask, "x", Finish.STOP if so_far(ask) else Finish.STOP_SEQ),
        "beam",
        temperature=0.0,
        width=4,
        branch=2,
    )
    assert len(grove.asks) == 2
    assert grove.notes == ["temperature 0: equal expansions are made once"]
    assert [draft.text for draft in drafts] == ["x\n\nx"] * 4


async def test_candidates_are_scored_with_their_look_ahead_which_is_then_dropped() -> None:
    drafts, _, judge = await found(
        lambda ask: written(ask, f"{ask.stream}", Finish.STOP if so_far(ask) else Finish.STOP_SEQ),
        "beam",
        width=1,
        branch=1,
        lookahead=2,
    )
    assert judge.asked == [["0\n\n1"], ["0\n\n0"]]
    assert [draft.text for draft in drafts] == ["0\n\n0"]


async def test_particles_are_scored_with_and_without_their_look_ahead() -> None:
    drafts, _, judge = await found(
        lambda ask: written(ask, f"{ask.stream}", Finish.STOP if so_far(ask) else Finish.STOP_SEQ),
        "smc",
        width=1,
        lookahead=1,
    )
    assert judge.asked == [["0\n\n1", "0\n\n"], ["0\n\n0"]]
    assert [draft.score for draft in drafts] == [arbitrary("0\n\n0")]


async def test_copies_of_one_particle_appear_once() -> None:
    def reply(ask: Ask) -> Draft:
        return written(ask, f"{ask.index}", Finish.STOP if ask.index == 0 else Finish.STOP_SEQ)

    drafts, _, _ = await found(reply, "smc", lambda text: 1.0 if text == "0" else 0.0, depth=6)
    assert [draft.text for draft in drafts] == ["0"]


async def test_a_reward_outside_of_0_and_1_is_told_once_where_it_matters() -> None:
    _, grove, _ = await found(writer(1), "smc", lambda text: 5.0)
    assert grove.notes == [
        "`policy: smc` reads scores as probabilities; 5 and the like count as 0 or 1"
    ]
    _, grove, _ = await found(writer(1), "beam", lambda text: 5.0)
    assert grove.notes == []


async def test_a_likelihood_is_weighed_as_a_probability_and_told_as_it_is() -> None:
    class Likelihood:
        async def __call__(
            self, context: Context, question: Messages | None, drafts: Sequence[Draft]
        ) -> list[float | None]:
            return [None if d.logprobs is None else d.logprobs.mean for d in drafts]

    def reply(ask: Ask) -> Draft:
        stats = LogprobStats(2, -1.0 - ask.index, -0.6 - ask.index)
        return written(ask, f"{ask.index}", Finish.STOP, logprobs=stats)

    grove = Grove(reply=reply)
    args = arguments("smc", **(SIZES | {"method": "likelihood"}))
    drafts = await searched(grove, args, Likelihood())
    assert [draft.score for draft in drafts] == [-0.5, -1.0, -1.5, -2.0]
    assert grove.notes == []


async def test_ets_embeds_the_newest_steps_of_open_paths_once_a_round() -> None:
    pytest.importorskip("scipy")
    replies = {0: "a", 1: "b", 2: "a", 3: "end"}

    def reply(ask: Ask) -> Draft:
        finish = Finish.STOP if ask.index == 3 or so_far(ask) else Finish.STOP_SEQ
        return written(ask, replies.get(ask.index, "end"), finish)

    grove, judge = (
        Grove(reply=reply, vectors=lambda text: [1.0, float(len(text))]),
        Judge(arbitrary),
    )
    await searched(grove, arguments("ets", width=4, embed=SECOND), judge)
    assert grove.embedded == [("a\n\n", "b\n\n")]
    assert not grove.kept


async def test_ets_without_vectors_goes_on() -> None:
    pytest.importorskip("scipy")
    drafts, _, _ = await found(writer(4), "ets", embed=SECOND)
    assert drafts


async def test_revisions_see_the_answer_and_its_score() -> None:
    def reply(ask: Ask) -> Draft:
        return written(ask, f"try {ask.index}", Finish.STOP)

    drafts, grove, _ = await found(
        reply,
        "beam",
        lambda text: {"try 1": 0.75}.get(text, 0.5),
        unit="answer",
        width=2,
        branch=2,
        depth=2,
    )
    assert [draft.text for draft in drafts] == ["try 0", "try 1", "try 2", "try 3"]
    asked = [ask.messages.text for ask in grove.asks]
    told = "This answer was given a score of 0.75; higher is better."
    assert asked == ["Why?", "Why?"] + [f"question=Why?|candidate=try 1|feedback={told}"] * 2
    assert all(ask.stop == () and ask.temperature == 0.8 for ask in grove.asks)
    assert all(draft.prompt == ASKED for draft in drafts)


async def test_a_truncated_answer_is_neither_revised_nor_a_result() -> None:
    def reply(ask: Ask) -> Draft:
        return written(ask, f"{ask.index}", Finish.LENGTH if ask.index == 0 else Finish.STOP)

    drafts, grove, _ = await found(
        reply,
        "best_first",
        lambda text: {"0": 0.9}.get(text, 0.1),
        unit="answer",
        nodes=4,
        branch=2,
    )
    assert [draft.text for draft in drafts] == ["1", "2", "3"]
    assert all("candidate=1" in ask.messages.text for ask in grove.asks[2:])


async def test_all_answers_truncated_come_back_truncated() -> None:
    drafts, _, _ = await found(
        lambda ask: written(ask, "cut", Finish.LENGTH), "ab_mcts", unit="answer", nodes=3
    )
    assert [draft.finish for draft in drafts] == [Finish.LENGTH] * 3


async def test_an_error_of_a_scorer_is_no_value() -> None:
    class Broken:
        async def __call__(
            self, context: Context, question: Messages | None, drafts: Sequence[Draft]
        ) -> list[float | None]:
            raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        await searched(Grove(reply=writer()), arguments("beam", **SIZES), Broken())


async def test_a_failed_reward_call_is_a_missing_score() -> None:
    def rate(ask: ScoreAsk) -> Rated | None:
        return None

    drafts = await tree_search(
        Grove(reply=writer(6), rate=rate), arguments("rebase", **(SIZES | {"depth": 6}))
    )
    assert drafts


@pytest.mark.parametrize("policy", ALL)
async def test_models_that_never_stop_by_themselves_still_give_an_answer(policy: str) -> None:
    def reply(ask: Ask) -> Draft:
        if ask.stop:
            return written(ask, f"{ask.index}")
        return written(ask, f"Answer: {ask.index}", Finish.STOP)

    sizes: list[dict[str, Any]] = [
        {"depth": 3, "nodes": 30},
        {"depth": 50, "nodes": 5},
        {"depth": 9, "nodes": 1},
    ]
    for given in sizes:
        drafts, grove, _ = await found(reply, policy, **given)
        assert drafts[0].complete, given
        assert drafts[0].answer
        assert grove.calls <= bound(arguments(policy, **(SIZES | given))).high


@pytest.mark.parametrize("policy", ["best_first", "mcts", "ab_mcts"])
async def test_the_last_node_is_written_to_the_end_only_where_nothing_has_ended(
    policy: str,
) -> None:
    def reply(ask: Ask) -> Draft:
        return written(ask, f"{ask.index}", Finish.STOP if ask.index == 1 else Finish.STOP_SEQ)

    _, grove, _ = await found(reply, policy, depth=50, nodes=8)
    assert all(ask.stop for ask in grove.asks)


@pytest.mark.parametrize("policy", ALL)
async def test_at_temperature_0_equal_candidates_have_one_score(policy: str) -> None:
    count = 0

    def score(text: str) -> float:
        nonlocal count
        count += 1
        return count / 1000

    def reply(ask: Ask) -> Draft:
        return written(ask, "so", Finish.STOP if len(so_far(ask)) > 8 else Finish.STOP_SEQ)

    drafts, grove, judge = await found(reply, policy, score, temperature=0.0)
    texts = [text for asked in judge.asked for text in asked]
    assert len(texts) == len(set(texts)) == len(grove.asks)
    assert len({draft.score for draft in drafts}) == 1


async def test_a_beam_gets_steps_of_several_models_in_turn() -> None:
    _, grove, _ = await found(
        lambda ask: written(ask, ask.model.name),
        "beam",
        models=(WRITER, SECOND),
        width=4,
        branch=2,
        depth=6,
    )
    first = [so_far(ask).split() for ask in grove.asks if so_far(ask).count("\n\n") == 4]
    assert all(len(set(steps)) == 2 for steps in first)
    rounds = [[ask.model.name for ask in grove.asks[at : at + 4]] for at in range(0, 24, 4)]
    assert all(sorted(names) == ["second", "second", "writer", "writer"] for names in rounds)


async def test_blank_beginnings_are_not_scored() -> None:
    replies = {0: "", 1: "a"}
    _, grove, judge = await found(
        lambda ask: written(ask, replies.get(ask.index, "Answer: 3")), "beam", width=2, branch=1
    )
    assert judge.asked[0] == ["a\n\n"]
    assert len(grove.asks) > 2


async def test_revisers_are_told_a_likelihood_as_a_probability() -> None:
    def reply(ask: Ask) -> Draft:
        return written(ask, "x", Finish.STOP, logprobs=LogprobStats(2, -2.0, -1.5))

    grove = Grove(reply=reply)
    given = {"unit": "answer", "method": "likelihood", "width": 1, "branch": 1, "depth": 2}
    await tree_search(grove, arguments("beam", **given))
    assert "a score of 0.368;" in grove.asks[1].messages.text
