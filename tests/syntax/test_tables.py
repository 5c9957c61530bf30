"""The parse tables: what we read from lark, and the file that ships them."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lark import UnexpectedInput

from graphdsl.diagnostics import Source
from graphdsl.syntax.automaton import Stuck, run
from graphdsl.syntax.build import Builder
from graphdsl.syntax.lark_tables import compute_tables, make_parser
from graphdsl.syntax.lexing import lex
from graphdsl.syntax.prebuilt import GRAMMAR, TABLES, load_tables, read_tables, write_tables
from graphdsl.syntax.tables import Tables

SAMPLE = Path(__file__).parent.parent / "golden" / "parse" / "everything.tts"


@pytest.fixture(scope="module")
def grammar() -> str:
    return Path(GRAMMAR).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lark(grammar: str) -> Any:
    return make_parser(grammar)


@pytest.fixture(scope="module")
def tables(grammar: str) -> Tables:
    return compute_tables(grammar)


@pytest.fixture
def fresh() -> Iterator[None]:
    load_tables.cache_clear()
    yield
    load_tables.cache_clear()


def test_grammar_has_no_conflict_and_no_colliding_terminals(grammar: str) -> None:
    make_parser(grammar, strict=True)


def test_lark_still_has_the_attributes_that_we_read(lark: Any) -> None:
    table = lark.parser.parser._parse_table
    assert sorted(table.states) == list(range(len(table.states)))
    assert {"start", "items"} <= table.start_states.keys() & table.end_states.keys()
    rule = next(rule for rule in lark.rules if rule.origin.name == "param")
    assert hasattr(rule.options, "empty_indices")
    assert rule.expansion[1].filter_out
    assert lark.terminals[0].pattern.max_width > 0


def test_every_rule_has_a_builder(tables: Tables) -> None:
    names = {rule.build for rule in tables.rules} - {"", "+"}
    assert [name for name in sorted(names) if not callable(getattr(Builder, name, None))] == []


def test_no_rule_is_empty(tables: Tables) -> None:
    """The automaton takes the place of a rule from its first token."""
    assert min(rule.size for rule in tables.rules) == 1


def test_tokens_are_those_of_lark(lark: Any) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    tokens = lex(Source("x.tts", text))
    theirs = [(token.type, token.start_pos, token.end_pos) for token in lark.lex(text)]
    assert list(zip(tokens.kinds, tokens.starts, tokens.ends, strict=True)) == theirs


def test_accepts_what_lark_accepts(lark: Any, tables: Tables) -> None:
    """Texts near to right: the sample's items with one token dropped, doubled or swapped."""
    text = SAMPLE.read_text(encoding="utf-8")
    tokens = lex(Source("x.tts", text))
    words = [tokens.text(at) for at in range(len(tokens.kinds))]
    choose = random.Random(7)
    verdicts: set[bool] = set()
    for _ in range(150):
        begin = choose.randrange(len(words) - 1)
        changed = list(words)
        how = choose.choice(("drop", "double", "swap"))
        if how == "drop":
            del changed[begin]
        elif how == "double":
            changed.insert(begin, changed[begin])
        else:
            changed[begin : begin + 2] = reversed(changed[begin : begin + 2])
        verdict = accepted_by_lark(lark, " ".join(changed))
        assert accepted(tables, " ".join(changed)) == verdict
        verdicts.add(verdict)
    assert verdicts == {True, False}


def accepted_by_lark(lark: Any, text: str) -> bool:
    try:
        lark.parse(text, start="start")
    except UnexpectedInput:
        return False
    return True


def accepted(tables: Tables, text: str) -> bool:
    tokens = lex(Source("x.tts", text))
    found = run(tables, "start", tokens, 0, len(tokens.kinds), Builder(tokens))
    return not isinstance(found, Stuck)


# ---- the tables that ship


def test_shipped_tables_are_those_of_the_grammar(grammar: str, tables: Tables) -> None:
    """After an edit of the grammar: `make grammar`."""
    assert read_tables(TABLES, grammar) == tables


def test_tables_come_back_as_written(tmp_path: Path, grammar: str, tables: Tables) -> None:
    path = str(tmp_path / "tables.json")
    write_tables(path, grammar, tables)
    assert read_tables(path, grammar) == tables


def test_tables_of_another_grammar_are_not_used(
    tmp_path: Path, grammar: str, tables: Tables
) -> None:
    path = str(tmp_path / "tables.json")
    write_tables(path, grammar + "\n", tables)
    assert read_tables(path, grammar) is None


@pytest.mark.parametrize("damage", [b"", b"\x00\xff", b"not tables\n[1, 2]"])
def test_without_good_tables_lark_computes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None, tables: Tables, damage: bytes
) -> None:
    path = tmp_path / "tables.json"
    path.write_bytes(damage)
    monkeypatch.setattr("graphdsl.syntax.prebuilt.TABLES", str(path))
    assert load_tables() == tables


def test_parsing_does_not_import_lark() -> None:
    code = (
        "import sys; from graphdsl.diagnostics import Source; "
        "from graphdsl.syntax.parse import parse; "
        "parse(Source('x', 'edition \"2026\" model m { }')); print('lark' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
