"""Run the LALR(1) automaton over tokens; the tree is built as rules are completed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphdsl.diagnostics import Span
from graphdsl.syntax.lexing import Tokens
from graphdsl.syntax.tables import END, Rule, Tables

Reduce = Callable[[int, int, list[Any]], Any]  # first and last token, values of the parts
Step = tuple[str, int, Reduce | None]


@dataclass(frozen=True, slots=True)
class Stuck:
    """The token at index `at` cannot follow what stands before it."""

    at: int


def run(
    tables: Tables, start: str, tokens: Tokens, first: int, last: int, builder: object
) -> Any | Stuck:
    """Parse the tokens `first` up to `last` (exclusive) as the rule `start`.

    A completed rule calls the builder's method of that name with the span of the rule and the
    values of its parts: other results, token indices, None for what is absent. Returns what the
    start rule's method returned, or `Stuck`. Needs no recursion, whatever the nesting.
    """
    return run_steps(tables, bind_steps(tables, tokens, builder), start, tokens, first, last)


def bind_steps(tables: Tables, tokens: Tokens, builder: object) -> list[Step]:
    """What to do for each rule; to be shared by the pieces of a file, of which there are many."""
    return [_step(rule, tokens, builder) for rule in tables.rules]


def run_steps(
    tables: Tables, steps: list[Step], start: str, tokens: Tokens, first: int, last: int
) -> Any | Stuck:
    """As `run`, with the builder's methods bound before."""
    actions = tables.actions
    state, accepting = tables.starts[start]
    states = [state]
    begins: list[int] = []  # the first token of each value
    values: list[Any] = []
    row = actions[state]
    for at, kind in enumerate([*tokens.kinds[first:last], END], first):
        while (code := row.get(kind, 0)) < 0:
            origin, size, reduce = steps[~code]
            if reduce is None:  # a rule of one part, which stands for the whole
                states[-1] = state = actions[states[-2]][origin]
            else:
                begin = begins[-size]
                value = reduce(begin, at - 1, values[-size:])
                del values[-size:], states[-size:], begins[-size:]
                state = actions[states[-1]][origin]
                values.append(value)
                states.append(state)
                begins.append(begin)
            row = actions[state]
        if kind not in row:
            return values[0] if kind == END and state == accepting else Stuck(at)
        states.append(code)
        begins.append(at)
        values.append(at)
        row = actions[code]
    return Stuck(last)


def _step(rule: Rule, tokens: Tokens, builder: object) -> Step:
    """The rule with its action bound to the builder, None for a rule that passes its part on."""
    if not rule.build:
        return rule.origin, rule.size, None
    if rule.build == "+":
        return rule.origin, rule.size, _gather(rule)
    return rule.origin, rule.size, _call(rule, tokens, getattr(builder, rule.build))


def _gather(rule: Rule) -> Reduce:
    """Start a list with the parts of the first element, or add those of one more."""
    picks = [at for at in rule.picks if at is not None and at != rule.splice]

    def begin(first: int, last: int, parts: list[Any]) -> list[Any]:
        return [parts[at] for at in picks]

    def extend(first: int, last: int, parts: list[Any]) -> list[Any]:
        grown: list[Any] = parts[0]
        grown += [parts[at] for at in picks]
        return grown

    return begin if rule.splice is None else extend


def _call(rule: Rule, tokens: Tokens, method: Callable[..., Any]) -> Reduce:
    """Hand the picked parts to the builder's method, the list of a helper rule spread out."""
    name, starts, ends = tokens.source.name, tokens.starts, tokens.ends
    splice = rule.splice
    picks = [rule.size if at is None else at for at in rule.picks]  # a None is put at the end

    def one(first: int, last: int, parts: list[Any]) -> Any:
        return method(Span(name, starts[first], ends[last]), parts[picks[0]])

    def plain(first: int, last: int, parts: list[Any]) -> Any:
        parts.append(None)
        return method(Span(name, starts[first], ends[last]), *[parts[at] for at in picks])

    def spread(first: int, last: int, parts: list[Any]) -> Any:
        parts.append(None)
        chosen: list[Any] = []
        for at in picks:
            chosen += parts[at] if at == splice else (parts[at],)
        return method(Span(name, starts[first], ends[last]), *chosen)

    if splice is not None:
        return spread
    return one if len(picks) == 1 and picks[0] < rule.size else plain
