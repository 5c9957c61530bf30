"""The parse tables as they ship: computed from the grammar once, by `make grammar`.

Reading them takes milliseconds; computing them takes lark, and some 300 ms in every process that
has nowhere to keep them. The file says which grammar it belongs to, so whoever edits
`grammar.lark` gets tables computed on the spot until they are written again (a test insists).
"""

from __future__ import annotations

import json
import os
from functools import cache
from zlib import crc32

from graphdsl.syntax.tables import Tables, pack, unpack

FOLDER = os.path.dirname(__file__)
GRAMMAR = os.path.join(FOLDER, "grammar.lark")
TABLES = os.path.join(FOLDER, "grammar.json")


@cache
def load_tables() -> Tables:
    """The tables of the grammar: as shipped, else computed by lark."""
    grammar = read_grammar()
    shipped = read_tables(TABLES, grammar)
    if shipped is not None:
        return shipped
    from graphdsl.syntax.lark_tables import compute_tables  # slow, hence only now

    return compute_tables(grammar)


def read_grammar() -> str:
    """The text of `grammar.lark`."""
    with open(GRAMMAR, encoding="utf-8") as file:
        return file.read()


def read_tables(path: str, grammar: str) -> Tables | None:
    """The tables in the file; None when it is missing or belongs to another grammar."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return None
    return unpack(content["tables"]) if content["grammar"] == checksum(grammar) else None


def write_tables(path: str, grammar: str, tables: Tables) -> None:
    """Write the file that ships."""
    content = {"grammar": checksum(grammar), "tables": pack(tables)}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, separators=(",", ":"))
        file.write("\n")


def checksum(grammar: str) -> str:
    """What identifies a grammar: the CRC-32 of its text, in hexadecimal."""
    return f"{crc32(grammar.encode()):08x}"


if __name__ == "__main__":
    from graphdsl.syntax.lark_tables import compute_tables

    write_tables(TABLES, read_grammar(), compute_tables(read_grammar()))
