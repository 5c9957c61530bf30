"""What calls ask of their models, against what the models' backends can do.

A model may be named by the call, be one alternative of a hole or pool, or come through a
parameter of the flow; then every call of the flow is held to what the flow asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphdsl.compiler import codes
from graphdsl.compiler.check_conditions import Conditions
from graphdsl.compiler.check_hole import models_in
from graphdsl.compiler.entities import backend_of, is_group, literal, models_in_list, parts
from graphdsl.compiler.program import Declaration, Module
from graphdsl.compiler.report import error, listed
from graphdsl.compiler.scope import Binding, Entity
from graphdsl.compiler.session import Facts, Frame
from graphdsl.diagnostics import Diagnostic, Label, Span
from graphdsl.ir.backends import CAPABILITIES, declared_capabilities
from graphdsl.ir.types import MESSAGES, PROMPT
from graphdsl.ops.signature import Asks, Operator
from graphdsl.syntax import tree

_CONTINUES: Final = "prefix_continuation"


Lacking = dict[int, tuple[tree.Model, tree.Model | None]]
"""Models that lack something by identity, each with the model that lists it, if any."""


@dataclass(frozen=True, slots=True)
class Need:
    """One capability that something at `span` asks for; `place` is what in a flow asks for it."""

    capability: str
    what: str
    span: Span
    without: str
    place: Span | None = None


def check_call_needs(
    call: tree.Call, operator: Operator, given: Mapping[str, tree.Expr], frame: Frame
) -> None:
    """Report models of an operator's call that cannot do what the call asks for."""
    asked = [given[param.name] for param in operator.askers if param.name in given]
    for need, of in _needs(call, operator, given, frame) if asked else ():
        _check(need, asked if of is None or of not in given else [given[of]], frame)
    conditions = Conditions(operator, given, frame, now=True)
    for ask in operator.asks:
        if ask.of in given and (value := conditions.held(ask.when)) is not None:
            _check(_asked(call, operator, ask, value, given), [given[ask.of]], frame)


def check_flow_needs(
    call: tree.Call,
    flow: Entity,
    given: Mapping[str, tree.Expr],
    facts: tuple[Facts, Facts | None],
    frame: Frame,
) -> None:
    """Report models given to a flow that cannot do what the flow asks of them.

    `facts` are those of the flow as it is called, and those of the flow by itself: what a default
    lacks there has been reported in the flow.
    """
    module, declared = flow
    here, alone = facts
    defaults = {
        param.name.text: param.default
        for param in (declared.params if isinstance(declared, tree.Flow) else ())
        if param.default is not None
    }
    for (name, capability), place in here.needs.items():
        what = f"`{name}` of flow `{declared.name.text}`"
        if name in given:
            need = Need(capability, what, given[name].span, "", place)
            _check(need, [given[name]], frame)
        elif name in defaults and (alone is None or (name, capability) not in alone.needs):
            need = Need(capability, what, call.callee.span, "", place)
            _check(need, [defaults[name]], Frame(frame.session, module))


def check_option_needs(model: tree.Model, frame: Frame) -> None:
    """Report options of a model that its backend, or one of its members, can do nothing with."""
    for entry in _settings(frame.module, model):
        need = _option_need(model, entry)
        lacking = {} if need is None else _lacking(need.capability, [(frame.module, model)])
        if need is not None and lacking:
            frame.report(_lacks(need, lacking, frame))


def check_embedder(model: tree.Ref, frame: Frame) -> None:
    """Report a model that cannot turn texts into vectors, where a memory names it for that."""
    _check(Need("embeddings", "`embed` of a memory", model.span, ""), [model], frame)


def _settings(module: Module, model: tree.Model) -> Iterator[tree.Entry]:
    """The options that hold for a model: its own, else those of its first member."""
    where, current = module, model
    keys: set[str] = set()
    seen: set[int] = set()
    while id(current) not in seen:
        seen.add(id(current))
        yield from (entry for entry in current.entries if entry.key.text not in keys)
        keys.update(entry.key.text for entry in current.entries)
        members = models_in_list(where, parts(current)) if is_group(current) else ()
        _, where, current = members[0] if members else ("", where, current)


