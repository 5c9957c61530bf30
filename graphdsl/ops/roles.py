"""Asking a model to play a role: judge, critic, fuser, verifier, reviser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from graphdsl.ops.context import Args, Ask, Context
from graphdsl.ops.extract import find_answer
from graphdsl.ops.templates import render
from graphdsl.values import Draft, Finish, Messages, Value

Parsed = TypeVar("Parsed")

_AGAIN: Final = 0.7
"""Temperature of a second attempt where the first was greedy: greedy would only repeat itself."""


async def ask_role(context: Context, args: Args, attempt: int = 0, **values: Value) -> Draft:
    """One reply to the role prompt `args["prompt"]`, filled with `values`.

    Temperature: the operator's argument, else the model's option, else 0.
    """
    model = args["by"]
    temperature = _temperature(args)
    if attempt and not temperature:
        temperature = _AGAIN
    messages = render(args["prompt"], values)
    return await context.sample(
        Ask(
            model,
            messages,
            index=attempt,
            temperature=temperature,
            max_tokens=args.get("max_tokens"),
        )
    )


async def ask_until(
    context: Context, args: Args, parse: Callable[[str], Parsed | None], **values: Value
) -> tuple[Draft, Parsed | None]:
    """The first reply that `parse` understands, or the last one and None (rule G9).

    Asks at most 1 + `retries` times, one after another. A call that failed or was refused is not
    asked again: that is no matter of form.
    """
    tries = 1 + int(args.get("retries") or 0)
    for attempt in range(tries):
        reply = await ask_role(context, args, attempt, **values)
        if reply.finish in (Finish.ERROR, Finish.CANCELLED):
            return reply, None
        parsed = parse(reply.text)
        if parsed is not None:
            return reply, parsed
        if attempt + 1 < tries:
            context.note(f"reply {attempt + 1} cannot be parsed; asking again")
    return reply, None  # pyright: ignore[reportPossiblyUnboundVariable]


def with_answer(reply: Draft, prompt: Messages | None = None) -> Draft:
    """A reply with its answer read; with `prompt`, as a draft of that original question.

    A truncated reply may have an answer too; that it is not complete keeps it out of votes.
    """
    found = find_answer(reply.text) if reply.text else None
    return Draft(  # not `replace`, which takes twice as long, for every sample of a program
        reply.text,
        found.shown if found else None,
        reply.score,
        reply.confidence,
        reply.finish,
        reply.usage,
        reply.model,
        reply.sample,
        reply.seed,
        reply.logprobs,
        reply.error,
        reply.tie,
        prompt or reply.prompt,
        reply.temperature,
    )


def _temperature(args: Args) -> float:
    given = args.get("temperature")
    return float(args["by"].setting("temperature", 0.0) if given is None else given)
