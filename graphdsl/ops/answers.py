"""When two answers are the same: normal forms of numbers, letters of a choice, and texts.

Nothing here is ever evaluated: `2+2` is a text, and `1/2` stays a fraction.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final

_FRACTION: Final = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_NUMBER: Final = re.compile(
    r"""(?:(?<![\w)\]}])[-+])?(?<!\w)  # after a number or a bracket a sign is an operator
        (?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)  # 1,000 or 1000 or 1.5 or .5
        (?:[eE][-+]?\d{1,4}(?!\w))?      # 1e3
        (?:\s?/\s?\d+(?!\d|\.\d))?      # 1/2""",
    re.VERBOSE | re.ASCII,
)
_WORD: Final = re.compile(r"(?<=\s)[a-df-z](?=[a-z])")
"""A place that no number reaches over: it may have white space only around its `/`."""

_LAST_DIGIT: Final = re.compile(r"\d(?=\D*\Z)", re.ASCII)
_REACHES: Final = (40, 160)
"""Characters at the end of a text, and before its last digit, that are looked at first."""

_LOOSE: Final = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_LONGEST_EXPONENT: Final = 30
COUNTABLE: Final = 1000
"""Characters of a number, and the largest exponent, with which it is computed. What is larger
equals only what is written the same; Python refuses to write numbers of more than 4300 digits."""

_EXPONENT: Final = re.compile(r"e([-+]?\d+)", re.ASCII)
_EDGES: Final = " \t\r\n.,;:!?\"'`*$"


def find_numbers(text: str) -> list[str]:
    r"""Every number of a text in its normal form, in order.

    Signs count only where they cannot be operators; `\frac{1}{2}` is `1/2`.

    >>> find_numbers("from 5-3 to -1,000.50, then 1e3 or 3/4.")
    ['5', '3', '-1000.5', '1000', '3/4']
    """
    plain = _without_markup(text)
    found = [match.group() for match in _NUMBER.finditer(plain)]
    return [normal_number(number) for number in found or _LOOSE.findall(plain)]


def last_number(text: str) -> str | None:
    """The last of `find_numbers`, which is found without reading a long text from its beginning.

    >>> last_number("from 5-3 to -1,000.50, then nothing"), last_number("none")
    ('-1000.5', None)
    """
    if text.isdecimal() and text.isascii():
        return normal_number(text)
    for reach in _REACHES:
        if reach >= len(text):
            break
        if (last := _LAST_DIGIT.search(text, len(text) - reach)) is None:
            continue
        at = last.start()
        if (word := _WORD.search(text, max(0, at - reach), at)) is None:
            continue
        end = text[word.start() : at + 2]  # one more, for what must not follow an exponent
        before, brace, _ = end.partition("{")
        if "}" in before:
            continue  # it begins within braces, perhaps of a `\\frac{…}{…}`
        if brace:
            end = text[word.start() :]  # all of these braces
        if found := _NUMBER.findall(_without_markup(end)):
            return normal_number(found[-1])
    numbers = find_numbers(text)
    return numbers[-1] if numbers else None


def _without_markup(text: str) -> str:
    """Fractions as `1/2`, signs in ASCII, no LaTeX around numbers."""
    plain = text
    if "\\" in text:
        plain = _FRACTION.sub(r" \1/\2 ", text)
    plain = plain.replace("−", "-").replace("{,}", ",")
    return plain.replace("\\!", "").replace("$", " ").replace("\\", " ")


def normal_number(number: str) -> str:
    """The normal form of one number as `find_numbers` finds it.

    No separators, no leading or trailing zeros, no exponent up to 30 digits, no `-0`; the parts
    of a fraction are normal, the fraction itself is not reduced.

    >>> [normal_number(n) for n in ("1,000", "007.50", "-0", "1e3", "2 / 04")]
    ['1000', '7.5', '0', '1000', '2/4']
    """
    if number.isdecimal() and number[0] != "0":
        return number
    above, slash, below = number.partition("/")
    if slash:
        return f"{normal_number(above)}/{normal_number(below)}"
    text = number.strip().replace(",", "").lower()
    if "e" in text:
        text = _without_exponent(text)
    sign = "-" if text.startswith("-") else ""
    whole, _, part = text.lstrip("+-").partition(".")
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    digits = f"{whole}.{part}" if part else whole
    return digits if digits == "0" else sign + digits


def _without_exponent(text: str) -> str:
    if abs(int(text.partition("e")[2])) > _LONGEST_EXPONENT:
        return text
    return format(Decimal(text), "f")


def number_key(number: str) -> str:
    """What equal numbers share: a fraction that is a finite decimal counts as that decimal.

    One that is not `countable` equals only itself, as it is written.

    >>> number_key("1/2"), number_key("6/3"), number_key("1/3"), number_key("2/6")
    ('0.5', '2', '1/3', '1/3')
    >>> number_key("1/0"), number_key("1e5000/1")
    ('1/0', '1e5000/1')
    """
    above, slash, below = number.partition("/")
    if not slash or not countable(number):
        return number
    ratio = Fraction(Decimal(above)) / Fraction(Decimal(below))
    if ratio.denominator == 1:
        return str(ratio.numerator)
    exact = Decimal(ratio.numerator) / Decimal(ratio.denominator)
    finite = Fraction(exact) == ratio
    return normal_number(format(exact, "f")) if finite else f"{ratio.numerator}/{ratio.denominator}"


def countable(number: str) -> bool:
    """Whether a number in its normal form can be computed with: neither huge nor divided by zero.

    >>> countable("1/3"), countable("1/0"), countable("1e5000"), countable("7" * 2000)
    (True, False, False, False)
    """
    if len(number) > COUNTABLE:
        return False
    if any(abs(int(exponent)) > COUNTABLE for exponent in _EXPONENT.findall(number)):
        return False
    _, slash, below = number.partition("/")
    return not slash or bool(Decimal(below))


def exact_number(text: str) -> str | None:
    """The normal form of the number that an answer is (`$1,000`, `3/4`, `50%` is 50), or None.

    >>> exact_number(" $1,000 "), exact_number("2/04."), exact_number("about 3")
    ('1000', '2/4', None)
    """
    bare = text.strip().strip("$%").strip().rstrip(".").replace("−", "-")
    return normal_number(bare) if _NUMBER.fullmatch(bare) else None


def as_number(text: str) -> float | None:
    """The same as a float.

    >>> as_number(" $1,000 "), as_number("3/4"), as_number("about 3")
    (1000.0, 0.75, None)
    """
    number = exact_number(text)
    if number is None:
        return None
    above, slash, below = number.partition("/")
    if not slash:
        return float(above)
    return float(above) / float(below) if float(below) else None


def normal_text(text: str) -> str:
    """What makes two texts equal: case, white space and punctuation at the ends do not count.

    >>> normal_text("  The  Answer. ")
    'the answer'
    """
    return " ".join(text.casefold().split()).strip(_EDGES)
