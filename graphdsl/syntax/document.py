"""Text that may be broken over lines: a small pretty printer.

Source: P. Wadler, "A prettier printer" (2003), in the form that Prettier made common: a group
is printed on one line if it fits and nothing in it forces a break, else at all its lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

INDENT = 2


@dataclass(frozen=True, slots=True)
class Line:
    """`flat` in a group on one line, else a line break, with an empty line if `blank`."""

    flat: str = " "
    hard: bool = False
    blank: bool = False


@dataclass(frozen=True, slots=True)
class IfBroken:
    """Text that is printed only where the group around it is broken."""

    text: str


@dataclass(frozen=True, slots=True)
class LineEnd:
    """Text for the end of the current line; it forces the groups around it to break."""

    text: str


@dataclass(frozen=True, slots=True)
class Indent:
    """Lines within are indented by one more step."""

    content: Doc


@dataclass(frozen=True, slots=True)
class Group:
    """The unit that is either on one line or broken; make it with `group`."""

    content: Doc
    forced: bool


Doc: TypeAlias = "str | Line | IfBroken | LineEnd | Indent | Group | tuple[Doc, ...]"


def group(*content: Doc, forced: bool = False) -> Group:
    """A group, broken for certain if `forced` or if anything in it must break."""
    return Group(content, forced or any(_breaks(part) for part in content))


def render(doc: Doc, width: int) -> str:
    """Lay `doc` out in lines of at most `width` characters where it can be broken so.

    >>> call = group("f(", Indent((Line(""), "a,", Line(), "b")), IfBroken(","), Line(""), ")")
    >>> print(render(call, 7), render(call, 6), sep=" | ")
    f(a, b) | f(
      a,
      b,
    )
    """
    out: list[str] = []
    column = 0
    ends: list[str] = []
    stack: list[_Task] = [(0, True, doc)]
    while stack:
        indent, broken, current = stack.pop()
        match current:
            case str():
                out.append(current)
                column = _column_after(column, current)
            case tuple():
                stack += [(indent, broken, part) for part in reversed(current)]
            case Indent():
                stack.append((indent + INDENT, broken, current.content))
            case Group():
                fits = not current.forced and _fits(current.content, stack, width - column)
                stack.append((indent, not fits, current.content))
            case LineEnd():
                ends.append(current.text)
            case Line() if broken or current.hard:
                out += [*ends, "\n\n" if current.blank else "\n", " " * indent]
                ends.clear()
                column = indent
            case Line():
                out.append(current.flat)
                column += len(current.flat)
            case IfBroken():
                out.append(current.text if broken else "")
    return "".join([*out, *ends])


_Task = tuple[int, bool, Doc]


def _column_after(column: int, text: str) -> int:
    newline = text.rfind("\n")
    return column + len(text) if newline < 0 else len(text) - newline - 1


def _breaks(doc: Doc) -> bool:
    match doc:
        case str():
            return "\n" in doc
        case tuple():
            return any(_breaks(part) for part in doc)
        case Group():
            return doc.forced
        case Indent():
            return _breaks(doc.content)
        case Line():
            return doc.hard
        case LineEnd():
            return True
        case IfBroken():
            return False


def _fits(doc: Doc, rest: list[_Task], room: int) -> bool:
    """Whether `doc` on one line, and what follows it up to a line break, needs `room` or less."""
    waiting = len(rest)
    stack: list[tuple[bool, Doc]] = [(False, doc)]
    while room >= 0:
        if not stack:
            if not waiting:
                return True
            waiting -= 1
            _, broken, following = rest[waiting]
            stack.append((broken, following))
        broken, current = stack.pop()
        match current:
            case str():
                first, newline, _ = current.partition("\n")
                room -= len(first)
                if newline:
                    return room >= 0
            case tuple():
                stack += [(broken, part) for part in reversed(current)]
            case Indent() | Group():
                stack.append((broken, current.content))
            case Line() if broken:
                return True
            case Line():
                room -= len(current.flat)
            case IfBroken():
                room -= len(current.text) if broken else 0
            case LineEnd():
                pass
    return False
