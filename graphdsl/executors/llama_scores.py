"""Log-probabilities of given replies from llama.cpp, which only tells those that it writes.

So each text is written: a grammar allows nothing but its tokens, while the probabilities stay
those of the free model. That takes as long as writing always does, but for the prompt, which the
texts share in the cache of a slot.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import replace

from graphdsl.executors.abc import Completion, ScoreRequest, Scores
from graphdsl.executors.llama_generation import Generation, overflow, refused
from graphdsl.executors.llama_request import Control, data, forced_body, turns
from graphdsl.executors.llama_server import LlamaServer
from graphdsl.values import Usage


def score(
    server: LlamaServer,
    model: str,
    request: ScoreRequest,
    control: Control,
    slot: int,
    stop: threading.Event,
) -> Scores:
    """The kinds `label` and `text`, in a slot. A text of several tokens counts with all of them.

    Blocks. Raises `BackendError` where a text is empty, or has characters of several tokens,
    whose probabilities llama.cpp does not tell.
    """
    messages = turns(request.messages, control)
    room = server.slot_context()
    replies: list[Completion] = []
    for text in request.texts:
        tokens = _tokens(server, model, data(text, control))
        if len(tokens) > room:
            raise overflow(model, len(tokens), room)
        body = forced_body(messages, tokens) | {"id_slot": slot}
        reply = Generation(model, stop).run(server.chat, body, logprobs=True)
        if reply.usage.completion_tokens < len(tokens):
            raise overflow(model, reply.usage.prompt_tokens + len(tokens), room)
        replies.append(reply)
    found = [reply.logprobs for reply in replies if reply.logprobs is not None]
    total = sum((reply.usage for reply in replies), Usage())
    usage = replace(total, calls=1)
    if request.kind == "text":
        return Scores(tuple(stats.total for stats in found), usage, tuple(found))
    return Scores(shares([stats.total for stats in found]), usage)


def shares(logprobs: Sequence[float]) -> tuple[float, ...]:
    """Probabilities that sum to 1, in proportion to these; none for none.

    >>> shares([-1.0, -1.0])
    (0.5, 0.5)
    """
    highest = max(logprobs, default=0.0)
    weights = [math.exp(value - highest) for value in logprobs]
    return tuple(weight / sum(weights) for weight in weights)


def _tokens(server: LlamaServer, model: str, text: str) -> list[int]:
    tokens = server.tokenize(text)
    if not tokens:
        raise refused(model, "an empty text has no probability")
    if not all(whole for _, whole in tokens):
        raise refused(
            model, f"it cannot score the text {text[:40]!r}: its tokenizer splits a character of it"
        )
    return [token for token, _ in tokens]
