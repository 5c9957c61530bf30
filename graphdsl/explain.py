"""The long explanation of each diagnostic code, one page of Markdown per code.

Pages are `graphdsl/explanations/GDxxxx.md`. Their first line is `# GDxxxx: title`.
"""

from __future__ import annotations

import re
from importlib.resources import files

CODE = re.compile(r"GD[0-9]{4}")
FOLDER = "explanations"


def explain(code: str) -> str | None:
    """The page of a code as Markdown, or None when there is no such code."""
    if not CODE.fullmatch(code):
        return None
    page = files("graphdsl").joinpath(FOLDER, f"{code}.md")
    return page.read_text(encoding="utf-8") if page.is_file() else None


def codes() -> tuple[str, ...]:
    """All codes that have a page, in order."""
    names = (page.name.removesuffix(".md") for page in files("graphdsl").joinpath(FOLDER).iterdir())
    return tuple(sorted(name for name in names if CODE.fullmatch(name)))


def title(code: str) -> str | None:
    """The title of a code's page, or None when there is no such code.

    >>> title("GD0190")
    'item left as it was'
    """
    page = explain(code)
    return page.partition("\n")[0].removeprefix(f"# {code}: ") if page else None
