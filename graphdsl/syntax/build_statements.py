"""The part of the tree builder for statements, for the forms that hold them, and for types."""

from __future__ import annotations

from graphdsl.diagnostics import Span
from graphdsl.syntax import tree
from graphdsl.syntax.build_expressions import Expressions

Body = tuple[tree.Stmt, ...]
CarriedNames = tuple[tree.Carried, ...]


class Statements(Expressions):
    """Methods named as the grammar's rules; see `Builder`."""

    def body(self, span: Span, *statements: tree.Stmt) -> Body:
        return statements

    def yielding(self, span: Span, *parts: tree.Stmt | tree.Rhs) -> tree.Block:
        """The last part is the value after `yield`."""
        *statements, result = parts
        return tree.Block(span, tuple(statements), result)  # pyright: ignore[reportArgumentType]

    def tune(self, span: Span, name: int, value: tree.Expr) -> tree.Tune:
        return tree.Tune(span, self.name(name), value)

    def bind(self, span: Span, name: int, value: tree.Rhs) -> tree.Bind:
        return tree.Bind(span, self.name(name), value)

    def optional(
        self, span: Span, name: int, value: tree.Rhs, otherwise: tree.Expr | None
    ) -> tree.Optional:
        return tree.Optional(span, self.name(name), value, otherwise)

    def repeat(
        self, span: Span, bound: tree.Expr, carried: CarriedNames | None, body: Body
    ) -> tree.Repeat:
        return tree.Repeat(span, bound, carried or (), body, None, None)

    def repeat_until(
        self,
        span: Span,
        bound: tree.Expr,
        carried: CarriedNames | None,
        body: Body,
        until: tree.Expr,
        keeping: tree.Call | None,
    ) -> tree.Repeat:
        return tree.Repeat(span, bound, carried or (), body, until, keeping)

    def carrying(self, span: Span, *carried: tree.Carried) -> CarriedNames:
        return carried

    def carried(
        self, span: Span, name: int, type_: tree.TypeExpr, start: tree.Expr
    ) -> tree.Carried:
        return tree.Carried(span, self.name(name), type_, start)

    def keeping(self, span: Span, call: tree.Call) -> tree.Call:
        return call

    def fold(
        self,
        span: Span,
        variable: int,
        items: tree.Expr,
        bound: tree.Expr,
        carried: CarriedNames,
        body: Body,
    ) -> tree.Fold:
        return tree.Fold(span, self.name(variable), items, bound, carried, body)

    def within(
        self, span: Span, limits: tree.ListExpr, alias: int | None, body: Body
    ) -> tree.Within:
        return tree.Within(span, limits, None if alias is None else self.name(alias), body)

    def next(self, span: Span, name: int, value: tree.Expr) -> tree.Next:
        return tree.Next(span, self.name(name), value)

    def return_(self, span: Span, value: tree.Expr) -> tree.Return:
        return tree.Return(span, value)

    def choice(self, span: Span, default: int | None, *options: tree.Option) -> tree.Choice:
        return tree.Choice(span, None if default is None else self.name(default), options)

    def option(self, span: Span, label: int, value: tree.Rhs | tree.Block) -> tree.Option:
        return tree.Option(span, self.name(label), value)

    def each(
        self, span: Span, variable: int, items: tree.Expr, bound: tree.Expr, body: tree.Block
    ) -> tree.Each:
        return tree.Each(span, self.name(variable), items, bound, body)

    def if_(
        self, span: Span, condition: tree.Expr, then: tree.Block, otherwise: tree.Block | tree.If
    ) -> tree.If:
        return tree.If(span, condition, then, otherwise)

    def type(
        self, span: Span, name: int, item: tree.TypeExpr | None, mark: int | None = None
    ) -> tree.NamedType:
        return tree.NamedType(span, self.name(name), item, mark is not None)

    def record_type(self, span: Span, *parts: tree.FieldType | int | None) -> tree.RecordType:
        """The last part is the token `?`, or None without it."""
        fields = tuple(part for part in parts if isinstance(part, tree.FieldType))
        return tree.RecordType(span, fields, parts[-1] is not None)

    def field_type(self, span: Span, name: int, type_: tree.TypeExpr) -> tree.FieldType:
        return tree.FieldType(span, self.name(name), type_)
