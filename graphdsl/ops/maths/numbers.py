"""Plain numbers, which need no library to be compared: `1,000`, `-3.50`, `1/2`, `50%`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from graphdsl.ops.answers import countable, exact_number, number_key

PLACES: Final = 6
"""Decimals that must agree where one of two numbers is written with a point."""

_CLOSE: Final = Fraction(1, 10_000)
"""How far two numbers may be apart for their size, so that tiny ones are not all equal."""

_KEY: Final = re.compile(r"-?\d+(?:\.\d+|/\d+|(?:\.\d+)?e[-+]?\d{1,4})?%?", re.ASCII)
_WRITTEN: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d{1,4})?(?:/\d+)?%?", re.ASCII)
_FRACTION: Final = re.compile(r"\\[dtc]?frac\s*\{(-?\d+)\}\s*\{(\d+)\}", re.ASCII)
_PER_CENT: Final = re.compile(r"\\?%$")


def plain_number(expression: str) -> tuple[str, str] | None:
    r"""A plain number as it is shown, and the key that equal ones share; None for other things.

    >>> plain_number("$1,000.50"), plain_number(r"-\frac{1}{2}"), plain_number("2^3")
    (('1000.5', '1000.5'), ('-1/2', '-0.5'), None)
    >>> plain_number(r"50\%")
    ('50%', '50%')
    """
    bare = expression.strip()
    if "\\" in bare or "{" in bare:
        bare = _FRACTION.sub(r"\1/\2", bare).replace("{,}", ",").replace("\\!", "")
        bare = bare.replace("\\$", "")
    shorter = _PER_CENT.sub("", bare)
    number = exact_number(shorter)
    if number is None:
        return None
    sign = "%" if shorter != bare else ""
    return number + sign, number_key(number) + sign


def is_number(key: str) -> bool:
    """True for the key of a plain number that can be computed with."""
    return _KEY.fullmatch(key) is not None and countable(key.rstrip("%"))


def only_itself(key: str) -> bool:
    """True for the key of a number that equals only what is written the same.

    >>> only_itself("1/0"), only_itself("1e5000"), only_itself("1/3"), only_itself("1/x")
    (True, True, False, False)
    """
    return _WRITTEN.fullmatch(key) is not None and not is_number(key)


def equal_numbers(first: str, second: str) -> bool:
    """Whether two keys of plain numbers stand for equal numbers.

    Those written with a point agree with others to six decimals, as math-verify has it. A
    percentage is equal to its number and to its hundredth, as there; two percentages are equal
    where their numbers or their hundredths are.

    >>> equal_numbers("1/3", "0.333333"), equal_numbers("1/3", "0.333")
    (True, False)
    >>> equal_numbers("50%", "0.5"), equal_numbers("50%", "50"), equal_numbers("2", "3")
    (True, True, False)
    """
    if first == second:
        return True
    one, two = Fraction(first.rstrip("%")), Fraction(second.rstrip("%"))
    rounded = "." in first + second
    if _equal(one, two, rounded):
        return True
    per_cent = first.endswith("%"), second.endswith("%")
    if not any(per_cent):
        return False
    return _equal(one / 100 if per_cent[0] else one, two / 100 if per_cent[1] else two, rounded)


def _equal(one: Fraction, two: Fraction, rounded: bool) -> bool:
    if one == two:
        return True
    near = abs(one - two) <= _CLOSE * max(abs(one), abs(two))
    return rounded and near and round(one, PLACES) == round(two, PLACES)
