"""How each construct is printed: most by a template, the bracketed ones by a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from graphdsl.syntax.boxes import Page
from graphdsl.syntax.concrete import Node
from graphdsl.syntax.document import Doc, Group, Indent, Line, group

Template = tuple["str | int | tuple[str | int, ...]", ...]

# A number stands for that child, a tuple for a part that is there if its children are.
TEMPLATES: Mapping[str, Template] = {
    "edition": ("edition ", 0),
    "import_": ("import ", 0, " as ", 1),
    "model": ("model ", 0, " ", 1),
    "pool": ("pool ", 0, " = ", 1),
    "memory": ("memory ", 0, " ", 1),
    "search": ("search ", 0, " ", 1),
    "test": ("test ", 0, " ", 1),
    "prompt_short": ("prompt ", 0, 1, " ", 2),
    "turn": (0, " ", 1),
    "entry": (0, " = ", 1),
    "flow": ("flow ", 0, 1, " -> ", 2, " ", 3),
    "param": (0, ": ", 1, (" = ", 2)),
    "type": (0, ("[", 1, "]"), (2,)),
    "field_type": (0, ": ", 1),
    "tune": ("tune ", 0, " = ", 1),
    "bind": (0, " = ", 1),
    "optional": ("optional ", 0, " = ", 1, (" else ", 2)),
    "repeat": ("repeat ", 0, (" ", 1), " ", 2),
    "repeat_until": ("repeat up to ", 0, (" ", 1), " ", 2, " until ", 3, (" ", 4)),
    "carried": (0, ": ", 1, " = ", 2),
    "keeping": ("keeping ", 0),
    "fold": ("fold ", 0, " in ", 1, " up to ", 2, " ", 3, " ", 4),
    "within": ("within ", 0, (" as ", 1), " ", 2),
    "next": ("next ", 0, " = ", 1),
    "return_": ("return ", 0),
    "yield": ("yield ", 0),
    "option": (0, ": ", 1),
    "each": ("each ", 0, " in ", 1, " up to ", 2, " ", 3),
    "hole": (0, " in ", 1),
    "range": (0, "..", 1, (" step ", 2)),
    "group": ("(", 0, ")"),
    "not_": ("not ", 1),
    "field": (0, ": ", 1),
    "named": (0, ": ", 1),
    "word": (0,),
    "string": (0,),
    "text": (0,),
    "number": (0,),
    "bool": (0,),
}


def document(page: Page, node: Node) -> Doc:
    """The document of a node: everything it says, and the comments within it."""
    if node.kind == "token":
        return node.text
    template = TEMPLATES.get(node.kind)
    if template is not None:
        return tuple(_filled(page, node, template))
    return FUNCTIONS[node.kind](page, node)


def _filled(page: Page, node: Node, template: Template) -> Iterator[Doc]:
    for part in template:
        if isinstance(part, tuple):
            if all(node.children[i].present for i in part if isinstance(i, int)):
                yield tuple(_filled(page, node, part))
        else:
            yield part if isinstance(part, str) else document(page, node.children[part])


def _ref(_: Page, node: Node) -> Doc:
    return ".".join(part.text for part in node.children)


def _list(page: Page, node: Node) -> Doc:
    return page.commas_box(node, "[", "]")


def _params(page: Page, node: Node) -> Doc:
    return page.commas_box(node, "(", ")")


def _call(page: Page, node: Node) -> Doc:
    return document(page, node.children[0]), page.commas_box(node, "(", ")")


def _record(page: Page, node: Node) -> Doc:
    return page.commas_box(node, "{", "}", " ")


def _record_type(page: Page, node: Node) -> Doc:
    optional = node.children[-1]
    return page.commas_box(node, "{", "}", " "), optional.text if optional.kind == "token" else ""


def _choice(page: Page, node: Node) -> Doc:
    default = node.children[0]
    name = f"{default.text} " if default.present else ""
    return f"choice {name}", page.commas_box(node, "{", "}", " ")


def _block(page: Page, node: Node) -> Doc:
    return group(*page.block(node), forced=not page.written_on_one_line(node))


def _body(page: Page, node: Node) -> Doc:
    return group(*page.block(node), forced=True)


def _prompt(page: Page, node: Node) -> Doc:
    name, params = node.children[:2]
    return f"prompt {name.text}", document(page, params), " ", _body(page, node)


def _if(page: Page, node: Node) -> Doc:
    parts: list[Doc] = []
    current = node
    while current.kind == "if_":
        condition, then, current = current.children
        parts += ["if ", document(page, condition), " ", *page.block(then), " else "]
    return group(*parts, *page.block(current), forced=not page.written_on_one_line(node))


def _carrying(page: Page, node: Node) -> Doc:
    first, *others = (document(page, child) for child in node.children)
    following: list[Doc] = []
    for other in others:
        following += [",", Line(), other]
    return group("carrying ", first, Indent(Indent(tuple(following))))


def _operation(page: Page, node: Node) -> Group:
    """Broken before `and` and `or`, never at a comparison."""
    parts: list[Doc] = []
    for child in node.children:
        match child.text:
            case "and" | "or":
                parts += [Line(), child.text, " "]
            case "not":
                parts.append("not ")
            case operator if child.kind == "token":
                parts.append(f" {operator} ")
            case _:
                parts.append(document(page, child))
    return group(Indent(tuple(parts)))


FUNCTIONS: Mapping[str, Callable[[Page, Node], Doc]] = {
    "ref": _ref,
    "list": _list,
    "params": _params,
    "call": _call,
    "record": _record,
    "record_type": _record_type,
    "choice": _choice,
    "block": _block,
    "body": _body,
    "yielding": _block,
    "prompt": _prompt,
    "if_": _if,
    "carrying": _carrying,
    "operation": _operation,
}
