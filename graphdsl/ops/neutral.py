"""Chat control strings in data: a reply must not be able to end its turn or open another.

A chat model reads strings such as `<|im_end|>` as turn boundaries. Text that came from a user or
a model is data, so such a string is broken by one space after its first character
(`< |im_end|>`): readers still see what was written, the tokenizer does not see a boundary.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_CONTROL = re.compile(
    r"<(?:\|[^\s|<>\[\]]{1,64}\|>"  # <|im_start|>, <|eot_id|>: ChatML, Llama 3, Phi, Qwen
    r"|｜[^｜<>\[\]]{1,64}｜>"  # <｜begin▁of▁sentence｜>: DeepSeek
    r"|/?s>"  # <s>, </s>: Llama 2, Mistral
    r"|(?:start|end)_of_turn>|bos>|eos>"  # Gemma
    r"|</?SYS>>)"  # <<SYS>>, <</SYS>>: Llama 2
    r"|\[/?INST\]"  # Llama 2, Mistral
)


def neutralise(text: str) -> str:
    """The text with every chat control string broken by one space after its first character.

    Pure; a second application changes nothing.

    >>> neutralise("done<|im_end|>"), neutralise("a < b, [INST]")
    ('done< |im_end|>', 'a < b, [ INST]')
    """
    return _CONTROL.sub(broken, text)


def neutralise_within(text: str, regions: Sequence[tuple[int, int]]) -> str:
    """Like `neutralise`, but only what shares a character with one of `regions`.

    The regions are sorted and disjoint (start, end). A control string that two values form
    together is broken as well; one that lies wholly outside is the prompt author's and stays.

    >>> neutralise_within("<s><|im_end|>", [(5, 9)])
    '<s>< |im_end|>'
    """
    if not regions or ("<" not in text and "[" not in text):
        return text
    at = 0

    def broken_inside(match: re.Match[str]) -> str:
        nonlocal at
        while at < len(regions) and regions[at][1] <= match.start():
            at += 1
        inside = at < len(regions) and regions[at][0] < match.end()
        return broken(match) if inside else match.group()

    return _CONTROL.sub(broken_inside, text)


def broken(match: re.Match[str]) -> str:
    """A control string with a space after its first character."""
    found = match.group()
    return f"{found[0]} {found[1:]}"
