"""What one run of the checker collects, and the flow that it is in."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from graphdsl.compiler import codes
from graphdsl.compiler.program import Declaration, Module
from graphdsl.compiler.report import error
from graphdsl.compiler.scope import Binding, Entity, Scope
from graphdsl.diagnostics import Diagnostic, Label, Span
from graphdsl.ir.types import UNKNOWN, Type
from graphdsl.syntax import tree

FlowKey = tuple[int, tuple[tuple[str, tuple[int | str, ...]], ...]]
"""A flow (by identity) and the flows, prompts and words that it is specialised with."""

Specialised = Mapping[str, tuple[Entity | str, ...]]
"""The flows, prompts and words that parameters of a flow stand for; nothing where a caller gives a
word that is not known yet."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The words that a parameter may stand for, and the place that says so."""

    words: tuple[str, ...]
    place: Span


@dataclass(frozen=True, slots=True)
class Bounds:
    """What numbers every use of a parameter takes, and a place that says so."""

    low: float | None
    high: float | None
    integer: bool
    place: Span

    def within(self, other: Bounds) -> Bounds:
        """The numbers that both take."""
        lows = [low for low in (self.low, other.low) if low is not None]
        highs = [high for high in (self.high, other.high) if high is not None]
        integer = self.integer or other.integer
        return Bounds(max(lows, default=None), min(highs, default=None), integer, self.place)


@dataclass
class Facts:
    """What callers of a flow need to know beyond its signature.

    `static` are value parameters that must be known at compile time, with the place that says so.
    `needs` are the capabilities that the models of a parameter need, likewise. `words` are those
    that every use of a `Scorer` parameter takes, `bounds` the numbers that every use of a number
    takes.
    """

    static: dict[str, Span] = field(default_factory=dict[str, Span])
    words: dict[str, Accepted] = field(default_factory=dict[str, Accepted])
    bounds: dict[str, Bounds] = field(default_factory=dict[str, Bounds])
    needs: dict[tuple[str, str], Span] = field(default_factory=dict[tuple[str, str], Span])
    effect: bool = False
    misfit: Diagnostic | None = None


