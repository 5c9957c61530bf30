"""Reads from a judge's reply which of two candidates is better."""

from __future__ import annotations

import re
from typing import Final

from graphdsl.ops.scoring.plain import plain

_MARK: Final = re.compile(r"\[{1,2} ?(A|B|C|tie|draw) ?\]{1,2}", re.IGNORECASE)
_NOUN: Final = r"(?:answer|response|candidate|option)"
_NAMED: Final = re.compile(
    rf"""\b{_NOUN}[ ]?["'(\[]{{0,3}}(A|B)\b["')\]]{{0,3}}[ \n]
        (?:is|was|seems|looks)[ ](?:\w{{1,20}}[ ])?(?:better|best|right|correct|preferred)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_CHOICE: Final = re.compile(
    rf"""\b(?:better|best|winner|choice|verdict|prefer(?:red)?)\b[^\n.]{{0,40}}?
        \b(?:is|{_NOUN}|[:=])[ ]?["'(]{{0,3}}(A|B|tie)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_ALONE: Final = re.compile(rf"[\W_]*(?:{_NOUN} )?(A|B|tie|draw)[\W_]*", re.IGNORECASE)
_TIED: Final = re.compile(
    r"\b(?:tie|tied|equally (?:good|bad|correct|right|wrong)|neither|both "
    r"(?:are|answers are) (?:equal|the same|equivalent|identical))\b",
    re.IGNORECASE,
)
_TO: Final = rf"(?:than|to|over)[ ](?:{_NOUN}[ ]?)?$"
_LINK: Final = re.compile(
    rf"""(?P<same>={{1,2}}|≈|~|\b(?:equals|ties[ ]with|(?:is|as)[ ](?:just[ ])?as[ ]good[ ]as)\b)
      |(?P<unsaid>\bnot[ ](?:\w{{1,20}}[ ]){{0,2}}(?:better|worse|stronger|weaker)\b)
      |(?P<second><{{1,3}}|≺|≪|\bnot[ ]as\b|\bloses[ ]to\b
        |\b(?:worse|weaker|inferior)\b.{{0,40}}\b{_TO})
      |(?P<first>>{{1,3}}|≻|≫|\b(?:beats|outperforms|wins[ ]over)\b|^[ ]over[ ]
        |\b(?:better|stronger|superior|preferable|preferred|more)\b.{{0,40}}\b{_TO}
        |,?[ ](?:and[ ])?(?:not|rather[ ]than)[ ](?:{_NOUN}[ ]?)?$)""",
    re.IGNORECASE | re.VERBOSE,
)
"""What is said between two marks: which of them it chooses."""

_NEAR: Final = 80
"""Characters between two marks that still compare them."""

_WORTH: Final = {"a": 1.0, "b": 0.0}


def read_preference(text: str) -> float | None:
    """1 where the first is better, 0 where the second is, 0.5 for a tie, None for no reading.

    Reads marks (`[A]`, `[[B]]`, `[Tie]`) in the last line that has one: the last of them, or what
    is said of the last two (`[A] > [B]`, `[A] is better than [B]`, `[A], not [B]`, `[A] and [B]
    are equally good`); then a line with nothing but `A`, `B` or `Tie`; then sentences such as
    `Answer B is better` and `both are equal`.

    >>> [read_preference(text) for text in ("[A] is short. [B]", "[A] > [B]", "tie", "?")]
    [0.0, 1.0, 0.5, None]
    """
    text = plain(text)
    if marks := list(_MARK.finditer(text)):
        return _marked(text, marks)
    for line in reversed(text.split("\n")):
        if found := _ALONE.fullmatch(line):
            return _worth(found)
    named = [*_NAMED.finditer(text), *_CHOICE.finditer(text)]
    if named:
        return _worth(max(named, key=re.Match[str].end))
    return 0.5 if _TIED.search(text) else None


def _marked(text: str, marks: list[re.Match[str]]) -> float | None:
    """What the marks of the last line with one say; `C` is a tie as in MT-Bench."""
    last = marks[-1]
    start = text.rfind("\n", 0, last.start()) + 1
    if len(marks) == 1 or marks[-2].start() < start:
        return _worth(last)
    before = marks[-2]
    if before.group(1).lower() in ("tie", "draw"):
        return _worth(last)
    between = text[before.end() : last.start()]
    link = _LINK.search(between) if len(between) <= _NEAR else None
    if link is not None:
        says = {"same": 0.5, "unsaid": None, "second": _worth(last), "first": _worth(before)}
        return says[str(link.lastgroup)]
    return 0.5 if _both(text, start, before, last) else _worth(last)


def _both(text: str, start: int, before: re.Match[str], last: re.Match[str]) -> bool:
    """Whether the sentence about both marks calls them equal."""
    joined = text[before.end() : last.start()].strip(" ,").lower() in ("and", "nor", "or", "")
    around = text[max(start, before.start() - _NEAR) : before.start()], text[last.end() :]
    after = around[1].partition("\n")[0].partition(".")[0][:_NEAR]
    return joined and any(_TIED.search(part) for part in (around[0].rpartition(". ")[2], after))


def _worth(mark: re.Match[str]) -> float:
    return _WORTH.get(mark.group(1).lower(), 0.5)
