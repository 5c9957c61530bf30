"""What a prompt template uses, and what in it is not allowed.

The language of templates is a small part of Jinja: `{{ name }}`, `{{ name.field }}`, filters,
`{% if %}` and `{% for %}`. Inspection walks Jinja's own syntax tree, so that it can never disagree
with what is rendered; plain `{{ name }}` templates are read without loading Jinja.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jinja2 import nodes

ITEM: Final = "[]"
"""In a path: an item of the list before it (the variable of a `{% for %}`)."""

LOOP_FIELDS: Final = ("index", "first", "last", "length")
"""What `loop.` offers inside `{% for %}`."""

FILTER_NAMES: Final = (
    *("length", "upper", "lower", "title", "trim", "join", "default", "first", "last"),
    *("round", "indent", "truncate", "replace"),
)
"""What may follow `|`; `graphdsl.ops.template_filters` has their meaning."""

TESTS: Final = ("defined", "undefined", "none")
"""What may follow `is`."""

_DEPTH: Final = 8
"""Statements within statements; the code that Jinja generates allows 20."""

_EXPRESSION_DEPTH: Final = 30
"""Operators and filters within one another; Python stops reading at 200 parentheses."""

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_SIMPLE = re.compile(
    r"\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*(?:\|\s*(?:length|upper|lower|title|trim)\s*)?\}\}",
    re.ASCII,
)
"""`{{ name.field }}`, perhaps with a filter that needs no argument."""
_JINJA_WORDS: Final = frozenset(
    "and or not in is if else elif for true false none True False None loop".split(" ")  # noqa: SIM905 reads better
)


@dataclass(frozen=True, slots=True)
class Use:
    """A value that a template reads: a name and its fields, and where it stands.

    The path of `d.text` inside `{% for d in drafts %}` is `("drafts", "[]", "text")`.
    """

    path: tuple[str, ...]
    offset: int
    length: int
    looped: bool = False
    """True where the value is what a `{% for %}` goes through."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a template may not do, where, and what to write instead."""

    message: str
    offset: int
    length: int = 1
    help: str = ""


@dataclass(frozen=True, slots=True)
class TemplateInfo:
    """What a template uses and what is wrong with it."""

    uses: tuple[Use, ...]
    problems: tuple[Problem, ...]

    @property
    def names(self) -> frozenset[str]:
        """The parameters that it reads."""
        return frozenset(use.path[0] for use in self.uses)


def inspect(template: str) -> TemplateInfo:
    """The names that a template reads and its problems, with offsets into `template`.

    >>> inspect("{{ question }} {{ best.text }}").uses[1].path
    ('best', 'text')
    >>> inspect("{{ f(x) }}").problems[0].message
    'a template cannot call functions'
    """
    if "{%" not in template and "{#" not in template:
        simple = list(_SIMPLE.finditer(template))
        plain = _SIMPLE.sub("", template)
        if "{{" not in plain and not any(_reserved(match[1]) for match in simple):
            return TemplateInfo(tuple(_use(match) for match in simple), ())
    return _inspect_tree(template)


def _reserved(path: str) -> bool:
    return path.split(".")[0] in _JINJA_WORDS


def _use(match: re.Match[str]) -> Use:
    return Use(tuple(match[1].split(".")), match.start(1), len(match[1]))


def _inspect_tree(template: str) -> TemplateInfo:
    from jinja2 import TemplateSyntaxError

    from graphdsl.ops.template_environment import environment

    walker = _Walker(template)
    walker.comments()
    try:
        walker.statements(environment().parse(template).body, 0, {})
    except TemplateSyntaxError as error:
        at = walker.line_start(error.lineno)
        return TemplateInfo((), (Problem(_plain(error.message), at, walker.rest_of_line(at)),))
    except RecursionError:
        return TemplateInfo((), (Problem("the template is nested too deeply", 0),))
    except (ValueError, OverflowError):
        return TemplateInfo((), (Problem("a number in the template is too large", 0),))
    return TemplateInfo(tuple(walker.uses), tuple(walker.problems))


def _plain(message: str | None) -> str:
    """Jinja's message in the words of our own."""
    text = (message or "it cannot be read").split(". ")[0].rstrip(".").replace("'", "`")
    return f"the template cannot be read: {text[:1].lower()}{text[1:]}"


Scope = Mapping[str, tuple[str, ...]]
"""Variables of the enclosing `{% for %}`s, and the path each stands for."""


