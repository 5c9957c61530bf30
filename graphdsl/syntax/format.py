"""One canonical form, and a guard that refuses to change what a text says.

Layout: lines of 100 characters, two spaces per level, no alignment, no options. What fits goes
on one line; a list, call or record written with a comma after its last element stays broken,
and so does a block written over several lines. At most one empty line is kept in a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphdsl.diagnostics import Diagnostic, Help, Label, Severity, Source, Span
from graphdsl.syntax.boxes import Page, Row
from graphdsl.syntax.comments import Comment, attach, scan
from graphdsl.syntax.concrete import Node, read
from graphdsl.syntax.document import render
from graphdsl.syntax.guard import Meaning, are_kept, comments_in, meaning
from graphdsl.syntax.parse import parse
from graphdsl.syntax.printing import document

WIDTH = 100
BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Formatted:
    """What `format_source` found.

    `text` is the formatted text, or the input unchanged when there are `errors`. `kept` has
    one warning (GD0190) for each item that could not be printed safely and stands as written.
    """

    text: str
    kept: tuple[Diagnostic, ...] = ()
    errors: tuple[Diagnostic, ...] = ()


def format_source(source: Source) -> Formatted:
    """Format a file. Never raises: a text that does not parse comes back with its errors.

    The result ends in one newline, has LF line ends and no byte order mark. Formatting it
    again changes nothing. Comments, literals and the tree are those of the input.
    """
    text = source.text.removeprefix(BOM).replace("\r\n", "\n")
    root = read(text)
    if root is None:
        return Formatted(source.text, errors=parse(source)[1])
    return _Formatter(source, text, root).run()


class _Formatter:
    """One file on its way from tree to text."""

    def __init__(self, source: Source, text: str, root: Node) -> None:
        self._source = source
        self._text = text
        self._root = root
        self._comments, commas = scan(text)
        self._attached = attach(root, text, self._comments)
        self._page = Page(text, commas, self._attached, document)

    def run(self) -> Formatted:
        items = [item for item in self._root.children if item.present]
        printed = {id(item): self._printed(item) for item in items}
        doubtful = self._doubtful(items, printed)
        for item in doubtful:
            printed[id(item)] = self._written(item)
            self._put_back(item)
        lines: list[str] = []
        previous: Node | None = None
        for row in self._page.rows(self._root):
            lines += _lines(row, previous, printed)
            previous = row.child
        return Formatted("\n".join(lines) + "\n", kept=tuple(map(self._warning, doubtful)))

    def _written(self, item: Node) -> str:
        return self._text[item.start : item.end]

    def _printed(self, item: Node) -> str | None:
        try:
            return render(document(self._page, item), WIDTH)
        except RecursionError:  # nested deeper than Python's stack
            return None

    def _doubtful(self, items: Sequence[Node], printed: Mapping[int, str | None]) -> list[Node]:
        """The items that were not printed, or whose printed text says something else."""
        unprinted = [item for item in items if printed[id(item)] is None]
        changed = [
            (item, text)
            for item in items
            if (text := printed[id(item)]) is not None and self._needs_check(item, text)
        ]
        wanted = [self._meaning(item) for item, _ in changed]
        verdicts = are_kept(wanted, [text for _, text in changed])
        unlike = [item for (item, _), kept in zip(changed, verdicts, strict=True) if not kept]
        return sorted([*unprinted, *unlike], key=_start)

    def _needs_check(self, item: Node, text: str) -> bool:
        return text != self._written(item) or bool(self._moved(item))

    def _meaning(self, item: Node) -> Meaning:
        moved = set(self._moved(item))
        own = comments_in(item, self._comments)
        return meaning(item, [comment for comment in own if comment not in moved])

    def _moved(self, item: Node) -> list[Comment]:
        """Comments that were within the item, where nothing could carry them, and go above it."""
        above = self._attached.leading.get(id(item), [])
        return [comment for comment in above if comment.start > item.start]

    def _put_back(self, item: Node) -> None:
        """Comments that were to move above an item are still in it when its source is kept."""
        moved = set(self._moved(item))
        above = self._attached.leading.get(id(item), [])
        self._attached.leading[id(item)] = [c for c in above if c not in moved]

    def _warning(self, item: Node) -> Diagnostic:
        title = f"{_family(item)} {item.children[0].text}"
        first_line = self._text.find("\n", item.start, item.end)
        end = item.end if first_line < 0 else first_line
        return Diagnostic(
            "GD0190",
            Severity.WARNING,
            f"`{title}` is left as it was, because it could not be formatted safely",
            Label(self._span(item.start, end), "not formatted"),
            helps=(Help("format this item by hand; what it says is untouched"),),
        )

    def _span(self, start: int, end: int) -> Span:
        """Offsets of the text that was read, as offsets of the source that was given."""
        return Span(self._source.name, self._given(start), self._given(end))

    def _given(self, at: int) -> int:
        source = self._source.text
        given = at + len(source) - len(source.removeprefix(BOM))
        seen = source.find("\r\n")
        while 0 <= seen < given:
            given += 1
            seen = source.find("\r\n", seen + 2)
        return given


def _lines(row: Row, previous: Node | None, printed: Mapping[int, str | None]) -> Iterator[str]:
    """An item with its comments, and the empty lines before them."""
    gaps = [*(blank for blank, _ in row.above), *([row.blank] if row.child else [])]
    if previous is None:
        gaps[0] = row.child is None and gaps[0]
    elif row.child and not any(gaps):
        gaps[0] = stand_apart(previous, row.child)
    texts = [comment.text for _, comment in row.above]
    if row.child:
        texts.append(f"{printed[id(row.child)]}{row.beside}")
    for gap, text in zip(gaps, texts, strict=True):
        yield from ([""] if gap else [])
        yield text


def stand_apart(previous: Node, item: Node) -> bool:
    """True if an empty line goes between two items whatever the source has."""
    return _family(previous) != _family(item) or _has_body(previous) or _has_body(item)


def _family(item: Node) -> str:
    return item.kind.removesuffix("_short").rstrip("_")


def _has_body(item: Node) -> bool:
    if item.kind == "prompt_short":
        return "\n" in item.children[-1].children[0].text
    return item.kind in {"flow", "prompt"}


def _start(item: Node) -> int:
    return item.start
