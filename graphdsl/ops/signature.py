"""What an operator is to the compiler: parameters, types, costs. Semantics live in the kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphdsl.ir.types import MEMORY, MODEL, MODELS, Type

REQUIRED: Final = object()
"""Default of a parameter that must be given."""


@dataclass(frozen=True, slots=True)
class When:
    """A condition on another parameter: it is one of these words. Without words: it is given."""

    param: str
    words: tuple[str, ...] = ()

    def fits(self, value: Any) -> bool:
        """True for a value of the other parameter that fulfils it; None stands for none given."""
        return value in self.words if self.words else value is not None

    def holds(self, attrs: Attrs) -> bool:
        """True for closed attributes that fulfil it."""
        return self.fits(attrs.get(self.param))


@dataclass(frozen=True, slots=True)
class Asks:
    """A capability that a call asks of the models in parameter `of`, always or only `when`."""

    capability: str
    of: str
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter.

    A `static` parameter is known at compile time (a literal, a hole, an entity, a word) and is an
    attribute of the node; any other is an edge. `types` are tried in order. `words` are the
    allowed words of an enumeration (then `types` is empty). Numbers may have bounds, and be
    `integer`. `default` None means absent. `many` accepts a list of statics as well (for example
    several temperatures). `provides` names the values that a role prompt may use. `needs` is the
    capability that a call which gives the parameter asks of its models. With `units` it takes one
    quantity in one of these, such as `seconds(10)`, and is a number of seconds. With `when` it
    means something only there: elsewhere it must not be given, and is not required. `reader` names
    the parameter whose models are asked with this prompt; default: all models of the operator.
    A static text that is `nonempty` must not be empty, nor white space alone if it is `visible`;
    it must differ from that of the parameter `unlike`.
    """

    name: str
    doc: str
    types: tuple[Type, ...] = ()
    default: Any = REQUIRED
    static: bool = False
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    integer: bool = False
    many: bool = False
    rest: bool = False
    """Takes every further positional argument; the edges are named `0`, `1`, … in order."""
    provides: tuple[str, ...] = ()
    needs: str | None = None
    units: tuple[str, ...] = ()
    when: When | None = None
    reader: str | None = None
    nonempty: bool = False
    visible: bool = False
    unlike: str | None = None

    @property
    def required(self) -> bool:
        """True when a call must give it: with `when` only there."""
        return self.default is REQUIRED

    @property
    def preset(self) -> Any:
        """What it is where it is not given; None where it must be, or is then absent."""
        return None if self.default is REQUIRED else self.default


@dataclass(frozen=True, slots=True)
class Share:
    """The calls of one evaluation that ask the models of the parameter `of`, at most.

    Several models are asked evenly, or each perhaps for all (`even` False). A reply is at most as
    long as the attribute `max_tokens` says, else the model's own; where `own` the model's own
    alone. `written` are its most tokens where the operator itself says so, whatever the model.
    Otherwise `least` and `most` are limits that it may reach in any case, and cannot exceed.
    `scores` is the kind of score that is asked for instead of a text.
    """

    of: str
    calls: int
    written: int | None = None
    even: bool = False
    own: bool = False
    least: int = 0
    most: int | None = None
    scores: str | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """Model calls of one evaluation, at least and at most, given closed attributes.

    `shares` says whose calls these are; without it they are shared evenly among all models.
    `chain` is how many of them may wait for one another, where not all do. `formula` is the
    arithmetic of `high` as people read it.
    """

    low: int
    high: int
    shares: tuple[Share, ...] = field(default=(), compare=False)
    chain: int | None = field(default=None, compare=False)
    formula: str = field(default="", compare=False)


Attrs = Mapping[str, Any]
"""Closed attributes by name: numbers, texts, words; a tuple of model names for `models`."""


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of the language.

    `params` in positional order: only the first `positional` may be given without a name.
    `result` gives the type from the types of the given edges. `calls` bounds its model calls.
    `effect` marks operators that must not be removed or merged. `needs` are backend capabilities.
    `unordered` names edges whose order does not matter to the result's distribution.
    `typed` kernels are given the type of their result, as text, in the attribute `type`.
    `attached` names attributes that only the compiler's passes set; they change what a node costs
    and not what it means, so they are no part of a graph's identity.
    `outside` operators run code of models: their results cannot be computed at compile time.
    `asks` are capabilities that only some of its models need. `sized` names an edge, a list, whose
    length bounds the calls: the compiler writes what it knows of it into the attribute `most`.
    `chance` operators draw random numbers: equal nodes have different results.
    """

    name: str
    doc: str
    params: tuple[Param, ...]
    result: Callable[[Mapping[str, Type]], Type]
    positional: int = 1
    calls: Callable[[Attrs], Bound] = lambda attrs: Bound(0, 0)
    effect: bool = False
    needs: frozenset[str] = frozenset()
    unordered: frozenset[str] = frozenset()
    source: str = ""
    typed: bool = False
    attached: frozenset[str] = frozenset()
    outside: bool = False
    asks: tuple[Asks, ...] = ()
    sized: str | None = None
    chance: bool = False

    def param(self, name: str) -> Param | None:
        """The parameter of that name, if any."""
        return next((param for param in self.params if param.name == name), None)

    @property
    def samples(self) -> bool:
        """True when it may call a model."""
        return bool(self.askers)

    @property
    def askers(self) -> tuple[Param, ...]:
        """The parameters that take models, whatever they are called."""
        return tuple(p for p in self.params if MODEL in p.types or MODELS in p.types)

    @property
    def pure(self) -> bool:
        """True when its result follows from its arguments: it asks neither models nor memories,
        runs no code and draws no random numbers."""
        memories = any(MEMORY in param.types for param in self.params)
        return not (self.samples or self.outside or self.chance or memories)
