"""Lists and texts: operators that only rearrange what they get."""

from __future__ import annotations

from graphdsl.ops.candidates import no_answer
from graphdsl.ops.context import Args
from graphdsl.values import Value, as_text


def first(args: Args) -> Value:
    """The first item; of an empty list a failed draft, whose text is empty."""
    items = args["items"]
    return items[0] if items else no_answer(())


def last(args: Args) -> Value:
    """The last item; of an empty list a failed draft, whose text is empty."""
    items = args["items"]
    return items[-1] if items else no_answer(())


def take(args: Args) -> Value:
    """The first `count` items."""
    return args["items"][: int(args["count"])]


def concat(args: Args) -> Value:
    """Lists one after the other: the inputs `0`, `1`, … in order."""
    numbers = sorted(int(name) for name in args if name.isdecimal())
    return tuple(item for number in numbers for item in args[str(number)] or ())


def append(args: Args) -> Value:
    """A list with one more item at its end."""
    return (*args["items"], args["item"])


def count(args: Args) -> Value:
    """How many items a list has."""
    return len(args["items"])


def texts(args: Args) -> Value:
    """The text of every item, as a prompt would show it."""
    return tuple(as_text(item) for item in args["items"])


def join(args: Args) -> Value:
    """Texts as one text; empty ones are left out."""
    separator = args.get("separator")
    parts = (as_text(item) for item in args["texts"])
    return ("\n\n" if separator is None else separator).join(part for part in parts if part)


def contains(args: Args) -> Value:
    """Whether a text holds another, ignoring case."""
    return as_text(args["part"]).casefold() in as_text(args["text"]).casefold()