def _option_need(model: tree.Model, entry: tree.Entry) -> Need | None:
    backend = backend_of(model)
    option = None if backend is None else backend.option(entry.key.text)
    if option is None or option.needs is None:
        return None
    name = f"`{option.name}`"
    return Need(option.needs, name, entry.span, f"leave {name} away")


# ---- what is asked for


def _asked(
    call: tree.Call, operator: Operator, ask: Asks, value: Any, given: Mapping[str, tree.Expr]
) -> Need:
    """What a call asks of the models of one parameter, and the word that makes it do so."""
    name = f"`{operator.name}`"
    if ask.when is None:
        several = len(operator.askers) > 1
        what = f"`{ask.of}` of {name}" if several else name
        return Need(ask.capability, what, call.callee.span, f"do without {name}")
    shown = f"`{ask.when.param}: {value}`" if ask.when.words else f"`{ask.when.param}`"
    decides = given.get(ask.when.param, call.callee)
    return Need(ask.capability, f"{shown} of {name}", decides.span, f"do without {shown}")


def _needs(
    call: tree.Call, operator: Operator, given: Mapping[str, tree.Expr], frame: Frame
) -> Iterator[tuple[Need, str | None]]:
    """What a call asks for, each with the parameter whose models it is asked of; None is all."""
    name = f"`{operator.name}`"
    for capability in sorted(operator.needs):
        yield Need(capability, name, call.callee.span, f"do without {name}"), None
    for param in operator.params:
        value = given.get(param.name)
        if value is None:
            continue
        if param.needs is not None:
            shown = f"`{param.name}`"
            what = f"{shown} of {name}"
            yield Need(param.needs, what, value.span, f"leave {shown} away"), None
        if MESSAGES in param.types or PROMPT in param.types:
            yield from ((need, param.reader) for need in _continued(value, frame))


def _continued(value: tree.Expr, frame: Frame) -> Iterator[Need]:
    """The first prompt that `value` may stand for whose last turn is to be continued."""
    for prompt in _prompts(value, frame):
        if prompt.turns and prompt.turns[-1].role.text == "assistant":
            what = f"the last turn of prompt `{prompt.name.text}`"
            yield Need(_CONTINUES, what, value.span, "end the prompt with a `user` turn")
            return


def _prompts(value: tree.Rhs | tree.Block, frame: Frame) -> Iterator[tree.Prompt]:
    """The prompts that a value stands for or was made by, as far as this flow tells."""
    match value:
        case tree.Call(callee=callee):
            yield from _named_prompts(callee, frame)
        case tree.Ref():
            binding = frame.scope.find(value.parts[0].text)
            if binding is not None and not binding.entities:
                for part in binding.values if len(value.parts) == 1 else ():
                    yield from _prompts(part, frame)
            else:
                yield from _named_prompts(value, frame)
        case tree.Hole(value=default, domain=tree.ListExpr(items=items)):
            for part in (default, *items):
                yield from _prompts(part, frame)
        case tree.Choice(options=options):
            for option in options:
                yield from _prompts(option.value, frame)
        case tree.If(then=then, otherwise=otherwise):
            yield from _prompts(then, frame)
            yield from _prompts(otherwise, frame)
        case tree.Block(result=result):
            yield from _prompts(result, frame)
        case _:
            return


def _named_prompts(ref: tree.Ref, frame: Frame) -> Iterator[tree.Prompt]:
    binding = frame.scope.find(ref.parts[0].text)
    found = frame.module.find(ref) if binding is None else None
    entities = binding.entities if binding is not None else () if found is None else (found,)
    yield from (item for _, item in entities if isinstance(item, tree.Prompt))


# ---- who is asked


