"""A loaded program."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING

from graphdsl.api.flow import Flow
from graphdsl.api.memories import Memories
from graphdsl.api.reading import examine
from graphdsl.diagnostics import Diagnostic, did_you_mean, has_errors
from graphdsl.errors import CompileError, InputError

if TYPE_CHECKING:
    from graphdsl.compiler.program import Checked
    from graphdsl.compiler.program import Module as Program
    from graphdsl.ir.entities import ModelSpec


def load(path_or_text: str | os.PathLike[str]) -> Module:
    """Load a program from a file, or from its text.

    A str with a line break, or one that begins with `edition`, is the text itself. Raises
    `CompileError` with every diagnostic when the program is wrong, `InputError` when there is no
    such file.
    """
    if not isinstance(path_or_text, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError("a program is loaded from a path, or from its text as a str")
    checked = examine(path_or_text)
    if checked.module is None or has_errors(checked.diagnostics):
        raise wrong(checked)
    return Module(checked)


def wrong(checked: Checked) -> CompileError:
    """The error for a program with errors; its notes show each of them in the source."""
    from graphdsl.rendering import render

    error = CompileError([one for one in checked.diagnostics if one.is_error], checked.sources)
    for diagnostic in error.diagnostics:
        error.add_note(render(diagnostic, checked.sources))
    return error


@dataclass(frozen=True)
class Module:
    """A program without errors. Safe to share between threads and event loops."""

    checked: Checked = field(repr=False)
    memories: Memories = field(default_factory=Memories, repr=False, compare=False)

    @cached_property
    def program(self) -> Program:
        """The checked program, as the compiler sees it."""
        if self.checked.module is None:
            raise wrong(self.checked)
        return self.checked.module

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Warnings; a program with errors does not load."""
        return self.checked.diagnostics

    @property
    def flows(self) -> tuple[str, ...]:
        """The names of its flows, in the order of the file."""
        return tuple(self.program.flows)

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """The models that the file declares, then those of other files that its flows use."""
        from graphdsl.compiler.entities import model_spec
        from graphdsl.syntax import tree

        declared = self.program.declarations.values()
        own = [model_spec(self.program, item) for item in declared if isinstance(item, tree.Model)]
        used = [spec for name in self.flows for spec in self.flow(name).open_graph.models]
        return tuple({spec.name: spec for spec in (*own, *used)}.values())

    def flow(self, name: str | None = None) -> Flow:
        """A flow by name. Without one: the only flow, else `main`, else the file's namesake.

        Raises `InputError` when there is no such flow, or more than one to choose from.
        """
        # What runs need cannot be imported once the main thread has ended; a worker thread whose
        # first run comes later than that must find it here.
        import_module("graphdsl.api.runtime")
        if name is None:
            return Flow(self.program, self._default(), memories=self.memories)
        if name not in self.flows:
            near = did_you_mean(name, self.flows)
            hint = f"did you mean `{near[0]}`?" if near else f"there are: {_listed(self.flows)}"
            raise InputError(f"there is no flow `{name}`; {hint}")
        return Flow(self.program, name, memories=self.memories)

    def _default(self) -> str:
        """The flow that a program is for."""
        if len(self.flows) == 1:
            return self.flows[0]
        for name in ("main", PurePath(self.program.source.name).stem):
            if name in self.flows:
                return name
        if not self.flows:
            raise InputError("this program has no flow")
        raise InputError(
            f"name the flow to use ({_listed(self.flows)}): `graphdsl run FILE FLOW`, "
            'or `flow("NAME")` in Python'
        )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) if names else "this program has no flow"
