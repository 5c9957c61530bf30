"""The pages of diagnostic codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graphdsl.explain import codes, explain, title

ROOT = Path(__file__).parents[1]


def test_a_page_is_found_by_its_code() -> None:
    page = explain("GD0190")
    assert page is not None
    assert page.startswith("# GD0190: item left as it was\n")
    assert title("GD0190") == "item left as it was"


@pytest.mark.parametrize("code", ["GD9999", "GD01", "gd0190", "../explain", "GD0190\n", ""])
def test_an_unknown_code_has_no_page(code: str) -> None:
    assert explain(code) is None
    assert title(code) is None


@pytest.mark.parametrize("code", codes())
def test_a_page_begins_with_its_code_and_title(code: str) -> None:
    assert re.match(rf"# {code}: [^\s].*[^.\s]\n\n\S", explain(code) or "")


def test_codes_are_sorted_and_complete() -> None:
    pages = (ROOT / "graphdsl" / "explanations").glob("*.md")
    assert list(codes()) == sorted(page.stem for page in pages)