def _check(need: Need, asked: Iterable[tree.Expr], frame: Frame) -> None:
    """Report the models of `asked` that lack it; those of parameters are the callers' affair."""
    lacking: Lacking = {}
    for expr in asked:
        for found in _models(expr, frame):
            if isinstance(found, Binding):
                place = need.place or need.span
                frame.facts.needs.setdefault((found.name, need.capability), place)
                entities = () if frame.specialised else found.entities
            else:
                entities = (found,)
            lacking |= _lacking(need.capability, entities)
    if lacking:
        frame.report(_lacks(need, lacking, frame))


def _models(expr: tree.Rhs, frame: Frame) -> Iterator[Entity | Binding]:
    """The models and pools that an argument names, and the parameters that it stands for."""
    match expr:
        case tree.ListExpr(items=items):
            for item in items:
                yield from _models(item, frame)
        case tree.Hole(value=value, domain=domain):
            yield from _models(value, frame)
            if isinstance(domain, tree.ListExpr | tree.Ref):
                yield from _models(domain, frame)
        case tree.Ref():
            binding = frame.scope.find(expr.parts[0].text)
            found = frame.module.find(expr) if binding is None else None
            if found is not None:
                yield found
            elif binding is not None and binding.what == "parameter":
                yield binding
            else:
                for value in () if binding is None else binding.values:
                    yield from _models(value, frame)
        case _:
            return


def _lacking(capability: str, entities: Iterable[Entity]) -> Lacking:
    """The models that lack it among these and those that they stand for."""
    return {
        id(model): (model, holder)
        for entity in entities
        for where, asked in models_in(entity)
        for model, holder in _stands_for(where, asked)
        if capability not in _capabilities(model)
    }


def _stands_for(
    module: Module, declared: Declaration
) -> Iterator[tuple[tree.Model, tree.Model | None]]:
    """The models that may answer for a declared one, each with the one that lists it, if any."""
    waiting: list[tuple[Module, Declaration, tree.Model | None]] = [(module, declared, None)]
    seen: set[int] = set()
    while waiting:
        where, model, holder = waiting.pop(0)
        if id(model) in seen or not isinstance(model, tree.Model):
            continue
        seen.add(id(model))
        if not is_group(model):
            yield model, holder
        members = models_in_list(where, parts(model))
        waiting.extend((place, member, model) for _, place, member in members)


def _capabilities(model: tree.Model) -> frozenset[str]:
    """What a declared model by itself can do; all where its block is wrong, which is reported."""
    kind = backend_of(model)
    options = {
        entry.key.text: literal(entry.value)
        for entry in model.entries
        if isinstance(entry.value, tree.ListExpr) and entry.key.text in ("has", "lacks")
    }
    return declared_capabilities("" if kind is None else kind.name, options)


# ---- what to say


def _lacks(need: Need, lacking: Lacking, frame: Frame) -> Diagnostic:
    names = listed(model.name.text for model, _ in lacking.values())
    who = f"model {names} lacks" if len(lacking) == 1 else f"the models {names} lack"
    places = [
        Label(model.name.span, f"without `{need.capability}`") for model, _ in lacking.values()
    ]
    places += [
        Label(holder.name.span, f"stands for `{model.name.text}`")
        for model, holder in lacking.values()
        if holder is not None
    ]
    if need.place is not None:
        places.append(Label(need.place, "needed here"))
    return error(
        codes.LACKS_CAPABILITY,
        f"{need.what} needs `{need.capability}`, which {who}",
        need.span,
        "needed here" if need.place is None else "cannot do it",
        secondary=places,
        notes=(f"`{need.capability}` means that {CAPABILITIES[need.capability]}",),
        helps=(_help(need, frame),),
    )


def _help(need: Need, frame: Frame) -> str:
    """Models of the file that could do it, or what to do without one."""
    declared = frame.module.declarations.values()
    able = [
        item.name.text
        for item in declared
        if isinstance(item, tree.Model) and not _lacking(need.capability, [(frame.module, item)])
    ]
    take = f"take a model that has it: {listed(able)}" if able else "take a model that has it"
    return f"{take}, or {need.without}" if need.without else take
