r"""What the answer is of a reply that is read as mathematics.

After a mark (`Answer:`, `####`, `\boxed{…}`) it is the only formula in `$…$`, `\(…\)` or `\[…\]`,
else the only expression among words (`42` of `42 apples`), else all of it. Without a mark it is the
last expression or formula, of an equation its right side. Of a chain of equations, or one between
numbers, the right side is meant in any case: `7` of `3 + 4 = 7`. A marked `x = 5` stays whole, and
equals `5`. A unit in `\text{…}` after a number does not count.

Without a mark the last expression need not be the answer: of "`$x=5$` in 3 steps" it is 3. Ask for
a mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from graphdsl.ops.answers import normal_text
from graphdsl.ops.maths.numbers import plain_number
from graphdsl.ops.maths.wording import FUNCTIONS, LONGEST, as_latex

WORDS_KEY: Final = '"'
"""With this begins the key of an answer that is no expression, but words."""

_TAIL: Final = 4000
"""Characters, at the end of a reply, in which its answer is looked for."""

_FORMULA: Final = re.compile(
    r"\$\$([^$]{1,500})\$\$|\\\[(.{1,500}?)\\\]|\\\((.{1,500}?)\\\)"
    r"|(?<![\\$\d])\$(?!\s)([^$\n]{1,500}?)(?<![\s\\])\$(?![\d$])",
    re.DOTALL,
)
_DELIMITERS: Final = re.compile(r"\\[()\[\]]|(?<!\\)\$")
_NAMES: Final = re.compile(
    r"\\(?:text|textbf|mathrm|mathbf|operatorname|begin|end)\s*\{[^{}]*\}|\\[A-Za-z]+"
    rf"|(?<![A-Za-z])(?:{FUNCTIONS}|sqrt|d[xyt])(?![A-Za-z])"
)
_LETTERS: Final = re.compile(r"[^\W\d_]{2,}")
_SHORT_WORD: Final = re.compile(
    "am|an|as|at|be|by|cm|do|ft|go|he|hr|if|in|is|it|kg|km|lb|me|mg|ml|mm|my|no|of|oh|ok|on|or|oz"
    "|pm|so|to|up|us|we",
    re.IGNORECASE,
)
_TEXT: Final = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{\(?([^{}]*?)\)?\}")
_SEVERAL: Final = re.compile(r",(?!\d{3}(?!\d))|;|\b(?:and|or)\b")
_UNIT: Final = re.compile(
    r"(?<=[\d})])(?:\\[,;: ]|\s)*\\(?:text|textbf|mathrm)\s*\{[^{}]*\}(?:\^\{?\d\}?)?$"
)
_SOMETHING: Final = re.compile(r"\d|\\[A-Za-z]|[A-Za-z].*[-+*/^=<>]|[-+*/^=<>].*[A-Za-z]")
_DANGLING: Final = re.compile(r"^[-+*/^]\s|^[*/^]|[-+*/^=]$")
_ENDS: Final = ' \t\r\n.,;:?`_"“”'


def read_maths(text: str, *, marked: bool) -> tuple[str, str] | None:
    """The answer as it is shown, and the key that answers share which are written alike.

    `marked` says that the text is what stands after a mark; without it nothing may be found.
    """
    tail = text[-_TAIL:].strip()
    if marked and len(text) > _TAIL and len(tail.split()) == 1:  # all one, and never to be cut
        return plain_number(text) or _words(text)
    found = _marked(tail) if marked else _last(tail)
    if not found:
        return None
    value = _UNIT.sub("", _value(found, marked=marked))
    if (number := plain_number(value)) is not None:
        return number
    if inner := _TEXT.fullmatch(value):
        return _words(inner.group(1))
    if len(value) > LONGEST or _wordy(as_latex(value)):
        return _words(value)
    return value, as_latex(value)


def _words(text: str) -> tuple[str, str] | None:
    key = normal_text(text)
    return (text.strip(), WORDS_KEY + key) if key else None


def _marked(part: str) -> str:
    """The answer among what was marked."""
    formulas = list(_FORMULA.finditer(part))
    if len(formulas) == 1:
        return _clean(_inner(formulas[0]))
    bare = _clean(_DELIMITERS.sub(" ", part)) if formulas else _clean(part)
    if not _wordy(bare):
        return bare
    runs = list(_runs(bare))
    return runs[0] if len(runs) == 1 else bare


def _last(text: str) -> str:
    """The last expression of a reply: a formula, or what stands between words."""
    if "\n" not in text and not _wordy(text) and "$" not in text:
        return _clean(text)
    formulas = list(_FORMULA.finditer(text))
    rest = text[formulas[-1].end() :] if formulas else text
    for line in reversed(rest.splitlines()):
        runs = list(_runs(line))
        if runs:
            return runs[-1]
    return _clean(_inner(formulas[-1])) if formulas else ""


def _runs(line: str) -> Iterator[str]:
    """The expressions between the words of a line."""
    run: list[str] = []
    for token in [*line.split(), "end"]:
        if not _wordy(token):
            run.append(token)
            continue
        if run and (found := _expression(" ".join(run))):
            yield found
        run = []


def _expression(run: str) -> str:
    """A run of tokens that can be an expression; empty for what is only punctuation, or the rest
    of something: `+ 1` after a word."""
    bare = _clean(run).rstrip("!").lstrip("=").strip()
    return bare if _SOMETHING.search(bare) and not _DANGLING.search(bare) else ""


def _wordy(text: str) -> bool:
    """True where there is a word: letters that are neither a name of mathematics nor one or two
    variables."""
    letters = _LETTERS.findall(_NAMES.sub(" ", text))
    return any(len(word) > 2 or _SHORT_WORD.fullmatch(word) for word in letters)


def _value(expression: str, *, marked: bool) -> str:
    """What an equation comes to, where that is all that is meant; other expressions as they are."""
    left, right = map(str.strip, expression.rpartition("=")[::2])
    if not left or not right or left[-1] in "<>!" or _SEVERAL.search(left):
        return expression
    named = re.search(r"[A-Za-z<>]", _NAMES.sub("", left))
    return right if not named or not marked or "=" in left else expression


def _inner(formula: re.Match[str]) -> str:
    return next(group for group in formula.groups() if group is not None)


def _clean(text: str) -> str:
    """Without what ends a sentence, and without emphasis or quotes around it all."""
    bare = text.strip(_ENDS)
    while bare[:1] in ("*", "'") and bare[-1:] == bare[:1]:
        bare = bare[1:-1].strip(_ENDS)
    return bare.strip("*").strip(_ENDS)
