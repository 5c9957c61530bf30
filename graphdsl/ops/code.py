"""Finds the code in a reply."""

from __future__ import annotations

import ast
import re
from typing import Final

LONGEST: Final = 200_000
"""Characters of the longest text that is looked at as code without a fence."""

_FENCED: Final = re.compile(
    r"^[ \t]*(?P<fence>`{3,}(?!`)|~{3,}(?!~))[ \t]*(?P<word>[\w+.-]*)[^\n]*\n"
    r"(?P<code>.*?)^[ \t]*(?P=fence)",
    re.MULTILINE | re.DOTALL,
)
_PYTHON: Final = frozenset({"python", "py", "python3"})


def find_code(text: str) -> str | None:
    r"""The Python code of a reply: the last block fenced as Python; else the last fenced without a
    word that is Python; else the whole text where it is a program. None where there is none.

    >>> find_code("First:\n```python\nx = 1\n```\nThen:\n```py\nx = 2\n```\nOut:\n```\n2\n```")
    'x = 2\n'
    >>> find_code("The answer is 4.") is None
    True
    """
    blocks = [(match["word"].lower(), match["code"]) for match in _FENCED.finditer(text)]
    named = [code for word, code in blocks if word in _PYTHON]
    if named:
        return named[-1]
    for word, code in reversed(blocks):
        if not word and parsed(code) is not None:
            return code
    return text if not blocks and _does_something(text) else None


def _does_something(text: str) -> bool:
    """A sentence such as `It is 4.` is Python, too; but it does nothing."""
    tree = parsed(text)
    return tree is not None and any(
        not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in tree.body
    )


def parsed(code: str) -> ast.Module | None:
    """The syntax tree, which is only read; None for what is no Python, or nothing, or too long."""
    if not code.strip() or len(code) > LONGEST:
        return None
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if tree.body else None


def last_function(code: str) -> str | None:
    """The name of the last function that the code defines at its top level."""
    tree = parsed(code)
    functions = (
        [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] if tree else []
    )
    return functions[-1] if functions else None
