"""The one way to write an expression that the comparison reads: LaTeX, whatever a model wrote."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 1000
"""Characters of an expression; longer ones are equal only where they are written alike."""

_SIGNS: Final = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "×": r"\times ",
        "·": r"\cdot ",
        "÷": r"\div ",
        "π": r"\pi ",
        "∞": r"\infty ",
        "≤": r"\le ",
        "≥": r"\ge ",
        "≠": r"\ne ",
        "∪": r"\cup ",
        "²": "^{2}",
        "³": "^{3}",
        "°": r"^{\circ}",
        "\N{NO-BREAK SPACE}": " ",
    }
)
FUNCTIONS: Final = (
    "arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|log|ln|exp|gcd|lcm|min|max|pi"
)
"""Names that need no backslash."""

_REWRITES: Final = tuple(
    (re.compile(pattern), written)
    for pattern, written in (
        (r"\\(?:left|right|big|Big|bigg|Bigg)(?![A-Za-z])", ""),
        (r"(?<!\\)\\[,;:! ]|\\q?quad(?![A-Za-z])|~", " "),
        (r"\\[dtc]frac(?![A-Za-z])", r"\\frac"),
        (r"\{,\}", ","),
        (r"\*\*", "^"),
        (r"√\s*(\d+(?:\.\d+)?|[A-Za-z])", r"\\sqrt{\1}"),
        (r"√\s*\(([^()]*)\)|(?<![\\A-Za-z])sqrt\s*\(([^()]*)\)", r"\\sqrt{\1\2}"),
        (rf"(?<![\\A-Za-z])({FUNCTIONS})(?![A-Za-z])", r"\\\1 "),
        (r"\^\(([^()]*)\)", r"^{\1}"),
        (r"\^\{(\w)\}", r"^\1"),
        (r"(?<![\w.])(\d+)\s+(\d+)\s*/\s*(\d+)(?![\w.])", r"\1\\frac{\2}{\3}"),
        (r"(?<![A-Za-z\\])(\d+(?:\.\d+)?)[eE]([-+]?\d{1,3})(?!\w)", r"\1\\cdot 10^{\2}"),
        (r"(?<=[\w)}$%])\s+(?:and|or)\s+(?=[\w({$\\-])", ", "),
        (r"(?<!\\)%", r"\\%"),
        (r"\\?\$", ""),
        (r"\s+(?![\w\\])|(?<![\w\\}])\s+", ""),
        (r"\s+", " "),
    )
)


def as_latex(expression: str) -> str:
    """An expression in LaTeX: ASCII signs, `sqrt(2)` as a root, `**` as a power, few spaces.

    >>> as_latex("2 sqrt(3) + 1,000×10**3"), as_latex("3 1/2"), as_latex("x = 1 or x = 2")
    ('2 \\\\sqrt{3}+1,000\\\\times 10^3', '3\\\\frac{1}{2}', 'x=1,x=2')
    """
    text = expression.translate(_SIGNS)
    for pattern, written in _REWRITES:
        text = pattern.sub(written, text)
    return text.strip()
