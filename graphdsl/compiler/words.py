"""Which words an argument may be: written there, of a hole, or by a name of the flow."""

from __future__ import annotations

from collections.abc import Collection

from graphdsl.compiler.scope import Binding
from graphdsl.compiler.session import Frame
from graphdsl.ir.types import SCORER
from graphdsl.syntax import tree


def words_now(expr: tree.Expr, words: Collection[str], frame: Frame) -> tuple[str, ...] | None:
    """The words that an argument may be under what is known of the flow's parameters here.

    `words` are those that a bare name may be. None where they are not known, or it is no word.
    """
    return _words(expr, words, frame, ever=False)


def words_ever(expr: tree.Expr, words: Collection[str], frame: Frame) -> tuple[str, ...] | None:
    """The same, but callers may give a parameter of the flow any word: then None."""
    return _words(expr, words, frame, ever=True)


def _words(
    expr: tree.Expr, words: Collection[str], frame: Frame, *, ever: bool
) -> tuple[str, ...] | None:
    match expr:
        case tree.Ref():
            if is_word(expr, words, frame):
                return (str(expr),)
            binding = frame.scope.find(expr.parts[0].text)
            return None if binding is None else _bound(original(binding, frame), ever=ever)
        case tree.Hole(value=value, domain=tree.ListExpr(items=items)):
            parts = [_words(item, words, frame, ever=ever) for item in (value, *items)]
            known = [part for part in parts if part is not None]
            found = (word for part in known for word in part)
            return tuple(dict.fromkeys(found)) if len(known) == len(parts) else None
        case _:
            return None


def is_word(ref: tree.Ref, words: Collection[str], frame: Frame) -> bool:
    """True for a bare word. Only a name that stands for words itself comes before it."""
    if str(ref) not in words:
        return False
    binding = frame.scope.find(str(ref))
    return binding is None or binding.type != SCORER


def original(binding: Binding, frame: Frame) -> Binding:
    """The name that a name stands for which is bound to nothing but another one."""
    while binding.what == "name" and len(binding.values) == 1:
        (value,) = binding.values
        head = value.parts[0].text if isinstance(value, tree.Ref) else ""
        found = frame.scope.find(head)
        if found is None or found is binding:
            break
        binding = found
    return binding


def _bound(binding: Binding, *, ever: bool) -> tuple[str, ...] | None:
    open_to_callers = binding.what == "parameter" and ever
    return None if open_to_callers or not binding.words else binding.words
