"""Types of the language: what travels along an edge, and what fits where.

`assignable` is the whole coercion rule of the language; it is deliberately short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Named:
    """A built-in type, by name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListOf:
    """An ordered list."""

    item: Type

    def __str__(self) -> str:
        return f"List[{self.item}]"


@dataclass(frozen=True, slots=True)
class OptionalOf:
    """A value that may be absent, written `T?`."""

    item: Type

    def __str__(self) -> str:
        return f"{self.item}?"


@dataclass(frozen=True, slots=True)
class RecordOf:
    """Named fields in declaration order, written `{ a: Text, b: Number }`."""

    fields: tuple[tuple[str, Type], ...]

    def __str__(self) -> str:
        inner = ", ".join(f"{name}: {kind}" for name, kind in self.fields)
        return f"{{ {inner} }}" if inner else "{}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """The type of something already reported: fits everywhere, so one cause gives one report."""

    def __str__(self) -> str:
        return "?"


Type = Named | ListOf | OptionalOf | RecordOf | Unknown

TEXT: Final = Named("Text")
NUMBER: Final = Named("Number")
BOOL: Final = Named("Bool")
DRAFT: Final = Named("Draft")
VERDICT: Final = Named("Verdict")
ANSWER: Final = Named("Answer")
DOC: Final = Named("Doc")
DOCS: Final = Named("Docs")
MESSAGES: Final = Named("Messages")
DRAFTS: Final = ListOf(DRAFT)
TEXTS: Final = ListOf(TEXT)
UNKNOWN: Final = Unknown()

MODEL: Final = Named("Model")
MODELS: Final = Named("Models")
PROMPT: Final = Named("Prompt")
SCORER: Final = Named("Scorer")
MEMORY: Final = Named("Memory")
FLOW: Final = Named("Flow")

VALUE_TYPES: Final = (TEXT, NUMBER, BOOL, DRAFT, VERDICT, ANSWER, DOC, DOCS, MESSAGES)
"""Types of run-time values that a file may name."""

ENTITY_TYPES: Final = (MODEL, MODELS, PROMPT, SCORER, MEMORY, FLOW)
"""Compile-time types: a parameter of one of these is fixed when the flow is specialised."""

FIELDS: Final[dict[Named, dict[str, Type]]] = {
    DRAFT: {
        "text": TEXT,
        "answer": ANSWER,
        "score": NUMBER,
        "confidence": NUMBER,
        "finish": TEXT,
        "model": TEXT,
        "tokens": NUMBER,
        "complete": BOOL,
        "mean_logprob": NUMBER,
        "tie": BOOL,
    },
    VERDICT: {"passed": BOOL, "reason": TEXT, "score": NUMBER, "answer": ANSWER},
    ANSWER: {"text": TEXT, "confidence": NUMBER, "tie": BOOL},
    DOC: {"text": TEXT, "score": NUMBER},
}
"""Fields that `.name` reads from a built-in type. A missing number reads as absent (null)."""

_COERCIONS: Final = {
    (DRAFT, TEXT),
    (DRAFT, ANSWER),
    (ANSWER, TEXT),
    (TEXT, ANSWER),
    (NUMBER, TEXT),
    (NUMBER, ANSWER),
    (BOOL, TEXT),
    (DOC, TEXT),
    (DOCS, TEXT),
    (MESSAGES, TEXT),
    (VERDICT, TEXT),
    (TEXT, MESSAGES),
    (DRAFT, MESSAGES),
    (ANSWER, MESSAGES),
    (MODEL, MODELS),
}


def assignable(source: Type, target: Type) -> bool:
    """True when a value of `source` may stand where `target` is wanted.

    Besides equality: the text of a draft, answer, number, document or verdict is its Text; a
    Text is a one-turn prompt; `T` fits `T?`; lists and records go item by item; `Docs` is a
    `List[Doc]`.

    >>> assignable(DRAFT, TEXT), assignable(TEXT, DRAFT), assignable(TEXT, OptionalOf(TEXT))
    (True, False, True)
    """
    if isinstance(source, Unknown) or isinstance(target, Unknown) or source == target:
        return True
    match source, target:
        case _, OptionalOf(item):
            return assignable(source.item if isinstance(source, OptionalOf) else source, item)
        case ListOf(a), ListOf(b):
            return assignable(a, b)
        case RecordOf(a), RecordOf(b):
            have = dict(a)
            return all(name in have and assignable(have[name], kind) for name, kind in b)
        case Named(), Named():
            return (source, target) in _COERCIONS
        case (Named("Docs"), ListOf(item)):
            return assignable(DOC, item)
        case (ListOf(item), Named("Docs")):
            return item == DOC
        case _:
            return False


def join(a: Type, b: Type) -> Type | None:
    """The one type that both branches of an `if`, `choice` or `optional` can have, if any.

    >>> str(join(DRAFT, TEXT)), join(DRAFTS, TEXT)
    ('Text', None)
    """
    if assignable(a, b):
        return b if not isinstance(b, Unknown) else a
    return a if assignable(b, a) else None