@dataclass
class Session:
    """Everything found so far, over all files of a program."""

    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    types: dict[Span, Type] = field(default_factory=dict[Span, Type])
    used: set[int] = field(default_factory=set[int])
    """Identities of declarations and imports that something refers to."""
    circular: set[int] = field(default_factory=set[int])
    """Identities of pools and models that hold themselves, of which that was reported."""
    facts: dict[FlowKey, Facts] = field(default_factory=dict[FlowKey, Facts])
    open: list[FlowKey] = field(default_factory=list[FlowKey])
    """Flows whose bodies are being checked now."""
    bindings: list[Binding] = field(default_factory=list[Binding])
    """Every bound name of every flow, for warnings."""
    roots: list[Binding] = field(default_factory=list[Binding])
    """What a flow returns, and everything else that must be computed."""
    modelled: set[str] = field(default_factory=set[str])
    """`usd` and `flops`, where something limits or minimises them."""

    _aliases: dict[int, dict[str, tree.Import]] = field(
        default_factory=dict[int, dict[str, tree.Import]]
    )

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic."""
        self.diagnostics.append(diagnostic)

    @property
    def crowded(self) -> bool:
        """True when so much was reported that searching for similar names would take too long."""
        return len(self.diagnostics) > 20

    def aliases(self, module: Module) -> Mapping[str, tree.Import]:
        """The imports of a file by alias, also those that could not be read."""
        if id(module) not in self._aliases:
            imports = (item for item in module.file.items if isinstance(item, tree.Import))
            self._aliases[id(module)] = {item.alias.text: item for item in imports}
        return self._aliases[id(module)]


@dataclass
class Frame:
    """One flow while its body is checked, or an expression outside of any flow (`flow` None).

    `specialised` gives the flows, prompts and words that parameters stand for. `consumers` are the
    bindings that what is being read flows into.
    """

    session: Session
    module: Module
    flow: tree.Flow | None = None
    scope: Scope = field(default_factory=Scope)
    facts: Facts = field(default_factory=Facts)
    specialised: Specialised = field(default_factory=dict[str, "tuple[Entity | str, ...]"])
    later: dict[str, tuple[Span, bool]] = field(default_factory=dict[str, "tuple[Span, bool]"])
    consumers: list[Binding] = field(default_factory=list[Binding])
    loop_depth: int = 0
    """Loops and budget scopes around this place."""
    carried: dict[str, Binding] | None = None
    """What the loops around this place carry; None where no `next` may stand."""
    in_loop: bool = False
    """True in the body of a loop, also in blocks within it."""
    nexts: dict[str, Span] = field(default_factory=dict[str, Span])
    """Where `next` was given for them."""

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic."""
        self.session.report(diagnostic)

    def typed(self, span: Span, kind: Type) -> Type:
        """Remember the type of what stands at `span`, and give it back."""
        self.session.types[span] = kind
        return kind

    @contextmanager
    def block(self) -> Generator[None]:
        """A block of its own: names bound within are gone after it."""
        outer, carried = self.scope, self.carried
        self.scope, self.carried = Scope(outer), None
        yield
        self.scope, self.carried = outer, carried

    @contextmanager
    def deeper(self) -> Generator[None]:
        """Statements that belong to a loop or budget scope of the flow."""
        self.loop_depth += 1
        yield
        self.loop_depth -= 1

    @contextmanager
    def looping(self, carried: dict[str, Binding]) -> Generator[None]:
        """The body of a loop that carries these names, besides those of the loops around it."""
        outer, nexts, around = self.carried, self.nexts, self.in_loop
        self.in_loop = True
        self.carried, self.nexts = {**(outer or {}), **carried}, dict(nexts)
        with self.deeper():
            yield
        self.carried, self.nexts, self.in_loop = outer, nexts, around

    @contextmanager
    def feeding(self, binding: Binding) -> Generator[None]:
        """What is read within flows into `binding`."""
        self.consumers.append(binding)
        yield
        self.consumers.pop()

    def bind(self, binding: Binding) -> Binding:
        """Make a name visible from here on, unless it is taken."""
        problem = self._taken(binding)
        if problem is not None:
            self.report(problem)
            binding.type = UNKNOWN
        if problem is None or problem.code != codes.BOUND_TWICE:
            self.scope.names[binding.name] = binding
        self.session.bindings.append(binding)
        self.typed(binding.span, binding.type)
        return binding

    def _taken(self, binding: Binding) -> Diagnostic | None:
        first = self.scope.find(binding.name)
        if first is not None:
            return error(
                codes.BOUND_TWICE,
                f"`{binding.name}` is bound twice",
                binding.span,
                "bound again here",
                secondary=(Label(first.span, "first bound here"),),
                helps=(_other_name(binding, first),),
            )
        declared = self.module.declarations.get(binding.name)
        alias = self.session.aliases(self.module).get(binding.name)
        taken = declared.name if declared is not None else alias.alias if alias else None
        if taken is None:
            return None
        return error(
            codes.SHADOWS_DECLARATION,
            f"`{binding.name}` is already a declaration of this file",
            binding.span,
            "bound here",
            secondary=(Label(taken.span, "declared here"),),
            helps=("choose another name for one of them",),
        )

    def read(self, binding: Binding) -> None:
        """Note that what is being checked depends on a binding."""
        binding.used = True
        if self.consumers:
            self.consumers[-1].reads.add(binding)

    def effect(self) -> None:
        """Note that what is being checked must run, whoever uses its value."""
        self.facts.effect = True
        for consumer in self.consumers:
            consumer.effect = True

    def use(self, declared: Declaration | tree.Import) -> None:
        """Note that a declaration or import is referred to."""
        self.session.used.add(id(declared))


def _other_name(binding: Binding, first: Binding) -> str:
    if binding.what == "scope" and binding.name == "exhausted":
        return "name the scopes: `within [calls(8)] as first { … }`, then `first.exhausted`"
    if first.what == "carried name":
        return f"to change it for the next round write `next {binding.name} = …`"
    return "choose another name; a name is bound once in a flow"
