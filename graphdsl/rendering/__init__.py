"""Diagnostics for terminals, for editors and for programs, all from the same value.

`sources` maps the name in a `Span` to its `Source`. A name that is missing there is not an
error: the place is then shown without its line.
"""

from graphdsl.rendering.records import to_json, to_lsp
from graphdsl.rendering.terminal import render, summary

__all__ = ["render", "summary", "to_json", "to_lsp"]
