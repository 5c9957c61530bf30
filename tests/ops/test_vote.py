"""Self-consistency votes: rules G1 to G5."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.selection import best, passing
from graphdsl.ops.vote import vote
from graphdsl.values import Draft, Finish, LogprobStats, Verdict


def voted(*drafts: Draft, by: str = "number") -> Draft:
    return vote({"drafts": drafts, "by": by})


def say(answer: object, **known: object) -> Draft:
    return Draft(f"It must be so. Answer: {answer}", **known)  # pyright: ignore[reportArgumentType]


def test_the_most_frequent_answer_wins_with_its_share() -> None:
    winner = voted(say(3), say("1,000"), say("1000.0"), say("no number"))
    assert winner.answer == "1000"
    assert winner.text == "It must be so. Answer: 1,000"
    assert winner.confidence == 0.5  # 2 of 4 complete drafts, the one without answer included
    assert not winner.tie


def test_incomplete_drafts_do_not_vote_and_do_not_count() -> None:
    cut = (Finish.LENGTH, Finish.ERROR, Finish.CANCELLED)
    winner = voted(*[say(9, finish=finish) for finish in cut], say(1), say(2), say(1))
    assert winner.answer == "1"
    assert winner.confidence == 2 / 3


def test_a_draft_ended_by_a_stop_string_votes() -> None:
    assert voted(say(4, finish=Finish.STOP_SEQ)).answer == "4"


def test_a_tie_goes_to_the_score_sum_then_logprob_then_the_earliest() -> None:
    scored = voted(say(1, score=0.5), say(2, score=0.9))
    assert (scored.answer, scored.tie) == ("2", True)
    likely = voted(say(1), say(2, logprobs=LogprobStats(4, -2.0, -1.0)))
    assert (likely.answer, likely.tie) == ("2", True)
    first = voted(say(1), say(2))
    assert (first.answer, first.tie, first.confidence) == ("1", True, 0.5)


def test_a_nan_score_weighs_nothing_in_a_tie() -> None:
    assert voted(say(1, score=math.nan), say(2, score=0.1)).answer == "2"


def test_no_complete_draft_is_a_failed_value() -> None:
    empty = voted()
    assert empty.finish is Finish.ERROR
    assert empty.answer is None
    assert empty.confidence == 0
    failed = voted(say(1, finish=Finish.ERROR, error="boom"))
    assert failed.error == "no sample gave an answer: 1 of 1 failed (boom)"
    assert voted(say(1, finish=Finish.CANCELLED)).finish is Finish.CANCELLED


def test_without_any_answer_the_likeliest_draft_is_returned_with_confidence_0() -> None:
    unlikely = Draft("hm", logprobs=LogprobStats(2, -4.0, -3.0))
    likely = Draft("well", logprobs=LogprobStats(2, -1.0, -1.0))
    winner = voted(Draft("unknown"), unlikely, likely)
    assert (winner.text, winner.answer, winner.confidence) == ("well", None, 0.0)
    assert voted(Draft("a b"), Draft("c d")).text == "a b"


def test_texts_and_letters_vote_too() -> None:
    assert voted(Draft("Paris."), Draft("Rome"), Draft("paris"), by="text").answer == "Paris."
    assert voted(Draft("(b)"), Draft("Answer: B"), Draft("C"), by="choice").answer == "B"


answers = st.lists(
    st.tuples(st.sampled_from(["1", "2", "3", "none"]), st.sampled_from(list(Finish))), max_size=12
)


@given(answers, st.randoms(use_true_random=False))
def test_order_does_not_matter_unless_there_is_a_tie(
    cases: Sequence[tuple[str, Finish]], random: object
) -> None:
    drafts = [say(answer, finish=finish) for answer, finish in cases]
    shuffled = drafts.copy()
    random.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    first, second = voted(*drafts), voted(*shuffled)
    assert first.confidence == second.confidence
    assert first.tie == second.tie
    if not first.tie:
        assert first.answer == second.answer


@given(answers)
def test_confidence_is_the_share_of_complete_drafts(cases: Sequence[tuple[str, Finish]]) -> None:
    drafts = [say(answer, finish=finish) for answer, finish in cases]
    complete = [draft for draft in drafts if draft.complete]
    winner = voted(*drafts)
    if winner.answer is None:
        assert winner.confidence == 0
    else:
        same = [d for d in complete if d.text.endswith(f": {winner.answer}")]
        assert winner.confidence == len(same) / len(complete)


def test_best_takes_the_highest_score_and_nan_is_the_lowest() -> None:
    drafts = (say(1, score=math.nan), say(2, score=-5.0), say(3), say(4, score=-5.0))
    winner = best({"drafts": drafts})
    assert winner.text == drafts[1].text
    assert winner.tie
    assert best({"drafts": (say(1, score=9.0, finish=Finish.LENGTH), say(2))}).text == say(2).text
    assert best({"drafts": ()}).finish is Finish.ERROR


def test_passing_keeps_all_when_none_passed() -> None:
    drafts = (say(1), say(2), say(3))
    verdicts = (Verdict(False), Verdict(True), Verdict(False))
    assert passing({"drafts": drafts, "verdicts": verdicts}) == (drafts[1],)
    assert passing({"drafts": drafts, "verdicts": (Verdict(False),) * 3}) == drafts
