"""Other models behind the names that a program declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from graphdsl.api.model_needs import check_needs
from graphdsl.api.model_text import ModelText, read_model
from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError
from graphdsl.ir.backends import CALLING, SAMPLING, BackendKind
from graphdsl.ir.entities import ModelSpec
from graphdsl.ir.nodes import Graph

_EMBEDDED: Final = "embedded"
_MACHINE: Final = ("slots", "context", "threads")
"""Options of an embedded model that another embedded model in its place keeps."""


def overridden(graph: Graph, models: Mapping[str, str]) -> Graph:
    """The graph with other models behind declared names, those of members of models included.

    The texts are those of `read_model`. The other model keeps the sampling options of the declared
    one and its patience, but neither endpoint, key nor price. Raises `InputError` for a name that
    the graph does not use, a text that is wrong, and a model that lacks what the graph asks of it.
    """
    if not models:
        return graph
    others = other_models(graph.models, models, f"`{graph.flow}` uses no model")
    changed = replace(graph, models=others)
    check_needs(changed, {old.name for old in graph.models if old not in changed.models})
    return changed


def other_models(
    specs: tuple[ModelSpec, ...], models: Mapping[str, str], missing: str
) -> tuple[ModelSpec, ...]:
    """The models with others in the place of some, or of their members, as `overridden` has them.

    Raises `InputError` for a text that is wrong, and, beginning with `missing`, for a name that
    none of them has.
    """
    declared: dict[str, ModelSpec] = {}
    for spec in _all(specs):
        declared.setdefault(spec.name, spec)
    for name in models:
        if name not in declared:
            raise InputError(f"{missing} {_unknown(name, declared)}")
    book = _Book(declared, {name: read_model(text, name) for name, text in models.items()})
    return tuple(book.model(spec) for spec in specs)


def _all(models: Iterable[ModelSpec]) -> Iterator[ModelSpec]:
    """The models, and then those within them."""
    outer = tuple(models)
    yield from outer
    for spec in outer:
        yield from _all(_within(spec.options))


def _within(options: Mapping[str, Any]) -> Iterator[ModelSpec]:
    for value in options.values():
        yield from (item for item in _several(value) if isinstance(item, ModelSpec))


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()  # pyright: ignore[reportUnknownVariableType]


@dataclass(frozen=True, slots=True)
class _Book:
    """The models of a graph by name, and what is to stand in the place of some."""

    declared: Mapping[str, ModelSpec]
    given: Mapping[str, ModelText]

    def model(self, spec: ModelSpec, within: frozenset[str] = frozenset()) -> ModelSpec:
        """What stands in the place of a model; `within` are names that are being replaced.

        A model that is listed in its own replacement is the one that was declared.
        """
        text = None if spec.name in within else self.given.get(spec.name)
        if text is not None:
            return self._replaced(spec, text, within | {spec.name})
        options = {name: self._option(value, within) for name, value in spec.options.items()}
        return spec if options == spec.options else replace(spec, options=options)

    def _option(self, value: Any, within: frozenset[str]) -> Any:
        items = _several(value)
        if not any(isinstance(item, ModelSpec) for item in items):
            return value
        return tuple(self.model(item, within) for item in items)

    def _replaced(self, spec: ModelSpec, text: ModelText, within: frozenset[str]) -> ModelSpec:
        members = {
            key: tuple(self._named(name, spec.name, within) for name in names)
            for key, names in text.members.items()
        }
        options = {**_kept(spec, text.kind), **text.options, **members}
        return ModelSpec(spec.name, text.kind.name, text.model, options)

    def _named(self, name: str, owner: str, within: frozenset[str]) -> ModelSpec:
        if name not in self.declared:
            raise InputError(f"`{owner}` lists the model {_unknown(name, self.declared)}")
        return self.model(self.declared[name], within)


def _kept(spec: ModelSpec, kind: BackendKind) -> dict[str, Any]:
    """The options of the declared model that hold for the other one as well."""
    stays = {option.name: spec.setting(option.name) for option in SAMPLING}
    stays |= {option.name: spec.options.get(option.name) for option in CALLING}
    if spec.backend == kind.name == _EMBEDDED:
        stays |= {name: spec.options.get(name) for name in _MACHINE}
    return {name: value for name, value in stays.items() if value is not None and kind.option(name)}


def _unknown(name: str, declared: Iterable[str]) -> str:
    names = list(declared)
    near = did_you_mean(name, names)
    listed = ", ".join(f"`{known}`" for known in names) or "none"
    hint = f"did you mean `{near[0]}`?" if near else f"it has {listed}"
    named = all(part.isidentifier() for part in name.split("."))
    return f"{f'`{name}`' if named else 'of that name'}; {hint}"
