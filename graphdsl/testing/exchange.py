"""One request to the faulty server, with all the ways of answering it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from graphdsl.executors.json_shape import object_of
from graphdsl.testing.openai_replies import Json, Rendering


@dataclass(slots=True, eq=False)
class Asked:
    """What a client asked for. `cut` says that it left before it had its answer."""

    path: str
    headers: Mapping[str, str]
    body: Json = field(default_factory=dict[str, Any])
    cut: bool = False
    pieces: int = 0


class Exchange:
    """A request whose right answer is known: `rendering`, or a JSON object that is no text.

    `pace` is seconds per token.
    """

    def __init__(
        self, request: web.Request, asked: Asked, answer: Rendering | Json, pace: float
    ) -> None:
        self.asked = asked
        self._request = request
        self._answer = answer
        self._pace = pace
        self._hung_up = False

    @property
    def hung_up(self) -> bool:
        """True when the server itself ended the connection."""
        return self._hung_up

    @property
    def _stream_options(self) -> Json:
        return object_of(self.asked.body.get("stream_options")) or {}

    async def answer(
        self,
        change: Callable[[Json], Json] = lambda reply: reply,
        *,
        cut_after: int | None = None,
        clean_cut: bool = False,
    ) -> web.StreamResponse:
        """The right answer in the form that was asked for, after `change`."""
        answer = self._answer
        if isinstance(answer, dict):
            return web.json_response(change(answer))
        if not self.asked.body.get("stream"):
            await asyncio.sleep(self._pace * answer.found.usage.completion_tokens)
            return web.json_response(change(answer.whole()))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(self._request)
        for count, chunk in enumerate(answer.chunks(self._stream_options)):
            if count == cut_after:
                return response if clean_cut else self.sent(close=True)
            if self._pace:
                await asyncio.sleep(self._pace)
            await response.write(f"data: {json.dumps(change(chunk))}\n\n".encode())
            self.asked.pieces += 1
        await response.write(b"data: [DONE]\n\n")
        return response

    async def reply_bytes(self) -> bytes:
        """The body of the right answer, in one piece or as the events of a stream."""
        answer = self._answer
        if isinstance(answer, dict) or not self.asked.body.get("stream"):
            whole = answer if isinstance(answer, dict) else answer.whole()
            return json.dumps(whole).encode()
        options = self._stream_options
        events = [*map(json.dumps, answer.chunks(options)), "[DONE]"]
        return "".join(f"data: {event}\n\n" for event in events).encode()

    def head(self, length: int) -> None:
        """Write the head of a good answer that is to have so many bytes."""
        kind = "text/event-stream" if self.asked.body.get("stream") else "application/json"
        self.raw(
            f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode()
        )

    def raw(self, data: bytes) -> None:
        """Write bytes as they are."""
        transport = self._request.transport
        if transport is not None:
            transport.write(data)

    def sent(self, *, close: bool, reset: bool = False) -> web.StreamResponse:
        """What a handler returns that has written everything itself."""
        transport = self._request.transport
        self._hung_up = close
        if transport is not None and reset:
            transport.abort()
        elif transport is not None and close:
            transport.close()
        return _Nothing()


class _Nothing(web.Response):
    """A response that has been sent, or never will be."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing to prepare."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing to write."""
