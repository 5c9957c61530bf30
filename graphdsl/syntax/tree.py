"""The syntax tree: what a file says, before anything is looked up.

Every node is frozen and carries its `Span`. Names are kept as written; `graphdsl.compiler`
decides what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphdsl.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Node:
    """Base of the tree; `span` covers the node's first to last character."""

    span: Span


@dataclass(frozen=True, slots=True)
class Name(Node):
    """An identifier as written."""

    text: str

    def __str__(self) -> str:
        return self.text


# ---- expressions


@dataclass(frozen=True, slots=True)
class String(Node):
    """A text literal: `value` is unescaped (quotes) or dedented (triple quotes).

    `offsets_exact` is True when character i of `value` is character i after the opening quote,
    so that a position inside the text can be shown in the source.
    """

    value: str
    offsets_exact: bool = False


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number literal; `value` is an int when written without point and exponent."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Bool(Node):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Ref(Node):
    """A name, or a path of names: `checked.answer`, `judges.strict`."""

    parts: tuple[Name, ...]

    def __str__(self) -> str:
        return ".".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class ListExpr(Node):
    """`[a, b]`."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Field(Node):
    """`name: value` in a record."""

    name: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Record(Node):
    """`{ a: 1, b: "x" }`."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Arg(Node):
    """An argument; `name` is None when positional.

    Reserved words that may stand for a value (`choice`, `model`, `step`) arrive as a `Ref`.
    """

    name: Name | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`op(x, y: z)`: an operator, a flow, a prompt, or a quantity such as `usd(25)`."""

    callee: Ref
    args: tuple[Arg, ...]


@dataclass(frozen=True, slots=True)
class Range(Node):
    """`low..high step s`, both ends included."""

    low: Expr
    high: Expr
    step: Expr | None


@dataclass(frozen=True, slots=True)
class Hole(Node):
    """`value in domain`: the value is what runs, the domain is what a search may try."""

    value: Expr
    domain: Range | ListExpr | Ref


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """`left op right`; op is one of == != < <= > >=."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """`a and b and c`, or with `or`; `op` is "and" or "or", at least two operands."""

    op: str
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """`not a`."""

    operand: Expr


# ---- forms that hold statements


@dataclass(frozen=True, slots=True)
class Block(Node):
    """Statements and the value they yield: `{ …  yield x }`."""

    statements: tuple[Stmt, ...]
    result: Rhs


@dataclass(frozen=True, slots=True)
class Option(Node):
    """One labelled alternative of a choice."""

    label: Name
    value: Rhs | Block


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """`choice { a: …, b: … }`; `default` names the alternative that runs (None: the first)."""

    default: Name | None
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Each(Node):
    """`each x in xs up to N { … yield v }`: parallel, order kept."""

    variable: Name
    items: Expr
    bound: Expr
    body: Block


@dataclass(frozen=True, slots=True)
class If(Node):
    """`if cond { … yield a } else { … yield b }`."""

    condition: Expr
    then: Block
    otherwise: Block | If


Expr = String | Number | Bool | Ref | ListExpr | Record | Call | Hole | Compare | Logic | Not
Rhs = Expr | Choice | Each | If


# ---- statements


@dataclass(frozen=True, slots=True)
class Tune(Node):
    """`tune judge = sonnet in any`: one hole shared by name."""

    name: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Bind(Node):
    """`name = value`."""

    name: Name
    value: Rhs


@dataclass(frozen=True, slots=True)
class Optional(Node):
    """`optional name = value else bypass`: a stage that a search may drop."""

    name: Name
    value: Rhs
    otherwise: Expr | None


@dataclass(frozen=True, slots=True)
class Carried(Node):
    """`name: Type = start` after `carrying`."""

    name: Name
    type: TypeExpr
    start: Expr


@dataclass(frozen=True, slots=True)
class Repeat(Node):
    """`repeat N carrying … { … }`, or `repeat up to N … { … } until c keeping best(score)`.

    `until` is None for the fixed form. `keeping` is the call after `keeping`, if any.
    """

    bound: Expr
    carried: tuple[Carried, ...]
    body: tuple[Stmt, ...]
    until: Expr | None
    keeping: Call | None


@dataclass(frozen=True, slots=True)
class Fold(Node):
    """`fold x in xs up to N carrying … { … }`: sequential, left to right."""

    variable: Name
    items: Expr
    bound: Expr
    carried: tuple[Carried, ...]
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Within(Node):
    """`within [calls(8)] as scope { … }`: a budget scope."""

    limits: ListExpr
    alias: Name | None
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Next(Node):
    """`next name = value`: the carried value of the following round."""

    name: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Return(Node):
    """`return value`."""

    value: Expr


Stmt = Tune | Bind | Optional | Repeat | Fold | Within | Next | Return


# ---- types


@dataclass(frozen=True, slots=True)
class NamedType(Node):
    """`Text`, `List[Draft]`, `Number?`."""

    name: Name
    item: TypeExpr | None
    optional: bool


@dataclass(frozen=True, slots=True)
class FieldType(Node):
    """`name: Type` in a record type."""

    name: Name
    type: TypeExpr


@dataclass(frozen=True, slots=True)
class RecordType(Node):
    """`{ a: Text, b: Number }`."""

    fields: tuple[FieldType, ...]
    optional: bool


TypeExpr = NamedType | RecordType


# ---- items


@dataclass(frozen=True, slots=True)
class Entry(Node):
    """`key = value` in a block."""

    key: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Param(Node):
    """A parameter of a flow or prompt."""

    name: Name
    type: TypeExpr
    default: Expr | None


@dataclass(frozen=True, slots=True)
class Edition(Node):
    """`edition "2026"`."""

    value: String


@dataclass(frozen=True, slots=True)
class Import(Node):
    """`import "lib/judge.tts" as judge`."""

    path: String
    alias: Name


@dataclass(frozen=True, slots=True)
class Model(Node):
    """`model name { … }`."""

    name: Name
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Pool(Node):
    """`pool name = [a, b]`."""

    name: Name
    members: ListExpr


@dataclass(frozen=True, slots=True)
class Memory(Node):
    """`memory name { store = "…" }`."""

    name: Name
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Turn(Node):
    """One role of a prompt with its Jinja template."""

    role: Name
    template: String


@dataclass(frozen=True, slots=True)
class Prompt(Node):
    """`prompt name(params) { system "…" user "…" }`; the short form is one user turn."""

    name: Name
    params: tuple[Param, ...]
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Flow(Node):
    """`flow name(params) -> Type { … }`."""

    name: Name
    params: tuple[Param, ...]
    result: TypeExpr
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Search(Node):
    """`search name { … }`."""

    name: Name
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Test(Node):
    """`test "title" { … }`."""

    title: String
    entries: tuple[Entry, ...]


Item = Import | Model | Pool | Prompt | Memory | Flow | Search | Test


@dataclass(frozen=True, slots=True)
class File(Node):
    """A whole file. `edition` is None only when its line is missing, which is reported."""

    edition: Edition | None
    items: tuple[Item, ...]
