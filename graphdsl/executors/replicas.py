"""Several servers with the same model: who gets the next call.

A call goes where the least work is outstanding, but calls with the same beginning of a prompt go
to one server, whose cache then has it, unless that one is clearly busier. A server that fails is
passed over for a while: it would have the least work outstanding, and draw all calls. Where it was
not reached or had no room, the call itself goes on to the next, since nothing was worked on.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from graphdsl.errors import BackendError, Overloaded, RateLimited, Unreachable
from graphdsl.values import Messages

E = TypeVar("E")
T = TypeVar("T")

PREFIX: Final = 1024
"""Characters at the beginning of a prompt that make it one with others."""

BUSIER: Final = 1.5
SLACK: Final = 4
"""Clearly busier: more than so much of the least work outstanding, and so many calls more."""

REST: Final = 2.0
LONGEST_REST: Final = 60.0
"""Seconds for which a server that fails is passed over: at first, and at most."""

_ELSEWHERE: Final = (Unreachable, Overloaded)
"""Failures after which the same call may go to another server."""

SILENT: Final = 3
"""Calls given up one after another from which on a server is passed over."""

_REMEMBERED: Final = 4096


@dataclass(slots=True, eq=False)
class Replica(Generic[E]):
    """One server: `work` is what its running calls may take, in tokens, `unanswered` how many calls
    were given up since it last answered."""

    endpoint: E
    work: int = 0
    failures: int = 0
    unanswered: int = 0
    rests_until: float = 0.0


class Replicas(Generic[E]):
    """The servers of one model, shared by all its calls."""

    def __init__(self, endpoints: Sequence[E], clock: Callable[[], float] = time.monotonic) -> None:
        self._all = [Replica(endpoint) for endpoint in endpoints]
        self._clock = clock
        self._homes: OrderedDict[int, Replica[E]] = OrderedDict()

    @property
    def endpoints(self) -> tuple[E, ...]:
        """All servers, in the order in which they were given."""
        return tuple(replica.endpoint for replica in self._all)

    async def call(self, prefix: str, work: int, send: Callable[[E], Awaitable[T]]) -> T:
        """Send a call to the server that suits it; `work` is in tokens.

        Raises what `send` raises; `Unreachable` and `Overloaded` only when all servers were tried.
        """
        if len(self._all) == 1:
            return await send(self._all[0].endpoint)
        tried: list[Replica[E]] = []
        while True:
            replica = self._pick(prefix, work, tried)
            try:
                return await self._sent(replica, work, send)
            except _ELSEWHERE as error:
                tried.append(replica)
                if error.uncertain or len(tried) == len(self._all):
                    raise

    async def _sent(self, replica: Replica[E], work: int, send: Callable[[E], Awaitable[T]]) -> T:
        replica.work += work
        try:
            result = await send(replica.endpoint)
        except BackendError as error:
            if _ails(error):
                self._rest(replica)
            raise
        except asyncio.CancelledError:
            self._unanswered(replica)
            raise
        finally:
            replica.work -= work
        replica.failures, replica.unanswered, replica.rests_until = 0, 0, 0.0
        return result

    def _rest(self, replica: Replica[E]) -> None:
        """Pass a server over; calls that failed with the one that began it change nothing."""
        now = self._clock()
        if now < replica.rests_until:
            return
        replica.rests_until = now + min(LONGEST_REST, REST * 2.0 ** min(replica.failures, 10))
        replica.failures += 1

    def _unanswered(self, replica: Replica[E]) -> None:
        """A call was given up, for whatever reason: one that hangs gives no other sign."""
        replica.unanswered += 1
        for key in [key for key, home in self._homes.items() if home is replica]:
            del self._homes[key]
        if replica.unanswered >= SILENT:
            self._rest(replica)

    def _pick(self, prefix: str, work: int, tried: Collection[Replica[E]]) -> Replica[E]:
        now = self._clock()
        left = [replica for replica in self._all if replica not in tried]
        awake = [replica for replica in left if replica.rests_until <= now]
        if not awake:
            return min(left, key=lambda replica: replica.rests_until)
        least = min(awake, key=lambda replica: (replica.work, replica.unanswered))
        if not prefix:
            return least
        key = hash(prefix)
        home = self._homes.get(key)
        if home in awake:
            self._homes.move_to_end(key)
            busiest = BUSIER * least.work + SLACK * work
            return home if home.work <= busiest else least
        self._homes[key] = least
        if len(self._homes) > _REMEMBERED:
            self._homes.popitem(last=False)
        return least


def _ails(error: BackendError) -> bool:
    """Whether a failure is the server's: a bad request is not, nor is a limit of the account."""
    if isinstance(error, RateLimited):
        return isinstance(error, Overloaded)
    return error.retryable or isinstance(error, Unreachable)


def prefix_of(messages: Messages) -> str:
    """The beginning of a prompt, as far as it makes calls go to the same server."""
    texts: list[str] = []
    size = 0
    for turn in messages.turns:
        texts.append(turn.content[: PREFIX - size])
        size += len(texts[-1])
        if size >= PREFIX:
            break
    return "\x1e".join(texts)
