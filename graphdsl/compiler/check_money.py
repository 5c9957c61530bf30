"""Limits and aims in `usd` and `flops`: every model must be known to take so much, at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphdsl.compiler import codes
from graphdsl.compiler.call_graph import Caller
from graphdsl.compiler.charge import Charge, shown
from graphdsl.compiler.check_search import entry_flow
from graphdsl.compiler.counting import Counter, Scope
from graphdsl.compiler.entities import MODELLED, budget_of, qualified
from graphdsl.compiler.modules import imported
from graphdsl.compiler.program import Module
from graphdsl.compiler.report import error, listed, warning
from graphdsl.compiler.session import Frame, Session
from graphdsl.compiler.static_values import Values
from graphdsl.compiler.uses import Use
from graphdsl.diagnostics import Label, Span
from graphdsl.ir.entities import ModelSpec
from graphdsl.prices import flops_of, members_of, pico, price_of
from graphdsl.syntax import tree


@dataclass(frozen=True, slots=True)
class _Limit:
    """One limit, or an aim where `amount` is None: its unit and place."""

    unit: str
    at: Span
    amount: int | None = None


def check_money(modules: Sequence[Module], flows: Sequence[Caller], session: Session) -> None:
    """Report what keeps limits in money and operations from being held, or makes them senseless.

    Prices are looked up only where something limits or minimises them.
    """
    if not session.modelled:
        return
    check = _Check(session, _declared(modules))
    check.scopes(flows)
    for module in modules:
        for item in module.file.items:
            if isinstance(item, tree.Search):
                check.search(item, Frame(session, module))


def _declared(modules: Sequence[Module]) -> dict[str, tree.Model]:
    """Every model of the program by its name in the graph."""
    everywhere = imported(modules[0])
    return {
        qualified(module, item.name.text): item
        for module in everywhere
        for item in module.file.items
        if isinstance(item, tree.Model)
    }


class _Check:
    """One program; `counter` counts with the defaults, `widest` finds every model of a space."""

    def __init__(self, session: Session, declared: Mapping[str, tree.Model]) -> None:
        self.session = session
        self.declared = declared
        units = frozenset(session.modelled)
        self.counter = Counter(units=units)
        self.widest = Counter(widest=True, units=units)
        self.told: set[tuple[str, str]] = set()

    def scopes(self, flows: Sequence[Caller]) -> None:
        """Each budget scope, wherever it is entered from."""
        for module, flow in flows:
            self.counter.flow(module, flow)
            self.widest.flow(module, flow)
        for scope in self.widest.met:
            for limit in _limits(scope.statement.limits):
                self.callable(limit, scope.work.uses)
        watched = {binding.span for binding in self.session.bindings if binding.used}
        for scope in self.counter.met:
            for limit in _limits(scope.statement.limits):
                self.fits(limit, scope, watched)

    def search(self, search: tree.Search, frame: Frame) -> None:
        """The limits and aims of a search, whose points may call every model of the space."""
        found = {entry.key.text: entry.value for entry in search.entries}
        flow = entry_flow(found["flow"], frame) if "flow" in found else None
        if flow is None:
            return
        uses = self.widest.flow(*flow).uses
        agent = _agent(found.get("strategy"), frame.module)
        for item in _items(found.get("minimise")):
            if str(item) in MODELLED:
                self.known(_Limit(str(item), item.span), (*uses, *agent))
        for key in ("per_run", "budget"):
            for limit in _limits(found.get(key)):
                if self.callable(limit, (*uses, *agent) if key == "budget" else uses):
                    charges = self.counter.flow(*flow).charges
                    self.over(limit, charges.get(limit.unit, Charge()), key, flow[1])

    # ---- what must be known of the models

    def callable(self, limit: _Limit, uses: Iterable[Use]) -> bool:
        """Report models whose calls cannot be held to the limit; True when there is none."""
        uses = tuple(uses)
        if not self.known(limit, uses):
            return False
        found = [use.model for use in uses if use.endless(limit.unit)]
        endless = self.news(codes.ENDLESS_REPLY, found)
        if not endless:
            return not found
        name = endless[0].name
        self.report(
            codes.ENDLESS_REPLY,
            f"`{limit.unit}` is limited, and nothing limits a reply of `{name}`",
            limit,
            endless,
            "no `max_tokens`",
            ("write `max_tokens = 512` in its model block, or `max_tokens: 512` in the call",),
        )
        return False

    def known(self, limit: _Limit, uses: Iterable[Use]) -> bool:
        """Report models that nobody knows the price or the operations of."""
        models = [use.model for use in uses]
        if limit.unit == "flops":
            return self.counted(limit, models)
        found = [leaf for model in models for leaf in _unpriced(model)]
        unpriced = self.news(codes.NO_PRICES, found)
        if not unpriced:
            return not found
        from graphdsl.price_table import sought

        verb = "minimised" if limit.amount is None else "limited"
        self.report(
            codes.NO_PRICES,
            f"`usd` cannot be {verb}: nobody knows the price of {_names(unpriced)}",
            limit,
            unpriced,
            "no price",
            _price_helps(unpriced[0]),
            (f"the table of prices has no {sought(unpriced[0])}",),
        )
        return False

    def counted(self, limit: _Limit, models: Iterable[ModelSpec]) -> bool:
        """The same for operations, which only the block of a model tells."""
        found = [leaf for model in models for leaf in _uncounted(model)]
        silent = self.news(codes.NO_FLOPS, found)
        if not silent:
            return not found
        verb = "minimised" if limit.amount is None else "limited"
        names = _names(silent)
        self.report(
            codes.NO_FLOPS,
            f"`flops` cannot be {verb}: nobody knows how many operations a token of {names} takes",
            limit,
            silent,
            "no `flops_per_token`",
            ("write about twice its parameters in its block, such as `flops_per_token = 2.7e8`",),
        )
        return False

    def news(self, code: str, models: Iterable[ModelSpec]) -> list[ModelSpec]:
        """The models that were not reported so before, each once: one cause, one report."""
        fresh = {model.name: model for model in models if (code, model.name) not in self.told}
        self.told.update((code, name) for name in fresh)
        return list(fresh.values())

    def report(
        self,
        code: str,
        message: str,
        limit: _Limit,
        models: Iterable[ModelSpec],
        label: str,
        helps: Sequence[str],
        notes: Sequence[str] = (),
    ) -> None:
        """An error at a limit, with a label at each model that it is about."""
        names = [model.name for model in models]
        places = [self.declared[name].name.span for name in names if name in self.declared]
        labels = [Label(place, label) for place in places]
        self.session.report(
            error(code, message, limit.at, secondary=labels, helps=helps, notes=notes)
        )

    # ---- what the limit is too low for

    def fits(self, limit: _Limit, scope: Scope, watched: set[Span]) -> None:
        """Report a scope that refuses every call of a model, or may run out unseen."""
        amount = limit.amount or 0
        dear = [use for use in scope.work.uses if use.amount(limit.unit) > amount]
        if dear:
            self.too_dear(limit, dear[0])
            return
        taken = scope.work.charges.get(limit.unit, Charge())
        statement = scope.statement
        name = statement.alias.span if statement.alias is not None else statement.limits.span
        if taken.amount <= amount or name in watched:
            return
        flag = f"{statement.alias.text}.exhausted" if statement.alias else "exhausted"
        most = shown(taken.amount, limit.unit)
        message = (
            f"the replies in the scope can take {most}, its limit is "
            f"{shown(amount, limit.unit)}, and nothing looks at `{flag}`"
        )
        note = f"the longest replies take {taken.sums} = {most}; prompts come on top"
        helps = (f"raise the limit, or decide by `if {flag} {{ … }}`",)
        self.session.report(
            warning(codes.UNWATCHED_SCOPE, message, limit.at, notes=(note,), helps=helps)
        )

    def too_dear(self, limit: _Limit, use: Use) -> None:
        """A call that is always refused, since it could take more than there is."""
        unit, most = limit.unit, shown(use.amount(limit.unit), limit.unit)
        self.session.report(
            error(
                codes.IMPOSSIBLE_SCOPE,
                f"one call of `{use.model.name}` can take {most}, "
                f"the scope's limit is {shown(limit.amount or 0, unit)}",
                limit.at,
                "too low",
                notes=(f"{use.sum(unit)} = {most}; the prompt comes on top",),
                helps=("raise the limit, or lower `max_tokens`",),
            )
        )

    def over(self, limit: _Limit, taken: Charge, key: str, flow: tree.Flow) -> None:
        """Report a limit of a search that the replies of one run can exceed."""
        amount = limit.amount or 0
        if taken.amount <= amount:
            return
        what = "the limit" if key == "per_run" else "the budget of the whole search"
        most = shown(taken.amount, limit.unit)
        self.session.report(
            error(
                codes.OVER_BUDGET,
                f"the replies of one run of `{flow.name.text}` can take {most}, "
                f"{what} is {shown(amount, limit.unit)}",
                limit.at,
                "too low for the default plan",
                notes=(f"{taken.sums} = {most}; prompts come on top",),
                helps=("raise the limit, or lower `max_tokens`, rounds or samples",),
            )
        )


def _limits(limits: tree.Expr | None) -> list[_Limit]:
    """The limits in money and operations of a list, in order."""
    if not isinstance(limits, tree.ListExpr):
        return []
    budget = budget_of(limits)
    amounts = {
        "usd": None if budget.usd is None else pico(budget.usd),
        "flops": None if budget.flops is None else int(budget.flops),
    }
    calls = [item for item in limits.items if isinstance(item, tree.Call)]
    found = [_Limit(str(call.callee), call.span, amounts.get(str(call.callee))) for call in calls]
    return [limit for limit in found if limit.amount is not None]


def _items(value: tree.Expr | None) -> tuple[tree.Expr, ...]:
    if value is None:
        return ()
    return value.items if isinstance(value, tree.ListExpr) else (value,)


def _agent(strategy: tree.Expr | None, module: Module) -> tuple[Use, ...]:
    """The model that a strategy asks, which the budget of the whole search pays for."""
    given = strategy.args if isinstance(strategy, tree.Call) else ()
    named = [arg.value for arg in given if arg.name is not None and arg.name.text == "agent"]
    models = [model for value in named for model in Values(module, {}, False).of(value) or ()]
    limits = [model.setting("max_tokens") for model in models]
    return tuple(Use(model, limit) for model, limit in zip(models, limits, strict=True))


def _unpriced(model: ModelSpec) -> list[ModelSpec]:
    """The models behind this one that have no price."""
    if price_of(model) is not None:
        return []
    return [leaf for member in members_of(model) for leaf in _unpriced(member)] or [model]


def _uncounted(model: ModelSpec) -> list[ModelSpec]:
    if flops_of(model) is not None:
        return []
    return [leaf for member in members_of(model) for leaf in _uncounted(member)] or [model]


def _names(models: Iterable[ModelSpec]) -> str:
    return listed((model.name for model in models), most=3)


def _price_helps(model: ModelSpec) -> tuple[str, str]:
    prices = {"usd_per_mtok_in": ("0.15", "0"), "usd_per_mtok_out": ("0.60", "0")}
    missing = [name for name in prices if name not in model.options] or list(prices)
    paid, free = ("  ".join(f"{n} = {prices[n][i]}" for n in missing) for i in (0, 1))
    return f"write what it costs in its block: `{paid}`", f"where calls cost nothing: `{free}`"
