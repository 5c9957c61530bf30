"""Repeated sampling (Brown et al. 2024, Large Language Monkeys, arXiv 2407.21787)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from graphdsl.ir.entities import ModelSpec
from graphdsl.ops.context import Args, Ask, Context
from graphdsl.ops.convert import to_messages
from graphdsl.ops.neutral import neutralise
from graphdsl.ops.quorum import rule_of, unneeded
from graphdsl.ops.quorum_watch import Watch, together, watched
from graphdsl.ops.roles import with_answer
from graphdsl.values import Draft, Message, Messages, Value, as_text

TEMPERATURE: Final = 0.7
"""Where neither the operator nor the model block has one."""


async def generate(context: Context, args: Args) -> Value:
    """Drafts in order of model, then temperature, then sample; all are drawn concurrently.

    At temperature 0 samples would be equal, so one is drawn (rule G7) and a note says so. With
    `enough`, or a stop rule that the compiler attached (`until`), those that are not needed any
    more are cancelled; cancelled drafts that say so stand in their places.
    """
    messages = with_context(to_messages(args["prompt"]), args.get("context"))
    asks = list(_asks(context, args, messages))
    if len(asks) == 1:
        return (with_answer(await context.sample(asks[0])),)
    enough = args.get("enough")
    until = args.get("until") if enough is None else ("any_complete", int(enough))
    rule = rule_of(until, len(asks))
    if rule is None:
        return await _all(context, asks)
    watch = Watch(len(asks), rule)
    await _some(context, asks, watch)
    context.count(asks[index] for index in watch.counted())
    if not watch.decided:
        return watch.values(lambda index: None)
    if rule.arrival:
        context.keep()
    context.note(f"decided by {watch.needed} of {len(asks)} samples")
    missing = unneeded(until)
    return watch.values(lambda index: _missing(missing, asks[index]))


async def _all(context: Context, asks: Sequence[Ask]) -> tuple[Draft, ...]:
    """All the samples."""
    try:
        found = await together([context.sample(ask) for ask in asks])
    except asyncio.CancelledError:
        context.spare(len(asks))
        raise
    return tuple(map(with_answer, found))


async def _some(context: Context, asks: Sequence[Ask], watch: Watch) -> None:
    """Samples until the watch is over, or the node itself is not needed any more."""
    context.watch(watch)
    try:
        await watched([context.sample(ask) for ask in asks], watch, with_answer)
    finally:
        context.spare(len(asks))


def _missing(draft: Draft, ask: Ask) -> Draft:
    """The draft that stands for a sample that was not needed."""
    return replace(draft, model=ask.model.name, sample=ask.index, prompt=ask.messages)


def with_context(messages: Messages, context: Value) -> Messages:
    """The prompt with texts before its last user turn, separated by blank lines.

    Empty texts are left out; chat control strings in them are broken. A prompt without a user
    turn gets one, at its end.
    """
    texts = [neutralise(text) for item in _several(context) if (text := as_text(item)).strip()]
    if not texts:
        return messages
    turns = list(messages.turns)
    last = next((i for i in reversed(range(len(turns))) if turns[i].role == "user"), None)
    if last is None:
        return Messages((*turns, Message("user", "\n\n".join(texts))))
    turns[last] = Message("user", "\n\n".join([*texts, turns[last].content]))
    return Messages(tuple(turns))


def _asks(context: Context, args: Args, messages: Messages) -> Iterator[Ask]:
    """The samples to draw; a model that is listed twice goes on counting where it was."""
    stops = _several(args.get("stop") or ())
    samples = int(args.get("samples") or 1)
    before: dict[tuple[str, int], int] = {}
    for model in args["models"]:
        for stream, temperature in enumerate(_temperatures(args.get("temperature"), model)):
            if temperature == 0 and samples > 1:
                context.note(f"temperature 0: one sample of `{model.name}` instead of {samples}")
            drawn = before.get((model.name, stream), 0)
            before[model.name, stream] = drawn + samples
            for index in range(drawn, drawn + (samples if temperature else 1)):
                yield Ask(
                    model,
                    messages,
                    index,
                    stream,
                    temperature,
                    args.get("max_tokens"),
                    stops,
                    args.get("seed"),
                )


def _temperatures(given: Any, model: ModelSpec) -> tuple[float, ...]:
    """The temperatures of one model: as given, else its own, else `TEMPERATURE`."""
    if given is None:
        given = model.setting("temperature", TEMPERATURE)
    return tuple(float(temperature) for temperature in _several(given))


def _several(value: Any) -> tuple[Any, ...]:
    """One or several: a tuple as it is, anything else as the only item."""
    return value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType]
