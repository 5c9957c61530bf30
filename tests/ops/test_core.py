"""What the compiler makes beside operator calls, and operators on lists."""

from __future__ import annotations

from typing import Any

import pytest

from graphdsl.errors import PromptError
from graphdsl.ops import lists
from graphdsl.ops.compare import both, compare, either, negate
from graphdsl.ops.convert import convert
from graphdsl.ops.core import CORE
from graphdsl.ops.fields import read_field
from graphdsl.ops.generate import with_context
from graphdsl.ops.limits import ITEMS_LIMIT
from graphdsl.ops.template_filters import SIZE_LIMIT
from graphdsl.values import (
    Answer,
    Doc,
    Draft,
    Finish,
    LogprobStats,
    Message,
    Messages,
    Usage,
    Verdict,
)
from tests.plans import prompt


@pytest.mark.parametrize(
    ("left", "op", "right", "holds"),
    [
        (" a ", "==", "a", True),
        ("a", "==", "A", False),
        (Answer("4 "), "==", "4", True),
        (Answer("4.0"), "==", 4, True),
        (4, "==", Answer("$4"), True),
        (Answer("four"), "==", 4, False),
        (Answer("four"), "!=", 4, True),
        (Answer("4.0"), "==", Answer("4"), False),
        (None, "==", None, False),
        (None, "!=", 3, True),
        (None, "<", 3, False),
        (3, "<=", 3.0, True),
        (2, ">", 10, False),
        ("b", ">", "a", True),
        (True, "==", True, True),
        (True, "!=", False, True),
        (Draft("so 7", answer="7"), "==", 7, True),
        (Draft("so"), "==", "so", False),
    ],
)
def test_comparisons(left: Any, op: str, right: Any, holds: bool) -> None:
    assert compare({"left": left, "right": right, "op": op}) is holds


def test_logic_reads_absent_as_false() -> None:
    assert both({"0": True, "1": True}) is True
    assert both({"0": True, "1": None}) is False
    assert either({"0": None, "1": True}) is True
    assert either({"0": None}) is False
    assert negate({"of": None}) is True


def test_fields_of_a_draft() -> None:
    draft = Draft(
        "so 7",
        answer="7",
        confidence=0.5,
        finish=Finish.STOP_SEQ,
        usage=Usage(1, 10, 0, 3),
        logprobs=LogprobStats(4, -2.0, -1.0),
        model="m",
    )
    read = {name: read_field(draft, name) for name in ("answer", "finish", "tokens", "complete")}
    assert read == {
        "answer": Answer("7", 0.5),
        "finish": "stop_seq",
        "tokens": 3,
        "complete": True,
    }
    assert read_field(draft, "mean_logprob") == -0.5
    assert read_field(draft, "score") is None


def test_absent_fields_are_absent() -> None:
    assert read_field(Draft("x"), "answer") is None
    assert read_field(Draft("x"), "mean_logprob") is None
    assert read_field(None, "text") is None
    assert read_field({"a": 1}, "b") is None
    assert read_field(Verdict(True), "passed") is True


@pytest.mark.parametrize(
    ("value", "to", "result"),
    [
        (Draft("so", answer="7", confidence=0.5), "Answer", Answer("7", 0.5)),
        (Draft("so"), "Answer", Answer("")),
        (7.0, "Answer", Answer("7")),
        (Verdict(False, "no"), "Text", "no"),
        (None, "Text", None),
        (None, "Answer", None),
        ((Draft("a"), Draft("b")), "List[Text]", ("a", "b")),
        (((Draft("a"),), ()), "List[List[Text]]", (("a",), ())),
        (((Doc("1", "a"), Doc("2", "b")), ()), "List[Text]", ("a\n\nb", "")),
        ((Draft("a"), None), "List[Text?]", ("a", None)),
        (None, "List[Text]?", None),
        (None, "Messages?", None),
        (
            ({"a": Draft("x"), "b": 2, "c": 3},),
            "List[{ a: Text, b: Number }]",
            ({"a": "x", "b": 2},),
        ),
        ((Doc("1", "a"), Doc("2", "b")), "Text", "a\n\nb"),
        ((Doc("1", "a"), Doc("2", "b")), "List[Text]", ("a", "b")),
        ("hi <|im_end|>", "Messages", Messages.user("hi < |im_end|>")),
    ],
)
def test_conversions(value: Any, to: str, result: Any) -> None:
    assert convert({"of": value, "to": to}) == result


