"""Replies of litellm, which have the form of OpenAI's, and what it says that they cost."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from graphdsl.executors.json_shape import list_of, object_of
from graphdsl.executors.openai_reply import Fields, count, usage_of
from graphdsl.values import PICO, Usage


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as JSON, and its cost in 1e-12 USD; None where litellm knows no price."""

    fields: Fields
    cost: int | None

    def usage(self, prompt: str, text: str) -> Usage:
        """Tokens as the provider counts them, else estimated from the texts; with the cost."""
        return replace(usage_of(self.fields.get("usage"), prompt, text), cost=self.cost)

    def without(self, prefix: str) -> Reply:
        """The same reply, whose text does not begin with what it continues."""
        choices = list_of(self.fields.get("choices"))
        message = object_of((object_of(choices[0]) or {}).get("message")) if choices else None
        if message is not None and isinstance(text := message.get("content"), str):
            message["content"] = text.removeprefix(prefix)
        return self


def reply_of(response: Any, *, elsewhere: bool) -> Reply:
    """What litellm gave. `elsewhere`: not at the provider's own address, where it knows prices."""
    fields: dict[str, Any] = response.model_dump(warnings=False)
    usage = object_of(fields.get("usage")) or {}
    told = count(usage.get("prompt_tokens")) or count(usage.get("completion_tokens"))
    if not told:  # litellm writes zeros where the provider does not count
        fields["usage"] = None
    return Reply(fields, None if elsewhere or not told else _cost(response))


def _cost(response: Any) -> int | None:
    hidden: Any = getattr(response, "_hidden_params", None)
    dollars = hidden.get("response_cost") if isinstance(hidden, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if isinstance(dollars, bool) or not isinstance(dollars, int | float):
        return None
    return round(dollars * PICO) if math.isfinite(dollars) and dollars >= 0 else None
