"""Files and what they import, read into modules: relative, inside the project, without cycles."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.import_paths import Refusal, project_root, resolve
from graphdsl.compiler.program import Declaration, Module
from graphdsl.compiler.report import error
from graphdsl.diagnostics import Diagnostic, Label, Source, did_you_mean, has_errors
from graphdsl.syntax import tree

MAX_DEPTH: Final = 20
"""Imports within imports."""

MAX_FILES: Final = 200
"""Files of one program."""

STD: Final = "std"
"""The first part of paths to the package's own files, and of their prefixes."""

Loaded = tuple[Module | None, tuple[Diagnostic, ...], Mapping[str, Source]]
"""The main module if it could be read, every diagnostic, and the sources by name."""


def load(source: Source, folder: Path | None = None, root: Path | None = None) -> Loaded:
    """Read a program and everything it imports.

    `folder` is where relative paths of `source` start (None: a text without a file, which can
    import `std/` only); `root` is the folder that imports may not leave, by default the nearest
    one upwards with a `pyproject.toml` or `.git`. A file that cannot be imported is reported and
    left out of `Module.imports`. The module is None only when `source` itself holds nothing.
    """
    here = None if folder is None else folder.resolve()
    loader = _Loader(root or (project_root(here) if here is not None else None))
    module = loader.parse(_Place("", source, here, ""))
    return module, tuple(loader.diagnostics), loader.sources


@cache
def std_module(name: str) -> Module:
    """A module of the package, such as `roles`, with the prefix `std.roles.`.

    Raises FileNotFoundError when the package has no such file.
    """
    source = std_source(f"{name}.tts")
    if source is None:
        raise FileNotFoundError(f"std/{name}.tts")
    module = _Loader(None).parse(_Place(f"std/{name}.tts", source, None, f"{STD}.{name}."))
    if module is None:
        raise FileNotFoundError(f"std/{name}.tts")
    return module


def std_names() -> list[str]:
    """The files of the standard library, by path after `std/`."""
    from importlib.resources import files

    folder = files("graphdsl").joinpath(STD)
    return sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".tts"))


def is_std(module: Module) -> bool:
    """True for the package's own files."""
    return module.prefix.startswith(f"{STD}.")


def imported(module: Module) -> list[Module]:
    """A module and all that it imports, each once, importers first."""
    found: dict[str, Module] = {}
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current.source.name not in found:
            found[current.source.name] = current
            waiting.extend(reversed(tuple(current.imports.values())))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Place:
    """A file to read: `key` identifies it, `folder` is where its own imports start."""

    key: str
    source: Source
    folder: Path | None
    prefix: str


def std_source(name: str) -> Source | None:
    """A file of the standard library, such as `roles.tts`; None where there is no such file."""
    from importlib.resources import files

    if name not in std_names():
        return None
    text = files("graphdsl").joinpath(STD, name).read_text(encoding="utf-8")
    return Source(f"{STD}/{name}", text)


