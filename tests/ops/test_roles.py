"""Operators that ask a model to judge, criticise, fuse, verify and revise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.concepts import Concept
from graphdsl.ops.context import Ask, Rated, ScoreAsk, Vectors
from graphdsl.ops.critique import critique, parse_blocks
from graphdsl.ops.execution import Executed, Execution
from graphdsl.ops.fuse import fuse
from graphdsl.ops.kernels import MODEL, PURE
from graphdsl.ops.quorum_watch import Watch
from graphdsl.ops.rank import parse_order, rank
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.revise import revise
from graphdsl.ops.roles import with_answer
from graphdsl.ops.verify import parse_verdict, verify
from graphdsl.plan import MemorySpec, ModelSpec, PromptSpec
from graphdsl.values import Doc, Draft, Finish, LogprobStats, Messages, Usage, Verdict
from tests.plans import model, question

JUDGE = model("judge")


@dataclass
class Scripted:
    """A context that answers from a list and keeps what it was asked."""

    replies: Sequence[str | Draft]
    asks: list[Ask] = field(default_factory=list[Ask])
    notes: list[str] = field(default_factory=list[str])

    async def sample(self, ask: Ask) -> Draft:
        reply = self.replies[len(self.asks)]
        self.asks.append(ask)
        return reply if isinstance(reply, Draft) else Draft(reply, prompt=ask.messages)

    async def score(self, ask: ScoreAsk) -> Rated | None:
        raise AssertionError("no role scores texts")

    async def embed(self, model: ModelSpec, texts: Sequence[str]) -> Vectors | None:
        raise AssertionError("no role compares meanings")

    def chance(self, stream: str = "") -> Random:
        raise AssertionError("no role leaves anything to chance")

    def note(self, text: str) -> None:
        self.notes.append(text)

    def watch(self, watch: Watch) -> None:
        raise AssertionError("no role draws what it may not need")

    def count(self, asks: Iterable[Ask]) -> None:
        raise AssertionError("no role draws what it may not need")

    def spare(self, total: int) -> None:
        raise AssertionError("no role draws what it may not need")

    def keep(self) -> None:
        raise AssertionError("roles follow from their replies")

    async def execute(self, work: Execution) -> Executed:
        raise AssertionError("no role runs code")

    async def recall(
        self, memory: MemorySpec, query: str, top: int, method: str
    ) -> tuple[Doc, ...]:
        raise AssertionError("no role reads memory")

    async def concepts(self, memory: MemorySpec, query: str, most: int) -> tuple[Concept, ...]:
        raise AssertionError("no role reads memory")

    def remember(self, memory: MemorySpec, text: str, key: str | None) -> None:
        raise AssertionError("no role writes memory")

    def remember_concepts(self, memory: MemorySpec, concepts: Sequence[Concept]) -> None:
        raise AssertionError("no role writes memory")


def arguments(*params: str, **given: Any) -> dict[str, Any]:
    """Arguments of a role operator; its prompt shows all that it provides."""
    template = "|".join(f"{name}={{{{ {name} }}}}" for name in params)
    spec = PromptSpec("role", params, (("user", template),))
    return {"by": JUDGE, "prompt": spec, "retries": 0, **given}


def ranking(*drafts: Draft, **given: Any) -> dict[str, Any]:
    return arguments("question", "candidates", "count", drafts=drafts, **given)


DRAFTS = tuple(Draft(text, prompt=question("Why?")) for text in ("red", "green", "blue"))
CUT = Draft("cut", finish=Finish.LENGTH, prompt=question("Why?"))


def test_every_operator_has_exactly_one_kernel() -> None:
    assert not PURE.keys() & MODEL.keys()
    assert {*PURE, *MODEL} == {*OPERATORS} - {"collaborate"}


async def test_rank_orders_scores_and_keeps() -> None:
    context = Scripted(["[3] > [1] > [2]"])
    ranked = await rank(context, ranking(*DRAFTS, keep=2))
    assert [(draft.text, draft.score) for draft in ranked] == [("blue", 1.0), ("red", 2 / 3)]
    shown = context.asks[0].messages.text
    assert shown == "question=Why?|candidates=[1] red\n\n[2] green\n\n[3] blue|count=3"
    assert context.asks[0].temperature == 0


async def test_judges_see_only_complete_drafts_with_their_critiques() -> None:
    context = Scripted(["[2] > [1]"])
    notes = ("pale", "short", "dull")
    drafts = (DRAFTS[0], CUT, DRAFTS[2])
    ranked = await rank(context, ranking(*drafts, using=notes, question="How?"))
    assert [draft.text for draft in ranked] == ["blue", "red"]
    shown = "[1] red\n\nCritique of [1]: pale\n\n[2] blue\n\nCritique of [2]: dull"
    assert context.asks[0].messages.text == f"question=How?|candidates={shown}|count=2"


async def test_rank_of_one_or_none_asks_nobody() -> None:
    context = Scripted([])
    assert await rank(context, ranking(DRAFTS[0], CUT)) == (DRAFTS[0],)
    assert await rank(context, ranking(CUT)) == ()


async def test_an_unreadable_ranking_keeps_order_and_scores_after_the_retries() -> None:
    context = Scripted(["dunno", "still not"])
    assert await rank(context, ranking(*DRAFTS, retries=1)) == DRAFTS
    assert [(ask.index, ask.temperature) for ask in context.asks] == [(0, 0), (1, 0.7)]
    assert context.notes[-1] == "no ranking could be read; the drafts keep their order"


async def test_a_refused_call_is_not_asked_again() -> None:
    context = Scripted([Draft("", finish=Finish.CANCELLED)])
    assert await rank(context, ranking(*DRAFTS, retries=5)) == DRAFTS
    assert len(context.asks) == 1


async def test_critiques_that_do_not_match_the_drafts_are_left_out() -> None:
    context = Scripted(["[1] > [2]"])
    await rank(context, ranking(*DRAFTS, using=("only one",)))
    assert "only one" not in context.asks[0].messages.text
    assert "not one critique per draft" in context.notes[0]


@pytest.mark.parametrize(
    ("reply", "order"),
    [
        ("[2] > [1] > [3]", [1, 0, 2]),
        ("The ranking is [3]>[2]", [2, 1, 0]),
        ("3 > 1 > 2", [2, 0, 1]),
        ("2, 3, 1", [1, 2, 0]),
        ("I have 12 reasons.\n[2] > [2] > [9] > [0]", [1, 0, 2]),
        ("Best is [3].", [2, 0, 1]),
        ("2", [1, 0, 2]),
        ("[99999999999999999999] > [2]", [1, 0, 2]),
        ("they are all fine, 100 %", None),
        ("[7] > [8]", None),
        ("", None),
    ],
)
def test_rankings_are_read_leniently(reply: str, order: list[int] | None) -> None:
    assert parse_order(reply, 3) == order


@given(st.integers(1, 8).flatmap(lambda n: st.permutations(range(1, n + 1))))
def test_a_full_ranking_is_read_back(order: list[int]) -> None:
    text = " > ".join(f"[{number}]" for number in order)
    assert parse_order(text, len(order)) == [number - 1 for number in order]


@given(st.text(alphabet="[]0123456789 >,\nab"), st.integers(1, 6))
def test_any_ranking_is_a_permutation(text: str, count: int) -> None:
    order = parse_order(text, count)
    assert order is None or sorted(order) == list(range(count))


async def test_critiques_come_back_per_draft_and_empty_for_incomplete_ones() -> None:
    context = Scripted(["Here:\n[1] fine\nindeed\n**[2]**: wrong"])
    notes = await critique(context, ranking(DRAFTS[0], CUT, DRAFTS[2]))
    assert notes == ("fine\nindeed", "", "wrong")
    assert await critique(Scripted([]), ranking(CUT)) == ("",)


async def test_missing_critiques_are_empty_after_the_retries() -> None:
    context = Scripted(["[2] good", "[2] better"])
    notes = await critique(context, ranking(*DRAFTS[:2], retries=1))
    assert notes == ("", "better")
    assert context.notes[-1] == "no critique of [1] could be read"


def test_an_only_critique_needs_no_number() -> None:
    assert parse_blocks(" clear enough ", 1) == ["clear enough"]
    assert parse_blocks("[1] a\n[1] b\n[7] c", 2) == ["a", ""]


async def test_fuse_answers_the_question_of_the_drafts() -> None:
    context = Scripted(["Answer: 7"])
    fused = await fuse(context, ranking(CUT, *DRAFTS, using=("x", "a", "b", "c")))
    assert (fused.answer, fused.prompt) == ("7", question("Why?"))
    assert "cut" not in context.asks[0].messages.text
    assert "Critique of [1]: a" in context.asks[0].messages.text


async def test_fuse_without_complete_drafts_is_a_failed_value_without_a_call() -> None:
    fused = await fuse(Scripted([]), ranking(CUT))
    assert (fused.finish, fused.answer) == (Finish.ERROR, None)


def judging(draft: Draft, **given: Any) -> dict[str, Any]:
    return arguments("question", "candidate", draft=draft, **given)


async def test_verify_gives_reasons_verdict_and_the_judged_answer() -> None:
    sure = Draft("Answer: 7", answer="7", prompt=question("3 + 4?"))
    context = Scripted(["3 + 4 is 7.\n\n**Verdict: [correct]**"])
    verdict: Verdict = await verify(context, judging(sure))
    assert (verdict.passed, verdict.score, verdict.reason) == (True, 1.0, "3 + 4 is 7.")
    assert verdict.answer.text == "7"
    assert context.asks[0].messages == Messages.user("question=3 + 4?|candidate=Answer: 7")


async def test_a_reply_without_one_verdict_does_not_pass() -> None:
    context = Scripted(["[Correct] or [Incorrect]?", "hm"])
    verdict: Verdict = await verify(context, judging(DRAFTS[0], retries=1))
    assert (verdict.passed, verdict.score, verdict.reason) == (False, None, "hm")
    assert context.notes[-1] == "no verdict could be read; the draft does not pass"


async def test_an_incomplete_draft_does_not_pass_and_is_not_shown() -> None:
    verdict: Verdict = await verify(Scripted([]), judging(CUT))
    assert not verdict.passed
    assert "length" in verdict.reason


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("no. [Incorrect]", (False, "no.")),
        ("[Correct] since it adds up", (True, "since it adds up")),
        ("so [Correct], yes [correct]", (True, "so")),
        ("Correct", None),
        ("[Correct] [Incorrect]", None),
    ],
)
def test_exactly_one_verdict_must_occur(reply: str, verdict: tuple[bool, str] | None) -> None:
    assert parse_verdict(reply) == verdict


async def test_revise_shows_feedback_and_keeps_the_question() -> None:
    context = Scripted(["better. Answer: 8"])
    args = arguments(
        "question", "candidate", "feedback", draft=DRAFTS[0], using=("too red", "", "too short")
    )
    revised = await revise(context, args)
    assert (revised.answer, revised.prompt) == ("8", question("Why?"))
    shown = "question=Why?|candidate=red|feedback=too red\n\ntoo short"
    assert context.asks[0].messages.text == shown


async def test_revise_leaves_incomplete_drafts_alone() -> None:
    context = Scripted([])
    assert await revise(context, arguments("candidate", draft=CUT)) is CUT
    assert context.notes


async def test_a_failed_role_call_is_a_failed_draft() -> None:
    failed = Draft("", finish=Finish.ERROR, error="gone")
    fused = await fuse(Scripted([failed]), ranking(*DRAFTS))
    assert (fused.finish, fused.error, fused.answer) == (Finish.ERROR, "gone", None)


@pytest.mark.parametrize(
    ("asked", "option", "sent"), [(0.3, 0.9, 0.3), (None, 0.9, 0.9), (None, None, 0)]
)
async def test_role_temperature_is_the_argument_then_the_model_then_zero(
    asked: float | None, option: float | None, sent: float
) -> None:
    by = model("judge") if option is None else model("judge", temperature=option)
    context = Scripted(["[1] > [2]"])
    await rank(context, ranking(*DRAFTS, temperature=asked) | {"by": by})
    assert context.asks[0].temperature == sent


def test_a_reply_keeps_everything_but_its_answer() -> None:
    known: dict[str, Any] = {
        "text": "Answer: 7",
        "answer": "8",
        "score": 0.5,
        "confidence": 0.25,
        "finish": Finish.LENGTH,
        "usage": Usage(1, 2, 3, 4),
        "model": "m",
        "sample": 3,
        "seed": 11,
        "logprobs": LogprobStats(1, -1.0, -1.0),
        "error": "cut",
        "tie": True,
        "temperature": 0.5,
        "prompt": question(),
    }
    assert set(known) == {one.name for one in fields(Draft)}
    reply = Draft(**known)
    assert with_answer(reply) == replace(reply, answer="7")
    assert with_answer(reply, question("Why?")).prompt == question("Why?")
