"""What a server can do wrong with one request, as values to put into a script.

::

    server.script(Refusal(429, headers={"Retry-After": "1"}), Truncated(), None)

spoils the next two requests and answers the third.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiohttp import web

from graphdsl.testing.openai_replies import Json, error_json

if TYPE_CHECKING:
    from graphdsl.testing.exchange import Exchange

OPENAI_OVERFLOW: Final = (
    "This model's maximum context length is {limit} tokens. However, your messages resulted in "
    "{prompt} tokens. Please reduce the length of the messages."
)
VLLM_OVERFLOW: Final = (
    "This model's maximum context length is {limit} tokens. However, you requested {reply} output "
    "tokens and your prompt contains at least {prompt} input tokens, for a total of at least "
    "{total} tokens. Please reduce the length of the input prompt or the number of requested "
    "output tokens. (parameter=input_tokens, value={prompt})"
)


class Fault(Protocol):
    """How one request is answered instead of well."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Do the wrong thing; what it returns has been sent, or is sent then."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status with an error object, or with `body` as it is."""

    status: int
    message: str = "scripted refusal"
    kind: str = "scripted_error"
    code: str | int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str | None = None

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Refuse."""
        error = error_json(self.message, self.kind, self.code)
        text = json.dumps(error) if self.body is None else self.body
        kind = "application/json" if self.body is None else "text/html"
        return web.Response(
            status=self.status, text=text, content_type=kind, headers=dict(self.headers)
        )


@dataclass(frozen=True, slots=True)
class Overflow:
    """A refusal of the prompt's length, in the words of OpenAI or of vLLM."""

    wording: str = OPENAI_OVERFLOW
    prompt: int = 5000
    limit: int = 4096

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Refuse."""
        said = self.wording.format(
            prompt=self.prompt, limit=self.limit, reply=16, total=self.prompt + 16
        )
        openai = self.wording == OPENAI_OVERFLOW
        kind = "invalid_request_error" if openai else "BadRequestError"
        code = "context_length_exceeded" if openai else 400
        return await Refusal(400, said, kind, code).answer(exchange)


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer until the client leaves or the server is closed."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Wait."""
        await asyncio.Event().wait()
        raise AssertionError("nothing sets that event")


@dataclass(frozen=True, slots=True)
class Drip:
    """The right answer, a few bytes at a time, with `pause` seconds between them."""

    pause: float = 0.001
    size: int = 7

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Answer slowly."""
        whole = await exchange.reply_bytes()
        exchange.head(len(whole))
        for at in range(0, len(whole), self.size):
            exchange.raw(whole[at : at + self.size])
            await asyncio.sleep(self.pause)
        return exchange.sent(close=True)


@dataclass(frozen=True, slots=True)
class Truncated:
    """Part of the right answer, though its length was promised; then the connection closes."""

    share: float = 0.5

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Begin to answer."""
        whole = await exchange.reply_bytes()
        exchange.head(len(whole))
        exchange.raw(whole[: int(len(whole) * self.share)])
        return exchange.sent(close=True)


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The connection ends before the first byte of an answer; `reset` it, or just close it."""

    reset: bool = False

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Hang up."""
        return exchange.sent(close=True, reset=self.reset)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The right answer twice, on one connection that stays open."""

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Answer, and answer."""
        whole = await exchange.reply_bytes()
        for _ in range(2):
            exchange.head(len(whole))
            exchange.raw(whole)
        return exchange.sent(close=False)


@dataclass(frozen=True, slots=True)
class Body:
    """Status 200 with this body, whatever it is; `kind` is its content type."""

    text: str
    kind: str = "application/json"

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Send it."""
        return web.Response(text=self.text, content_type=self.kind)


@dataclass(frozen=True, slots=True)
class Altered:
    """The right answer after `change`, which gets the reply, or each piece of a stream."""

    change: Callable[[Json], Json]

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Answer, but not quite."""
        return await exchange.answer(self.change)


@dataclass(frozen=True, slots=True)
class CutStream:
    """A stream that ends after some pieces: by closing, or cleanly but without its end."""

    after: int = 2
    clean: bool = False

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Begin to stream."""
        return await exchange.answer(cut_after=self.after, clean_cut=self.clean)


def with_usage(usage: Any) -> Altered:
    """Other counts than the true ones; None leaves them out."""

    def change(reply: Json) -> Json:
        if usage is None:
            return {name: reply[name] for name in reply if name != "usage"}
        return reply | {"usage": usage} if "usage" in reply else reply

    return Altered(change)


def with_content(content: Any) -> Altered:
    """Another content than the true one, in the reply and in every piece."""

    def change(reply: Json) -> Json:
        for choice in reply["choices"]:
            for place in ("message", "delta"):
                if place in choice:
                    choice[place]["content"] = content
        return reply

    return Altered(change)


def with_finish(reason: Any) -> Altered:
    """Another reason why it ended."""

    def change(reply: Json) -> Json:
        for choice in reply["choices"]:
            if choice["finish_reason"] is not None:
                choice["finish_reason"] = reason
        return reply

    return Altered(change)
