"""Memories: their blocks, writes that they cannot take, and searches that they would mislead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.call_graph import Caller, calls_in
from graphdsl.compiler.check_block import Entries, entries_of
from graphdsl.compiler.check_capabilities import check_embedder
from graphdsl.compiler.check_expression import report_misplaced_hole
from graphdsl.compiler.check_names import find_entity, report_unknown
from graphdsl.compiler.check_option import check_option
from graphdsl.compiler.check_search import entry_flow
from graphdsl.compiler.entities import is_group, literal
from graphdsl.compiler.list_lengths import given_of
from graphdsl.compiler.program import Module
from graphdsl.compiler.report import error, listed, warning
from graphdsl.compiler.session import Frame, Session
from graphdsl.diagnostics import Diagnostic, Label, Span
from graphdsl.ir.backends import Option
from graphdsl.ir.entities import EVALUATION_SPLITS, STATIC_EMBEDDER
from graphdsl.ir.types import MEMORY
from graphdsl.ops.registry import OPERATORS
from graphdsl.syntax import tree

_OPTIONS: Final = (
    Option("store", "text", "the path of its file"),
    Option("version", "int", "the version that it is frozen at", 0),
    Option("learns_from", "texts", "a list of the splits whose runs it takes entries from"),
)
_KEYS: Final = (*(option.name for option in _OPTIONS), "embed")


def check_memory(memory: tree.Memory, frame: Frame) -> None:
    """Check the block of a memory."""
    found = entries_of(memory.entries, _KEYS, "a memory", frame)
    for option in _OPTIONS:
        if option.name in found:
            check_option(option, found[option.name].value, frame)
    if "embed" in found:
        _embedder(found["embed"].value, frame)
    if "version" in found and "store" not in found:
        message = "`version` is that of a file, and this memory has none"
        helps = ('name the file: `store = "./lessons.db"`',)
        frame.report(error(codes.WRONG_OPTION, message, found["version"].span, helps=helps))
    if "learns_from" in found and literal(found["learns_from"].value) == ():
        _learns_from_nothing(found["learns_from"].span, frame)


def _learns_from_nothing(at: Span, frame: Frame) -> None:
    message = "a memory that learns from no split can be neither written nor read"
    helps = ('name a split: `learns_from = ["search"]`', "to only read it write `version = …`")
    frame.report(error(codes.WRONG_OPTION, message, at, helps=helps))


def _embedder(value: tree.Expr, frame: Frame) -> None:
    """One model that has embeddings, or the word of the static ones."""
    if isinstance(value, tree.Hole):
        report_misplaced_hole(value, frame)
        return
    if not isinstance(value, tree.Ref):
        frame.report(_no_embedder("`embed` is a word or the name of a model", value.span))
        return
    found = find_entity(value, frame)
    if found is None:
        if str(value) != STATIC_EMBEDDER:
            models = [name for name, item in frame.module.declarations.items() if _is_model(item)]
            report_unknown(value, frame, (STATIC_EMBEDDER, *models), "model")
    elif not isinstance(found[1], tree.Model) or is_group(found[1]):
        frame.report(_no_embedder(f"`{value}` is not one model", value.span))
    else:
        check_embedder(value, frame)


def _is_model(item: tree.Item) -> bool:
    return isinstance(item, tree.Model) and not is_group(item)


def _no_embedder(message: str, at: Span) -> Diagnostic:
    helps = (f"write `embed = {STATIC_EMBEDDER}`, or name a model that has `embeddings`",)
    return error(codes.WRONG_OPTION, message, at, helps=helps)


# ---- uses


@dataclass(frozen=True, slots=True)
class _Use:
    """A declared memory that a call of an operator, or of a flow, is given."""

    memory: tree.Memory
    call: tree.Call
    at: Span

    @property
    def writes(self) -> bool:
        """True for operators that keep something; flows have calls of their own."""
        operator = OPERATORS.get(str(self.call.callee))
        return operator is not None and operator.effect


def check_memories(modules: Sequence[Module], flows: Sequence[Caller], session: Session) -> None:
    """Report writes to frozen memories, and searches that see evaluation items through one."""
    for use in (use for flow in flows for use in _uses(*flow)):
        version = _entries(use.memory).get("version")
        if use.writes and version is not None:
            session.report(_frozen(use, version))
    for search, module in _searches(modules):
        for use in _first_of_each(_reached(search, module, session)):
            entry = _entries(use.memory).get("learns_from")
            splits = _evaluated(entry)
            if entry is not None and splits:
                session.report(_sees(search, use, entry, splits))


def warn_memories(modules: Sequence[Module], session: Session) -> None:
    """Warn of searches whose candidates change what later candidates read."""
    for search, module in _searches(modules):
        uses = list(_reached(search, module, session))
        read = {id(use.memory) for use in uses if not use.writes}
        changed = (use for use in uses if use.writes and id(use.memory) in read)
        for use in _first_of_each(changed):
            session.report(_moving(search, use))


def _searches(modules: Sequence[Module]) -> Iterator[tuple[tree.Search, Module]]:
    for module in modules:
        for item in module.file.items:
            if isinstance(item, tree.Search):
                yield item, module


def _reached(search: tree.Search, module: Module, session: Session) -> Iterator[_Use]:
    """The memories that runs of a search use, in the flows that they may call."""
    entry = next((one for one in search.entries if one.key.text == "flow"), None)
    found = None if entry is None else entry_flow(entry.value, Frame(session, module))
    waiting = [] if found is None else [found]
    seen: set[int] = set()
    while waiting:
        where, flow = waiting.pop(0)
        if id(flow) in seen:
            continue
        seen.add(id(flow))
        yield from _uses(where, flow)
        waiting += _mentioned_flows(where, flow)


def _mentioned_flows(module: Module, flow: tree.Flow) -> Iterator[Caller]:
    """The flows that a flow calls, or gives to others, also as a default."""
    for ref in (*(call.callee for call in calls_in(flow)), *_given(flow)):
        found = module.find(ref)
        if found is not None and isinstance(found[1], tree.Flow):
            yield found[0], found[1]


def _given(flow: tree.Flow) -> Iterator[tree.Ref]:
    """The names that calls of a flow are given, and that its parameters stand for by default."""
    for call in calls_in(flow):
        for arg in call.args:
            yield from _names(arg.value)
    for param in flow.params:
        if param.default is not None:
            yield from _names(param.default)


def _names(value: tree.Expr) -> Iterator[tree.Ref]:
    match value:
        case tree.Ref():
            yield value
        case tree.Hole(value=default, domain=tree.ListExpr(items=items)):
            for part in (default, *items):
                yield from _names(part)
        case _:
            return


def _uses(module: Module, flow: tree.Flow) -> Iterator[_Use]:
    """The calls of a flow that are given a memory, by name or through a parameter's default."""
    defaults = {param.name.text: param.default for param in flow.params}
    for call in calls_in(flow.body):
        operator = OPERATORS.get(str(call.callee))
        takes = None if operator is None else [p.name for p in operator.params if MEMORY in p.types]
        for name, value in given_of(call).items():
            if takes is None or name in takes:
                yield from _used(call, value, defaults, module)


