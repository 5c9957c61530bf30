"""Build the syntax tree: one method per rule of the grammar, under the rule's name.

Each method gets the span of what was read and the values of its parts. A token arrives as its
index. What the grammar cannot say (escapes, chained comparisons) is reported here.
"""

from __future__ import annotations

from graphdsl.diagnostics import Span
from graphdsl.syntax import tree
from graphdsl.syntax.build_statements import Statements


class Builder(Statements):
    """Methods for the items of a file, above those for statements and expressions."""

    def start(self, span: Span, edition: tree.Edition, *items: tree.Item) -> tree.File:
        return tree.File(span, edition, items)

    def items(self, span: Span, *items: tree.Item) -> tuple[tree.Item, ...]:
        return items

    def rest(self, span: Span, *parts: object) -> None:
        """Statements behind a mistake: looked at for the reports alone."""

    def edition(self, span: Span, value: int) -> tree.Edition:
        return tree.Edition(span, self.string_at(value))

    def import_(self, span: Span, path: int, alias: int) -> tree.Import:
        return tree.Import(span, self.string_at(path), self.name(alias))

    def model(self, span: Span, name: int, entries: tuple[tree.Entry, ...]) -> tree.Model:
        return tree.Model(span, self.name(name), entries)

    def pool(self, span: Span, name: int, members: tree.ListExpr) -> tree.Pool:
        return tree.Pool(span, self.name(name), members)

    def memory(self, span: Span, name: int, entries: tuple[tree.Entry, ...]) -> tree.Memory:
        return tree.Memory(span, self.name(name), entries)

    def search(self, span: Span, name: int, entries: tuple[tree.Entry, ...]) -> tree.Search:
        return tree.Search(span, self.name(name), entries)

    def test(self, span: Span, title: int, entries: tuple[tree.Entry, ...]) -> tree.Test:
        return tree.Test(span, self.string_at(title), entries)

    def prompt(
        self, span: Span, name: int, params: tuple[tree.Param, ...], *turns: tree.Turn
    ) -> tree.Prompt:
        return tree.Prompt(span, self.name(name), params, turns)

    def prompt_short(
        self, span: Span, name: int, params: tuple[tree.Param, ...], template: tree.String
    ) -> tree.Prompt:
        """One turn of the user; its role has an empty span, since nobody wrote it."""
        at = template.span
        role = tree.Name(Span(at.source, at.start, at.start), "user")
        return tree.Prompt(span, self.name(name), params, (tree.Turn(at, role, template),))

    def turn(self, span: Span, role: int, template: tree.String) -> tree.Turn:
        return tree.Turn(span, self.name(role), template)

    def block(self, span: Span, *entries: tree.Entry) -> tuple[tree.Entry, ...]:
        return entries

    def entry(self, span: Span, key: int, value: tree.Expr) -> tree.Entry:
        return tree.Entry(span, self.name(key), value)

    def flow(
        self,
        span: Span,
        name: int,
        params: tuple[tree.Param, ...],
        result: tree.TypeExpr,
        body: tuple[tree.Stmt, ...],
    ) -> tree.Flow:
        return tree.Flow(span, self.name(name), params, result, body)

    def params(self, span: Span, *params: tree.Param | None) -> tuple[tree.Param, ...]:
        return tuple(param for param in params if param is not None)

    def param(
        self, span: Span, name: int, type_: tree.TypeExpr, default: tree.Expr | None
    ) -> tree.Param:
        return tree.Param(span, self.name(name), type_, default)