@dataclass
class _Walker:
    template: str
    uses: list[Use] = field(default_factory=list[Use])
    problems: list[Problem] = field(default_factory=list[Problem])

    # ---- places

    def line_start(self, line: int) -> int:
        at = 0
        for _ in range(line - 1):
            at = self.template.find("\n", at) + 1
        return at

    def rest_of_line(self, at: int) -> int:
        end = self.template.find("\n", at)
        return max(1, (len(self.template) if end < 0 else end) - at)

    def place(self, word: str, line: int) -> tuple[int, int]:
        """Where a word stands within a tag, from a line on; else the first tag of the line."""
        start = self.line_start(line)
        pattern = re.compile(rf"(?<![\w.]){re.escape(word)}(?!\w)")
        first: tuple[int, int] | None = None
        for tag in _TAG.finditer(self.template):
            if tag.end() <= start:
                continue
            found = pattern.search(self.template, max(start, tag.start()), tag.end())
            if word and found:
                return found.start(), len(word)
            first = first or (tag.start(), tag.end() - tag.start())
        return first or (start, 1)

    def forbid(self, node: nodes.Node, message: str, help: str = "", word: str = "") -> None:
        offset, length = self.place(word, node.lineno)
        self.problems.append(Problem(message, offset, length, help))

    def comments(self) -> None:
        """Comments vanish without a word, and `{#` may be meant literally."""
        at = self.template.find("{#")
        if at >= 0 and "{#" not in "".join(m[0] for m in _TAG.finditer(self.template)):
            self.problems.append(
                Problem(
                    "`{#` starts a comment, which a template cannot have",
                    at,
                    2,
                    "write a `#` comment outside of the text, or `{{ '{#' }}` for the characters",
                )
            )

    # ---- statements

    def statements(self, body: list[nodes.Node], depth: int, scope: Scope) -> None:
        from jinja2 import nodes

        for node in body:
            match node:
                case nodes.Output():
                    for part in node.nodes:
                        self.expression(part, scope)
                case nodes.If() | nodes.For() if depth >= _DEPTH:
                    self.forbid(node, f"blocks may be nested {_DEPTH} deep at most")
                case nodes.If():
                    self.if_(node, depth + 1, scope)
                case nodes.For():
                    self.for_(node, depth + 1, scope)
                case _:
                    self.other(node)

    def if_(self, node: nodes.If, depth: int, scope: Scope) -> None:
        self.expression(node.test, scope)
        self.statements(node.body, depth, scope)
        for branch in node.elif_:
            self.if_(branch, depth, scope)
        self.statements(node.else_, depth, scope)

    def for_(self, node: nodes.For, depth: int, scope: Scope) -> None:
        from jinja2 import nodes

        if not isinstance(node.target, nodes.Name):
            self.forbid(node, "`for` takes one variable", "write `{% for item in items %}`")
            return
        if node.test is not None or node.recursive or node.else_:
            self.forbid(
                node,
                "`for` cannot have a condition, `else` or `recursive`",
                "put an `{% if %}` inside or around the loop",
            )
        path = self.path(node.iter, scope)
        if path is None:
            self.forbid(node.iter, "`for` goes through a parameter", "name it: `{% for x in xs %}`")
            return
        self.use(node.iter, path, looped=True)
        inner = {**scope, node.target.name: (*path, ITEM), "loop": ("loop",)}
        self.statements(node.body, depth, inner)

    def other(self, node: nodes.Node) -> None:
        name = type(node).__name__
        message, help = _STATEMENTS.get(
            name, (f"`{name.lower()}` is not allowed in a template", "")
        )
        self.forbid(node, message, help)

    # ---- expressions

    def expression(self, node: nodes.Node, scope: Scope, depth: int = 0) -> None:
        from jinja2 import nodes

        match node:
            case nodes.TemplateData() | nodes.Const():
                pass
            case _ if depth > _EXPRESSION_DEPTH:
                raise RecursionError
            case nodes.Name() | nodes.Getattr():
                self.read(node, scope)
            case nodes.Filter():
                self.filter(node, scope, depth + 1)
            case nodes.Test():
                self.test(node, scope, depth + 1)
            case nodes.Compare() if any(op.op in ("in", "notin") for op in node.ops):
                self.forbid(node, "`in` is not allowed in a template", word="in")
            case nodes.Compare() | nodes.Operand() | nodes.And() | nodes.Or() | nodes.Not():
                for child in node.iter_child_nodes():
                    self.expression(child, scope, depth + 1)
            case nodes.Neg() if isinstance(node.node, nodes.Const):
                pass
            case _:
                self.other_expression(node)

    def read(self, node: nodes.Node, scope: Scope) -> None:
        path = self.path(node, scope)
        if path is None:
            self.forbid(node, "fields are read from a parameter", "write `{{ name.field }}`")
        elif path[0] != "loop" or "loop" not in scope:
            self.use(node, path)
        elif len(path) != 2 or path[1] not in LOOP_FIELDS:
            offers = ", ".join(f"`loop.{name}`" for name in LOOP_FIELDS)
            self.forbid(node, "there is no such value of `loop`", f"there are {offers}", "loop")

    def use(self, node: nodes.Node, path: tuple[str, ...], looped: bool = False) -> None:
        offset, length = self.place(".".join(_written(node)), node.lineno)
        self.uses.append(Use(path, offset, length, looped))

    def path(self, node: nodes.Node, scope: Scope) -> tuple[str, ...] | None:
        written = _written(node)
        return (*scope.get(written[0], written[:1]), *written[1:]) if written else None

    def filter(self, node: nodes.Filter, scope: Scope, depth: int) -> None:
        if node.name not in FILTER_NAMES:
            listed = ", ".join(f"`{name}`" for name in FILTER_NAMES)
            message = f"there is no filter `{node.name}`"
            self.forbid(node, message, f"the filters are {listed}", node.name)
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self.forbid(node, "a filter cannot take unpacked arguments")
        for child in _operands(node):
            self.expression(child, scope, depth)

    def test(self, node: nodes.Test, scope: Scope, depth: int) -> None:
        if node.name not in TESTS:
            listed = ", ".join(f"`is {name}`" for name in TESTS)
            self.forbid(node, f"there is no test `is {node.name}`", f"the tests are {listed}")
        self.expression(node.node, scope, depth)

    def other_expression(self, node: nodes.Node) -> None:
        name = type(node).__name__
        message, help = _EXPRESSIONS.get(
            name, ("a template cannot compute", "bind the value in the flow and pass it")
        )
        self.forbid(node, message, help)


