"""How long the lists are at most that operators make, by the lists that they are given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphdsl.compiler.list_shapes import (
    NOTHING,
    SINGLE,
    UNKNOWN,
    Shape,
    either,
    least,
    listing,
    of_type,
)
from graphdsl.ops.signature import Attrs, Operator
from graphdsl.ops.signatures.bounds import most_found, size


def made(
    operator: Operator,
    attrs: Attrs,
    given: Mapping[str, Shape],
    unsure: Collection[str] = (),
) -> Shape:
    """What an operator makes of these edges.

    `unsure` are static arguments that are given but not known, which then limit nothing.
    """
    rule = _RULES.get(operator.name)
    if rule is not None:
        return rule(_Call(operator, attrs, given, unsure))
    return of_type(operator.result({}))


@dataclass(frozen=True, slots=True)
class _Call:
    operator: Operator
    attrs: Attrs
    given: Mapping[str, Shape]
    unsure: Collection[str] = field(default=())

    def shape(self, name: str) -> Shape:
        return self.given.get(name, UNKNOWN)

    def number(self, name: str) -> int | None:
        """A static number; None where it is not given or not known."""
        value = self.attrs.get(name)
        return int(value) if isinstance(value, int | float) else None

    def sure(self, *names: str) -> bool:
        """True when these are known, or not given."""
        return not any(name in self.unsure for name in names)

    def sized(self) -> dict[str, Any]:
        """The attributes with the length that the operator is told."""
        edge = self.shape(self.operator.sized or "").drafts
        return {**self.attrs} | ({} if edge is None else {"most": edge})


def _generated(call: _Call) -> Shape:
    models, samples = call.attrs.get("models"), call.number("samples")
    if not models or samples is None or not call.sure("temperature"):
        return listing(None, SINGLE)
    return listing(call.operator.calls(call.attrs).high, SINGLE)


def _continued(call: _Call) -> Shape:
    if call.number("samples") is None:
        return listing(None, SINGLE)
    return listing(call.operator.calls(call.sized()).high, SINGLE)


def _looked_at(call: _Call) -> Shape:
    """The drafts that an operator with `up_to` looks at."""
    return listing(size(call.sized()), SINGLE)


def _grouped(call: _Call) -> Shape:
    if call.attrs.get("by") in ("embedding", "judge"):
        most: int | None = size(call.sized())
    else:
        most = least(call.shape("drafts").most, call.number("up_to"))
    return listing(most, listing(most, SINGLE))


def _searched(call: _Call) -> Shape:
    names = ("models", "policy", "unit", "width", "branch", "depth", "nodes", "sweeps")
    known = call.attrs.get("models") and call.sure(*names)
    return listing(most_found(call.attrs) if known else None, SINGLE)


def _selected(call: _Call) -> Shape:
    keep = call.number("keep")
    one = keep is None and call.attrs.get("method") not in (None, "threshold")
    limit = 1 if one and call.sure("keep") else keep
    return listing(least(call.shape("drafts").most, limit), SINGLE)


def _some(edge: str, limit: str | None = None) -> Callable[[_Call], Shape]:
    """The items of an edge, or the first so many of them, as they are."""

    def rule(call: _Call) -> Shape:
        whole = call.shape(edge)
        most = least(whole.most, None if limit is None else call.number(limit))
        return listing(most, whole.items)

    return rule


def _one_each(edge: str) -> Callable[[_Call], Shape]:
    """Something else for every item of an edge."""
    return lambda call: listing(call.shape(edge).most)


def _end(call: _Call) -> Shape:
    """An item; of a list that is certainly empty perhaps a draft that says so."""
    item = call.shape("items").items
    return UNKNOWN if item.nothing else item


def _executed(call: _Call) -> Shape:
    of = call.shape("of")
    return SINGLE if of.single else listing(of.most, SINGLE) if of.most is not None else UNKNOWN


def _dropped(call: _Call) -> Shape:
    whole = call.shape("items")
    gone = call.number("count") or 0
    return listing(None if whole.most is None else max(0, whole.most - gone), whole.items)


def _joined(call: _Call) -> Shape:
    parts = list(call.given.values())
    item = NOTHING
    for part in parts:
        item = either(item, part.items)
    known = [part.most for part in parts if part.most is not None]
    return listing(sum(known) if len(known) == len(parts) else None, item)


def _appended(call: _Call) -> Shape:
    whole = call.shape("items")
    most = None if whole.most is None else whole.most + 1
    return listing(most, either(whole.items, call.shape("item")))


def _flat(call: _Call) -> Shape:
    lists = call.shape("lists")
    inner = lists.items
    if lists.most == 0 or lists.most is None or inner.most is None:
        return listing(lists.most if lists.most == 0 else None, inner.items)
    return listing(lists.most * inner.most, inner.items)


def _recalled(call: _Call) -> Shape:
    return listing(call.number("top"))


_RULES: Final[Mapping[str, Callable[[_Call], Shape]]] = {
    "generate": _generated,
    "continue": _continued,
    "score": _looked_at,
    "group": _grouped,
    "tree_search": _searched,
    "select": _selected,
    "complete": _some("drafts"),
    "passing": _some("drafts"),
    "scored": _some("drafts"),
    "conformal": _some("drafts"),
    "shortest": _some("drafts", "keep"),
    "rank": _some("drafts", "keep"),
    "race": _some("drafts", "take"),
    "rerank": _some("docs", "keep"),
    "texts": _one_each("items"),
    "critique": _one_each("drafts"),
    "unit_tests": _one_each("drafts"),
    "exec": _executed,
    "recall": _recalled,
    "recall_concepts": _recalled,
    "first": _end,
    "last": _end,
    "otherwise": lambda call: either(call.shape("value"), call.shape("default")),
    "take": _some("items", "count"),
    "reverse": _some("items"),
    "drop": _dropped,
    "concat": _joined,
    "append": _appended,
    "flatten": _flat,
}
"""What operators make, but for those of which their type tells all."""
