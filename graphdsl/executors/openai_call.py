"""One text to be generated: the same call, whole or streamed, on whichever server."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass

from graphdsl.executors.abc import Completion, Sampling
from graphdsl.executors.http_endpoint import HttpEndpoint
from graphdsl.executors.openai_stream import Assembly
from graphdsl.executors.openai_whole import completion_of


@dataclass(frozen=True, slots=True)
class TextCall:
    """A call that gives one completion.

    `data` goes to `path`. `prompt` is for estimates of what a server does not tell, `stops` are
    looked for here, and `repeated` is what a server may put before the text.
    """

    path: str
    data: bytes
    request: Sampling
    prompt: str
    stops: list[str]
    repeated: str = ""

    async def whole(self, endpoint: HttpEndpoint) -> Completion:
        """The completion from a reply in one piece."""
        reply = await endpoint.post(self.path, self.data, self.request.key)
        return completion_of(
            reply, self.request, endpoint.site, self.prompt, self.stops, self.repeated
        )

    async def streamed(self, endpoint: HttpEndpoint) -> Completion:
        """The completion from a stream, which is left where a stop string was found here."""
        assembly = Assembly(self.request, endpoint.site, self.stops, self.repeated)
        stream = endpoint.stream(self.path, self.data, self.request.key)
        async with aclosing(stream) as events:
            async for event in events:
                assembly.take(event)
                if assembly.done:
                    break
        return assembly.completion(self.prompt)