def _operands(node: nodes.Filter) -> Iterator[nodes.Node]:
    if node.node is not None:
        yield node.node
    yield from node.args
    yield from (pair.value for pair in node.kwargs)


def _written(node: nodes.Node) -> tuple[str, ...]:
    """A name with its fields as the template spells it; empty for anything else."""
    from jinja2 import nodes

    fields: list[str] = []
    while isinstance(node, nodes.Getattr):
        fields.append(node.attr)
        node = node.node
    return (node.name, *reversed(fields)) if isinstance(node, nodes.Name) else ()


_PASS_IT: Final = "bind the value in the flow and pass it as a parameter of the prompt"

_STATEMENTS: Final[dict[str, tuple[str, str]]] = {
    "Assign": ("a template cannot assign", _PASS_IT),
    "AssignBlock": ("a template cannot assign", _PASS_IT),
    "Macro": ("a template cannot define macros", "write a `{% for %}`, or a second prompt"),
    "CallBlock": ("a template cannot call macros", "write a `{% for %}`, or a second prompt"),
    "Include": ("a template cannot include another", "pass its text as a parameter"),
    "Import": ("a template cannot import", "pass the text as a parameter"),
    "FromImport": ("a template cannot import", "pass the text as a parameter"),
    "Extends": ("a template cannot extend another", "pass the text as a parameter"),
    "Block": ("a template cannot define blocks", "write the text where it belongs"),
    "With": ("a template cannot assign", _PASS_IT),
    "FilterBlock": ("a template cannot filter blocks", "filter values: `{{ name | upper }}`"),
}

_EXPRESSIONS: Final[dict[str, tuple[str, str]]] = {
    "Call": ("a template cannot call functions", "use a filter: `{{ name | upper }}`"),
    "Getitem": ("a template cannot index", "use `{% for %}`, or the filters `first` and `last`"),
    "CondExpr": (
        "a template has no inline `if`",
        "write `{% if a %}{{ b }}{% else %}{{ c }}{% endif %}`",
    ),
    "Concat": ("`~` is not allowed in a template", "write one after the other: `{{ a }}{{ b }}`"),
    "List": ("a template cannot make lists", _PASS_IT),
    "Tuple": ("a template cannot make lists", _PASS_IT),
    "Dict": ("a template cannot make records", _PASS_IT),
}
