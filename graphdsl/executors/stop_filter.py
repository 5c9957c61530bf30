"""Stop strings that are looked for here, where a server does not take as many."""

from __future__ import annotations

from collections.abc import Sequence


class StopFilter:
    """Lets a text through up to its first stop string, whatever the pieces it comes in.

    The first is the one that is complete first, as for a server that writes token by token. `hit`
    is true once one was found; nothing after that counts.
    """

    __slots__ = ("_held", "_reach", "_stops", "hit")

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._reach = max(map(len, stops), default=1) - 1
        self._held = ""
        self.hit = False

    def feed(self, piece: str) -> str:
        """What of the text is now certain to stand before every stop string."""
        if self.hit:
            return ""
        text = self._held + piece
        ends = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        if ends:
            self.hit = True
            self._held = ""
            return text[: min(ends)[1]]
        sure = max(0, len(text) - self._reach)
        self._held = text[sure:]
        return text[:sure]

    def rest(self) -> str:
        """What was held back, once the text has ended."""
        held, self._held = self._held, ""
        return held
