"""Unit tests as Python asserts: read here, evaluated where the code under test is not.

Asserts that compare one call with a literal become `CallTest`s, which need no second sandbox. Any
other program of asserts is rewritten so that every assert reports how it went and the next one is
reached, and runs in a sandbox of its own, where the functions under test are stand-ins.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphdsl.ops.code import parsed
from graphdsl.ops.execution import FunctionCall
from graphdsl.ops.hashes import collide
from graphdsl.ops.unit_cases import (
    CANDIDATE,
    CallTest,
    CheckTest,
    Program,
    Test,
    Unsupported,
    excerpt,
    is_json,
    read_cases,
)

REPORT: Final = "__check__"
"""What a rewritten assert calls, with its number and a function that evaluates it."""

_BUILT_IN: Final = frozenset(dir(builtins)) | {"__name__", "__file__", REPORT}
_TOO_MUCH: Final = (RecursionError, MemoryError)
_TOO_DEEP: Final = "it is nested too deeply"
_TO_THE_END: Final = "the tests run to their end"


@dataclass(frozen=True, slots=True)
class Suite:
    """All tests, in order; those that are `CheckTest`s are numbered in `program`."""

    tests: tuple[Test, ...]
    program: Program = field(default_factory=Program)


def read_tests(texts: Sequence[str], entry: str | None) -> Suite:
    """The tests that some texts hold. `entry` is the function that `candidate` stands for."""
    tests: list[Test] = []
    read: dict[str, list[ast.stmt]] = {}
    for text in texts:
        if is_json(text):
            tests += read_cases(text, entry)
        elif (tree := parsed(_bare(text))) is None:
            if text.strip():
                tests.append(Unsupported(excerpt(text.strip()), "it is neither Python nor JSON"))
        elif (why := _cannot(tree)) is not None:
            tests.append(Unsupported(excerpt(text.strip()), why))
        else:
            read.setdefault(text, []).extend(tree.body)
    try:
        return _suite(tests, [node for body in read.values() for node in body], entry)
    except _TOO_MUCH:
        return Suite((*tests, *(Unsupported(excerpt(text.strip()), _TOO_DEEP) for text in read)))


def _suite(tests: Sequence[Test], body: list[ast.stmt], entry: str | None) -> Suite:
    plain = _plain(body, entry)
    if plain is not None:
        return Suite((*tests, *plain))
    program, checks = _rewritten(body, entry)
    return Suite((*tests, *checks), program)


def _bare(text: str) -> str:
    """Without the fence and the bullets that models put around tests."""
    from graphdsl.ops.code import find_code

    return (find_code(text) or text) if "```" in text else text.strip()


def _cannot(tree: ast.Module) -> str | None:
    """Why these tests are not run, if so. Each text by itself, so that others are."""
    try:
        ast.unparse(tree)
    except _TOO_MUCH:
        return _TOO_DEEP
    except ValueError:
        return "it has a number with more digits than Python writes"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any("TestCase" in ast.unparse(b) for b in node.bases):
            return "classes of `unittest` are not run: write asserts"
        if isinstance(node, ast.Name) and node.id == REPORT:
            return f"it uses the name `{REPORT}`"
    return None


# ---- asserts that compare one call with a literal


def _plain(body: Sequence[ast.stmt], entry: str | None) -> list[CallTest] | None:
    """The asserts as calls, when all are so simple; else None."""
    found: list[CallTest] = []
    for node in _statements(body):
        if isinstance(node, ast.Assert):
            if isinstance(node.test, ast.Constant) and node.test.value:
                continue  # `assert True` says nothing
            test = _comparison(node.test, entry)
            if test is None:
                return None
            found.append(test)
        elif not _says_nothing(node):
            return None
    return found


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Of a `check(candidate)` that nobody calls, what is in it."""
    for node in body:
        if isinstance(node, ast.FunctionDef) and _takes_candidate(node) and not _called(body, node):
            yield from node.body
        else:
            yield node


def _takes_candidate(node: ast.FunctionDef) -> bool:
    names = [argument.arg for argument in node.args.args]
    return names == [CANDIDATE]


def _called(body: Iterable[ast.stmt], function: ast.FunctionDef) -> bool:
    """Whether a statement at the top level calls it."""
    return any(
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == function.name
        for node in body
    )


def _says_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "METADATA"


