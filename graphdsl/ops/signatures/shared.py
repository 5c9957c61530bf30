"""Parameters that several operators have."""

from __future__ import annotations

from typing import Final

from graphdsl.ir.types import DRAFTS, MODEL, NUMBER, PROMPT, TEXT, TEXTS, UNKNOWN, ListOf
from graphdsl.ops.signature import Param, When
from graphdsl.ops.signatures.words import WORDS

ITEMS: Final = ListOf(UNKNOWN)

DRAFTS_PARAM: Final = Param("drafts", "the candidates", (DRAFTS,))
BY: Final = Param("by", "the model that does it", (MODEL,), static=True)
QUESTION: Final = Param(
    "question",
    "what the drafts answer; default: the prompt that the first draft was generated from",
    (TEXT,),
    default=None,
)
USING: Final = Param("using", "critiques, one per draft, in the same order", (TEXTS,), default=None)
TEMPERATURE: Final = Param(
    "temperature",
    "sampling temperature; default: the model's own, else 0",
    (NUMBER,),
    default=None,
    static=True,
    low=0,
    high=5,
)
MAX_TOKENS: Final = Param(
    "max_tokens",
    "most tokens of one reply; default: the model's own",
    (NUMBER,),
    default=None,
    static=True,
    low=1,
    integer=True,
)
RETRIES: Final = Param(
    "retries",
    "how often to ask again when the reply cannot be parsed; each is a call",
    (NUMBER,),
    default=0,
    static=True,
    low=0,
    high=10,
    integer=True,
)
DEADLINE: Final = Param(
    "deadline",
    "how long it may take: samples that are late are cut off, and it goes on with what it has",
    (NUMBER,),
    default=None,
    static=True,
    units=("seconds", "minutes"),
)
TIMEOUT: Final = Param(
    "timeout",
    "how long one run of the code may take; default: 10 seconds",
    (NUMBER,),
    default=None,
    static=True,
    units=("seconds", "minutes"),
)
MIN_SUCCESS: Final = Param(
    "min_success",
    "how many drafts must be complete; with fewer the result is a failed draft that says so",
    (NUMBER,),
    default=None,
    static=True,
    low=1,
    integer=True,
)


def enough(doc: str) -> Param:
    """How many are enough."""
    return Param("enough", doc, (NUMBER,), default=None, static=True, low=1, integer=True)


def role(default: str, *provides: str) -> Param:
    """The role prompt of an operator that has one."""
    return role_of("prompt", default, *provides)


def role_of(
    name: str,
    default: str,
    *provides: str,
    when: When | None = None,
    reader: str | None = None,
) -> Param:
    """One of several role prompts; `reader` is the parameter whose models are asked with it."""
    doc = f"the role prompt; it may use {', '.join(f'`{word}`' for word in provides)}"
    return Param(
        name,
        doc,
        (PROMPT,),
        default=default,
        static=True,
        provides=provides,
        when=when,
        reader=reader,
    )


def by_word(doc: str, default: str = "text") -> Param:
    """What makes two answers equal."""
    return Param("by", doc, default=default, static=True, words=WORDS)


UP_TO: Final = Param(
    "up_to",
    "look at so many drafts at most and leave the others out; default: at all that there can be, "
    "or 64 where the program does not tell",
    (NUMBER,),
    default=None,
    static=True,
    low=1,
    high=100_000,
    integer=True,
)
