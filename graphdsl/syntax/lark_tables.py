"""The one module that knows lark: from the grammar to `Tables`.

Imported only when the shipped tables do not fit the grammar. It reads four attributes that lark
does not document (`Lark.parser.parser._parse_table`, `Rule.options.empty_indices`,
`Terminal.filter_out`, `Pattern.max_width`), hence the upper bound on lark's version and
`tests/syntax/test_tables.py`.
"""

from __future__ import annotations

from typing import Any

from lark import Lark

from graphdsl.syntax.tables import Rule, Tables, Terminal

STARTS = ["start", "items", "rest"]


def make_parser(grammar: str, **options: Any) -> Lark:
    """Lark's own parser for the grammar, with the settings that our tables assume."""
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",  # words are reserved, so that an error stays at the wrong word
        start=STARTS,
        maybe_placeholders=True,
        **options,
    )


def compute_tables(grammar: str) -> Tables:
    """Run lark on the grammar (about 100 ms) and keep only what parsing needs."""
    parser: Any = make_parser(grammar)
    table = parser.parser.parser._parse_table
    numbers = {rule: at for at, rule in enumerate(parser.rules)}
    rows = [_actions(table.states[n], numbers) for n in range(len(table.states))]
    order = _in_order_of_visit(rows, [table.start_states[name] for name in STARTS])
    place = {old: new for new, old in enumerate(order)}
    return Tables(
        terminals=_terminals(parser),
        rules=tuple(_rule(rule) for rule in parser.rules),
        actions=tuple(_renumbered(rows[old], place) for old in order),
        starts={
            name: (place[table.start_states[name]], place[table.end_states[name]])
            for name in STARTS
        },
    )


def _in_order_of_visit(rows: list[dict[str, int]], starts: list[int]) -> list[int]:
    """The states as met from the start states, symbols in alphabetical order.

    Lark numbers them by the order of its sets, which differs from process to process; tables
    that ship must not.
    """
    order = list(dict.fromkeys(starts))
    seen = set(order)
    for state in order:
        following = (code for _, code in sorted(rows[state].items()) if code >= 0)
        fresh = [code for code in dict.fromkeys(following) if code not in seen]
        order += fresh
        seen.update(fresh)
    return order


def _renumbered(row: dict[str, int], place: dict[int, int]) -> dict[str, int]:
    return {symbol: place[code] if code >= 0 else code for symbol, code in sorted(row.items())}


def _terminals(parser: Any) -> tuple[Terminal, ...]:
    """In the order of lark's basic lexer: priority, then the longest first."""
    ordered = sorted(
        parser.terminals,
        key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name),
    )
    return tuple(Terminal(t.name, t.pattern.value, t.pattern.type == "str") for t in ordered)


def _actions(row: dict[str, Any], numbers: dict[Any, int]) -> dict[str, int]:
    """Shift and goto become the next state, reduce the complement of the rule's number."""
    return {
        symbol: ~numbers[target] if target in numbers else target
        for symbol, (_, target) in row.items()
    }


def _rule(rule: Any) -> Rule:
    origin: str = rule.origin.name
    size = len(rule.expansion)
    if rule.options.expand1 and not rule.alias and size == 1:
        return Rule(origin, size, "", (0,), None)
    build = rule.alias or ("+" if origin.startswith("__") else origin)
    helpers = [at for at, symbol in enumerate(rule.expansion) if symbol.name.startswith("__")]
    return Rule(origin, size, build, tuple(_picks(rule)), helpers[0] if helpers else None)


def _picks(rule: Any) -> list[int | None]:
    """Positions of the symbols that carry meaning, and None where an optional part is absent.

    `empty_indices` marks with True each absent part, with False each symbol of the expansion.
    """
    keep_all: bool = rule.options.keep_all_tokens
    picks: list[int | None] = []
    at = 0
    for absent in rule.options.empty_indices or [False] * len(rule.expansion):
        if absent:
            picks.append(None)
            continue
        symbol = rule.expansion[at]
        if keep_all or not (symbol.is_term and symbol.filter_out):
            picks.append(at)
        at += 1
    return picks
