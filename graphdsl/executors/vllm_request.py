"""What vLLM wants to be different in a request, whichever way it is reached."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from graphdsl.errors import BackendError
from graphdsl.executors.abc import Sampling
from graphdsl.executors.json_shape import list_of, object_of
from graphdsl.executors.llama_request import Control, control_pattern, data, turns
from graphdsl.ops.neutral import neutralise
from graphdsl.values import Message, Messages

_LEAST_MASS: Final = 1e-6
"""For `top_p` 0, which vLLM refuses: only the likeliest token is left."""

R = TypeVar("R", bound=Sampling)


def accepted(request: R, context: int | None) -> R:
    """The same request with numbers that vLLM takes: a reply is no longer than the context."""
    if context is not None and request.max_tokens is not None and request.max_tokens > context:
        request = replace(request, max_tokens=context)
    if request.top_p is not None and request.top_p < _LEAST_MASS:
        request = replace(request, top_p=_LEAST_MASS)
    return request


def no_text(model: str) -> BackendError:
    """The error for a chat with a model that has been started to embed or to score."""
    return BackendError(f"`{model}` generates no text: it embeds or scores", model=model)


def as_data(messages: Messages, control: Control) -> Messages:
    """The same turns with the control strings in them broken; itself where there are none.

    Where those of the tokenizer are not known, the usual ones are broken.
    """
    found = tuple(Message(turn.role, _broken(turn.content, control)) for turn in messages.turns)
    return messages if found == messages.turns else Messages(found)


def conversation(messages: Messages) -> dict[str, Any]:
    """The turns as the chat template takes them, and whether it goes on with the last one."""
    found = turns(messages, None)
    if found and found[-1]["role"] == "assistant":
        return {"messages": found, "continue_final_message": True, "add_generation_prompt": False}
    return {"messages": found, "add_generation_prompt": True}


def joined(found: Sequence[Mapping[str, str]]) -> str:
    """All that the turns say."""
    return "".join(turn["content"] for turn in found)


def control_of(folder: Path) -> Control:
    """The control strings of the tokenizer in a folder of Hugging Face weights, if it has some."""
    try:
        fields = object_of(json.loads((folder / "tokenizer.json").read_bytes())) or {}
    except (OSError, ValueError, RecursionError):
        return None
    added = [object_of(entry) or {} for entry in list_of(fields.get("added_tokens"))]
    special = [entry.get("content") for entry in added if entry.get("special")]
    return control_pattern(cast("list[str]", [text for text in special if text]))


def _broken(text: str, control: Control) -> str:
    if control is None:
        return neutralise(text) if "<" in text or "[" in text else text
    return data(text, control)