def test_lists_records_and_prompts() -> None:
    assert CORE["list"]({"0": 1, "1": 2}) == (1, 2)
    assert CORE["list"]({}) == ()
    assert CORE["record"]({"b": 1, "a": 2}) == {"b": 1, "a": 2}
    spec = prompt("{{ q }}?", "q")
    assert CORE["render"]({"prompt": spec, "q": "why"}) == Messages.user("why?")


def test_list_operators() -> None:
    items = ("a", "b", "c")
    assert lists.first({"items": items}) == "a"
    assert lists.last({"items": items}) == "c"
    assert lists.take({"items": items, "count": 2}) == ("a", "b")
    assert lists.append({"items": items, "item": "d"}) == (*items, "d")
    assert lists.count({"items": items}) == 3
    numbered = {str(number): (number,) for number in reversed(range(12))}
    assert lists.concat({"lists": None, **numbered}) == tuple(range(12))
    assert lists.texts({"items": (Draft("x"), Answer("y"))}) == ("x", "y")
    assert lists.join({"texts": ("a", "", "b"), "separator": ", "}) == "a, b"
    assert lists.contains({"text": "The Seine", "part": "seine"}) is True


def test_the_first_of_nothing_is_a_failed_draft_with_an_empty_text() -> None:
    missing = lists.first({"items": (), "type": "Draft"})
    assert (missing.finish, missing.text) == (Finish.ERROR, "")
    assert lists.last({"items": (), "type": "Draft"}).finish is Finish.ERROR


def test_the_first_of_nothing_is_absent_where_it_would_be_no_draft() -> None:
    assert lists.first({"items": (), "type": "Text?"}) is None
    assert lists.last({"items": (), "type": "Number?"}) is None
    assert lists.otherwise({"value": None, "default": 3}) == 3
    assert lists.otherwise({"value": 0, "default": 3}) == 0


def test_texts_and_lists_that_grow_too_long_are_prompt_errors() -> None:
    half = "x" * (SIZE_LIMIT // 2)
    assert len(lists.join({"texts": (half, half), "separator": ""})) == SIZE_LIMIT
    with pytest.raises(PromptError, match=r"4,194,304 characters"):
        lists.join({"texts": (half, half), "separator": " "})
    with pytest.raises(PromptError, match=r"4,194,304 characters"):
        convert({"of": (half, half), "to": "Text"})
    many = (1,) * (ITEMS_LIMIT // 2)
    assert len(lists.concat({"0": many, "1": many})) == ITEMS_LIMIT
    with pytest.raises(PromptError, match=r"1,000,000 items"):
        lists.append({"items": many + many, "item": 1})


def test_context_stands_before_the_last_user_turn() -> None:
    turns = (Message("system", "s"), Message("user", "q"), Message("assistant", "a"))
    changed = with_context(Messages(turns), ("one", " ", "two <|im_end|>"))
    assert changed.turns[1] == Message("user", "one\n\ntwo < |im_end|>\n\nq")
    assert (changed.turns[0], changed.turns[2]) == (turns[0], turns[2])
    assert with_context(Messages(turns), "") == Messages(turns)
    assert with_context(Messages(turns), None) == Messages(turns)
    alone = with_context(Messages(turns[:1]), "x")
    assert alone.turns == (turns[0], Message("user", "x"))
