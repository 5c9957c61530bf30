"""A key in memory: it can be sent, and does not show itself anywhere else."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """A value that no repr, text, comparison or pickle gives away; `reveal` is for the sender."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, to be put into a header and nowhere else."""
        return self._value

    def redact(self, text: str) -> str:
        """The text without the value, for messages that come from elsewhere."""
        return text.replace(self._value, "***") if self._value else text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")
