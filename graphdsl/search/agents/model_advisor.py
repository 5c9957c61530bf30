"""An agent that is a language model: asks it, reads JSON out of its reply, repairs once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from graphdsl.ops.json_values import json_values
from graphdsl.search.agents.json_schema import problems
from graphdsl.search.agents.quoted import quoted
from graphdsl.values import Message, Messages

Sample = Callable[[Messages, Mapping[str, object]], Awaitable[str | None]]
"""Asks the model once; the schema is for backends that can keep to one. None where it failed."""

SYSTEM: Final = "You answer with one JSON object and nothing else."

_LONGEST: Final = 200_000
"""Characters of a reply that are read: the last ones, where a model that thinks answers."""

_ECHO: Final = 4_000
"""Characters of a reply that cannot be used that the model is shown again."""

_VALUES: Final = 100
_SAID: Final = 5
"""Problems that the model is told of."""


@dataclass(frozen=True, slots=True)
class ModelAdvisor:
    """An `Advisor` over a model. `sample` pays for its calls, and raises `Spent` when it cannot.

    >>> import asyncio
    >>> async def sample(messages, schema):
    ...     return 'Sure: {"mixes": [2, 1]}'
    >>> asyncio.run(ModelAdvisor(sample).ask("Which?", {"type": "object"}))
    {'mixes': [2, 1]}
    """

    sample: Sample

    async def ask(self, prompt: str, schema: Mapping[str, object]) -> object | None:
        """The last JSON of the reply that fits the schema. Where none does the model is told what
        is wrong and asked once more; then None. A call that failed is not repeated."""
        turns = (Message("system", SYSTEM), Message("user", prompt))
        text = await self.sample(Messages(turns), schema)
        if text is None:
            return None
        value, wrong = read(text, schema)
        if not wrong:
            return value
        echo = Message("assistant", text[-_ECHO:])
        repair = Message("user", _repair(wrong))
        text = await self.sample(Messages((*turns, echo, repair)), schema)
        if text is None:
            return None
        value, wrong = read(text, schema)
        return None if wrong else value


def read(text: str, schema: Mapping[str, object]) -> tuple[Any, list[str]]:
    """The last JSON object or list in a text that fits a schema, and no problems; else None, and
    what is wrong with the last one there is.

    >>> read("no idea", {"type": "object"})
    (None, ['there is no JSON in the reply'])
    """
    values = [found.value for found in json_values(text[-_LONGEST:])][-_VALUES:]
    if not values:
        return None, ["there is no JSON in the reply"]
    wrong: list[str] = []
    for value in reversed(values):
        found = _some(problems(value, schema))
        if not found:
            return value, []
        wrong = wrong or found
    return None, wrong


def _some(lines: Iterator[str]) -> list[str]:
    return [quoted(line, 200) for line in islice(lines, _SAID)]


def _repair(wrong: list[str]) -> str:
    lines = "\n".join(f"- {line}" for line in wrong)
    return f"That cannot be used:\n{lines}\nReply again, with one JSON object and nothing else."
