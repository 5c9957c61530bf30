"""Find where the statements of a broken flow begin, so that a mistake in one hides no other.

Brackets cannot be trusted in a broken text. What is open is guessed so that a doubtful place is
no cut: silence is better than a report about a mistake that nobody made.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphdsl.diagnostics import did_you_mean
from graphdsl.syntax.lexing import CLOSERS, OPENERS, Tokens
from graphdsl.syntax.tables import END

WORDS = ("tune", "optional", "repeat", "fold", "within", "next", "return")
KINDS = frozenset(word.upper() for word in WORDS) | {"YIELD"}
CONTINUED = frozenset({"TUNE", "OPTIONAL", "NEXT"})  # a name and `=` follow them
KEY = frozenset({"COLON", "COMMA", "DOT"})  # behind a word that is used as a key
ARGUMENTS = frozenset({"COMMA", "LPAR", "LSQB"})  # behind them a list goes on
BEFORE_A_RECORD = frozenset({"EQUAL", "ARROW", "RETURN", "YIELD", *ARGUMENTS})


@dataclass(frozen=True, slots=True)
class Cut:
    """A statement begins at token `begin`; the block that it is in ends before token `end`."""

    begin: int
    end: int


@dataclass(slots=True)
class Opener:
    """An open bracket: its token, whether it holds statements, and how far these are indented."""

    at: int
    kind: str
    block: bool
    choice: bool
    indent: int


def statement_cuts(tokens: Tokens, first: int, last: int) -> list[Cut]:
    """The statements that begin a line in any block of the flow between two tokens, in order."""
    begins: list[tuple[int, int]] = []
    ends: dict[int, int] = {}
    stack: list[Opener] = []
    for at in range(first, last):
        kind = tokens.kinds[at]
        block = _block_of(tokens, at, last, stack)
        if block is not None:
            del stack[stack.index(block) + 1 :]
            block.indent = _indent(tokens, at)
            begins.append((at, block.at))
        if kind in OPENERS:
            stack.append(_opener(tokens, at, stack))
        elif kind in CLOSERS:
            closed = _close(stack, CLOSERS[kind])
            if closed is not None:
                ends[closed.at] = at + 1
            if closed is not None and closed.block and not any(o.block for o in stack):
                break  # the flow ends; what is behind it are items
    return [Cut(begin, ends.get(opener, last)) for begin, opener in begins]


def _block_of(tokens: Tokens, at: int, last: int, stack: list[Opener]) -> Opener | None:
    """The block in which a statement begins at that token; None where it does not."""
    if not _begins_statement(tokens, at, last):
        return None
    block = next((opener for opener in reversed(stack) if opener.kind == "LBRACE"), None)
    if block is None or not block.block:
        return None
    if block is stack[-1]:
        return block
    goes_on = tokens.kinds[at - 1] in ARGUMENTS or _indent(tokens, at) > block.indent
    return None if goes_on else block  # the bracket in between was never closed


def _begins_statement(tokens: Tokens, at: int, last: int) -> bool:
    kind = tokens.kinds[at]
    following = tokens.kinds[at + 1] if at + 1 < last else END
    if following == "EQUAL":
        begins = tokens.text(at).isidentifier()  # a name, or a word that was taken for one
    elif kind == "NAME" and following in {"NAME", "NUMBER", "LSQB"}:
        begins = bool(did_you_mean(tokens.text(at), WORDS))
    else:
        begins = kind in KINDS and following not in KEY
    return begins and at > 0 and tokens.kinds[at - 1] not in CONTINUED and _leads(tokens, at)


def _opener(tokens: Tokens, at: int, stack: list[Opener]) -> Opener:
    """What a bracket opens: a brace holds statements unless it is a record or a `choice`."""
    kind = tokens.kinds[at]
    before = tokens.kinds[max(0, at - 2) : at]
    choice = before[-1:] == ["CHOICE"] or before == ["CHOICE", "NAME"]
    labelled = before[-1:] == ["COLON"]
    record = before[-1:] != [] and before[-1] in BEFORE_A_RECORD
    if labelled:
        record = not (stack and stack[-1].choice)
    block = kind == "LBRACE" and not choice and not record
    return Opener(at, kind, block, choice, _indent(tokens, at))


def _close(stack: list[Opener], kind: str) -> Opener | None:
    """Close the innermost bracket of that kind, but no brace by another sign."""
    for place in reversed(range(len(stack))):
        if stack[place].kind == kind:
            closed = stack[place]
            del stack[place:]
            return closed
        if stack[place].kind == "LBRACE":
            return None
    return None


def _leads(tokens: Tokens, at: int) -> bool:
    """True when the token is the first of its line."""
    return "\n" in tokens.source.text[tokens.ends[at - 1] : tokens.starts[at]]


def _indent(tokens: Tokens, at: int) -> int:
    """Blanks before the first character of the token's line."""
    line, _ = tokens.source.position(tokens.starts[at])
    text = tokens.source.line(line)
    return len(text) - len(text.lstrip())
