"""Declarations as specs: what a model, memory, prompt, pool or budget of a checked file says.

Total on checked programs: whatever these functions cannot read, the checker has reported.
"""

from __future__ import annotations

from typing import Any, Final

from graphdsl.compiler.program import Module
from graphdsl.ir.entities import MemorySpec, ModelSpec, PromptSpec
from graphdsl.plan import Budget
from graphdsl.syntax import tree

UNITS: Final = ("calls", "tokens", "prompt_tokens", "completion_tokens", "seconds", "minutes")
"""Units of a run's budget."""

UNPRICED: Final = "usd"
"""A unit of the language that cannot be counted yet: models have no prices."""

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


def model_spec(module: Module, model: tree.Model) -> ModelSpec:
    """The spec of a declared model."""
    entries = {entry.key.text: literal(entry.value) for entry in model.entries}
    backend = str(entries.pop("backend", ""))
    name = str(entries.pop("name", model.name.text))
    return ModelSpec(qualified(module, model.name.text), backend, name, entries, module.folder)


def memory_spec(module: Module, memory: tree.Memory) -> MemorySpec:
    """The spec of a declared memory."""
    entries = {entry.key.text: literal(entry.value) for entry in memory.entries}
    store = entries.pop("store", None)
    path = None if store is None else str(store)
    return MemorySpec(qualified(module, memory.name.text), path, entries, module.folder)


def prompt_spec(module: Module, prompt: tree.Prompt) -> PromptSpec:
    """The spec of a declared prompt."""
    params = tuple(param.name.text for param in prompt.params)
    turns = tuple((turn.role.text, turn.template.value) for turn in prompt.turns)
    return PromptSpec(qualified(module, prompt.name.text), params, turns)


def pool_models(module: Module, pool: tree.Pool) -> tuple[PoolMember, ...]:
    """The models of a pool in order, pools within it flattened, each model once."""
    found: dict[str, PoolMember] = {}
    open_pools: list[tuple[Module, tree.Pool]] = []
    _collect(module, pool, found, open_pools)
    return tuple(found.values())


def _collect(
    module: Module,
    pool: tree.Pool,
    found: dict[str, PoolMember],
    open_pools: list[tuple[Module, tree.Pool]],
) -> None:
    if any(pool is other for _, other in open_pools):
        return
    open_pools.append((module, pool))
    for item in pool.members.items:
        match module.find(item) if isinstance(item, tree.Ref) else None:
            case (where, tree.Model() as model):
                name = qualified(where, model.name.text)
                found.setdefault(name, (name, where, model))
            case (where, tree.Pool() as inner):
                _collect(where, inner, found, open_pools)
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
    )


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
