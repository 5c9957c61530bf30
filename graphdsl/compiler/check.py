"""The checker: a source in, its modules with types and every diagnostic out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.call_graph import order
from graphdsl.compiler.check_bounds import check_budgets, check_scopes, check_size
from graphdsl.compiler.check_entity import check_model, check_pool
from graphdsl.compiler.check_flow import check_flow
from graphdsl.compiler.check_joins import check_joins, warn_idle_stops
from graphdsl.compiler.check_memory import check_memories, check_memory, warn_memories
from graphdsl.compiler.check_money import check_money
from graphdsl.compiler.check_prompt import check_prompt
from graphdsl.compiler.check_sampling import warn_same_samples
from graphdsl.compiler.check_search import check_search
from graphdsl.compiler.check_settings import warn_idle_settings
from graphdsl.compiler.check_test import check_test
from graphdsl.compiler.check_trees import check_trees, warn_uneven_beams
from graphdsl.compiler.check_weights import warn_negative_weights
from graphdsl.compiler.entities import UNITS
from graphdsl.compiler.modules import STD, imported, is_std, load, name_of
from graphdsl.compiler.program import Checked, Module
from graphdsl.compiler.report import error
from graphdsl.compiler.session import Frame, Session
from graphdsl.compiler.warnings import (
    warn_secrets,
    warn_unused_declarations,
    warn_unused_names,
)
from graphdsl.diagnostics import Diagnostic, Source, Span, has_errors
from graphdsl.ops.registry import OPERATORS
from graphdsl.syntax import tree

_TAKEN: Final = frozenset({*OPERATORS, *UNITS, STD})


def check(source: Source, folder: Path | None = None) -> Checked:
    """Check a program: names, types, holes, bounds, prompts, entities, search and test blocks.

    `folder` is where relative paths of `source` start; None for a text without a file. Never
    raises on any text. Files with syntax errors are not checked further, and warnings are given
    only for programs without errors. Diagnostics are in the order of the text, file by file.
    """
    module, found, sources = load(source, folder)
    session = Session()
    syntax = any(item.code.startswith(("GD01", "GD070")) for item in found if item.is_error)
    if module is not None and not syntax:
        try:
            _check(module, has_errors(found), session)
        except RecursionError:
            session.report(_too_deep(source))
    everything = (*found, *session.diagnostics)
    errors = [item for item in everything if item.is_error]
    return Checked(module, _sorted(errors or everything, sources), sources, session.types)


def _check(main: Module, broken: bool, session: Session) -> None:
    modules = [module for module in imported(main) if module is main or not is_std(module)]
    flows = order(modules, session.diagnostics)
    for module in modules:
        _declarations(module, session)
    for module, flow in flows:
        check_flow(module, flow, session)
    for module in modules:
        _blocks(module, session)
    if broken or has_errors(session.diagnostics):
        return
    check_joins(flows, session)
    check_trees(flows, session)
    check_memories(modules, flows, session)
    if check_size(flows, session):
        counter = check_scopes(flows, session)
        for module in modules:
            for item in module.file.items:
                if isinstance(item, tree.Search):
                    check_budgets(item, Frame(session, module), counter)
        check_money(modules, flows, session)
    if not has_errors(session.diagnostics):
        _warn(modules, main, session)
        warn_idle_stops(flows, session)
        warn_uneven_beams(flows, session)
        warn_negative_weights(flows, session)
        warn_memories(modules, session)


def _declarations(module: Module, session: Session) -> None:
    frame = Frame(session, module)
    for item in module.file.items:
        if not isinstance(item, tree.Search | tree.Test):
            _taken(item, frame)
        match item:
            case tree.Model():
                check_model(item, frame)
            case tree.Pool():
                check_pool(item, frame)
            case tree.Memory():
                check_memory(item, frame)
            case tree.Prompt():
                check_prompt(item, frame)
            case _:
                pass


def _taken(item: tree.Item, frame: Frame) -> None:
    """Report a declaration with a name that the language has given already.

    A file of prompts alone may call them after operators: nothing in it calls either.
    """
    name = name_of(item)
    harmless = isinstance(item, tree.Prompt) and not frame.module.flows
    if name.text not in _TAKEN or harmless:
        return
    what = "an operator" if name.text in OPERATORS else "a word of the language"
    message = f"`{name.text}` is {what} and cannot be declared"
    helps = (f"choose another name, such as `my_{name.text}`",)
    frame.report(error(codes.TAKEN_NAME, message, name.span, "taken", helps=helps))


def _blocks(module: Module, session: Session) -> None:
    titles: dict[str, Span] = {}
    for item in module.file.items:
        if isinstance(item, tree.Search | tree.Test):
            _title(item, titles, session)
        if isinstance(item, tree.Search):
            check_search(item, Frame(session, module))
        elif isinstance(item, tree.Test):
            check_test(item, Frame(session, module))


def _title(item: tree.Search | tree.Test, titles: dict[str, Span], session: Session) -> None:
    """Searches and tests are chosen by name, so each kind has a name once."""
    from graphdsl.diagnostics import Label

    name = name_of(item)
    what = "search" if isinstance(item, tree.Search) else "test"
    key = f"{what} {name.text}"
    if key in titles:
        session.report(
            error(
                codes.DECLARED_TWICE,
                f"the file has the {what} `{name.text}` twice",
                name.span,
                "again here",
                secondary=(Label(titles[key], "first here"),),
                helps=("rename one of them",),
            )
        )
    titles.setdefault(key, name.span)


def _warn(modules: Sequence[Module], main: Module, session: Session) -> None:
    warn_unused_names(session)
    for module in modules:
        shared = module is not main or not module.flows
        warn_unused_declarations(module, session, shared)
    for module in modules:
        warn_same_samples(module, session)
        warn_idle_settings(module, session)
    warn_secrets(modules, session)


def _too_deep(source: Source) -> Diagnostic:
    message = "the program is nested too deeply to be checked"
    return error(codes.CALLS_TOO_DEEP, message, Span(source.name, 0, 0))


def _sorted(
    diagnostics: Sequence[Diagnostic], sources: Mapping[str, Source]
) -> tuple[Diagnostic, ...]:
    """In the order of the text, main file first; the same report is given once."""
    place = {name: index for index, name in enumerate(sources)}
    unique: dict[tuple[str, Span, str], Diagnostic] = {}
    for found in diagnostics:
        unique.setdefault((found.code, found.primary.span, found.message), found)
    return tuple(
        sorted(
            unique.values(),
            key=lambda found: (
                place.get(found.primary.span.source, -1),
                found.primary.span.start,
                found.code,
            ),
        )
    )
