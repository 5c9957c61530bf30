"""`graphdsl ops`: the operators of the language."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from typing import Any

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import json_option
from graphdsl.cli.output import BOLD, DIM, paint, print_json, show
from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError
from graphdsl.ir.types import UNKNOWN, Type
from graphdsl.ops.registry import FAMILIES, OPERATORS
from graphdsl.ops.signature import Operator, Param, When


@click.command("ops")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> int:
    """List the operators of the language, or say all about one."""
    if name is not None and name not in OPERATORS:
        near = did_you_mean(name, OPERATORS)
        hint = f"; did you mean `{near[0]}`?" if near else "; `graphdsl ops` lists them"
        raise InputError(f"there is no operator `{name}`{hint}")
    chosen = [OPERATORS[name]] if name else list(OPERATORS.values())
    if as_json:
        from graphdsl.cli.schemas import OpsReport

        print_json(OpsReport.model_validate({"operators": [record(one) for one in chosen]}))
    elif name:
        _print_one(chosen[0])
    else:
        _print_all()
    return Exit.OK


def signature(operator: Operator) -> str:
    """How an operator is called: `vote(drafts, by: text | number | choice = text) -> Draft`."""
    params = [
        _param(param, index < operator.positional) for index, param in enumerate(operator.params)
    ]
    return f"{operator.name}({', '.join(params)}) -> {result(operator)}"


def result(operator: Operator) -> str:
    """The type of its value when it is given what it wants."""
    types: Mapping[str, Type] = {p.name: p.types[0] for p in operator.params if p.types}
    return _type(operator.result({"0": next(iter(types.values()), UNKNOWN), **types}))


def _param(param: Param, positional: bool) -> str:
    name = f"{param.name}…" if param.rest else param.name
    kind = kinds(param)
    default = "" if param.required or param.default is None else f" = {_value(param.default)}"
    optional = "?" if not param.required and param.default is None else ""
    return f"{name}: {kind}{optional}{default}" if not positional or kind else name


def kinds(param: Param) -> str:
    """What a parameter accepts: types, words or units."""
    if param.units:
        return " | ".join(f"{unit}(…)" for unit in param.units)
    return " | ".join(param.words or tuple(_type(kind) for kind in param.types))


def _type(kind: Type) -> str:
    return str(kind).replace("?", "T") if str(kind) in ("?", "List[?]") else str(kind)


def _value(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("\n", "\\n")
        return f'"{escaped}"' if not value.isidentifier() else value
    return str(value).lower() if isinstance(value, bool) else str(value)


def short(operator: Operator) -> str:
    """The call with what it always needs; `…` stands for all else."""
    params = [
        _param(param, index < operator.positional)
        for index, param in enumerate(operator.params)
        if param.rest or (param.required and param.when is None)
    ]
    more = ["…"] if len(params) < len(operator.params) else []
    return f"{operator.name}({', '.join([*params, *more])}) -> {result(operator)}"


def _print_all() -> None:
    for family, operators in FAMILIES.items():
        show(paint(f"{family}\n", DIM, sys.stdout))
        for operator in operators:
            head, _, tail = short(operator).partition("(")
            line = f"{paint(head, BOLD, sys.stdout)}({tail}"
            show(textwrap.fill(line, 100, subsequent_indent="    "))
            doc = textwrap.fill(operator.doc, 96, initial_indent="  ", subsequent_indent="  ")
            show(f"{doc}\n")
    show("`graphdsl ops NAME` says all about one")


def _print_one(operator: Operator) -> None:
    head, _, tail = signature(operator).partition("(")
    show(textwrap.fill(f"{paint(head, BOLD, sys.stdout)}({tail}", 100, subsequent_indent="    "))
    show("\n" + textwrap.fill(operator.doc, 96) + "\n")
    width = max(len(param.name) for param in operator.params)
    for param in operator.params:
        lines = textwrap.wrap(_about(param), 92 - width)
        show(f"  {param.name:<{width}}  " + f"\n{'':<{width + 4}}".join(lines))
    if operator.source:
        show("\n" + paint(f"source: {operator.source}", DIM, sys.stdout))


def _about(param: Param) -> str:
    """Its meaning, what it accepts and within which bounds."""
    facts = [kinds(param) + (" or a list of them" if param.many else "")]
    if param.low is not None or param.high is not None:
        low = "" if param.low is None else f"{param.low:g}"
        high = "" if param.high is None else f"{param.high:g}"
        facts.append(f"{low}..{high}")
    if param.static:
        facts.append("known at compile time")
    facts.append(_needed(param))
    return f"{param.doc} ({', '.join(facts)})"


def _needed(param: Param) -> str:
    """Whether and where a call must or may give it: `required with method: verdict`."""
    needed = "required" if param.required else "optional"
    if param.when is None:
        return needed
    words = f": {' | '.join(param.when.words)}" if param.when.words else ""
    where = f"with {param.when.param}{words}"
    return f"{needed} {where}" if param.required else f"only {where}"


def record(operator: Operator) -> dict[str, Any]:
    """An operator for `--json`."""
    return {
        "name": operator.name,
        "doc": operator.doc,
        "signature": signature(operator),
        "result": result(operator),
        "family": next(name for name, family in FAMILIES.items() if operator in family),
        "calls_models": operator.samples,
        "effect": operator.effect,
        "chance": operator.chance,
        "asks": [
            {"capability": ask.capability, "of": ask.of, "when": _when(ask.when)}
            for ask in operator.asks
        ],
        "source": operator.source,
        "params": [_param_record(param) for param in operator.params],
    }


def _param_record(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "doc": param.doc,
        "types": [_type(kind) for kind in param.types],
        "words": list(param.words),
        "required": param.required,
        "default": None if param.required else param.default,
        "static": param.static,
        "low": param.low,
        "high": param.high,
        "integer": param.integer,
        "many": param.many,
        "units": list(param.units),
        "when": _when(param.when),
    }


def _when(when: When | None) -> dict[str, Any] | None:
    return None if when is None else {"param": when.param, "words": list(when.words)}
