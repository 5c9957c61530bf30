"""Asking a model for judgements: often, of many candidates, all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from graphdsl.ir.entities import ModelSpec, PromptSpec
from graphdsl.ops.context import Args, Ask, Context
from graphdsl.ops.templates import render
from graphdsl.values import Draft, Finish, Messages, Value

Parsed = TypeVar("Parsed")

VARIED: Final = 0.7
"""Temperature where nothing says one and greedy replies would only repeat each other."""


@dataclass(frozen=True, slots=True)
class Judgement(Generic[Parsed]):
    """A reply of a judge to `messages`; `value` is None where it could not be parsed."""

    messages: Messages
    reply: Draft
    value: Parsed | None

    @property
    def answered(self) -> bool:
        """False where the call failed or was refused: then nothing was judged."""
        return self.reply.finish not in (Finish.ERROR, Finish.CANCELLED)


@dataclass(frozen=True, slots=True)
class Judge:
    """A model with a role prompt, and how it is asked."""

    model: ModelSpec
    prompt: PromptSpec
    repeats: int = 1
    temperature: float = 0.0
    max_tokens: int | None = None
    retries: int = 0

    @staticmethod
    def of(args: Args, role: str) -> Judge:
        """The judge `by` with the prompt in the argument `role`.

        Temperature: the argument, else the model's own, else 0, or 0.7 where it is asked often.
        """
        repeats = int(args.get("repeats") or 1)
        given, limit = args.get("temperature"), args.get("max_tokens")
        usual = VARIED if repeats > 1 else 0.0
        model: ModelSpec = args["by"]
        return Judge(
            model,
            args[role],
            repeats,
            float(model.setting("temperature", usual) if given is None else given),
            None if limit is None else int(limit),
            int(args.get("retries") or 0),
        )

    def draws(self, prompts: int = 1) -> range:
        """Which judgements are asked for, where so many different prompts ask for the same one.

        Greedy replies to equal prompts are equal, so one is drawn of each (rule G7).
        """
        return range(self.repeats if self.temperature else min(self.repeats, prompts))

    async def ask(
        self,
        context: Context,
        parse: Callable[[str], Parsed | None],
        draw: int,
        stream: int,
        **values: Value,
    ) -> Judgement[Parsed]:
        """Judgement number `draw` of what `stream` stands for; asked again where not parsed (G9).

        A call that failed or was refused is not asked again: that is no matter of form.
        """
        messages = render(self.prompt, values)
        for attempt in range(1 + self.retries):
            reply = await context.sample(self._ask(messages, draw, stream, attempt))
            judgement = Judgement(messages, reply, parse(reply.text))
            if judgement.value is not None and judgement.answered:
                return judgement
            if not judgement.answered:
                return Judgement(messages, reply, None)
        return judgement  # pyright: ignore[reportPossiblyUnboundVariable]

    def _ask(self, messages: Messages, draw: int, stream: int, attempt: int) -> Ask:
        """The first attempts of more repeats are those of fewer and some more."""
        temperature = self.temperature or (VARIED if attempt else 0.0)
        index = attempt * self.repeats + draw
        return Ask(self.model, messages, index, stream, temperature, self.max_tokens)


def values_of(judgements: Iterable[Judgement[Parsed]]) -> list[Parsed]:
    """What could be read."""
    return [one.value for one in judgements if one.value is not None]


def note_unread(context: Context, judgements: Sequence[Judgement[Parsed]]) -> None:
    """Say in the trace how many judgements were lost, and how."""
    failed = sum(not one.answered for one in judgements)
    unread = sum(one.answered and one.value is None for one in judgements)
    for count, what in ((unread, "could not be parsed"), (failed, "failed or were cancelled")):
        if count:
            context.note(f"{count} of {len(judgements)} judgements {what}")
