"""What docs/memory.md shows is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graphdsl.cli.memory import command
from graphdsl.compiler.check import check
from graphdsl.diagnostics import Source
from graphdsl.syntax.format import format_source

PAGE = (Path(__file__).parent.parent / "docs" / "memory.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```tts\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_of_the_page_check_clean_and_are_in_canonical_form(program: str) -> None:
    assert [one.message for one in check(Source("page.tts", program)).diagnostics] == []
    assert format_source(Source("page.tts", program)).text == program


def test_every_command_is_on_the_page() -> None:
    shown = set(re.findall(r"^graphdsl memory (\w+)", PAGE, re.MULTILINE))
    assert shown == set(command.commands)
