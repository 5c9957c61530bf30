"""Sampling settings that count for nothing: those of models that are asked for another one.

A call through a group has the group's settings, else those of its first member; a call that a
replay hands on has the replay's. Where the holder says nothing of a setting, the block of a model
that does looks as if it counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.entities import is_group, listed_in, literal, models_in_list, parts
from graphdsl.compiler.program import Module
from graphdsl.compiler.report import listed, warning
from graphdsl.compiler.session import Session
from graphdsl.diagnostics import Diagnostic, Label
from graphdsl.ir.backends import SAMPLING
from graphdsl.syntax import tree

_KEYS: Final = tuple(option.name for option in SAMPLING)

Asked = tuple[tree.Expr, Module, tree.Model]
"""Where a holder lists a model, the module that declares it, and its declaration."""


def setting_entry(module: Module, model: tree.Model, key: str) -> tree.Entry | None:
    """Where a setting of a model stands: in its block, else in that of its first member."""
    own = next((entry for entry in model.entries if entry.key.text == key), None)
    if own is not None or not is_group(model):
        return own
    members = models_in_list(module, parts(model))
    return setting_entry(*members[0][1:], key) if members else None


def warn_idle_settings(module: Module, session: Session) -> None:
    """Warn of members, and of models behind a replay, with settings that are not used there."""
    for holder in module.declarations.values():
        if isinstance(holder, tree.Model):
            for asked in _asked_for(module, holder):
                entries = list(_idle(module, holder, asked))
                if entries:
                    session.report(_warning(module, holder, asked, entries))


def _asked_for(module: Module, holder: tree.Model) -> Iterator[Asked]:
    """The models that answer with the settings of another: all members of a group but the first."""
    found: dict[int, Asked] = {}
    for item in parts(holder):
        for _, where, model in models_in_list(module, listed_in(item)):
            found.setdefault(id(model), (item, where, model))
    asked = list(found.values())
    yield from asked[1:] if is_group(holder) else asked


def _idle(module: Module, holder: tree.Model, asked: Asked) -> Iterator[tree.Entry]:
    """The settings of a model that differ from those of its holder, where that has none itself."""
    own = {entry.key.text for entry in holder.entries}
    for key in _KEYS:
        entry = None if key in own else setting_entry(*asked[1:], key)
        if entry is None:
            continue
        used = setting_entry(module, holder, key)
        if used is None or literal(used.value) != literal(entry.value):
            yield entry


def _warning(
    module: Module, holder: tree.Model, asked: Asked, entries: list[tree.Entry]
) -> Diagnostic:
    item, _, model = asked
    name, whole = model.name.text, holder.name.text
    keys = listed(entry.key.text for entry in entries)
    counts = "counts" if len(entries) == 1 else "count"
    used = (setting_entry(module, holder, entry.key.text) for entry in entries)
    return warning(
        codes.IDLE_SETTING,
        f"{keys} of `{name}` {counts} for nothing in `{whole}`",
        item.span,
        f"asked with the settings of `{whole}`",
        secondary=(
            *(Label(entry.span, "not used there") for entry in entries),
            *(Label(entry.span, "used for all members") for entry in used if entry is not None),
        ),
        helps=(
            f"say in the block of `{whole}` what is meant for all, or leave it away in `{name}`",
        ),
    )
