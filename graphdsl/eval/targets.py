"""Results and targets as metrics see them: which answer a value holds, and how it is compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, cast

from graphdsl.errors import InputError
from graphdsl.ops.answers import as_number
from graphdsl.ops.extract import find_answer
from graphdsl.values import Answer, Draft, Value, Verdict, as_text

_LETTER: Final = re.compile(r"[(\[{*\s]*[A-J][)\]}*.:\s]*")


def kind_of(target: object) -> str:
    r"""How answers are compared with a target: `number`, `choice` or `text`.

    A target that is a number, or ends with one after `####`, `Answer:` or in `\boxed{}`, is
    compared as a number; a letter A to J as a choice; everything else as a text. Of several
    accepted targets it is that of the first.

    >>> kind_of(18), kind_of("9 * 2 = 18 #### 18"), kind_of("(B)"), kind_of("blue")
    ('number', 'number', 'choice', 'text')
    """
    found = find_answer(as_text(next(accepted(target))), "text")
    shown = "" if found is None else found.shown
    if as_number(shown) is not None:
        return "number"
    return "choice" if _LETTER.fullmatch(shown) else "text"


def accepted(target: object) -> Iterator[Value]:
    """The targets that count as right: the members of a list, else the target itself.

    Raises `InputError` where there is none.
    """
    if target is None or (isinstance(target, list | tuple) and not target):
        raise InputError("there is no target to compare with")
    for one in cast("list[Value]", target if isinstance(target, list | tuple) else [target]):
        if isinstance(one, dict) and "answer" not in one:
            raise InputError("the target is an object without `answer`; give a text or a number")
        if isinstance(one, str) and "\0" in one:
            raise InputError("the target has a NUL character, so it is no text")
        yield one


def texts_of(value: Value) -> tuple[str, ...]:
    """Where to look for the answer of a value, the likeliest place first.

    A draft's answer comes before its text, and an incomplete draft has none (rule G1). A record
    with a field `answer` is read there.
    """
    match value:
        case None:
            return ()
        case Draft():
            if not value.complete:
                return ()
            return (value.text,) if value.answer is None else (value.answer, value.text)
        case Verdict():
            return (value.answer.text,)
        case Answer():
            return (value.text,)
        case {"answer": inner}:
            return texts_of(inner)
        case _:
            return (as_text(value),)


def answer_key(value: Value, by: str) -> str | None:
    """What answers share that are written alike, as `by` (`text`, `number`, `choice`, `maths`)
    reads them; None without one.

    >>> answer_key("So it is 1,000.0 in all", "number"), answer_key("no idea", "number")
    ('1000', None)
    """
    for text in texts_of(value):
        if (found := find_answer(text, by)) is not None:
            return found.key
    return None


def answer_text(value: Value) -> str:
    """The answer of a value as a text; empty without one."""
    for text in texts_of(value):
        if (found := find_answer(text, "text")) is not None:
            return found.shown
    return ""
