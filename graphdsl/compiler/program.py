"""The checked program: modules with their names looked up, ready to be lowered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphdsl.diagnostics import Diagnostic, Source, Span, has_errors
from graphdsl.ir.types import Type
from graphdsl.syntax import tree

Declaration = tree.Model | tree.Pool | tree.Prompt | tree.Memory | tree.Flow
"""What a name at the top of a file can stand for. They share one namespace per file."""


@dataclass(frozen=True, slots=True)
class Module:
    """One file: its declarations by name and its imports by alias.

    `prefix` makes names unique in a graph: empty for the main file, `judges.` for what it
    imports as `judges`, `std.roles.` for the package's own files. `folder` is the absolute
    folder that relative paths (memories, data) start from; None for text without a file.
    """

    prefix: str
    source: Source
    file: tree.File
    folder: str | None
    declarations: Mapping[str, Declaration]
    imports: Mapping[str, Module]

    def find(self, ref: tree.Ref) -> tuple[Module, Declaration] | None:
        """The declaration that a path of names means here: `name`, or `alias.name`."""
        head = ref.parts[0].text
        match len(ref.parts):
            case 1 if head in self.declarations:
                return self, self.declarations[head]
            case 2 if head in self.imports:
                module = self.imports[head]
                found = module.declarations.get(ref.parts[1].text)
                return (module, found) if found is not None else None
            case _:
                return None

    @property
    def flows(self) -> Mapping[str, tree.Flow]:
        """The flows of this file by name, in order."""
        return {n: d for n, d in self.declarations.items() if isinstance(d, tree.Flow)}


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found: the main module (when it could be read) and every diagnostic.

    `types` gives the type of each expression and of each bound name by its span (for editors
    and `plan`); `sources` has the text of every file involved, by `Source.name`.
    """

    module: Module | None
    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]
    types: Mapping[Span, Type] = field(default_factory=dict[Span, Type])

    @property
    def ok(self) -> bool:
        """True when the program can be lowered."""
        return self.module is not None and not has_errors(self.diagnostics)
