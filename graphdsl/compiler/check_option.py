"""Values of options in the blocks of models and memories: their kind, range and words."""

from __future__ import annotations

from graphdsl.compiler import codes
from graphdsl.compiler.check_expression import report_misplaced_hole
from graphdsl.compiler.check_place import check_places, check_secret
from graphdsl.compiler.entities import listed_in, literal
from graphdsl.compiler.report import error, instead, listed
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Diagnostic, Help, Span, TextEdit, did_you_mean
from graphdsl.ir.backends import Option
from graphdsl.ir.option_rules import ARTICLES, out_of_range
from graphdsl.syntax import tree


def check_option(option: Option, value: tree.Expr, frame: Frame) -> None:
    """Report what is wrong with the value of an option of any kind but `models`."""
    if isinstance(value, tree.Hole):
        report_misplaced_hole(value, frame)
        return
    match option.kind:
        case "secret":
            check_secret(option, value, frame)
        case "place" | "places":
            check_places(option, value, frame)
        case "word":
            _check_word(option, value, frame)
        case _:
            _check_literal(option, value, frame)


def _check_literal(option: Option, value: tree.Expr, frame: Frame) -> None:
    wrong = _wrong_kind(option, value) or _wrong_range(option, value)
    if wrong:
        message = f"`{option.name}` must be {wrong}"
        notes = (f"it is {option.doc}",)
        helps = _helps(option, value)
        frame.report(error(codes.WRONG_OPTION, message, value.span, notes=notes, helps=helps))
    elif option.words:
        _check_texts(option, value, frame)


def _wrong_kind(option: Option, value: tree.Expr) -> str:
    match option.kind:
        case "number":
            fits = isinstance(value, tree.Number)
        case "int":
            fits = isinstance(value, tree.Number) and isinstance(value.value, int)
        case "text":
            fits = isinstance(value, tree.String)
        case "bool":
            fits = isinstance(value, tree.Bool)
        case _:
            fits = isinstance(value, tree.ListExpr) and all(
                isinstance(item, tree.String) for item in value.items
            )
    return "" if fits else ARTICLES[option.kind]


def _wrong_range(option: Option, value: tree.Expr) -> str:
    return out_of_range(option, value.value) if isinstance(value, tree.Number) else ""


def _helps(option: Option, value: tree.Expr) -> tuple[str, ...]:
    if option.kind == "text" and isinstance(value, tree.Ref):
        return (f'put it in quotes: `"{value}"`',)
    if option.kind == "texts" and isinstance(value, tree.String):
        return (f'put it in brackets: `{option.name} = ["…"]`',)
    return ()


def _check_texts(option: Option, value: tree.Expr, frame: Frame) -> None:
    """Report the first text that is none of the option's words."""
    texts = (item for item in listed_in(value) if isinstance(item, tree.String))
    wrong = next((text for text in texts if text.value not in option.words), None)
    if wrong is not None:
        quoted = [f'"{word}"' for word in option.words]
        helps = instead(f'"{wrong.value}"', quoted, wrong.span, "the words are")
        message = f"`{option.name}` cannot hold `{wrong.value}`"
        frame.report(error(codes.WRONG_OPTION, message, wrong.span, helps=helps))


def _check_word(option: Option, value: tree.Expr, frame: Frame) -> None:
    """Report what is not one of the option's words, written bare."""
    if not isinstance(value, tree.Ref) or str(value) not in option.words:
        frame.report(_no_word(option, value))


def _no_word(option: Option, value: tree.Expr) -> Diagnostic:
    notes = (f"it is {option.doc}",)
    helps: tuple[Help, ...] = (Help(f"the words are {listed(option.words)}"),)
    given = literal(value)
    match value:
        case tree.String() if given in option.words:
            message = f"`{option.name}` is a word, not a text"
            helps = (_edit(f"write it without quotes: `{given}`", value.span, str(given)),)
        case tree.Ref() | tree.String():
            message = f"`{option.name}` cannot be `{given}`"
            close = did_you_mean(str(given), option.words)
            if close:
                helps = (_edit(f"did you mean `{close[0]}`?", value.span, close[0]),)
        case _:
            message = f"`{option.name}` must be one of {listed(option.words)}"
            helps = ()
    return error(codes.WRONG_OPTION, message, value.span, notes=notes, helps=helps)


def _edit(text: str, at: Span, better: str) -> Help:
    return Help(text, TextEdit(at, better))
