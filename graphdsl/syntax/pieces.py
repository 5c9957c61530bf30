"""Cut a broken file where its items begin, so that each is parsed and reported on its own."""

from __future__ import annotations

import re

from graphdsl.diagnostics import did_you_mean
from graphdsl.syntax.lexing import UNCLOSED_TEXT, Tokens
from graphdsl.syntax.tables import END

ITEM_WORDS = ("import", "model", "pool", "prompt", "memory", "flow", "search", "test")
ITEM_KINDS = frozenset(word.upper() for word in ITEM_WORDS)
NOT_AFTER_A_KEYWORD = frozenset(
    {"EQUAL", "COLON", "COMMA", "DOT", "RPAR", "RSQB", "RBRACE", "LPAR", END}
)
ITEM_LINE = re.compile(rf"^(?:{'|'.join(ITEM_WORDS)})[ \t]+[\w\"]", re.MULTILINE)


def cut(tokens: Tokens, first: int) -> list[int]:
    """Where pieces begin, the number of tokens at last.

    A cut is a token in the first column: a keyword of an item that is not used as a key, or a
    name that seems to be meant as one. Tokens decide, not lines: a text block may hold anything.
    """
    last = len(tokens.kinds)
    starts = [at for at in range(first + 1, last) if _begins_item(tokens, at)]
    return [first, *starts, last]


def _begins_item(tokens: Tokens, at: int) -> bool:
    if not tokens.in_first_column(at):
        return False
    kind = tokens.kinds[at]
    following = tokens.kinds[at + 1] if at + 1 < len(tokens.kinds) else END
    if kind in ITEM_KINDS or kind == "EDITION":
        return following not in NOT_AFTER_A_KEYWORD
    if kind != "NAME" or following not in {"NAME", "STRING"}:
        return False
    return following == "NAME" or bool(did_you_mean(tokens.text(at), ITEM_WORDS))


def stop_at_unclosed_text(tokens: Tokens) -> Tokens:
    '''The tokens up to a `"""` that is never closed, all of them when there is none.

    A forgotten `"""` pairs with the next one in the file, so what is left open is often not the
    culprit. The first text block that holds the beginning of an item is.
    '''
    if UNCLOSED_TEXT not in tokens.kinds:
        return tokens
    texts = [at for at, kind in enumerate(tokens.kinds) if kind in {"TEXT", UNCLOSED_TEXT}]
    culprit = next((at for at in texts if ITEM_LINE.search(tokens.text(at))), texts[-1])
    return Tokens(
        tokens.source,
        [*tokens.kinds[:culprit], UNCLOSED_TEXT],
        tokens.starts[: culprit + 1],
        tokens.ends[: culprit + 1],
    )
