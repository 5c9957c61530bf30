"""Options that may come from the environment: addresses, paths, and keys, which have to.

No report repeats what may be a key: neither the text of a wrong `api_key`, nor an address with a
password, nor a name of a variable that can be none.
"""

from __future__ import annotations

from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.check_expression import report_misplaced_hole
from graphdsl.compiler.entities import listed_in, literal
from graphdsl.compiler.report import error
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Applicability, Diagnostic, Help, Span, TextEdit
from graphdsl.hidden import looks_like_key
from graphdsl.ir.backends import Option
from graphdsl.ir.option_rules import ARTICLES, address_problem, is_variable
from graphdsl.syntax import tree

_EXAMPLE: Final = 'env("MY_KEY")'
_WHY: Final = "files are shared and kept in histories: keys belong in the environment"


def check_secret(option: Option, value: tree.Expr, frame: Frame) -> None:
    """Report a key that stands in the file, and whatever else is not `env("NAME")`."""
    if isinstance(value, tree.Call):
        _check_env(option, value, frame)
    elif any(isinstance(item, tree.String | tree.Number) for item in listed_in(value)):
        message = f"`{option.name}` holds a key, and a program is no place for one"
        frame.report(_key_in_file(message, value.span, _instead(option, value.span)))
    else:
        message = f"`{option.name}` must be {ARTICLES['secret']}"
        helps = (_variable_named(option, value) or _instead(option, value.span),)
        frame.report(error(codes.WRONG_OPTION, message, value.span, notes=(_WHY,), helps=helps))


def check_places(option: Option, value: tree.Expr, frame: Frame) -> None:
    """Report what is neither a text nor `env("NAME")`, and addresses that are none."""
    items = listed_in(value) if option.kind == "places" else (value,)
    if not items:
        message = f"`{option.name}` is an empty list"
        helps = (f"name at least one, or leave `{option.name}` away",)
        frame.report(error(codes.WRONG_OPTION, message, value.span, helps=helps))
    for item in items:
        _check_place(option, item, frame)


def _check_place(option: Option, value: tree.Expr, frame: Frame) -> None:
    match value:
        case tree.Hole():
            report_misplaced_hole(value, frame)
        case tree.Call():
            _check_env(option, value, frame)
        case tree.String() if option.name == "base_url":
            _check_address(option, value, frame)
        case tree.String() if value.value.strip():
            return
        case tree.String():
            message = f"`{option.name}` is empty"
            frame.report(error(codes.WRONG_OPTION, message, value.span, notes=(_doc(option),)))
        case _:
            frame.report(_no_place(option, value))


def _no_place(option: Option, value: tree.Expr) -> Diagnostic:
    message = f"`{option.name}` must be {ARTICLES[option.kind]}"
    several = isinstance(value, tree.ListExpr)
    helps = (f"write one, without brackets: `{option.name} = …`",) if several else ()
    return error(codes.WRONG_OPTION, message, value.span, notes=(_doc(option),), helps=helps)


def _check_address(option: Option, value: tree.String, frame: Frame) -> None:
    problem = address_problem(value.value)
    if problem is None:
        return
    message = f"`{option.name}` {problem.reason}"
    if problem.secret:
        frame.report(_key_in_file(message, value.span, Help(problem.help)))
        return
    better = problem.better
    plain = better is not None and not {'"', "\\"} & set(better)
    helps = (Help(problem.help, TextEdit(value.span, f'"{better}"') if plain else None),)
    frame.report(error(codes.WRONG_OPTION, message, value.span, notes=(_doc(option),), helps=helps))


# ---- env("NAME")


def _check_env(option: Option, call: tree.Call, frame: Frame) -> None:
    """Report a call that is not `env` of one name."""
    if str(call.callee) != "env":
        message = f"`{option.name}` must be {ARTICLES[option.kind]}"
        helps = (_variable_in(call) or _instead(option, call.span),)
        frame.report(error(codes.WRONG_OPTION, message, call.span, helps=helps))
    elif len(call.args) != 1 or call.args[0].name is not None:
        message = "`env` takes the name of one environment variable, and nothing else"
        frame.report(error(codes.WRONG_OPTION, message, call.span, helps=(_written(option),)))
    else:
        _check_variable(option, call.args[0].value, frame)


def _check_variable(option: Option, name: tree.Expr, frame: Frame) -> None:
    if not isinstance(name, tree.String):
        if isinstance(name, tree.Hole):
            report_misplaced_hole(name, frame)
            return
        message = "the name of an environment variable is a text"
        helps = (_quoted(name) or _written(option),)
        frame.report(error(codes.WRONG_OPTION, message, name.span, helps=helps))
    elif looks_like_key(name.value):
        message = "`env` is given a key, where the name of a variable belongs"
        helps = Help(f"keep the key in an environment variable, and write `{_EXAMPLE}`")
        frame.report(_key_in_file(message, name.span, helps))
    elif not is_variable(name.value):
        frame.report(_no_variable(option, name))


def _no_variable(option: Option, name: tree.String) -> Diagnostic:
    bare = name.value.strip().removeprefix("$").strip("{}")
    if not name.value.strip():
        message, helps = "the name of the environment variable is empty", (_written(option),)
    elif is_variable(bare) and bare != name.value:
        message = "the name of an environment variable stands without anything around it"
        helps = (Help(f'write `env("{bare}")`', TextEdit(name.span, f'"{bare}"')),)
    else:
        message = "this cannot be the name of an environment variable"
        helps = (Help("names are letters, digits and `_`, and do not begin with a digit"),)
    return error(codes.WRONG_OPTION, message, name.span, helps=helps)


# ---- what to write instead


def _key_in_file(message: str, at: Span, help_: Help) -> Diagnostic:
    return error(codes.KEY_IN_FILE, message, at, "a key", notes=(_WHY,), helps=(help_,))


def _doc(option: Option) -> str:
    return f"it is {option.doc}"


def _written(option: Option) -> Help:
    example = _EXAMPLE if option.kind == "secret" else 'env("MY_SERVER")'
    return Help(f"write `{option.name} = {example}`")


def _instead(option: Option, at: Span) -> Help:
    text = _written(option)
    example = _EXAMPLE if option.kind == "secret" else 'env("MY_SERVER")'
    return Help(text.text, TextEdit(at, example), Applicability.HAS_PLACEHOLDERS)


def _variable_named(option: Option, value: tree.Expr) -> Help | None:
    """A bare `MY_KEY` was meant as a variable, unless it is a key itself."""
    name = str(value) if isinstance(value, tree.Ref) else ""
    if not (is_variable(name) and name.isupper() and "_" in name):
        return None
    better = f'env("{name}")'
    return Help(f"write `{option.name} = {better}`", TextEdit(value.span, better))


def _variable_in(call: tree.Call) -> Help | None:
    """Another way to write `env("NAME")`, such as `getenv("NAME")`."""
    name = literal(call.args[0].value) if len(call.args) == 1 else None
    if not isinstance(name, str) or not is_variable(name) or not name.isupper():
        return None
    better = f'env("{name}")'
    return Help(f"write `{better}`", TextEdit(call.span, better))


def _quoted(name: tree.Expr) -> Help | None:
    if not isinstance(name, tree.Ref) or not is_variable(str(name)):
        return None
    better = f'"{name}"'
    return Help(f"put it in quotes: `env({better})`", TextEdit(name.span, better))
