"""What all pages share: one HTML file that loads nothing, light or dark as the reader likes.

A page forbids every script and style but its own, by their hashes (https://www.w3.org/TR/CSP3/),
so that no text in it can do anything in a browser.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from graphdsl.executors.traces.markup import text

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body><main>
{body}
</main>
<script>{script}</script>
</body>
</html>
"""


def html_page(title: str, style: str, body: str, script: str, *, images: bool = False) -> str:
    """The page around a body, which is markup already; `images` allows pictures inside it."""
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        f"{'img-src data:; ' if images else ''}base-uri 'none'; form-action 'none'"
    )
    return _PAGE.format(policy=policy, title=text(title), style=style, body=body, script=script)


def base_style() -> str:
    """Colours, type, tables and tiles."""
    return asset(__file__, "page_base.css")


@cache
def asset(beside: str, name: str) -> str:
    """The text of a file in the folder of a module, given by its `__file__`."""
    return (Path(beside).parent / name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
