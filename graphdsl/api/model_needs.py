"""What a graph asks of its models, against what these can do: for models given from outside.

The checker has done the same for the models that a file declares (`compiler/check_capabilities`).
Every alternative of a hole counts, as there.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Final

from graphdsl.errors import InputError
from graphdsl.ir.backends import backend_kind, declared_capabilities
from graphdsl.ir.entities import ModelSpec, PromptSpec
from graphdsl.ir.nodes import Attr, Choices, Graph, HoleRef, Node, Symbol, ValueId, walk
from graphdsl.ir.prune import carried_params
from graphdsl.ir.types import MESSAGES, PROMPT
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import When

_CONTINUES: Final = "prefix_continuation"
_RECORDS: Final = ("repeat", "fold", "within")


def check_needs(graph: Graph, names: Set[str]) -> None:
    """Raises `InputError` when one of the models of these names lacks what the graph asks of it."""
    models = {spec.name: spec for spec in graph.models if spec.name in names}
    asked = _Asked.of(graph)
    for spec in models.values():
        for capability, what in _own(spec):
            _require(spec, capability, what)
    for node in walk(graph.body):
        for capability, what, of in asked.needs(node):
            for name in asked.models(node, of):
                if name in models:
                    _require(models[name], capability, what)


def _require(spec: ModelSpec, capability: str, what: str) -> None:
    for model in _answering(spec):
        if capability not in declared_capabilities(model.backend, model.options):
            who = f"`{spec.name}`" if model is spec else f"`{model.name}` in `{spec.name}`"
            raise InputError(
                f"{what} needs `{capability}`, which {who} lacks as a model of `{model.backend}`; "
                "give a model that has it"
            )


def _answering(spec: ModelSpec) -> Iterator[ModelSpec]:
    """The models that may be called for a declared one."""
    if not spec.members:
        yield spec
    for value in spec.options.values():
        for item in value if isinstance(value, tuple) else ():  # pyright: ignore[reportUnknownVariableType]
            if isinstance(item, ModelSpec):
                yield from _answering(item)


def _own(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    """What a model needs for its own options, or those that it has from its first member."""
    kind = backend_kind(spec.backend)
    for option in () if kind is None else kind.options:
        if option.needs is not None and spec.setting(option.name) is not None:
            yield option.needs, f"`{option.name}` of `{spec.name}`"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the nodes of one graph ask for, and of whom."""

    graph: Graph
    makers: dict[ValueId, Node]
    starts: dict[ValueId, tuple[ValueId, ...]]
    """Where the value of a carried name comes from."""
    prompts: dict[str, PromptSpec]

    @staticmethod
    def of(graph: Graph) -> _Asked:
        nodes = list(walk(graph.body))
        starts = {param: found for node in nodes for param, found in _carried(node)}
        prompts = {spec.name: spec for spec in graph.prompts}
        return _Asked(graph, {node.id: node for node in nodes}, starts, prompts)

    def models(self, node: Node, of: str | None) -> Iterator[str]:
        """The names of the models that a node may ask: all, or those of one parameter."""
        operator = OPERATORS.get(node.op)
        for param in () if operator is None else operator.askers:
            if of is None or param.name == of:
                yield from self._symbols(node.attr(param.name), "model")

    def needs(self, node: Node) -> Iterator[tuple[str, str, str | None]]:
        """Each capability that a node asks for, what in it does, and whose models: None is all."""
        operator = OPERATORS.get(node.op)
        if operator is None:
            return
        for capability in sorted(operator.needs):
            yield capability, f"`{node.id}`", None
        for param in operator.params:
            if param.needs is not None and node.attr(param.name) is not None:
                yield param.needs, f"`{param.name}` of `{node.id}`", None
            if PROMPT in param.types:
                shown = self._symbols(node.attr(param.name), "prompt")
                yield from self._continued(shown, param.reader)
            if MESSAGES in param.types:
                yield from self._continued(self._rendered(node.input(param.name)), param.reader)
        for ask in operator.asks:
            if (held := self._held(node, ask.when)) is not None:
                yield ask.capability, f"{held} of `{node.id}`" if held else f"`{node.id}`", ask.of

    def _held(self, node: Node, when: When | None) -> str | None:
        """What makes a condition hold at a node; None where nothing can, empty without one."""
        if when is None:
            return ""
        decides = OPERATORS[node.op].param(when.param)
        value = node.attr(when.param)
        value = decides.preset if value is None and decides is not None else value
        found = next((one for one in self._values(value) if when.fits(one)), None)
        if found is None:
            return None
        return f"`{when.param}: {found}`" if when.words else f"`{when.param}`"

    def _values(self, attr: Attr) -> tuple[Attr, ...]:
        if not isinstance(attr, HoleRef):
            return (attr,)
        holes = (hole for hole in self.graph.holes if hole.address == attr.address)
        domains = (hole.domain for hole in holes if isinstance(hole.domain, Choices))
        return tuple(value for domain in domains for value in domain.values)

    def _continued(
        self, prompts: Iterator[str], of: str | None
    ) -> Iterator[tuple[str, str, str | None]]:
        for name in prompts:
            spec = self.prompts.get(name)
            if spec is not None and spec.turns and spec.turns[-1][0] == "assistant":
                yield _CONTINUES, f"the last turn of prompt `{name}`", of

    def _symbols(self, attr: Attr, kind: str) -> Iterator[str]:
        match attr:
            case Symbol(of, name) if of == kind:
                yield name
            case tuple():
                for item in attr:
                    yield from self._symbols(item, kind)
            case HoleRef(address):
                for hole in self.graph.holes:
                    if hole.address == address and isinstance(hole.domain, Choices):
                        yield from self._symbols(hole.domain.values, kind)
            case _:
                return

    def _rendered(self, value: ValueId | None) -> Iterator[str]:
        """The prompts that may have made a value, followed through forms and loops."""
        waiting = [value] if value is not None else []
        seen: set[ValueId] = set()
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            waiting += self.starts.get(current, ())
            node = self.makers.get(current)
            if node is not None and node.op == "render":
                yield from self._symbols(node.attr("prompt"), "prompt")
            elif node is not None:
                waiting += self._sources(node)

    def _sources(self, node: Node) -> Iterator[ValueId]:
        """The values of which a node may hand one on as its own."""
        if node.op != "field":
            found = (*node.inputs, *_results(node)) if node.type == MESSAGES else ()
            yield from (value for _, value in found)
            return
        (_, record), name = node.inputs[0], str(node.attr("name"))
        maker = self.makers.get(record)
        if maker is not None and maker.op in _RECORDS:
            wanted = (name, f"next.{name}")
            found = (*maker.inputs, *_results(maker))
            yield from (value for part, value in found if part in wanted)


def _results(node: Node) -> Iterator[tuple[str, ValueId]]:
    for region in node.regions:
        yield from region.results


def _carried(node: Node) -> Iterator[tuple[ValueId, tuple[ValueId, ...]]]:
    """The parameters of a loop's body, each with what it begins with and what comes next."""
    if node.op not in ("repeat", "fold"):
        return
    starts, following = dict(node.inputs), dict(node.regions[0].results)
    for name, param in carried_params(node).items():
        found = (starts.get(name), following.get(f"next.{name}"))
        yield param, tuple(value for value in found if value is not None)