def _used(
    call: tree.Call, value: tree.Expr, defaults: dict[str, tree.Expr | None], module: Module
) -> Iterator[_Use]:
    for ref in _names(value):
        default = defaults.get(str(ref)) if len(ref.parts) == 1 else None
        for name in (ref,) if default is None else _names(default):
            found = module.find(name)
            if found is not None and isinstance(found[1], tree.Memory):
                yield _Use(found[1], call, ref.span)


def _first_of_each(uses: Iterator[_Use]) -> list[_Use]:
    found: dict[int, _Use] = {}
    for use in uses:
        found.setdefault(id(use.memory), use)
    return list(found.values())


def _entries(memory: tree.Memory) -> Entries:
    return {entry.key.text: entry for entry in memory.entries}


def _evaluated(entry: tree.Entry | None) -> list[str]:
    """The evaluation splits that a memory learns from."""
    splits = () if entry is None else literal(entry.value)
    return [split for split in splits if split in EVALUATION_SPLITS]


# ---- what to say


def _frozen(use: _Use, version: tree.Entry) -> Diagnostic:
    name = use.memory.name.text
    return error(
        codes.FROZEN_MEMORY,
        f"memory `{name}` is frozen, so `{use.call.callee}` cannot write to it",
        use.at,
        "only read",
        secondary=(Label(version.span, "frozen here"),),
        helps=(
            "leave `version` away, or write to another memory",
            "to read an old version and write the newest, declare two memories of one `store`",
        ),
    )


def _sees(search: tree.Search, use: _Use, entry: tree.Entry, splits: Sequence[str]) -> Diagnostic:
    name = use.memory.name.text
    return error(
        codes.SEES_EVALUATION,
        f"search `{search.name.text}` could see evaluation items through memory `{name}`",
        entry.value.span,
        f"learns from {listed(splits)}",
        secondary=(Label(use.at, "the search uses it here"),),
        notes=("what measures the result of a search must not have taken part in it",),
        helps=(f"leave {listed(splits)} out, or give the search a memory of its own",),
    )


def _moving(search: tree.Search, use: _Use) -> Diagnostic:
    name = use.memory.name.text
    return warning(
        codes.MOVING_MEMORY,
        f"candidates of search `{search.name.text}` change memory `{name}`, which others read",
        use.at,
        "changed here",
        notes=("candidates that read different versions cannot be compared fairly",),
        helps=("freeze what they read: `version = …` in a second memory of the same `store`",),
    )
