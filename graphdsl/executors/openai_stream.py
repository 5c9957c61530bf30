"""One streamed completion: pieces in, a `Completion` out."""

from __future__ import annotations

from typing import Final

from graphdsl.errors import BackendError, BrokenReply
from graphdsl.executors.abc import Completion, Sampling
from graphdsl.executors.http_errors import Site
from graphdsl.executors.json_shape import list_of, object_of
from graphdsl.executors.openai_reply import (
    Fields,
    count,
    ends_known,
    finish_of,
    message_text,
    parsed,
    plain_text,
    stats,
    token_logprobs,
    usage_of,
    whole,
)
from graphdsl.executors.stop_filter import StopFilter
from graphdsl.values import Finish


class Assembly:
    """Puts the pieces of a reply together, tells the listener, and keeps the meter.

    `stops` are looked for here; `done` is true once one of them was found.
    """

    def __init__(self, request: Sampling, site: Site, stops: list[str], prefix: str) -> None:
        self.done = False
        self._request = request
        self._site = site
        self._filter = StopFilter(stops) if stops else None
        self._prefix = PrefixFilter(prefix)
        self._texts: list[str] = []
        self._logprobs: list[float] = []
        self._usage: Fields | None = None
        self._finish: Finish | None = None
        self._known = False
        self._pieces = 0

    def take(self, event: bytes) -> None:
        """One event. Raises `BackendError` when it is, or reports, a failure."""
        try:
            self._take(parsed(event, self._site))
        except BackendError as error:
            error.uncertain = error.uncertain or self._pieces > 0  # it has begun to write
            raise

    def _take(self, chunk: Fields) -> None:
        self._usage = object_of(chunk.get("usage")) or self._usage
        choices = list_of(chunk.get("choices"))
        if choices and (choice := object_of(choices[0])):
            self._choice(choice)
        self._count()

    def completion(self, prompt: str) -> Completion:
        """The whole reply. Raises `BrokenReply` when the stream ended before it did."""
        stopped = self._filter is not None and self._filter.hit
        if self._finish is None and not stopped:
            raise BrokenReply(
                f"the stream of {self._site.who} ended before its reply did",
                model=self._site.model,
            )
        self._emit(self._prefix.rest())
        if self._filter is not None:
            self._tell(self._filter.rest())
        text = whole("".join(self._texts))
        return Completion(
            text,
            Finish.STOP_SEQ if stopped else self._finish or Finish.STOP,
            usage_of(self._spent(), prompt, text),
            stats(self._logprobs) if self._request.logprobs and self._logprobs else None,
            self._known or stopped,
        )

    def _choice(self, choice: Fields) -> None:
        delta = choice.get("delta", choice.get("message"))  # a server that does not stream
        text = plain_text(choice, self._site) if delta is None else message_text(delta, self._site)
        if self._request.logprobs:
            self._logprobs += token_logprobs(choice)
        if text:
            self._pieces += 1
            self._emit(self._prefix.feed(text))
        finish = finish_of(choice, self._site)
        if finish is not None:
            self._finish, self._known = finish, ends_known(choice)

    def _emit(self, text: str) -> None:
        if self._filter is not None and text:
            text = self._filter.feed(text)
            self.done = self.done or self._filter.hit
        self._tell(text)

    def _tell(self, text: str) -> None:
        if text:
            self._texts.append(text)
            if self._request.listener is not None:
                self._request.listener(text)

    def _count(self) -> None:
        """What has been spent so far, for a call that is cut off now."""
        meter = self._request.meter
        if meter is None:
            return
        usage = self._usage or {}
        meter.prompt_tokens = count(usage.get("prompt_tokens")) or meter.prompt_tokens
        told = count(usage.get("completion_tokens"))
        meter.completion_tokens = self._pieces if told is None else told

    def _spent(self) -> Fields | None:
        """The last usage; where none came, pieces stand for tokens."""
        if self._usage is None and self._pieces:
            return {"completion_tokens": self._pieces}
        return self._usage


class PrefixFilter:
    """Takes a text off the beginning of a reply, where a server repeats what it continues.

    Only the whole of it counts, and only when it is too long to come again by chance.
    """

    __slots__ = ("_held", "_prefix")

    _SHORT: Final = 8

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix if len(prefix) >= self._SHORT else ""
        self._held = ""

    def feed(self, piece: str) -> str:
        """What of the reply may be shown now."""
        if not self._prefix:
            return piece
        text = self._held + piece
        if len(text) < len(self._prefix) and self._prefix.startswith(text):
            self._held = text
            return ""
        text = text.removeprefix(self._prefix)
        self._prefix, self._held = "", ""
        return text

    def rest(self) -> str:
        """What was held back, once the reply has ended."""
        held, self._held, self._prefix = self._held, "", ""
        return held
