"""Declarations of models, pools and memories."""

from __future__ import annotations

from typing import Any

from graphdsl.compiler import codes
from graphdsl.compiler.check_block import entries_of, require
from graphdsl.compiler.check_capabilities import check_option_needs
from graphdsl.compiler.check_expression import report_misplaced_hole
from graphdsl.compiler.check_names import entity_type, find_entity, report_unknown
from graphdsl.compiler.entities import literal
from graphdsl.compiler.program import Module
from graphdsl.compiler.report import error, instead
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Label
from graphdsl.ir.backends import BACKENDS, BackendKind, Option
from graphdsl.syntax import tree

_KEYS = ("backend", "name")
_EXAMPLES = {"backend": "backend = embedded", "name": 'name = "smollm2-135m"'}
_ARTICLES = {
    "number": "a number",
    "int": "a whole number",
    "text": "a text",
    "bool": "`true` or `false`",
    "texts": "a list of texts",
}


def check_model(model: tree.Model, frame: Frame) -> None:
    """Check the block of a model against its backend."""
    what = f"model `{model.name.text}`"
    backend = _backend(model, what, frame)
    if backend is None:
        return
    options = tuple(option.name for option in backend.options)
    found = entries_of(model.entries, (*_KEYS, *options), f"a model of `{backend.name}`", frame)
    required = ("name",) if backend.name != "simulated" else ()
    require(required, found, model.entries, model.name, what, _EXAMPLES, frame)
    if "name" in found:
        _option(Option("name", "text", "its name"), found["name"].value, frame)
    for option in backend.options:
        if option.name in found:
            _option(option, found[option.name].value, frame)
    check_option_needs(model, frame)


def _backend(model: tree.Model, what: str, frame: Frame) -> BackendKind | None:
    entry = next((entry for entry in model.entries if entry.key.text == "backend"), None)
    if entry is None:
        require(("backend",), {}, (), model.name, what, _EXAMPLES, frame)
        return None
    name = literal(entry.value)
    known = isinstance(entry.value, tree.Ref | tree.String) and name in BACKENDS
    if known and isinstance(entry.value, tree.Ref):
        return BACKENDS[str(name)]
    shown = f"there is no backend `{name}`" if not known else "a backend is a word, not a text"
    span = entry.value.span
    helps = instead(str(name), BACKENDS, span, "the backends are")
    frame.report(error(codes.UNKNOWN_BACKEND, shown, span, helps=helps))
    return None


def _option(option: Option, value: tree.Expr, frame: Frame) -> None:
    if isinstance(value, tree.Hole):
        report_misplaced_hole(value, frame)
        return
    wrong = _wrong_kind(option, value) or _wrong_range(option, literal(value))
    if wrong:
        message = f"`{option.name}` must be {wrong}"
        helps = (f'put it in quotes: `"{value}"`',) if _bare_text(option, value) else ()
        notes = (f"it is {option.doc}",)
        frame.report(error(codes.WRONG_OPTION, message, value.span, notes=notes, helps=helps))
    elif option.words and isinstance(value, tree.ListExpr):
        _words(option, value, frame)


def _bare_text(option: Option, value: tree.Expr) -> bool:
    return option.kind == "text" and isinstance(value, tree.Ref)


def _words(option: Option, value: tree.ListExpr, frame: Frame) -> None:
    """Report the first text that is none of the option's words."""
    texts = (item for item in value.items if isinstance(item, tree.String))
    wrong = next((text for text in texts if text.value not in option.words), None)
    if wrong is not None:
        quoted = [f'"{word}"' for word in option.words]
        helps = instead(f'"{wrong.value}"', quoted, wrong.span, "the words are")
        message = f"`{option.name}` cannot hold `{wrong.value}`"
        frame.report(error(codes.WRONG_OPTION, message, wrong.span, helps=helps))


def _wrong_kind(option: Option, value: tree.Expr) -> str:
    match option.kind:
        case "number":
            fits = isinstance(value, tree.Number)
        case "int":
            fits = isinstance(value, tree.Number) and isinstance(value.value, int)
        case "text":
            fits = isinstance(value, tree.String)
        case "bool":
            fits = isinstance(value, tree.Bool)
        case _:
            fits = isinstance(value, tree.ListExpr) and all(
                isinstance(item, tree.String) for item in value.items
            )
    return "" if fits else _ARTICLES[option.kind]


def _wrong_range(option: Option, value: Any) -> str:
    low = option.low is not None and value < option.low
    high = option.high is not None and value > option.high
    if not low and not high:
        return ""
    if option.high is None:
        return f"at least {option.low:g}"
    return f"from {_number(option.low or 0)} to {_number(option.high)}"


def _number(number: float) -> str:
    return f"{int(number):_}" if float(number).is_integer() else f"{number:g}"


def check_memory(memory: tree.Memory, frame: Frame) -> None:
    """Check the block of a memory."""
    found = entries_of(memory.entries, ("store",), "a memory", frame)
    if "store" in found:
        _option(Option("store", "text", "the path of its file"), found["store"].value, frame)


def check_pool(pool: tree.Pool, frame: Frame) -> None:
    """Check that a pool has members, all of them models or pools, and does not hold itself."""
    if not pool.members.items:
        message = f"pool `{pool.name.text}` is empty"
        helps = ("name models or pools: `[tiny, other]`",)
        frame.report(error(codes.EMPTY_POOL, message, pool.members.span, helps=helps))
    for item in pool.members.items:
        _member(item, pool, frame)


def _member(item: tree.Expr, pool: tree.Pool, frame: Frame) -> None:
    if isinstance(item, tree.Hole):
        report_misplaced_hole(item, frame)
        return
    if not isinstance(item, tree.Ref):
        _not_a_member(item, "this", None, frame)
        return
    found = find_entity(item, frame)
    if found is None:
        declared = frame.module.declarations.items()
        names = [name for name, d in declared if isinstance(d, tree.Model | tree.Pool)]
        report_unknown(item, frame, names, "model or pool")
    elif not isinstance(found[1], tree.Model | tree.Pool):
        kind = str(entity_type(found[1]))
        _not_a_member(item, f"`{item}` is a `{kind}`: it", found[1].name, frame)
    elif isinstance(found[1], tree.Pool) and _holds(found[0], found[1], pool):
        message = f"pool `{pool.name.text}` holds itself"
        frame.report(error(codes.POOL_IN_ITSELF, message, item.span, "through this member"))


def _not_a_member(item: tree.Expr, what: str, place: tree.Name | None, frame: Frame) -> None:
    frame.report(
        error(
            codes.NOT_IN_A_POOL,
            f"{what} cannot be in a pool, which holds models and pools",
            item.span,
            "not a model or pool",
            secondary=() if place is None else (Label(place.span, "declared here"),),
        )
    )


def _holds(module: Module, start: tree.Pool, wanted: tree.Pool) -> bool:
    """True when `wanted` is `start`, or somewhere within it."""
    seen: set[int] = set()
    waiting = [(module, start)]
    while waiting:
        where, pool = waiting.pop()
        if pool is wanted:
            return True
        if id(pool) in seen:
            continue
        seen.add(id(pool))
        refs = (item for item in pool.members.items if isinstance(item, tree.Ref))
        found = (where.find(ref) for ref in refs)
        waiting.extend((w, d) for w, d in filter(None, found) if isinstance(d, tree.Pool))
    return False
