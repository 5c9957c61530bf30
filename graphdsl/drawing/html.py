"""One self-contained page around the SVG."""

from __future__ import annotations

from html import escape
from string import Template
from typing import Final

from graphdsl.drawing.model import Drawing
from graphdsl.drawing.svg import to_svg

_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  :root { color-scheme: light dark }
  body { margin: 0; font: 15px/1.5 system-ui, sans-serif; background: #fff; color: #1f2733 }
  main { max-width: 1200px; margin: 0 auto; padding: 24px }
  h1 { font-size: 18px; font-weight: 600; margin: 0 0 16px }
  figure { margin: 0; overflow: auto }
  svg { max-width: 100%; height: auto; display: block; margin: 0 auto }
  @media (prefers-color-scheme: dark) { body { background: #14181f; color: #e6e9ef } }
</style>
</head>
<body><main><h1>$title</h1><figure>
$svg</figure></main></body>
</html>
""")


def to_html(drawing: Drawing) -> str:
    """A page that shows the drawing; it loads nothing."""
    return _PAGE.substitute(title=escape(drawing.title), svg=to_svg(drawing))
