"""What tests use of the code put before each draft: that definition, and never the draft's own.

A draft that defines the helper which its tests call would otherwise decide about itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from graphdsl.ops.code import parsed
from graphdsl.ops.unit_cases import CANDIDATE, Program


def with_trusted(program: Program, before: str, entry: str | None) -> Program:
    """The program of checks, begun with the code before; what that defines is no stand-in.

    `entry`, the function under test, stays one; so does what the code before only declares (a body
    of nothing but a docstring). Code that is no Python by itself defines nothing. Where nothing
    would be left to test, as when drafts mend what stands before, all stays as it is.
    """
    tree = parsed(before)
    if tree is None or not program.count:
        return program
    under_test = {CANDIDATE, entry}
    defined = {name for node in tree.body for name in _defined(node)}
    names = {
        name: own
        for name, own in program.names.items()
        if name in under_test or own in under_test or name not in defined
    }
    if not names:
        return program
    kept = [node for node in tree.body if not names.keys() & _bound(node)]
    try:
        body = [*kept, *ast.parse(program.source).body]
        first, rest = _future(body)
        source = ast.unparse(ast.Module([*first, *rest], []))
    except (RecursionError, MemoryError, ValueError):
        return program
    return replace(program, source=source, names=names)


def _future(body: Sequence[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """Imports from `__future__`, which must come first, and the others."""
    first: list[ast.stmt] = []
    rest: list[ast.stmt] = []
    for node in body:
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        (first if future else rest).append(node)
    return first, rest


def _defined(node: ast.stmt) -> set[str]:
    """The names to which a statement at the top level gives something."""
    function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return set() if function and all(map(_says_nothing, node.body)) else _bound(node)


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    return set(_names(node))


def _names(node: ast.stmt) -> Iterator[str]:
    for part in ast.walk(node):
        match part:
            case ast.Name(name, ast.Store()):
                yield name
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.alias(name, other):
                yield other or name.partition(".")[0]
            case _:
                pass


def _says_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Pass | ast.Raise)
