"""The formats a drawing can be written in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from graphdsl.drawing.dot import to_dot
from graphdsl.drawing.html import to_html
from graphdsl.drawing.mermaid import to_mermaid
from graphdsl.drawing.model import Drawing
from graphdsl.drawing.svg import to_svg


def to_json(drawing: Drawing) -> str:
    """The drawing as JSON: title, boxes, arrows, frames."""
    return json.dumps(asdict(drawing), indent=2, ensure_ascii=False) + "\n"


FORMATS: Final[dict[str, Callable[[Drawing], str]]] = {
    "mermaid": to_mermaid,
    "dot": to_dot,
    "svg": to_svg,
    "html": to_html,
    "json": to_json,
}
"""Every format by name."""


def render(drawing: Drawing, form: str) -> str:
    """The drawing as text of that format. Raises KeyError for a format that is not in `FORMATS`."""
    return FORMATS[form](drawing)
