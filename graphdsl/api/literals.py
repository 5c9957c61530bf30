"""Constant expressions of `test` blocks as Python values, and conditions over a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphdsl.errors import InputError
from graphdsl.ops.compare import both, compare, either, negate
from graphdsl.ops.fields import read_field
from graphdsl.ops.kernels import PURE
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import REQUIRED, Operator
from graphdsl.syntax import tree
from graphdsl.values import Value


def constant(expr: tree.Expr) -> Any:
    """The value of a literal, a list or a record of literals. Raises `InputError` for others."""
    match expr:
        case tree.String() | tree.Number() | tree.Bool():
            return expr.value
        case tree.ListExpr(items=items):
            return [constant(item) for item in items]
        case tree.Record(fields=fields):
            return {str(field.name): constant(field.value) for field in fields}
        case _:
            raise InputError("only literals, lists and records of them can be given in a test")


def evaluate(expr: tree.Expr, names: Mapping[str, Value]) -> Value:
    """The value of an expression over named values, with the meaning that it has in a flow."""
    match expr:
        case tree.Ref(parts=(head, *rest)) if head.text in names:
            value = names[head.text]
            for part in rest:
                value = read_field(value, part.text)
            return value
        case tree.Compare():
            left, right = evaluate(expr.left, names), evaluate(expr.right, names)
            return compare({"left": left, "right": right, "op": expr.op})
        case tree.Logic():
            values = {str(i): evaluate(one, names) for i, one in enumerate(expr.operands)}
            return both(values) if expr.op == "and" else either(values)
        case tree.Not():
            return negate({"of": evaluate(expr.operand, names)})
        case tree.ListExpr(items=items):
            return tuple(evaluate(item, names) for item in items)
        case tree.Call():
            return _call(expr, OPERATORS[str(expr.callee)], names)
        case _:
            return constant(expr)


def _call(call: tree.Call, operator: Operator, names: Mapping[str, Value]) -> Value:
    """What a pure operator makes of its arguments."""
    args: dict[str, Any] = {param.name: param.default for param in operator.params}
    for index, arg in enumerate(call.args):
        param = operator.params[min(index, len(operator.params) - 1)]
        name = arg.name.text if arg.name is not None else str(index) if param.rest else param.name
        given = operator.param(name) or param
        args[name] = str(arg.value) if given.words else evaluate(arg.value, names)
    return PURE[operator.name]({n: None if v is REQUIRED else v for n, v in args.items()})
