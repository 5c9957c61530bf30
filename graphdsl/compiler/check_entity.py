"""Declarations of models and pools."""

from __future__ import annotations

from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.check_block import Entries, entries_of, require
from graphdsl.compiler.check_capabilities import check_option_needs
from graphdsl.compiler.check_members import check_members
from graphdsl.compiler.check_option import check_option
from graphdsl.compiler.entities import literal
from graphdsl.compiler.report import error, instead
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Diagnostic, Help, Span, TextEdit
from graphdsl.errors import BackendError
from graphdsl.ir.backends import COMPOSITES, BackendKind, Option, backend_kind, backend_names
from graphdsl.ir.option_rules import Conflict, conflict
from graphdsl.syntax import tree

_EXAMPLES: Final = {
    "backend": "backend = embedded",
    "name": 'name = "smollm2-135m"',
    "models": "models = [one, other]",
    "bank": 'bank = "bank.jsonl"',
    "base_url": 'base_url = "http://127.0.0.1:8000/v1"',
}
_REPAIR: Final = ("repair, update or uninstall the package, or take another backend",)
_NAME: Final = Option("name", "text", "its name")


def check_model(model: tree.Model, frame: Frame) -> None:
    """Check the block of a model against its backend."""
    what = f"model `{model.name.text}`"
    backend = _backend(model, what, frame)
    if backend is None:
        return
    own = () if backend.name in COMPOSITES else (_NAME,)
    options = (*own, *backend.options)
    keys = ("backend", *(option.name for option in options))
    found = entries_of(model.entries, keys, f"a model of `{backend.name}`", frame)
    required = (*(("name",) if backend.named else ()), *backend.required)
    examples = {key: _EXAMPLES.get(key, f"{key} = …") for key in required}
    require(required, found, model.entries, model.name, what, examples, frame)
    for option in options:
        if option.name not in found:
            continue
        if option.kind == "models":
            check_members(model, option, found[option.name].value, frame)
        else:
            check_option(option, found[option.name].value, frame)
    _check_conflict(backend, found, model, frame)
    check_option_needs(model, frame)


def _backend(model: tree.Model, what: str, frame: Frame) -> BackendKind | None:
    entry = next((entry for entry in model.entries if entry.key.text == "backend"), None)
    if entry is None:
        require(("backend",), {}, (), model.name, what, _EXAMPLES, frame)
        return None
    name = literal(entry.value)
    named = isinstance(entry.value, tree.Ref | tree.String)
    try:
        kind = backend_kind(name) if named else None
    except BackendError as broken:
        frame.report(error(codes.UNKNOWN_BACKEND, str(broken), entry.value.span, helps=_REPAIR))
        return None
    if kind is not None and isinstance(entry.value, tree.Ref):
        return kind
    frame.report(_unknown_backend(str(name) if named else "", kind, entry.value.span))
    return None


def _unknown_backend(name: str, kind: BackendKind | None, at: Span) -> Diagnostic:
    if kind is not None:
        helps = (Help(f"write it without quotes: `{name}`", TextEdit(at, name)),)
        message = "a backend is a word, not a text"
    else:
        helps = instead(name, backend_names(), at, "the backends are")
        message = f"there is no backend `{name}`" if name else "a backend is a word"
    return error(codes.UNKNOWN_BACKEND, message, at, helps=helps)


def _check_conflict(backend: BackendKind, found: Entries, model: tree.Model, frame: Frame) -> None:
    """Report options that do not go together."""
    run = literal(found["run"].value) if "run" in found else None
    wrong = conflict(backend, found, run)
    if wrong is not None:
        code = codes.MISSING_KEY if wrong.missing else codes.WRONG_OPTION
        at = found["run"].span if wrong.missing else found[wrong.option].span
        frame.report(error(code, wrong.reason, at, helps=(_mended(wrong, found),)))


def _mended(wrong: Conflict, found: Entries) -> Help:
    if not wrong.better:
        return Help(wrong.help)
    return Help(wrong.help, TextEdit(found[wrong.other].value.span, wrong.better))


def check_pool(pool: tree.Pool, frame: Frame) -> None:
    """Check that a pool has members, all of them models or pools, and does not hold itself."""
    check_members(pool, None, pool.members, frame)
