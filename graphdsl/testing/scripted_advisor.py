"""A deterministic agent for tests of strategies, and for benchmarks without a model.

>>> import asyncio
>>> advisor = ScriptedAdvisor([{"mixes": [1, 2]}])
>>> asyncio.run(advisor.ask("Which two?", {})), asyncio.run(advisor.ask("And now?", {}))
({'mixes': [1, 2]}, None)
>>> advisor.prompts
['Which two?', 'And now?']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

Script = Callable[[str, Mapping[str, object]], object | None]
"""Gives the reply to a prompt and the schema of its reply; None for no reply."""


@dataclass(slots=True)
class ScriptedAdvisor:
    """An agent that replies from a script: a list of replies, silence after the last one, or a
    function of prompt and schema. `prompts` are all that it was asked."""

    script: Iterable[object | None] | Script
    prompts: list[str] = field(default_factory=list[str])
    _left: Iterator[object | None] | None = None

    async def ask(self, prompt: str, schema: Mapping[str, object]) -> object | None:
        """The next reply. What the script raises is raised."""
        self.prompts.append(prompt)
        if callable(self.script):
            return self.script(prompt, schema)
        if self._left is None:
            self._left = iter(self.script)
        return next(self._left, None)


def toward(target: Mapping[str, str | float], chance: float = 0.9) -> Script:
    """A script that knows where the best graph is, and leads every strategy there.

    It raises the values of `target` to `chance`, proposes the target, and chooses the first mixes.
    Of a target that is the worst graph it makes a hostile agent.
    """
    changes = [{"hole": hole, "value": _text(value)} for hole, value in target.items()]
    edges = [_ends(hole) for hole in target if ".edge." in hole and target[hole] == "on"]
    roles = [
        {"node": int(hole.rsplit(".", 1)[1]), "role": str(value)}
        for hole, value in target.items()
        if ".role." in hole
    ]
    replies: dict[str, Any] = {
        "why": "that is where it is",
        "updates": [{**change, "probability": chance} for change in changes],
        "mixes": [1, 2],
        "guidelines": [f"{one['hole']} is best at {one['value']}" for one in changes[:5]],
        "proposals": [{"changes": changes}],
        "roles": roles,
        "edges": edges,
        "table": [{**edge, "probability": chance} for edge in edges],
    }

    def script(prompt: str, schema: Mapping[str, object]) -> object | None:
        wanted = cast(Mapping[str, object], schema.get("properties", {}))
        return {name: reply for name, reply in replies.items() if name in wanted}

    return script


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _ends(edge: str) -> dict[str, int]:
    source, target = edge.rsplit(".", 2)[1:]
    return {"source": int(source), "target": int(target)}
