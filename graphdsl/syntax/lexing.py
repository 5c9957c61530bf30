"""Cut a source into tokens with one regular expression made from the grammar's terminals.

Lexing never fails: what no terminal matches becomes an `UNCLOSED_…` or `UNKNOWN`
token, which no rule accepts, so that the parser stops there and the message can say why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from graphdsl.diagnostics import Source, Span
from graphdsl.syntax.prebuilt import load_tables
from graphdsl.syntax.tables import Tables

UNCLOSED_TEXT = "UNCLOSED_TEXT"
UNCLOSED_STRING = "UNCLOSED_STRING"
UNKNOWN = "UNKNOWN"
REST = "REST"  # nothing but blanks up to the end; without it their end would be looked for twice
BROKEN = (
    (REST, r"\Z"),
    (UNCLOSED_STRING, r'"[^\n]*'),
    (UNKNOWN, r"[\s\S]"),
)
IGNORED = ("WS", "COMMENT")
COMMENT = re.compile(r"#[^\n]*")
BYTE_ORDER_MARK = "\ufeff"
OPENERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
CLOSERS = {closer: opener for opener, closer in OPENERS.items()}


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a source in order, as columns: kind, first and last (exclusive) offset."""

    source: Source
    kinds: list[str]
    starts: list[int]
    ends: list[int]

    def text(self, at: int) -> str:
        """The characters of a token."""
        return self.source.text[self.starts[at] : self.ends[at]]

    def span(self, at: int) -> Span:
        """The place of a token."""
        return Span(self.source.name, self.starts[at], self.ends[at])

    def in_first_column(self, at: int) -> bool:
        """True for a token that begins a line."""
        start = self.starts[at]
        return start == 0 or self.source.text[start - 1] in "\n" + BYTE_ORDER_MARK


@dataclass(frozen=True, slots=True)
class Lexer:
    """The expression, and the words that a NAME or another match turns out to be."""

    pattern: re.Pattern[str]
    words: dict[str, str]


@cache
def load_lexer() -> Lexer:
    """The lexer of the grammar; compiled once in a process."""
    return make_lexer(load_tables())


def make_lexer(tables: Tables) -> Lexer:
    """One alternative per terminal, behind any number of blanks and comments.

    Words are not alternatives: they match as a NAME and are told apart afterwards.
    """
    words = {t.text: t.name for t in tables.terminals if t.literal and t.text.isidentifier()}
    patterns = {
        t.name: re.escape(t.text) if t.literal else t.text
        for t in tables.terminals
        if t.text not in words
    }
    ignored = "|".join(patterns.pop(name) for name in IGNORED)
    # An open text must be seen before its quotes are taken for an empty string and one more.
    texts = (("TEXT", patterns.pop("TEXT")), (UNCLOSED_TEXT, r'"""[\s\S]*'))
    groups = [f"(?P<{name}>{text})" for name, text in (*texts, *patterns.items(), *BROKEN)]
    return Lexer(re.compile(f"(?:{ignored})*(?:{'|'.join(groups)})"), words)


def lex(source: Source) -> Tokens:
    """All tokens of a source without its blanks and comments. Never fails."""
    lexer = load_lexer()
    text = source.text
    word = lexer.words.get
    kinds: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in lexer.pattern.finditer(text, text.startswith(BYTE_ORDER_MARK)):
        kind = match.lastgroup or REST
        start, end = match.span(kind)
        if kind == "NAME":
            kind = word(text[start:end], "NAME")
        kinds.append(kind)
        starts.append(start)
        ends.append(end)
    while kinds[-1:] == [REST]:  # found at the end of blanks, and once more where they end
        for column in (kinds, starts, ends):
            column.pop()
    return Tokens(source, kinds, starts, ends)


def comments(source: Source) -> tuple[Span, ...]:
    """Where the comments of a source are, in order; each runs from `#` to the end of its line."""
    tokens = lex(source)
    gaps = zip([0, *tokens.ends], [*tokens.starts, len(source.text)], strict=True)
    return tuple(
        Span(source.name, *match.span())
        for begin, end in gaps
        for match in COMMENT.finditer(source.text, begin, end)
    )
