"""The programs of docs/early-stop.md check clean, and stop where the page says so."""

from __future__ import annotations

import re
from pathlib import Path

from graphdsl.compiler.check import check
from graphdsl.compiler.cost import cost
from graphdsl.compiler.lower import lower
from graphdsl.compiler.pipeline import optimise
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from graphdsl.ir.text import print_graph

PAGE = (Path(__file__).parent.parent / "docs" / "early-stop.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```tts\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_programs_of_the_page_check_clean() -> None:
    assert len(PROGRAMS) == 2
    for text in PROGRAMS:
        assert check(Source("page.tts", text)).diagnostics == ()


def test_the_first_program_stops_as_the_page_shows() -> None:
    (line,) = re.findall(r"^%main.drafts: .*$", PAGE, re.MULTILINE)
    checked = check(Source("page.tts", PROGRAMS[0]))
    assert checked.module is not None
    graph = optimise(specialise(lower(checked.module, "main"), {}))
    assert line in print_graph(graph)
    assert str(cost(graph).calls) == "5..9"
