"""The part of the tree builder for expressions, with the precedence of operators."""

from __future__ import annotations

from collections.abc import Sequence

from graphdsl.diagnostics import Diagnostic, Help, Label, Severity, Span, TextEdit
from graphdsl.syntax import codes, tree
from graphdsl.syntax.lexing import Tokens
from graphdsl.syntax.literals import BadEscape, dedent, read_number, unescape


class Expressions:
    """Methods named as the grammar's rules; see `Builder`.

    `problems` collects what is wrong although the grammar accepts it.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.problems: list[Diagnostic] = []
        self._outer: dict[Span, Span] = {}  # of what stands in parentheses, by its own span

    # ---- names and literals

    def name(self, at: int) -> tree.Name:
        """The name at a token; a reserved word where it is allowed as a key."""
        return tree.Name(self.tokens.span(at), self.tokens.text(at))

    def string_at(self, at: int) -> tree.String:
        """The string at a token."""
        return self.string(self.tokens.span(at), at)

    def string(self, span: Span, at: int) -> tree.String:
        inner = self.tokens.text(at)[1:-1]
        if "\\" not in inner:
            return tree.String(span, inner, offsets_exact=True)
        value, bad = unescape(inner)
        self.problems.extend(_bad_escape(escape, span) for escape in bad)
        return tree.String(span, value, offsets_exact=False)

    def text(self, span: Span, at: int) -> tree.String:
        inner = self.tokens.text(at)[3:-3]
        value = dedent(inner)
        return tree.String(span, value, offsets_exact=value == inner)

    def number(self, span: Span, at: int) -> tree.Number:
        value = read_number(self.tokens.text(at))
        if value is None:
            self.problems.append(_number_too_large(span))
        return tree.Number(span, value or 0)

    def bool(self, span: Span, at: int) -> tree.Bool:
        return tree.Bool(span, self.tokens.text(at) == "true")

    # ---- names with points, lists, records, calls

    def ref(self, span: Span, *parts: int) -> tree.Ref:
        if len(parts) == 1:
            return tree.Ref(span, (tree.Name(span, self.tokens.text(parts[0])),))
        return tree.Ref(span, tuple([self.name(at) for at in parts]))

    def list(self, span: Span, *items: tree.Expr | None) -> tree.ListExpr:
        return tree.ListExpr(span, tuple([item for item in items if item is not None]))

    def record(self, span: Span, *fields: tree.Field | None) -> tree.Record:
        return tree.Record(span, tuple([field for field in fields if field is not None]))

    def field(self, span: Span, name: int, value: tree.Expr) -> tree.Field:
        return tree.Field(span, self.name(name), value)

    def call(self, span: Span, callee: tree.Ref, *args: tree.Arg | tree.Expr | None) -> tree.Call:
        return tree.Call(span, callee, tuple([self._arg(arg) for arg in args if arg is not None]))

    def _arg(self, arg: tree.Arg | tree.Expr) -> tree.Arg:
        return arg if isinstance(arg, tree.Arg) else tree.Arg(self._whole(arg), None, arg)

    def named(self, span: Span, name: int, value: tree.Expr) -> tree.Arg:
        return tree.Arg(span, self.name(name), value)

    def word(self, span: Span, at: int) -> tree.Ref:
        """A reserved word that stands for a word of a parameter."""
        return tree.Ref(span, (self.name(at),))

    def hole(
        self, span: Span, value: tree.Expr, domain: tree.Range | tree.ListExpr | tree.Ref
    ) -> tree.Hole:
        return tree.Hole(span, value, domain)

    def range(
        self, span: Span, low: tree.Expr, high: tree.Expr, step: tree.Expr | None
    ) -> tree.Range:
        return tree.Range(span, low, high, step)

    # ---- operators

    def group(self, span: Span, inner: tree.Expr) -> tree.Expr:
        """Parentheses leave no node; their place is kept for the spans of operators around."""
        self._outer[inner.span] = span
        return inner

    def not_(self, span: Span, _: int, operand: tree.Expr) -> tree.Not:
        return tree.Not(span, operand)

    def operation(self, span: Span, *row: tree.Expr | int) -> tree.Expr:
        """A flat row of operands with operators between them, the first perhaps after a `not`."""
        operators = [part for part in row if isinstance(part, int)]
        operands = [part for part in row if not isinstance(part, int)]
        if len(operators) == len(operands):
            operands[0] = self._not(operators.pop(0), operands[0])
        either: list[tree.Expr] = []
        both: list[tree.Expr] = []
        compared, signs = [operands[0]], list[int]()
        for sign, operand in zip(operators, operands[1:], strict=True):
            if self.tokens.kinds[sign] == "COMPARE":
                compared.append(operand)
                signs.append(sign)
                continue
            both.append(self._comparison(compared, signs))
            compared, signs = [operand], []
            if self.tokens.kinds[sign] == "OR":
                either.append(self._logic("and", both))
                both = []
        both.append(self._comparison(compared, signs))
        either.append(self._logic("and", both))
        return self._logic("or", either)

    def _comparison(self, operands: Sequence[tree.Expr], signs: Sequence[int]) -> tree.Expr:
        """Operands with comparison signs between; every `not` in front is about all of it."""
        first = operands[0]
        if not signs:
            return first
        nots: list[tree.Not] = []
        while isinstance(first, tree.Not) and first.span not in self._outer:
            nots.append(first)
            first = first.operand
        if len(signs) > 1:
            self.problems.append(self._chained(operands, signs))
        sign = self.tokens.text(signs[0])
        result: tree.Expr = tree.Compare(self._cover(first, operands[1]), sign, first, operands[1])
        for word in reversed(nots):
            result = tree.Not(self._cover(word, result), result)
        return result

    def _logic(self, op: str, operands: Sequence[tree.Expr]) -> tree.Expr:
        if len(operands) == 1:
            return operands[0]
        return tree.Logic(self._cover(operands[0], operands[-1]), op, tuple(operands))

    def _not(self, word: int, operand: tree.Expr) -> tree.Not:
        whole = self._whole(operand)
        return tree.Not(Span(whole.source, self.tokens.starts[word], whole.end), operand)

    def _whole(self, node: tree.Node) -> Span:
        """The place of a node with the parentheses around it."""
        return self._outer.get(node.span, node.span)

    def _cover(self, left: tree.Node, right: tree.Node) -> Span:
        begin = self._whole(left)
        return Span(begin.source, begin.start, self._whole(right).end)

    def _chained(self, operands: Sequence[tree.Expr], signs: Sequence[int]) -> Diagnostic:
        middle = self._whole(operands[1])
        repeated = self.tokens.source.text[middle.start : middle.end]
        edit = TextEdit(Span(middle.source, middle.end, middle.end), f" and {repeated}")
        return Diagnostic(
            codes.CHAINED_COMPARISON,
            Severity.ERROR,
            f"a second comparison, `{self.tokens.text(signs[1])}`, of the same value",
            Label(self.tokens.span(signs[1])),
            (Label(self.tokens.span(signs[0]), "first comparison"),),
            helps=(Help(f"join two comparisons: add `and {repeated}` before it", edit),),
        )


def _bad_escape(escape: BadEscape, string: Span) -> Diagnostic:
    begin = string.start + 1 + escape.offset
    return Diagnostic(
        codes.BAD_ESCAPE,
        Severity.ERROR,
        f"unknown escape `{escape.text}` in a string",
        Label(Span(string.source, begin, begin + len(escape.text))),
        notes=(r"the escapes are `\n`, `\t`, `\"`, `\\` and `\uXXXX`",),
        helps=(
            Help(
                r"write `\\` for a backslash",
                TextEdit(Span(string.source, begin, begin), "\\"),
            ),
        ),
    )


def _number_too_large(span: Span) -> Diagnostic:
    return Diagnostic(
        codes.WRONG_NUMBER,
        Severity.ERROR,
        "this number is too large",
        Label(span),
        notes=("the largest number is about `1.8e308`",),
        helps=(Help("write a smaller number"),),
    )
