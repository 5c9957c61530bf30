"""Expansion by a step: a partial text is continued up to the next separator."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from graphdsl.ir.entities import ModelSpec
from graphdsl.ops.begun import begun, extended
from graphdsl.ops.context import Args, Ask, Context
from graphdsl.ops.trees.endings import answered
from graphdsl.ops.trees.expansion import setting, temperature_of
from graphdsl.ops.trees.path import Path
from graphdsl.values import Draft, Finish, Messages

_AHEAD: Final = 1
"""The sample stream of look-ahead steps."""

BLANKS: Final = 3
"""How many separators a model may write before anything else; many chat models begin with one."""

_NOTHING: Final = "the model wrote nothing"


@dataclass(frozen=True, slots=True)
class Steps:
    """A path ends where the model stops by itself, at an answer (see `answered`), at an empty step,
    or, cut off, at `most` tokens. A step that its own limit cuts is only partial: the next one goes
    on from there. The last of `depth` steps is written to the end.

    Separators at the very beginning end nothing: a path that has no other text goes on after them,
    at most `BLANKS` times. One that comes to its end without any text has failed.
    """

    context: Context
    args: Args
    prompt: Messages
    separator: str
    step_tokens: int
    depth: int
    lookahead: int
    most: int | None

    async def expand(self, path: Path, model: ModelSpec, index: int, *, whole: bool) -> Path:
        """One step further, or without separators to the end."""
        whole = whole or path.depth + 1 >= self.depth
        limit = self._limit(path, whole=whole)
        ask = Ask(
            model,
            begun(self.prompt, path.draft.text),
            index,
            temperature=temperature_of(self.args, model),
            max_tokens=limit,
            stop=() if whole else (self.separator,),
        )
        return self._after(path, await self.context.sample(ask), whole=whole)

    async def look_ahead(self, path: Path, model: ModelSpec, index: int) -> Path | None:
        """Up to `lookahead` steps at temperature 0; fewer where the path ends before."""
        ahead = path
        for _ in range(self.lookahead):
            messages = begun(self.prompt, ahead.draft.text)
            limit = self._limit(ahead, whole=False)
            reply = await self.context.sample(
                Ask(model, messages, index, _AHEAD, 0.0, limit, (self.separator,))
            )
            following = self._after(ahead, reply, whole=False)
            if following.failed:
                break
            ahead = following
            if not ahead.open:
                break
        return None if ahead is path else ahead

    def _limit(self, path: Path, *, whole: bool) -> int | None:
        left = None if self.most is None else self.most - path.draft.usage.completion_tokens
        if whole:
            return left
        return self.step_tokens if left is None else min(self.step_tokens, left)

    def _after(self, path: Path, reply: Draft, *, whole: bool) -> Path:
        """The path with that reply at its end."""
        draft, depth = extended(path.draft, path.draft.text, reply), path.depth + 1
        match reply.finish:
            case Finish.ERROR | Finish.CANCELLED:
                return Path(draft, depth)
            case Finish.STOP:
                return self._ended(draft, depth, reply.text)
            case Finish.STOP_SEQ if (
                whole or answered(self._body(draft.text)) or self._silent(draft, reply)
            ):
                return self._ended(draft, depth, reply.text)
            case Finish.STOP_SEQ:
                draft = replace(draft, text=draft.text + self.separator)
                return self._further(draft, depth, reply.text + self.separator)
            case _:
                return self._further(draft, depth, reply.text, stuck=whole or not reply.text)

    def _further(self, draft: Draft, depth: int, step: str, *, stuck: bool = False) -> Path:
        """A path that goes on, unless it is `stuck` or as long as it may be: then it was cut."""
        spent = self.most is not None and draft.usage.completion_tokens >= self.most
        if stuck or spent or depth >= self.depth:
            text = self._body(draft.text)
            return Path(replace(draft, text=text, finish=Finish.LENGTH), depth, step=step)
        return Path(replace(draft, finish=Finish.STOP_SEQ), depth, open=True, step=step)

    def _ended(self, draft: Draft, depth: int, step: str) -> Path:
        """A path that has come to its end."""
        text = self._body(draft.text)
        if not text.strip():
            failed = replace(draft, text="", finish=Finish.ERROR, error=_NOTHING)
            return Path(failed, depth, step=step)
        return Path(replace(draft, text=text), depth, done=True, step=step)

    def _silent(self, draft: Draft, reply: Draft) -> bool:
        """Whether a step is empty, so that nothing more is to come."""
        if reply.text.strip():
            return False
        return bool(self._body(draft.text)) or draft.text.count(self.separator) >= BLANKS

    def _body(self, text: str) -> str:
        """A text without separators before anything else; nothing where it is blank."""
        leading = re.match(rf"(?:\s*{re.escape(self.separator)})+", text)
        body = text if leading is None else text[leading.end() :]
        return body if body.strip() else ""


def steps_of(context: Context, args: Args, prompt: Messages) -> Steps:
    """Steps with the operator's settings."""
    most = args.get("max_tokens")
    return Steps(
        context,
        args,
        prompt,
        str(setting(args, "separator", "\n\n")),
        int(setting(args, "step_tokens", 256)),
        int(setting(args, "depth", 16)),
        int(setting(args, "lookahead", 0)),
        None if most is None else int(most),
    )
