"""Reading examples: files, tables, mappings, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import graphdsl
from graphdsl.api.evaluation.columns import columns_of
from graphdsl.api.evaluation.items import Item, items_of, read_records
from graphdsl.errors import InputError

FLOW = graphdsl.load(
    """edition "2026"
flow main(question: Text, level: Number = 1, hint: Text?) -> Text { return question }
"""
).flow("main")


def items(data: Any, limit: int | None = None) -> list[Item]:
    records = read_records(data, limit)
    return items_of(records, FLOW, columns_of(records.names, FLOW.inputs))


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_json_lines_and_mappings_are_the_same(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "question": "What is 1 + 1?", "level": 2, "answer": 2, "more": [1]},
        {"question": "What is 2 + 1?", "answer": ["3", "three"]},
    ]
    path = written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    found = items(path)
    assert found == items(rows)
    assert [item.name for item in found] == ["a", "2"]
    assert found[0].inputs == {"question": "What is 1 + 1?", "level": 2}
    assert found[1].target == ["3", "three"]


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.tsv", "\t")])
def test_cells_of_a_table_have_the_types_of_the_inputs(
    tmp_path: Path, name: str, separator: str
) -> None:
    lines = [
        ["question", "level", "hint", "answer"],
        ['"What is 1,\n or 2?"', "3", "", "007"],
        ["5", "1.5", "yes", "b"],
    ]
    text = "".join(separator.join(cells) + "\r\n" for cells in lines)
    found = items(written(tmp_path, name, text))
    assert found[0].inputs == {"question": "What is 1,\n or 2?", "level": 3, "hint": None}
    assert found[1].inputs == {"question": "5", "level": 1.5, "hint": "yes"}
    assert [(item.line, item.target) for item in found] == [(3, "007"), (4, "b")]


def test_a_limit_takes_the_first() -> None:
    rows = [{"question": str(n), "answer": "a"} for n in range(5)]
    assert [item.inputs["question"] for item in items(rows, 2)] == ["0", "1"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", "", "is empty"),
        ("a.jsonl", '{"question": "a", "answer": 1}\n{', "line 2: not JSON"),
        ("a.jsonl", "[1]", "line 1: a JSON object is wanted"),
        ("a.jsonl", '{"question": "a", "answer": ""}', "line 1: it has no `answer`"),
        ("a.jsonl", '{"question": "a", "answer": 1}\n{"question": "b", "anser": 1}', "`anser` mea"),
        ("a.jsonl", '{"question": 3, "answer": 1}', "line 1: `question` must be a `Text`"),
        ("a.csv", "", "is empty"),
        ("a.csv", "question,answer\n", "is empty"),
        ("a.csv", "question,answer\na\n", "line 2: 1 columns, where the header has 2"),
        ("a.csv", "question,question\na,b\n", "two columns `question`"),
        ("a.csv", "question,level,answer\na,x,1\n", "line 2: `level` is a `Number`"),
    ],
)
def test_wrong_files_say_which_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        items(written(tmp_path, name, text))
    assert said in str(caught.value)


def test_what_is_no_mapping_is_refused() -> None:
    with pytest.raises(InputError, match="item 2 of the data is no mapping but a `str`"):
        read_records([{"question": "a"}, "b"])  # pyright: ignore[reportArgumentType]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    written(tmp_path, "sums.jsonl", "{}")
    with pytest.raises(InputError, match=r"did you mean .*sums\.jsonl"):
        read_records(tmp_path / "sum.jsonl")
