"""Operators on lists of any items."""

from __future__ import annotations

from typing import Final

from graphdsl.ir.types import NUMBER, UNKNOWN, ListOf, OptionalOf
from graphdsl.ops.signature import Operator, Param
from graphdsl.ops.signatures.results import always, end, item, present, same
from graphdsl.ops.signatures.shared import ITEMS

LISTS_OPERATORS: Final = (
    Operator(
        "first",
        "The first item. An empty list has none: then a failed draft where it is a list of drafts, "
        "else absent (the type is `T?`).",
        (Param("items", "a list", (ITEMS,)),),
        end("items"),
        typed=True,
    ),
    Operator(
        "last",
        "The last item. An empty list has none: then a failed draft where it is a list of drafts, "
        "else absent (the type is `T?`).",
        (Param("items", "a list", (ITEMS,)),),
        end("items"),
        typed=True,
    ),
    Operator(
        "otherwise",
        "The value, or the default where it is absent.",
        (
            Param("value", "what may be absent", (OptionalOf(UNKNOWN),)),
            Param("default", "what takes its place, of the same type", (UNKNOWN,)),
        ),
        present,
        positional=2,
    ),
    Operator(
        "take",
        "The first `count` items.",
        (
            Param("items", "a list", (ITEMS,)),
            Param("count", "how many", (NUMBER,), static=True, low=0, integer=True),
        ),
        same("items"),
        positional=2,
    ),
    Operator(
        "concat",
        "Lists one after the other.",
        (Param("lists", "two or more lists of one type", (ITEMS,), rest=True),),
        same("0"),
    ),
    Operator(
        "append",
        "A list with one more item at its end.",
        (Param("items", "a list", (ITEMS,)), Param("item", "what to add", (UNKNOWN,))),
        same("items"),
        positional=2,
    ),
    Operator(
        "count",
        "How many items a list has.",
        (Param("items", "a list", (ITEMS,)),),
        always(NUMBER),
        unordered=frozenset({"items"}),
    ),
    Operator(
        "mean",
        "The arithmetic mean of numbers; those that are absent do not count, and of none there is "
        "no mean.",
        (Param("items", "numbers", (ListOf(NUMBER), ListOf(OptionalOf(NUMBER)))),),
        always(OptionalOf(NUMBER)),
    ),
    Operator(
        "flatten",
        "The items of all lists of a list, in order.",
        (Param("lists", "a list of lists", (ListOf(ITEMS),)),),
        item("lists"),
    ),
    Operator(
        "reverse",
        "The items from the last to the first.",
        (Param("items", "a list", (ITEMS,)),),
        same("items"),
    ),
    Operator(
        "drop",
        "All but the first `count` items.",
        (
            Param("items", "a list", (ITEMS,)),
            Param("count", "how many", (NUMBER,), static=True, low=0, integer=True),
        ),
        same("items"),
        positional=2,
    ),
)
