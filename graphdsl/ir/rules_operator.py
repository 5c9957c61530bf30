"""Rules about nodes of registered operators: their signature, kept."""

from __future__ import annotations

from collections.abc import Iterator

from graphdsl.ir.conditions import Applies, applies
from graphdsl.ir.nodes import Attr, Choices, HoleRef, Node, Symbol
from graphdsl.ir.signatures import Parameter, Signature
from graphdsl.ir.subject import Breach, Subject
from graphdsl.ir.types import MEMORY, MODEL, MODELS, PROMPT, OptionalOf, Type, assignable

_KINDS = {MODEL: "model", MODELS: "model", PROMPT: "prompt", MEMORY: "memory"}


def edges(subject: Subject) -> Iterator[Breach]:
    """Required edges are there, others are known, and all fit."""
    for node, operator in _operators(subject):
        given, params = subject.inputs(node), _edge_params(operator)
        rest = next((param for param in operator.params if param.rest), None)
        for name, param in params.items():
            use = _use(subject, node, operator, param)
            if param.required and use.must and name not in given:
                yield node.id, f"lacks the input `{name}`"
            if name in given and not use.may:
                yield node.id, f"has the input `{name}`, which means nothing here"
        for name, kind in given.items():
            param = params.get(name) or (rest if name.isdigit() else None)
            if param is None:
                yield node.id, f"has the input `{name}`, which `{node.op}` does not take"
            elif not _accepts(param, kind):
                yield node.id, f"has `{kind}` as `{name}`"
        yield from _repeated(node)


def attrs(subject: Subject) -> Iterator[Breach]:
    """Required attributes are there, others are known, entities are symbols of their kind."""
    for node, operator in _operators(subject):
        params = {param.name: param for param in operator.params if param.static}
        for name, param in params.items():
            use = _use(subject, node, operator, param)
            if param.required and use.must and node.attr(name) is None:
                yield node.id, f"lacks the attribute `{name}`"
            if not use.may and node.attr(name) is not None:
                yield node.id, f"has the attribute `{name}`, which means nothing here"
        for name, value in node.attrs:
            if name in operator.attached:
                continue
            if name not in params:
                yield node.id, f"has the attribute `{name}`, which `{node.op}` does not take"
            elif not _entity_fits(params[name], value):
                yield node.id, f"has an attribute `{name}` that is not a declared entity"


def node_type(subject: Subject) -> Iterator[Breach]:
    """The node's type is what the operator gives for these edges."""
    for node, operator in _operators(subject):
        made = operator.result(subject.inputs(node))
        if not assignable(made, node.type):
            yield node.id, f"has the type `{node.type}` but makes `{made}`"


def _operators(subject: Subject) -> Iterator[tuple[Node, Signature]]:
    for node in subject.nodes:
        if (operator := subject.operators.get(node.op)) is not None:
            yield node, operator


def _use(subject: Subject, node: Node, operator: Signature, param: Parameter) -> Applies:
    """Whether a parameter means something under the values that the node's attributes may have."""

    params = {other.name: other for other in operator.params}

    def values(name: str) -> tuple[Attr, ...]:
        value = node.attr(name)
        value = params[name].preset if value is None else value
        hole = subject.holes.get(value.address) if isinstance(value, HoleRef) else None
        return hole.domain.values if hole and isinstance(hole.domain, Choices) else (value,)

    return applies(param, params, values)


def _edge_params(operator: Signature) -> dict[str, Parameter]:
    return {p.name: p for p in operator.params if not p.static and not p.rest}


def _accepts(param: Parameter, kind: Type) -> bool:
    """A parameter that may be left out takes an absent value too."""
    given = kind.item if isinstance(kind, OptionalOf) and not param.required else kind
    return any(assignable(given, wanted) for wanted in param.types)


def _repeated(node: Node) -> Iterator[Breach]:
    names = [name for name, _ in node.inputs]
    if len(set(names)) < len(names):
        yield node.id, "has an input twice"


def _entity_fits(param: Parameter, value: Attr) -> bool:
    kinds = {
        _KINDS[kind] for kind in param.types if isinstance(kind, type(MODEL)) and kind in _KINDS
    }
    return not kinds or all(_is_entity(item, kinds) for item in _items(value))


def _items(value: Attr) -> tuple[Attr, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_entity(value: Attr, kinds: set[str]) -> bool:
    if isinstance(value, Symbol):
        return value.kind in kinds
    return value is None or isinstance(value, HoleRef)
