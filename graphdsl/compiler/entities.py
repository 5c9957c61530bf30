"""Declarations as specs: what a model, memory, prompt, pool or budget of a checked file says.

Total on checked programs: whatever these functions cannot read, the checker has reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from graphdsl.compiler.program import Module
from graphdsl.errors import BackendError
from graphdsl.ir.backends import COMPOSITES, BackendKind, backend_kind
from graphdsl.ir.entities import EnvVar, MemorySpec, ModelSpec, PromptSpec
from graphdsl.plan import Budget
from graphdsl.syntax import tree

UNITS: Final = (
    "calls",
    "tokens",
    "prompt_tokens",
    "completion_tokens",
    "seconds",
    "minutes",
    "usd",
    "flops",
)
"""Units of a run's budget."""

MODELLED: Final = ("usd", "flops")
"""Units that a model must be known to take: its price, its operations per token."""

PoolMember = tuple[str, Module, tree.Model]
"""Qualified name, the module that declares it, and the declaration."""


def qualified(module: Module, name: str) -> str:
    """A declared name as the graph knows it, unique over all files."""
    return module.prefix + name


def literal(expr: tree.Expr) -> Any:
    """The value of a literal: a text, number, bool, word, or a tuple of these.

    A hole stands for its default. Anything else is None.
    """
    match expr:
        case tree.String() | tree.Number() | tree.Bool():
            return expr.value
        case tree.Hole():
            return literal(expr.value)
        case tree.Ref():
            return str(expr)
        case tree.ListExpr():
            return tuple(literal(item) for item in expr.items)
        case _:
            return None


def setting(expr: tree.Expr) -> Any:
    """The value of an option: a literal, or what `env("NAME")` stands for, or a tuple of these."""
    match expr:
        case tree.ListExpr(items=items):
            return tuple(setting(item) for item in items)
        case tree.Call(callee=callee, args=(tree.Arg(value=tree.String(value=name)),)):
            return EnvVar(name) if str(callee) == "env" else None
        case _:
            return literal(expr)


def backend_of(model: tree.Model) -> BackendKind | None:
    """The kind of backend that a model names; None where there is no such, which is reported."""
    entry = next((entry for entry in model.entries if entry.key.text == "backend"), None)
    try:
        return None if entry is None else backend_kind(str(literal(entry.value)))
    except BackendError:  # the package of another is broken, which is reported as well
        return None


def is_group(model: tree.Model) -> bool:
    """True when a model is nothing by itself, but stands for others."""
    kind = backend_of(model)
    return kind is not None and kind.name in COMPOSITES


def parts(declared: tree.Model | tree.Pool) -> tuple[tree.Expr, ...]:
    """What a pool lists, or a model in those of its options that hold models."""
    if isinstance(declared, tree.Pool):
        return declared.members.items
    kind = backend_of(declared)
    return tuple(
        part
        for entry in declared.entries
        if _holds_models(kind, entry)
        for part in listed_in(entry.value)
    )


def listed_in(expr: tree.Expr) -> tuple[tree.Expr, ...]:
    """The items of a list; anything else is its own only item."""
    return expr.items if isinstance(expr, tree.ListExpr) else (expr,)


def _holds_models(kind: BackendKind | None, entry: tree.Entry) -> bool:
    option = None if kind is None else kind.option(entry.key.text)
    return option is not None and option.kind == "models"


def model_spec(module: Module, model: tree.Model) -> ModelSpec:
    """The spec of a declared model, those of the models that it lists within."""
    kind = backend_of(model)
    entries = {
        entry.key.text: _specs(module, entry.value)
        if _holds_models(kind, entry)
        else setting(entry.value)
        for entry in model.entries
    }
    backend = str(entries.pop("backend", ""))
    name = str(entries.pop("name", "" if backend in COMPOSITES else model.name.text))
    return ModelSpec(qualified(module, model.name.text), backend, name, entries, module.folder)


def _specs(module: Module, expr: tree.Expr) -> tuple[ModelSpec, ...]:
    return tuple(
        model_spec(where, model) for _, where, model in models_in_list(module, listed_in(expr))
    )


def memory_spec(module: Module, memory: tree.Memory) -> MemorySpec:
    """The spec of a declared memory; a model that makes its embeddings is within it."""
    entries = {
        entry.key.text: _embedder(module, entry.value)
        if entry.key.text == "embed"
        else literal(entry.value)
        for entry in memory.entries
    }
    store = entries.pop("store", None)
    path = None if store is None else str(store)
    return MemorySpec(qualified(module, memory.name.text), path, entries, module.folder)


def _embedder(module: Module, value: tree.Expr) -> Any:
    found = module.find(value) if isinstance(value, tree.Ref) else None
    if found is not None and isinstance(found[1], tree.Model):
        return model_spec(found[0], found[1])
    return literal(value)


def prompt_spec(module: Module, prompt: tree.Prompt) -> PromptSpec:
    """The spec of a declared prompt."""
    params = tuple(param.name.text for param in prompt.params)
    turns = tuple((turn.role.text, turn.template.value) for turn in prompt.turns)
    return PromptSpec(qualified(module, prompt.name.text), params, turns)


def pool_models(module: Module, pool: tree.Pool) -> tuple[PoolMember, ...]:
    """The models of a pool in order, pools within it flattened, each model once."""
    return models_in_list(module, pool.members.items, (pool,))


def models_in_list(
    module: Module, items: Iterable[tree.Expr], within: tuple[tree.Pool, ...] = ()
) -> tuple[PoolMember, ...]:
    """The models that a list names in order, pools in it flattened, each model once."""
    found: dict[str, PoolMember] = {}
    _collect(module, items, found, {id(pool) for pool in within})
    return tuple(found.values())


def _collect(
    module: Module,
    items: Iterable[tree.Expr],
    found: dict[str, PoolMember],
    seen: set[int],
) -> None:
    for item in items:
        match module.find(item) if isinstance(item, tree.Ref) else None:
            case (where, tree.Model() as model):
                name = qualified(where, model.name.text)
                found.setdefault(name, (name, where, model))
            case (where, tree.Pool() as inner) if id(inner) not in seen:
                seen.add(id(inner))
                _collect(where, inner.members.items, found, seen)
            case _:
                pass


def budget_of(limits: tree.ListExpr) -> Budget:
    """The budget that a list of quantities states; minutes become seconds."""
    found: dict[str, float] = {}
    for item in limits.items:
        if isinstance(item, tree.Call) and len(item.args) == 1:
            unit, amount = str(item.callee), literal(item.args[0].value)
            scale = 60 if unit == "minutes" else 1
            found["seconds" if unit == "minutes" else unit] = amount * scale
    return Budget(
        calls=_whole(found.get("calls")),
        tokens=_whole(found.get("tokens")),
        prompt_tokens=_whole(found.get("prompt_tokens")),
        completion_tokens=_whole(found.get("completion_tokens")),
        seconds=found.get("seconds"),
        usd=found.get("usd"),
        flops=found.get("flops"),
    )


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
