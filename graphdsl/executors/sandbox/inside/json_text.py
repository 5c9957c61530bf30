"""JSON as text, written without `json`, whose import takes longer than a whole start.

Only this way: what comes in was made by the process outside, which is trusted, and is read by
`marshal`; what goes out is read there as JSON.
"""

from __future__ import annotations

from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import Any


def json_text(value: Any) -> str:
    r"""The text of what has None, bools, finite numbers, texts, lists and dicts of text keys.

    >>> json_text({"a": [1, -2.5, True, None, 'é"\n']})
    '{"a":[1,-2.5,true,null,"\\u00e9\\"\\n"]}'
    """
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return "[" + ",".join([json_text(item) for item in cast("list[Any]", value)]) + "]"
    pairs = cast("dict[str, Any]", value).items()
    return "{" + ",".join([f"{_quoted(key)}:{json_text(item)}" for key, item in pairs]) + "}"


def _quoted(text: str) -> str:
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join([_character(character) for character in text]) + '"'


def _character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character == "\n":
        return "\\n"
    code = ord(character)
    if 32 <= code < 127:
        return character
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 | code >> 10:04x}\\u{0xDC00 | code & 0x3FF:04x}"