def _comparison(test: ast.expr, entry: str | None) -> CallTest | None:
    match test:
        case ast.Call():
            return _call(test, None, "true", entry)
        case ast.UnaryOp(ast.Not(), operand):
            return _call(operand, None, "false", entry)
        case ast.Compare(left, [ast.Eq()], [right]):
            return _call(left, right, "equal", entry) or _call(right, left, "equal", entry)
        case ast.Compare(left, [ast.Is()], [ast.Constant(None)]):
            return _call(left, test.comparators[0], "equal", entry)
        case _:
            return None


def _call(node: ast.expr, expected: ast.expr | None, by: Any, entry: str | None) -> CallTest | None:
    """A test, when the node calls a name that is no built-in, and everything else is literal."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    name = node.func.id
    if name in _BUILT_IN and name != entry:
        return None
    if any(keyword.arg is None for keyword in node.keywords):
        return None
    try:
        arguments = tuple(_literal(argument) for argument in node.args)
        named = {str(one.arg): _literal(one.value) for one in node.keywords}
        value = None if expected is None else _literal(expected)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    function = entry if name == CANDIDATE and entry else name
    return CallTest(FunctionCall(function, arguments, named), value, by)


def _literal(node: ast.expr) -> Any:
    """Its value. Raises `ValueError` and more for what is none, or would take forever to make."""
    for part in ast.walk(node):
        keys = part.elts if isinstance(part, ast.Set) else getattr(part, "keys", ())
        if collide([ast.literal_eval(key) for key in keys if key is not None]):
            raise ValueError("its hashes collide")
    return ast.literal_eval(node)


# ---- everything else: a program of checks


def _rewritten(body: list[ast.stmt], entry: str | None) -> tuple[Program, list[Test]]:
    """The program whose asserts report, and its checks in the order of their numbers."""
    names = _free_names(body, entry)
    if not names:
        text = excerpt("; ".join(ast.unparse(node) for node in body))
        return Program(), [Unsupported(text, "it calls no function of the code")]
    rewriter = _Asserts()
    module = ast.Module([rewriter.visit(node) for node in body], [])
    module.body += _calls(body)
    if rewriter.left or not rewriter.texts:
        module.body.append(_report(len(rewriter.texts), ast.Constant(True)))
        rewriter.texts.append(_TO_THE_END)
    source = ast.unparse(ast.fix_missing_locations(module))
    checks: list[Test] = [CheckTest(number, text) for number, text in enumerate(rewriter.texts)]
    return Program(source, names, len(checks)), checks


class _Asserts(ast.NodeTransformer):
    """Turns asserts into reports, except where a `try` may want to see them fail."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.left = False

    def visit_Try(self, node: ast.Try) -> ast.AST:
        self.left = True
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        if isinstance(node.test, ast.Constant) and node.test.value:
            return ast.Pass()
        if any(isinstance(part, ast.NamedExpr | ast.Await) for part in ast.walk(node.test)):
            self.left = True  # it cannot move into a function
            return node
        self.texts.append(excerpt(ast.unparse(node)))
        return _report(len(self.texts) - 1, node.test)


def _report(number: int, test: ast.expr) -> ast.Expr:
    empty = ast.arguments([], [], None, [], [], None, [])
    arguments: list[ast.expr] = [ast.Constant(number), ast.Lambda(empty, test)]
    return ast.Expr(ast.Call(ast.Name(REPORT, ast.Load()), arguments, []))


def _calls(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Calls of what nobody calls: `check(candidate)` (HumanEval) and `test_…()` (pytest)."""
    found: list[ast.stmt] = []
    for node in body:
        if not isinstance(node, ast.FunctionDef) or _called(body, node):
            continue
        if _takes_candidate(node):
            found.append(ast.parse(f"{node.name}({CANDIDATE})").body[0])
        elif node.name.startswith("test") and not node.args.args:
            found.append(ast.parse(f"{node.name}()").body[0])
    return found


def _free_names(body: Sequence[ast.stmt], entry: str | None) -> Mapping[str, str]:
    """What the program uses and does not define, and what that is called in the code."""
    used: set[str] = set()
    bound: set[str] = set()
    for node in (part for statement in body for part in ast.walk(statement)):
        match node:
            case ast.Name(name, ast.Load()):
                used.add(name)
            case ast.Name(name):
                bound.add(name)
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                bound.add(name)
            case ast.arg(name):
                bound.add(name)
            case ast.alias(name, other):
                bound.add(other or name.partition(".")[0])
            case ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case _:
                pass
    free = used - bound - (_BUILT_IN - {entry})
    if any(isinstance(node, ast.FunctionDef) and _takes_candidate(node) for node in body):
        free.add(CANDIDATE)
    return {name: entry if name == CANDIDATE and entry else name for name in sorted(free)}
