"""Warnings about what a program does not use, cannot feel, or should not hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.check_names import kind_of
from graphdsl.compiler.program import Module
from graphdsl.compiler.report import warning
from graphdsl.compiler.scope import Binding
from graphdsl.compiler.session import Session
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.hidden import KEY
from graphdsl.syntax import tree

_ENTITIES: Final = (tree.Model, tree.Pool, tree.Prompt, tree.Memory)


def warn_unused_names(session: Session) -> None:
    """Names of a flow that nothing uses, or whose use changes nothing."""
    live = _reached([*session.roots, *(binding for binding in session.bindings if binding.effect)])
    unused = [b for b in session.bindings if b not in live and not b.used and not _exempt(b)]
    behind = _reached(unused)
    for binding in session.bindings:
        if binding in live or _exempt(binding):
            continue
        if not binding.used:
            session.report(_unused(binding))
        elif binding not in behind:
            session.report(_no_influence(binding))


def _exempt(binding: Binding) -> bool:
    return binding.quiet or binding.name.startswith("_")


def _reached(start: Iterable[Binding]) -> set[Binding]:
    """Bindings that these are computed from, themselves included."""
    reached: set[Binding] = set()
    waiting = list(start)
    while waiting:
        binding = waiting.pop()
        if binding not in reached:
            reached.add(binding)
            waiting.extend(binding.reads)
    return reached


def _unused(binding: Binding) -> Diagnostic:
    return warning(
        codes.UNUSED_NAME,
        f"{binding.what} `{binding.name}` is never used",
        binding.span,
        "unused",
        helps=(f"use it, remove it, or call it `_{binding.name}`",),
    )


def _no_influence(binding: Binding) -> Diagnostic:
    return warning(
        codes.NO_INFLUENCE,
        f"{binding.what} `{binding.name}` cannot influence the result of the flow",
        binding.span,
        "computed for nothing",
        notes=("what is computed from it is never used either",),
        helps=("use it on the way to `return`, or remove it",),
    )


def warn_unused_declarations(module: Module, session: Session, shared: bool) -> None:
    """Imports that a file does not use; other declarations when no other file could use them."""
    for item in module.file.items:
        used = id(item) in session.used
        if isinstance(item, tree.Import) and not used:
            session.report(_unused_item(item.alias, "import", codes.UNUSED_IMPORT))
        if isinstance(item, _ENTITIES) and not used and not shared:
            session.report(_unused_item(item.name, kind_of(item), codes.UNUSED_DECLARATION))


def _unused_item(name: tree.Name, what: str, code: str) -> Diagnostic:
    helps = (f"use it, remove it, or call it `_{name.text}`",)
    return warning(code, f"{what} `{name.text}` is never used", name.span, "unused", helps=helps)


def warn_secrets(modules: Sequence[Module], session: Session) -> None:
    """Texts that look like the key of a service: files are shared and kept."""
    for module in modules:
        for found in KEY.finditer(module.source.text):
            session.report(
                warning(
                    codes.SECRET,
                    "this looks like an API key, and a program is no place for one",
                    Span(module.source.name, found.start(), found.end()),
                    "a secret?",
                    helps=("withdraw the key, and keep new ones in the environment",),
                )
            )
