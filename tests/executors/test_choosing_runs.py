"""Votes, selections and conformal decisions as parts of flows, from file to answer."""

from __future__ import annotations

from typing import Any

import pytest

from graphdsl.api.module import load
from graphdsl.errors import ExtraMissing
from graphdsl.executors.abc import ChatRequest, Completion
from graphdsl.executors.engine import execute
from graphdsl.executors.journal.store import MemoryJournal
from graphdsl.executors.result import Result
from graphdsl.executors.run_options import RunOptions
from graphdsl.ops import required
from graphdsl.plan import Program
from graphdsl.values import Finish, LogprobStats, Usage
from tests.plans import Fake, serving

HEAD = """edition "2026"
model m { backend = simulated }
"""


def program(body: str, result: str = "Draft") -> Program:
    text = f"{HEAD}flow main(q: Text) -> {result} {{\n{body}\n}}\n"
    return load(text).flow("main").plan()


async def ran(code: Program, model: Fake, **options: Any) -> Result:
    return await execute(code, {"q": "?"}, backends=serving(m=model), options=RunOptions(**options))


def likely(answer: object, log: float) -> Completion:
    """A reply of four tokens whose mean log-probability is that."""
    stats = LogprobStats(4, 4 * log, log)
    return Completion(f"Answer: {answer}", Finish.STOP, Usage(1, 7, 0, 4), stats)


# ---- each temperature has one vote


async def test_every_temperature_has_one_vote() -> None:
    """At 0.5 all say 1, at 0.8 and 1.1 a majority says 2: five drafts against four."""
    said = {0.5: "1111", 0.8: "2233", 1.1: "2213"}

    def reply(request: ChatRequest) -> str:
        assert request.temperature is not None
        return f"Answer: {said[request.temperature][request.sample]}"

    body = """drafts = generate(q, models: m, samples: 4, temperature: [0.5, 0.8, 1.1])
    winners = each g in group(drafts, by: temperature) up to 3 {
      w = vote(g, by: number)
      yield w
    }
    return vote(winners, by: number)"""
    result = await ran(program(body), Fake(reply))
    assert (result.output.answer, result.output.confidence) == ("2", 2 / 3)
    drafts = "drafts = generate(q, models: m, samples: 4, temperature: [0.5, 0.8, 1.1])\n"
    plain = await ran(program(f"{drafts}return vote(drafts, by: number)"), Fake(reply))
    assert plain.output.answer == "1"


async def test_votes_weigh_as_much_as_the_votes_before_them_were_confident() -> None:
    said = {0.5: "1111", 0.8: "2234", 1.1: "2256"}

    def reply(request: ChatRequest) -> str:
        assert request.temperature is not None
        return f"Answer: {said[request.temperature][request.sample]}"

    body = """drafts = generate(q, models: m, samples: 4, temperature: [0.5, 0.8, 1.1])
    winners = each g in group(drafts, by: temperature) up to 3 { yield vote(g, by: number) }
    return vote(winners, by: number, weights: confidence)"""
    result = await ran(program(body), Fake(reply))
    assert (result.output.answer, result.output.confidence) == ("1", 0.5)
    assert result.output.tie  # 1 at 0.5 against 0.5 + 0.5


# ---- RPC


async def test_rpc_prunes_what_the_model_itself_thinks_improbable() -> None:
    pytest.importorskip("scipy")
    replies = [likely("9", log) for log in (-1.4, -1.41, -1.45, -1.38, -1.5)]
    replies += [likely("4", log) for log in (-0.2, -0.25)]
    replies += [likely("5", -0.22)]
    body = """drafts = generate(q, models: m, samples: 8)
    return vote(drafts, by: number, prune: weibull)"""
    result = await ran(program(body), Fake(lambda r: replies[r.sample], logprobs=True))
    assert (result.output.answer, result.output.confidence) == ("4", 2 / 3)


async def test_without_scipy_a_run_that_needs_it_says_so_before_it_asks_anybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(module: str) -> bool:
        return module != "scipy"

    monkeypatch.setattr(required, "_installed", missing)
    model = Fake("Answer: 4")
    body = "return vote(generate(q, models: m, samples: 8), by: number, prune: weibull)"
    with pytest.raises(ExtraMissing, match=r"`prune: weibull` needs `scipy`.*\[methods\]"):
        await ran(program(body), model)
    assert model.asked == []


# ---- chance


async def test_what_is_selected_by_chance_follows_from_the_runs_seed() -> None:
    body = """drafts = generate(q, models: m, samples: 12)
    return select(drafts, method: random, keep: 3)"""
    code, model = program(body, "List[Draft]"), Fake(lambda r: f"Answer: {r.sample}")
    drawn = [[d.sample for d in (await ran(code, model, seed=seed)).output] for seed in range(6)]
    again = [[d.sample for d in (await ran(code, model, seed=seed)).output] for seed in range(6)]
    assert drawn == again
    assert len({tuple(one) for one in drawn}) > 1


async def test_equal_selections_draw_on_their_own_and_rounds_do_too() -> None:
    body = """drafts = generate(q, models: m, samples: 40)
    a = select(drafts, method: random, keep: 3)
    b = select(drafts, method: random, keep: 3)
    more = each d in take(drafts, 2) up to 2 { s = select(drafts, method: random) yield first(s) }
    return concat(a, b, more)"""
    code, model = program(body, "List[Draft]"), Fake(lambda r: f"Answer: {r.sample}")
    found = [d.sample for d in (await ran(code, model, seed=3)).output]
    assert found[:3] != found[3:6]
    assert found[6] != found[7]


async def test_a_resumed_run_selects_the_same() -> None:
    body = """drafts = generate(q, models: m, samples: 12)
    return select(drafts, method: random, keep: 3)"""
    code, journal = program(body, "List[Draft]"), MemoryJournal()
    model = Fake(lambda r: f"Answer: {r.sample}")
    first = await ran(code, model, journal=journal.run("a"), seed=5)
    second = await ran(code, model, journal=journal.run("a"), seed=5)
    assert first.output == second.output
    assert len(model.asked) == 12


# ---- conformal


async def test_only_what_is_unusually_bad_goes_to_the_stronger_model() -> None:
    """Of twenty drafts the two with the lowest scores are written again."""
    body = """drafts = generate(q, models: m, samples: 20)
    rated = score(drafts, method: likelihood)
    good = conformal(rated, level: 0.1, keep: accepted)
    bad = conformal(rated, level: 0.1, keep: rejected)
    again = each d in bad up to 20 { yield revise(d, using: "again", by: m) }
    return concat(good, again)"""
    code = program(body, "List[Draft]")

    def reply(request: ChatRequest) -> Completion:
        asked = request.messages.text
        return (
            likely("better", -0.1)
            if "again" in asked
            else likely(request.sample, -request.sample / 9 - 0.1)
        )

    model = Fake(reply, logprobs=True)
    result = await ran(code, model)
    assert len(model.asked) == 22
    found = [draft.text for draft in result.output]
    assert found == [*(f"Answer: {n}" for n in range(18)), "Answer: better", "Answer: better"]
