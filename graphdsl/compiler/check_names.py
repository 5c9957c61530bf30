"""What a path of names means at one place: a bound name with its fields, or a declaration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphdsl.compiler import codes
from graphdsl.compiler.program import Declaration
from graphdsl.compiler.report import a, error, instead, listed
from graphdsl.compiler.scope import Binding, Entity
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Diagnostic, Help, Label, Span, TextEdit
from graphdsl.ir.types import (
    ENTITY_TYPES,
    FIELDS,
    FLOW,
    MEMORY,
    MODEL,
    MODELS,
    PROMPT,
    UNKNOWN,
    ListOf,
    Named,
    OptionalOf,
    RecordOf,
    Type,
    Unknown,
)
from graphdsl.syntax import tree

_FOREIGN_VALUES = {
    **dict.fromkeys(("None", "null", "nil", "undefined"), ""),
    **dict.fromkeys(("True", "TRUE"), "true"),
    **dict.fromkeys(("False", "FALSE"), "false"),
}

_KINDS: dict[type[tree.Node], tuple[str, Named]] = {
    tree.Model: ("model", MODEL),
    tree.Pool: ("pool", MODELS),
    tree.Prompt: ("prompt", PROMPT),
    tree.Memory: ("memory", MEMORY),
    tree.Flow: ("flow", FLOW),
}


def kind_of(declared: Declaration) -> str:
    """What a declaration is, in the language's word for it."""
    return _KINDS[type(declared)][0]


def entity_type(declared: Declaration) -> Named:
    """The compile-time type of a declaration."""
    return _KINDS[type(declared)][1]


def find_binding(ref: tree.Ref, frame: Frame) -> Binding | None:
    """The bound name that a path starts with, if it is visible here. Counts as a use."""
    binding = frame.scope.find(ref.parts[0].text)
    if binding is not None:
        frame.read(binding)
    return binding


def find_entity(ref: tree.Ref, frame: Frame) -> Entity | None:
    """The declaration that a path means, `name` or `alias.name`, without a report. A use."""
    alias = frame.session.aliases(frame.module).get(ref.parts[0].text)
    if alias is not None:
        frame.use(alias)
    found = frame.module.find(ref)
    if found is not None:
        frame.use(found[1])
    return found


def through_lost_import(ref: tree.Ref, frame: Frame) -> bool:
    """True when the path goes through an import that could not be read, which was reported."""
    head = ref.parts[0].text
    return head in frame.session.aliases(frame.module) and head not in frame.module.imports


def report_unknown(
    ref: tree.Ref, frame: Frame, candidates: Iterable[str], what: str = "name"
) -> None:
    """Say that nothing of that name is here, and why, as precisely as possible."""
    if not through_lost_import(ref, frame):
        names = () if frame.session.crowded else candidates
        frame.report(_unknown(ref, frame, names, what))


def _unknown(ref: tree.Ref, frame: Frame, candidates: Iterable[str], what: str) -> Diagnostic:
    head = ref.parts[0]
    module = frame.module.imports.get(head.text)
    if module is not None:
        return _misused_alias(ref, tuple(module.declarations))
    if head.text in frame.later:
        return _not_yet(head, *frame.later[head.text])
    if len(ref.parts) == 1 and head.text in _FOREIGN_VALUES:
        return _foreign_value(head, _FOREIGN_VALUES[head.text])
    helps = instead(head.text, candidates, head.span, "in scope are")
    return error(
        codes.UNKNOWN_NAME,
        f"there is no {what} `{head.text}`",
        head.span,
        "not found here",
        helps=helps,
    )


def _foreign_value(name: tree.Name, word: str) -> Diagnostic:
    """A word of other languages for a value; here it may be empty, which is to say nothing."""
    helps = (
        Help(f"write `{word}`", TextEdit(name.span, word))
        if word
        else Help("leave it out: what is not given is absent"),
    )
    message = f"there is no `{name.text}`"
    return error(codes.UNKNOWN_NAME, message, name.span, "not found here", helps=helps)


def _misused_alias(ref: tree.Ref, names: tuple[str, ...]) -> Diagnostic:
    alias = ref.parts[0]
    if len(ref.parts) == 2:
        part = ref.parts[1]
        helps = instead(part.text, names, part.span, "it declares")
        message = f"`{alias.text}` declares no `{part.text}`"
        return error(codes.UNKNOWN_NAME, message, part.span, "not found there", helps=helps)
    message = f"`{alias.text}` is an imported file, not a value"
    shown = f"name one of its declarations: {listed(f'{alias.text}.{n}' for n in names)}"
    return error(codes.ALIAS_MISUSE, message, ref.span, helps=(shown,) if names else ())


def _not_yet(name: tree.Name, place: Span, inner: bool) -> Diagnostic:
    if inner:
        return error(
            codes.OUT_OF_SCOPE,
            f"`{name.text}` is bound inside a block and not visible here",
            name.span,
            "used here",
            secondary=(Label(place, "bound here, inside the block"),),
            helps=("`yield` the value, and use the name that the whole form is bound to",),
        )
    return error(
        codes.USED_BEFORE_BOUND,
        f"`{name.text}` is used before it is bound",
        name.span,
        "used here",
        secondary=(Label(place, "bound here, further down"),),
        helps=(
            "move the binding up",
            "to use a value of the round before, carry it: "
            f"`repeat … carrying {name.text}: … = … {{ … next {name.text} = … }}`",
        ),
    )


def values_in_scope(frame: Frame) -> Iterator[str]:
    """Names that an expression can use here, for suggestions."""
    yield from frame.scope.visible()
    yield from frame.module.declarations
    yield from (
        f"{alias}.{name}"
        for alias, module in frame.module.imports.items()
        for name in module.declarations
    )


def field_type(kind: Type, part: tree.Name, whole: tree.Ref, frame: Frame) -> Type:
    """The type of `.part` of a value, after reporting when there is none."""
    match kind:
        case Unknown():
            return UNKNOWN
        case RecordOf(fields):
            known: dict[str, Type] = dict(fields)
        case Named() if kind in FIELDS:
            known = FIELDS[kind]
        case _:
            known = {}
    if part.text in known:
        return known[part.text]
    frame.report(_no_field(kind, part, whole, tuple(known)))
    return UNKNOWN


def _no_field(kind: Type, part: tree.Name, whole: tree.Ref, known: tuple[str, ...]) -> Diagnostic:
    helps = instead(part.text, known, part.span, "its fields are")
    if isinstance(kind, ListOf):
        helps = (*helps,)
        message = f"{a(kind)} has no fields"
        return error(
            codes.UNKNOWN_FIELD,
            message,
            part.span,
            "read from a list",
            helps=(f"take one item first: `first({whole.parts[0].text})`",),
        )
    if kind in ENTITY_TYPES:
        message = f"{a(kind)} has no fields that a flow can read"
        return error(codes.UNKNOWN_FIELD, message, part.span)
    what = kind.item if isinstance(kind, OptionalOf) else kind
    message = f"`{what}` has no field `{part.text}`"
    return error(codes.UNKNOWN_FIELD, message, part.span, "not a field", helps=helps)