@dataclass
class _Loader:
    root: Path | None
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    loaded: dict[str, Module | None] = field(default_factory=dict[str, "Module | None"])
    chain: list[_Place] = field(default_factory=list[_Place])
    via: list[tree.Import] = field(default_factory=list[tree.Import])
    """What each place of the chain imports its successor by."""

    def parse(self, place: _Place) -> Module | None:
        """Parse one file, then load what it imports."""
        from graphdsl.syntax.parse import parse

        self.sources[place.source.name] = place.source
        file, found = parse(place.source)
        self.diagnostics.extend(found)
        self.chain.append(place)
        module = self.build(place, file, has_errors(found))
        self.chain.pop()
        self.loaded[place.key] = module
        return module

    def build(self, place: _Place, file: tree.File, broken: bool) -> Module | None:
        """A file as a module. One with syntax errors is kept, but its imports are not followed."""
        declarations, names = _declarations(file.items, self.diagnostics)
        imports: dict[str, Module] = {}
        for item in () if broken else file.items:
            if isinstance(item, tree.Import) and names[item.alias.text] is item:
                module = self.follow(item, place)
                if module is not None:
                    imports[item.alias.text] = module
        folder = None if place.folder is None else str(place.folder)
        return Module(place.prefix, place.source, file, folder, declarations, imports)

    def follow(self, item: tree.Import, place: _Place) -> Module | None:
        """The module that an import names, or None after saying why not."""
        target = self.target(item, place)
        if isinstance(target, Refusal):
            self.refuse(item, target)
            return None
        if target.key in self.loaded:
            return self.loaded[target.key]
        self.via.append(item)
        module = self.enter(item, target)
        self.via.pop()
        return module

    def enter(self, item: tree.Import, target: _Place) -> Module | None:
        """A file that is not loaded yet, unless it is being read already or one too many."""
        if self.cycle(target):
            return None
        refusal = self.too_many()
        if refusal is not None:
            self.refuse(item, refusal)
            return None
        return self.read(item, target)

    def read(self, item: tree.Import, target: _Place) -> Module | None:
        """Read the target's text (a file of the package has it already) and parse it."""
        from graphdsl.syntax.decode import decode

        if target.prefix.startswith(f"{STD}."):
            return self.parse(target)
        try:
            data = Path(target.key).read_bytes()
        except OSError as problem:
            reason = problem.strerror or "it cannot be opened"
            self.refuse(
                item,
                Refusal(codes.UNREADABLE_FILE, f"`{item.path.value}` cannot be read: {reason}"),
            )
            return None
        source, found = decode(data, target.source.name)
        self.diagnostics.extend(found)
        if source is None:
            self.sources[target.source.name] = target.source
            self.loaded[target.key] = None
            return None
        return self.parse(_Place(target.key, source, target.folder, target.prefix))

    def target(self, item: tree.Import, place: _Place) -> _Place | Refusal:
        """The file that an import names."""
        path = item.path.value
        inside = place.prefix.startswith(f"{STD}.")
        if inside or path.startswith(f"{STD}/"):
            return _std_target(path.removeprefix(f"{STD}/"))
        if place.folder is None or self.root is None:
            return Refusal(
                codes.FILE_NOT_FOUND,
                "a program without a file can import the standard library only",
                ("save the program as a file, or import a path that begins with `std/`",),
            )
        found = resolve(path, place.folder, self.root)
        if isinstance(found, Refusal):
            return found
        name = os.path.normpath(os.path.join(os.path.dirname(place.source.name), path))
        prefix = f"{place.prefix}{item.alias.text}."
        return _Place(str(found), Source(name, ""), found.parent, prefix)

    def cycle(self, target: _Place) -> bool:
        """Report a target that is being read already: it imports itself, in the end.

        The report is the same whichever file of the circle the program starts from.
        """
        keys = [place.key for place in self.chain]
        main = self.chain[0]
        at = 0 if _is_main(target, main) else keys.index(target.key) if target.key in keys else -1
        if at < 0:
            return False
        names = [place.source.name for place in self.chain[at:]]
        first = names.index(min(names))
        chain = " → ".join([*names[first:], *names[:first], names[first]])
        message = f"files import each other in a circle: {chain}"
        helps = ("move what both need into a third file",)
        self.refuse(self.via[at + first], Refusal(codes.IMPORT_CYCLE, message, helps))
        return True

    def too_many(self) -> Refusal | None:
        """A refusal when the program has grown beyond its bounds."""
        if len(self.chain) > MAX_DEPTH:
            return Refusal(codes.TOO_MANY_FILES, f"imports are nested more than {MAX_DEPTH} deep")
        if len(self.sources) >= MAX_FILES:
            return Refusal(codes.TOO_MANY_FILES, f"the program has more than {MAX_FILES} files")
        return None

    def refuse(self, item: tree.Import, refusal: Refusal) -> None:
        """Report a refusal at the path."""
        self.diagnostics.append(
            error(refusal.code, refusal.message, item.path.span, helps=refusal.helps)
        )


def _is_main(target: _Place, main: _Place) -> bool:
    """True when the target is the file that the whole program started from."""
    if main.folder is None or target.prefix.startswith(f"{STD}."):
        return False
    return Path(target.key) == main.folder / os.path.basename(main.source.name)


def _std_target(name: str) -> _Place | Refusal:
    source = std_source(name)
    if source is not None:
        return _Place(f"{STD}/{name}", source, None, f"{STD}.{name.removesuffix('.tts')}.")
    names = std_names()
    close = did_you_mean(name, names) or tuple(names)
    listed = ", ".join(f"`{STD}/{other}`" for other in close)
    return Refusal(
        codes.FILE_NOT_FOUND,
        f"there is no file `{STD}/{name}` in the standard library",
        (f"there are {listed}",) if listed else (),
    )


def _declarations(
    items: Sequence[tree.Item], diagnostics: list[Diagnostic]
) -> tuple[dict[str, Declaration], dict[str, tree.Item]]:
    """Declarations by name, and every item that owns a name; the first of a name counts."""
    declarations: dict[str, Declaration] = {}
    names: dict[str, tree.Item] = {}
    for item in items:
        if isinstance(item, tree.Search | tree.Test):
            continue
        name = name_of(item)
        if name.text in names:
            diagnostics.append(_twice(name, name_of(names[name.text])))
            continue
        names[name.text] = item
        if not isinstance(item, tree.Import):
            declarations[name.text] = item
    return declarations, names


def name_of(item: tree.Item) -> tree.Name:
    """The name that an item declares; for a test its title."""
    match item:
        case tree.Import():
            return item.alias
        case tree.Test():
            return tree.Name(item.title.span, item.title.value)
        case _:
            return item.name


def _twice(name: tree.Name, first: tree.Name) -> Diagnostic:
    return error(
        codes.DECLARED_TWICE,
        f"`{name.text}` is declared twice",
        name.span,
        "declared again here",
        secondary=(Label(first.span, "first declared here"),),
        helps=("rename one of them; all declarations of a file share one namespace",),
    )
