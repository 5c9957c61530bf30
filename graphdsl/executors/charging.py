"""What a call may cost before it is sent, and what it has cost however it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, TypeVar

from graphdsl.errors import BackendError, CallTimeout, InputError
from graphdsl.executors.abc import ChatRequest, EmbedRequest, Meter, ScoreRequest
from graphdsl.executors.lane import NOT_SENT, Lane
from graphdsl.executors.ledger import Amount, Scope
from graphdsl.plan import ModelSpec
from graphdsl.values import Usage

Request = ChatRequest | EmbedRequest | ScoreRequest
"""What a model can be asked for."""

Sent = TypeVar("Sent", bound=Request)

_TEMPLATE_TOKENS: Final = 64
_TURN_TOKENS: Final = 16
"""Most that a chat template adds to a prompt: once (a default system turn), and per turn."""


def bounded(request: Sent, lane: Lane, scope: Scope) -> tuple[Sent, Amount]:
    """The request and the most that it can spend, so that a budget can set it aside.

    Prompt tokens are bounded by bytes (a byte-level token has at least one) and what templates
    add. Without `max_tokens` a reply is bounded by the context; where tokens or money are limited
    it is then held to what the budget could grant, so that it cannot overrun it. Raises
    `InputError` where money or operations are limited and nobody knows what a call takes.
    """
    prompt = prompt_bound(request)
    _refuse_unknown(lane, scope)
    if not isinstance(request, ChatRequest):
        return request, _worst(lane, prompt, most_written(request))
    most = request.max_tokens
    if most is None:
        room = scope.room(prompt, lambda money: _affordable(lane, money, prompt), lane.flops or 0)
        context = lane.served.capabilities.context_tokens
        if room is not None:
            most = max(1, min(room, context or room))
            request = replace(request, max_tokens=most)
    return request, _worst(lane, prompt, most or 0)


def _refuse_unknown(lane: Lane, scope: Scope) -> None:
    """What nobody knows cannot be limited. The checker says so too, but a model may be another."""
    name, limits = lane.spec.name, [outer.limits for outer in scope.chain()]
    if lane.price is None and any(limit.usd is not None for limit in limits):
        block, option = _missing_prices(lane.spec)
        raise InputError(
            f"model `{name}` has no known price, so money cannot be limited; write `{block}` in "
            f"its block, or `{option}` in `--model`, or limit calls or tokens"
        )
    if lane.flops is None and any(limit.flops is not None for limit in limits):
        raise InputError(
            f"nobody knows how many operations a token of `{name}` takes, so they cannot be "
            "limited; write `flops_per_token = …` in its block, about twice its parameters"
        )


def _missing_prices(spec: ModelSpec) -> tuple[str, str]:
    """The entries of a model block that would tell its price, and the same for `--model`."""
    rates = ("usd_per_mtok_in", "usd_per_mtok_out")
    missing = [rate for rate in rates if rate not in spec.options]
    return "  ".join(f"{rate} = …" for rate in missing), "".join(f",{rate}=…" for rate in missing)


def _affordable(lane: Lane, money: int, prompt: int) -> int | None:
    price = lane.price
    return None if price is None else price.room(money, prompt, lane.timeout or 0.0, _places(lane))


def _worst(lane: Lane, prompt: int, completion: int) -> Amount:
    if lane.free:
        return Amount(1, prompt, completion)
    price = lane.price
    cost = (
        0 if price is None else price.worst(prompt, completion, lane.timeout or 0.0, _places(lane))
    )
    return Amount(1, prompt, completion, cost, (lane.flops or 0) * (prompt + completion))


def prompt_bound(request: Request) -> int:
    """At most so many prompt tokens: UTF-8 bytes, and what a template adds."""
    if isinstance(request, EmbedRequest):
        return _TEMPLATE_TOKENS + _size(request.texts)
    asked = _TEMPLATE_TOKENS + _size(turn.content for turn in request.messages.turns)
    if isinstance(request, ChatRequest):
        return asked
    # engines may read the prompt once by itself, and again before each text
    return asked * (1 + len(request.texts)) + _size(request.texts)


def most_written(request: EmbedRequest | ScoreRequest) -> int:
    """Tokens that an engine writes at most for a call that wants no text of its own.

    One that tells probabilities only of what it writes has to write the texts that it scores.
    """
    return 0 if isinstance(request, EmbedRequest) else 1 + _size(request.texts)


def _size(texts: Iterable[str]) -> int:
    return sum(len(text.encode("utf-8", "surrogatepass")) + _TURN_TOKENS for text in texts)


def _places(lane: Lane) -> int:
    """How many calls share the machine of a model, and so its price per hour; where only a
    ceiling is known, a call pays for the whole of it."""
    able = lane.served.capabilities
    return 1 if able.adaptive else able.max_in_flight


def priced(usage: Usage, lane: Lane, seconds: float) -> Usage:
    """A usage with what it costs: by our prices, else as the provider told, else unknown."""
    if lane.free and not usage.cost:
        return usage
    price = lane.price
    seconds = seconds if lane.timeout is None else min(seconds, lane.timeout)
    cost = usage.cost or None if price is None else price.cost(usage, seconds, _places(lane))
    fresh = max(0, usage.prompt_tokens - usage.cached_tokens) + usage.completion_tokens
    return replace(usage, cost=cost, flops=(lane.flops or 0) * fresh)


def failed(
    lane: Lane, request: Request, meter: Meter, seconds: float, error: BaseException
) -> Usage:
    """What a call without a completion has cost; its worst case where nobody knows.

    Nothing where no model worked on it; what the meter says where the backend counts exactly, or
    where the endpoint was done with it; else the worst case.
    """
    if isinstance(error, NOT_SENT) and not error.uncertain:
        return Usage()
    metered = lane.served.capabilities.metered
    if isinstance(error, BackendError) and not isinstance(error, CallTimeout):
        unknown = error.uncertain
    else:
        unknown = not metered  # we cut it off ourselves
    if not unknown:
        return priced(meter.usage, lane, seconds)
    return worst_usage(lane, request, meter.completion_tokens, seconds)


def worst_usage(
    lane: Lane, request: Request, unlimited: int | None = None, seconds: float = 0.0
) -> Usage:
    """The most that a call can have cost which nobody saw the end of.

    A reply without `max_tokens` has `unlimited` tokens, by default as many as the context holds;
    a model paid by time that has no timeout took `seconds`.
    """
    most = request.max_tokens if isinstance(request, ChatRequest) else most_written(request)
    if most is None:
        context = lane.served.capabilities.context_tokens or 0
        most = context if unlimited is None else unlimited
    worst = Usage(1, prompt_bound(request), 0, most, unknown=1)
    return priced(worst, lane, lane.timeout or seconds)


def counted(usage: Usage) -> Usage:
    """A completion is at least one call, whatever the backend says."""
    return usage if usage.calls else replace(usage, calls=1)
