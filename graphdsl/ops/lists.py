"""Lists and texts: operators that only rearrange what they get."""

from __future__ import annotations

from math import fsum

from graphdsl.ops.candidates import no_answer
from graphdsl.ops.context import Args
from graphdsl.ops.limits import bounded, joined, text_of
from graphdsl.values import Value, as_text


def first(args: Args) -> Value:
    """The first item; of an empty list what `_nothing` says."""
    items = args["items"]
    return items[0] if items else _nothing(args)


def last(args: Args) -> Value:
    """The last item; of an empty list what `_nothing` says."""
    items = args["items"]
    return items[-1] if items else _nothing(args)


def _nothing(args: Args) -> Value:
    """A failed draft, whose text is empty, where `type` says that it must be a draft; else None."""
    return no_answer(()) if args.get("type") == "Draft" else None


def otherwise(args: Args) -> Value:
    """The value, or the default where it is absent."""
    value = args["value"]
    return args["default"] if value is None else value


def take(args: Args) -> Value:
    """The first `count` items."""
    return args["items"][: int(args["count"])]


def concat(args: Args) -> Value:
    """Lists one after the other: the inputs `0`, `1`, … in order."""
    numbers = sorted(int(name) for name in args if name.isdecimal())
    return bounded(*(args[str(number)] or () for number in numbers))


def append(args: Args) -> Value:
    """A list with one more item at its end."""
    return bounded(args["items"], (args["item"],))


def count(args: Args) -> Value:
    """How many items a list has."""
    return len(args["items"])


def flatten(args: Args) -> Value:
    """The items of all lists of a list, in order; an absent list has none."""
    return bounded(*(items or () for items in args["lists"]))


def reverse(args: Args) -> Value:
    """The items from the last to the first."""
    return tuple(reversed(args["items"]))


def drop(args: Args) -> Value:
    """All but the first `count` items."""
    return args["items"][int(args["count"]) :]


def mean(args: Args) -> Value:
    """The arithmetic mean of the numbers that are there; absent where there is none."""
    known = [float(item) for item in args["items"] if item is not None and item == item]
    return fsum(known) / len(known) if known else None


def texts(args: Args) -> Value:
    """The text of every item, as a prompt would show it."""
    return tuple(text_of(item) for item in args["items"])


def join(args: Args) -> Value:
    """Texts as one text; empty ones are left out. Raises `PromptError` when it grows too long."""
    separator = args.get("separator")
    parts = (text_of(item) for item in args["texts"])
    return joined((part for part in parts if part), "\n\n" if separator is None else separator)


def contains(args: Args) -> Value:
    """Whether a text holds another, ignoring case."""
    return as_text(args["part"]).casefold() in as_text(args["text"]).casefold()
