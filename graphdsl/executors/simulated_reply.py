"""The text of a simulated reply, drawn from what the model does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from graphdsl.executors.abc import ChatRequest, Completion, TextRequest
from graphdsl.executors.simulated_behaviour import TOKEN, Behaviour, logprobs, tokens_of
from graphdsl.executors.simulated_json import example
from graphdsl.executors.splitmix import Draws
from graphdsl.values import Finish, Message, Usage

Request = ChatRequest | TextRequest

_FILLER: Final = "I consider what is known and take one step after another. "


def turns_of(request: Request) -> Sequence[Message]:
    """The turns of a prompt; a raw text is one turn of nobody."""
    if isinstance(request, ChatRequest):
        return request.messages.turns
    return (Message("", request.text),)


def write(does: Behaviour, request: Request, prompt: int, draws: Draws) -> Completion:
    """The completion of a prompt that has `prompt` tokens.

    Raises `ValueError` for a schema that it cannot fill.
    """
    room = does.context - prompt
    limit = room if request.max_tokens is None else min(request.max_tokens, room)
    text, right = _reply(does, request, limit, draws)
    text, finish = _end(text, request.stop, limit)
    tokens = tokens_of(text)
    stats = logprobs(tokens, right, draws) if request.logprobs else None
    return Completion(text, finish, Usage(1, prompt, 0, tokens), stats)


def pieces(text: str) -> list[str]:
    """The text as it would come, token by token."""
    return [text[at : at + TOKEN] for at in range(0, len(text), TOKEN)]


def _reply(does: Behaviour, request: Request, limit: int, draws: Draws) -> tuple[str, bool]:
    """The full text that the model would write, and whether its answer is right."""
    if does.replies:
        return does.replies[request.sample % len(does.replies)], True
    if does.truncations and draws.uniform() < does.truncations:
        return _thought(draws, limit * TOKEN + 1), False
    right = draws.uniform() < does.accuracy
    truth = does.truth(turns_of(request))
    answer = truth if right else does.mistake(truth, draws)
    if request.schema is not None:
        return json.dumps(example(request.schema, answer, draws), ensure_ascii=False), right
    line = f"\nAnswer: {answer}"
    length = does.tokens * TOKEN * (0.5 + draws.uniform()) - len(line)
    return _thought(draws, int(length)) + line, right


def _thought(draws: Draws, length: int) -> str:
    """Filler that begins with a mark of its own, so that different seeds differ."""
    mark = f"Draft {draws.word() & 0xFFFFFF:06x}. "
    return (mark + _FILLER * (length // len(_FILLER) + 1))[: max(length, len(mark) - 1)]


def _end(text: str, stop: tuple[str, ...], limit: int) -> tuple[str, Finish]:
    """Cut at the first stop string, then at the token limit, whichever comes first."""
    ends = [at for mark in stop if mark and (at := text.find(mark)) >= 0]
    end = min(ends, default=len(text))
    if end > limit * TOKEN:
        return text[: limit * TOKEN], Finish.LENGTH
    return text[:end], Finish.STOP_SEQ if ends else Finish.STOP
